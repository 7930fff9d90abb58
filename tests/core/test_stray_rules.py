"""The rules about strays: what one bars, who writes it down, when it is gone, and what may never be decided."""

from dataclasses import replace

import pytest

from core.clusters import (
    NOW,
    cluster,
    committed,
    lost,
    moving,
    order,
    place,
    proven,
    record,
    session,
    spec,
    web,
    written,
)
from core.dialogue import ask, told
from core.talk import Talk, becomes, only
from stanchion.model import actions as a
from stanchion.model import events as e
from stanchion.model.cluster import ClusterView, Key, Kind, ProofKind
from stanchion.model.errors import BrokenInvariant
from stanchion.model.history import Severity
from stanchion.model.ids import NOTHING, NodeName, ResourceName
from stanchion.model.orders import Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import Machine, MachineKind, ResourceSpec, Script, Scripts
from stanchion.model.state import Phase, Presence, ResourceState, State
from stanchion.model.storage import InUse
from stanchion.model.stray import Sighting, Stray
from stanchion.model.transaction import Guard, Put, Transaction
from stanchion.plan import orders, strays
from stanchion.plan.change import step
from stanchion.plan.invariants import check
from stanchion.plan.node import held_here
from stanchion.plan.planner import decide
from stanchion.plan.sessions import given_back

WEB, B, C = ResourceName("web"), NodeName("b"), NodeName("c")
RUNNING, ABSENT, UNKNOWN = ((presence, "seen") for presence in (Presence.RUNNING, Presence.ABSENT, Presence.UNKNOWN))


def astray(*nodes: str, name: str = "web") -> Stray:
    """Give the record of a resource that runs on these nodes, seen in their first life."""
    return Stray(resource=name, sightings=tuple(
        Sighting(node=node, session=f"{node}1", since_s=7.0, text="seen") for node in nodes))


def swept(view: ClusterView, found: tuple[Presence, str], node: str = "c") -> list[Transaction]:
    """Let a node look round and find web so."""
    return list(strays.sighted(view, session(view, node), {WEB: found}, NOW))


def seen_after(view: ClusterView, found: tuple[Presence, str], node: str = "c") -> tuple[str, ...]:
    """Name the nodes on record after a look round."""
    for change in swept(view, found, node):
        view = written(view, *(put.record for put in change.puts))
        if change.deletes:
            return ()
    held = view.strays.get(WEB)
    return () if held is None else tuple(seen.node for seen in held.value.sightings)


@pytest.mark.parametrize(("state", "node", "barred"), [
    (record(State.OFFLINE, None), "a", True), (record(State.OFFLINE, None), "b", True),
    (record(State.OFFLINE, None), "c", False), (record(State.UNASSIGNED, None), "c", False),
    (record(node="a"), "b", True), (record(node="a"), "c", True), (record(node="c"), "b", False),
    (record(State.COMATOSE, "a", session=None), "c", False), (moving(Phase.IN, "a", "c"), "b", False),
])
def test_it_bars_every_other_node_and_its_own_while_somebody_holds_the_resource(state: ResourceState, node: str, *,
                                                                               barred: bool) -> None:
    why = strays.bar(cluster(spec(), state, astray("c")), WEB, NodeName(node))

    assert why == (reason(Why.NODE_STRAY, node, "web", "c") if barred else None)


def test_two_strays_bar_each_other() -> None:
    view = cluster(spec(), record(State.OFFLINE, None), astray("b", "c"))

    assert strays.bar(view, WEB, B) == reason(Why.NODE_STRAY, "b", "web", "c")
    assert strays.bar(view, WEB, C) == reason(Why.NODE_STRAY, "c", "web", "b")
    assert strays.astray_on(view, B) == ("web",)


def test_what_runs_where_nobody_sent_it_is_written_down_once_as_critical() -> None:
    view = cluster(spec(), record())
    (change,) = swept(view, RUNNING)

    assert change.puts == (Put(Stray(resource="web", sightings=(
        Sighting(node="c", session="c1", since_s=NOW.wall_s, text="seen"),))),)
    assert [(entry.reason.why, entry.severity, entry.node, entry.resource) for entry in change.history] == [
        (Why.STRAY_SEEN, Severity.CRITICAL, "c", "web")]
    assert {guard.key.kind for guard in change.guards} == {Kind.STRAY, Kind.LIVE, Kind.STATE}
    assert swept(cluster(spec(), record(), astray("c")), RUNNING) == []


def test_a_later_life_of_the_node_takes_the_sighting_over_without_a_line() -> None:
    (change,) = swept(cluster(spec(), record(), astray("c"), second="c"), RUNNING)

    (put,) = change.puts
    assert isinstance(put.record, Stray)
    assert [(seen.session, seen.since_s) for seen in put.record.sightings] == [("c2", 7.0)]
    assert change.history == ()


@pytest.mark.parametrize(("state", "found", "why"), [
    (record(), ABSENT, Why.STRAY_GONE), (record(node="c"), RUNNING, Why.STRAY_OURS),
    (record(node="c"), UNKNOWN, Why.STRAY_GONE)])
def test_it_is_over_when_the_machine_is_gone_or_belongs_there(state: ResourceState, found: tuple[Presence, str],
                                                              why: Why) -> None:
    (change,) = swept(cluster(spec(), state, astray("c")), found)

    assert change.deletes == (Key(Kind.STRAY, "web"),)
    assert [entry.reason.why for entry in change.history] == [why]


def test_what_cannot_be_seen_stays_what_it_was() -> None:
    assert seen_after(cluster(spec(), record(), astray("c")), UNKNOWN) == ("c",)
    assert seen_after(cluster(spec(), record()), UNKNOWN) == ()


def test_each_node_writes_about_itself_alone() -> None:
    view = cluster(spec(), record(), astray("b"))

    assert seen_after(view, RUNNING, "c") == ("b", "c")
    assert seen_after(written(view, astray("b", "c")), ABSENT, "c") == ("b",)
    assert swept(lost(view, "c"), RUNNING) == [], "a node that is no member writes nothing"


def test_a_machine_that_only_a_script_can_tell_of_is_not_looked_for() -> None:
    view = cluster(spec(visible=False), spec("db"), record())

    assert [found.name for found in strays.sought(view)] == ["db"]
    assert seen_after(view, RUNNING) == ()
    assert seen_after(cluster(spec(visible=False), record(), astray("c")), UNKNOWN) == (), "and forgotten"


@pytest.mark.parametrize("kind", ProofKind)
def test_a_host_that_is_proven_to_run_nothing_runs_no_strays(kind: ProofKind) -> None:
    view = lost(cluster(spec(preferred="b"), record(), astray("b", "c")), "c", proven("c", kind=kind))
    whys = [decision.why.why for decision in decide(view, session(view), NOW)]
    assert Why.STRAY_PROVEN in whys
    (decision,) = strays.judge(view, session(view), NOW)
    assert [seen.node for seen in strays.places(committed(view, decision), WEB)] == ["b"]


def test_an_ended_lease_alone_takes_nothing_away() -> None:
    view = lost(cluster(spec(), record(), astray("c"), unprotected="c"), "c")

    assert strays.judge(view, session(view), NOW) == ()
    assert orders.refusal(view, order(Verb.CONFIRM_DOWN, node="c")) is None


def test_the_stray_of_a_deleted_resource_is_forgotten() -> None:
    (decision,) = strays.judge(cluster(astray("c")), session(cluster()), NOW)

    assert decision.why.why is Why.DELETED
    assert (Key(Kind.SPEC, WEB), NOTHING) in [(each.key, each.revision) for each in decision.transaction.guards], (
        "made anew in this moment, it is astray as before")


def test_nothing_fails_over_past_a_stray_but_where_it_runs_it_is_taken_up() -> None:
    gone = lost(cluster(spec(preferred="ab"), record(), astray("c")), "a", proven("a"))
    assert place(web(gone)) == (State.UNASSIGNED, "a")
    listed = lost(cluster(spec(preferred="abc"), record(), astray("c")), "a", proven("a"))
    assert place(web(listed)) == (State.LOADING, "c")


def test_every_decision_about_a_resource_rests_on_what_is_known_of_its_strays() -> None:
    for records, guard in (((), 0), ((astray("c"),), None)):
        view = cluster(spec(preferred="c"), record(State.UNASSIGNED, None), *records)
        (decision,) = decide(view, session(view), NOW)
        revision = view.strays[WEB].revision if guard is None else guard
        assert Guard(Key(Kind.STRAY, "web"), revision) in decision.transaction.guards


@pytest.mark.parametrize(("before", "event"), [
    (record(State.OFFLINE, None), e.Placed(node="b", operation="x", why=reason(Why.NODE_CAME, "b"))),
    (record(), e.MoveOrdered(target="b", live=True, operation="x", why=reason(Why.MIGRATE_ASKED, "root", "b"))),
])
def test_a_start_elsewhere_is_a_broken_invariant(before: ResourceState, event: e.Event) -> None:
    view = cluster(spec(live=True), before, astray("c"))
    decision = step(view.states["web"], event, NOW, by="a")

    with pytest.raises(BrokenInvariant, match="while it runs on c, where nobody sent it"):
        check(view, decision)
    check(cluster(spec(live=True), before), decision)


def test_a_load_that_nobody_began_is_given_back_and_one_that_began_goes_on() -> None:
    unbegun = record(State.LOADING, session=None)

    assert told(ask(unbegun, records=(astray("c"),))) == (e.NoNode, Why.NO_NODE)
    assert told(ask(unbegun, records=(astray("a"),)))[0] is e.Claimed
    assert isinstance(ask(record(State.LOADING), records=(astray("c"),)), a.Look)


def test_a_claim_that_a_stray_refused_is_thought_over_when_the_stray_is_seen() -> None:
    talk = Talk(spec(), record(State.LOADING, session=None))
    claim = only(talk.see(), a.Commit)
    assert talk.answers(claim, written=False) == []

    given_up = only(talk.see(astray("c")), a.Commit)

    assert becomes(given_up).state is State.UNASSIGNED


def test_a_stray_counts_as_held_where_it_runs() -> None:
    """It is halted with all else when the node loses the cluster, and keeps its session from being given back."""
    view = cluster(spec(), record(), astray("c"))

    assert [held.name for held in held_here(view, C)] == ["web"]
    assert given_back(view, session(view, "c"), NOW, leaving=False) is None


def test_a_node_that_is_cut_off_looks_for_everything_that_it_does_not_hold() -> None:
    talk = Talk(spec(), spec("db"), spec("mail", visible=False), record(), record(node="b", name="db"),
                record(node="b", name="mail"))
    talk.see()

    halt = only(talk.tell(a.CutOff()), a.HaltAll)

    assert isinstance(halt, a.HaltAll)
    assert ([held.name for held in halt.specs], [held.name for held in halt.others]) == (["web"], ["db"])


TAKES = Scripts(load=Script(text="vgchange -a ey vg"), unload=Script(text="true"))


def taking(*names: str) -> list[ResourceSpec]:
    """Make resources that all take the volume group vg."""
    return [replace(spec(), name=ResourceName(name), scripts=TAKES,
                    machine=Machine(kind=MachineKind.LIBVIRT, name=name)) for name in names]


def test_storage_is_in_use_by_right_where_any_resource_is_held_that_takes_it() -> None:
    """Two that take the same are not saved any more, but may stand in a store from before."""
    here = InUse(volumes=("vg/data", "other/data"))
    view = cluster(*taking("web", "db"), record(node="b"), record(State.OFFLINE, None, name="db"))

    assert strays.astray_storage(view, B, here) == {"web": "", "db": ""}
    assert strays.astray_storage(view, C, here) == {"web": "vg/data is active", "db": "vg/data is active"}


@pytest.mark.parametrize(("machine", "stored", "before", "after"), [
    (ABSENT, {WEB: "vg/data is active"}, None, (False, "vg/data is active")),
    (RUNNING, {WEB: "vg/data is active"}, None, (True, "seen")),
    (UNKNOWN, {WEB: "vg/data is active"}, None, None),
    (ABSENT, None, (False, "as before"), (False, "as before")),
    (ABSENT, None, (True, "as before"), None),
    (ABSENT, {WEB: ""}, (False, "as before"), None),
    (ABSENT, {WEB: "more is active"}, (False, "as before"), (False, "more is active")),
])
def test_what_is_found_of_a_machine_and_of_its_storage_is_one_sighting(
    machine: tuple[Presence, str], stored: dict[ResourceName, str] | None, before: tuple[bool, str] | None,
    after: tuple[bool, str] | None,
) -> None:
    view = cluster(*taking("web"), record(State.OFFLINE, None))
    if before is not None:
        view = written(view, Stray(resource=WEB, sightings=(
            Sighting(node=C, session=session(view, "c").id, since_s=7.0, machine=before[0], text=before[1]),)))
    for change in strays.sighted(view, session(view, "c"), {WEB: machine}, NOW, stored=stored):
        view = written(view, *(put.record for put in change.puts))
        if change.deletes:
            view = cluster(*taking("web"), record(State.OFFLINE, None))

    seen = [(each.machine, each.text) for each in strays.places(view, WEB)]
    assert seen == ([] if after is None else [after])


def test_a_resource_that_takes_no_storage_any_more_has_none_astray() -> None:
    view = cluster(spec(), record(State.OFFLINE, None))
    view = written(view, Stray(resource=WEB, sightings=(
        Sighting(node=C, session=session(view, "c").id, since_s=7.0, machine=False, text="vg/data is active"),)))

    (change,) = strays.sighted(view, session(view, "c"), {WEB: ABSENT}, NOW, stored={})

    assert change.deletes == (Key(Kind.STRAY, "web"),)
