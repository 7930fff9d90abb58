"""What the master does by itself, as tables: fail over, fail back, empty a node; and what it leaves alone."""

from dataclasses import replace

import pytest

from core.clusters import (
    NOW,
    apart,
    cluster,
    later,
    lost,
    moving,
    node_records,
    place,
    proven,
    record,
    settled,
    spec,
    web,
    written,
)
from stanchion.model.cluster import ProofKind, Settings
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.resource import FailbackMode, FailoverMode
from stanchion.model.state import AlertKind, Mark, Move, Phase, ResourceState, State

# Failover.

@pytest.mark.parametrize("kind", ProofKind)
def test_any_proof_lets_the_next_preferred_node_load(kind: ProofKind) -> None:
    view = lost(cluster(spec(preferred="bca"), record(node="b")), "b", proven("b", kind=kind, by="root"))

    after = web(view)

    assert place(after) == (State.LOADING, "c")
    assert (after.reason.why, after.session, after.moves) == (Why.FAILOVER, None, (NOW.wall_s,))


def test_a_lease_that_ran_out_is_a_proof_where_a_self_fence_was_armed() -> None:
    view = settled(lost(cluster(spec(), record(node="b")), "b"))

    assert view.proofs["b1"].value.kind is ProofKind.EXPIRED
    assert place(web(view)) == (State.LOADING, "a")


def test_without_a_proof_nothing_is_ever_started_elsewhere() -> None:
    view = lost(cluster(spec(), record(node="b"), unprotected="b"), "b")

    assert settled(view, later(1e6)).states["web"].value == record(node="b")


@pytest.mark.parametrize(("before", "after"), [
    (record(State.LOADING, "b"), (State.LOADING, "a")),
    (record(State.LOADING, "b", session=None), (State.LOADING, "a")),
    (record(State.RUNNING, "b"), (State.LOADING, "a")),
    (record(State.UNLOADING, "b"), (State.OFFLINE, "b")),
    (record(State.UNLOADING, "b", move=Move(target="c", live=False, phase=Phase.OUT, why=reason(Why.FAILBACK, "c"))),
     (State.LOADING, "a")),
    (record(State.COMATOSE, "b"), (State.COMATOSE, "b")),
    (record(State.ALERT, "b", alert=AlertKind.FAILBACK, session="b1"), (State.LOADING, "a")),
    (record(State.OFFLINE, "b"), (State.OFFLINE, "b")),
])
def test_what_a_lost_node_held(before: ResourceState, after: tuple[State, str]) -> None:
    assert place(web(lost(cluster(spec(), before), "b"))) == after


def test_a_comatose_resource_of_a_lost_node_is_held_by_nobody_any_more() -> None:
    before = record(State.COMATOSE, "b", reason=reason(Why.UNLOAD_TIMEOUT, 600))

    after = web(lost(cluster(spec(), before), "b"))

    assert (after.session, after.reason) == (None, before.reason)


def test_what_nobody_claimed_needs_no_proof() -> None:
    """It was never begun."""
    view = lost(cluster(spec(), record(State.LOADING, "b", session=None), unprotected="b"), "b")

    after = web(view)

    assert (place(after), after.early_losses) == ((State.LOADING, "a"), 0)


def test_a_node_that_is_back_is_asked_before_it_is_judged() -> None:
    """Its agent was restarted, nothing is proven: it adopts what it finds."""
    assert web(cluster(spec(), record(node="b"), second="b")) == record(node="b")


@pytest.mark.parametrize(("preferred", "node"), [("bc", "c"), ("b", "b"), ("", "a")])
def test_the_lost_node_comes_last_even_if_it_is_back(preferred: str, node: str) -> None:
    view = cluster(spec(preferred=preferred), record(node="b"), proven("b", kind=ProofKind.RESET), second="b")

    assert place(web(view)) == (State.LOADING, node)


def test_a_proof_of_the_last_life_covers_the_lives_before() -> None:
    """The last one may not have had the time to claim what an earlier one held."""
    view = cluster(spec(), record(node="b"), proven("b", "b2", kind=ProofKind.CONFIRMED, by="root"),
                   second="b", dead="b", unprotected="b")

    assert place(web(view)) == (State.LOADING, "a")
    assert web(view).reason == reason(Why.FAILOVER, "b", "root stated that b is down")


def test_with_no_other_node_it_waits_and_starts_when_one_comes() -> None:
    view = settled(lost(cluster(spec(preferred="bc"), record(node="b"), dead="c"), "b"))
    assert place(web(view)) == (State.UNASSIGNED, "b")
    assert "b is not a member now; c is not a member now" in web(view).reason.operands[0]

    after = web(written(view, *node_records("c")))

    assert (place(after), after.reason) == ((State.LOADING, "c"), reason(Why.NODE_CAME, "c"))


@pytest.mark.parametrize(("before", "after"), [
    (record(node="b"), State.ALERT),
    (record(State.LOADING, "b"), State.ALERT),
    (record(State.LOADING, "b", session=None), State.LOADING),
    (record(node="b", reason=reason(Why.MONITOR_REBOOT, 3, 600, "b", "code 7")), State.LOADING),
])
def test_manual_failover_asks_but_not_for_what_was_never_begun_or_what_reset_its_host(
        before: ResourceState, after: State) -> None:
    manual = spec(preferred="bca", failover=FailoverMode.MANUAL)

    found = web(lost(cluster(manual, before), "b"))

    assert place(found) == (after, "c")
    assert found.alert is (AlertKind.FAILOVER if after is State.ALERT else None)


def test_an_alert_follows_the_world() -> None:
    manual = spec(preferred="bca", failover=FailoverMode.MANUAL)
    view = settled(lost(cluster(manual, record(node="b")), "b"))
    assert web(view).reason == reason(Why.FAILOVER_MANUAL, "b", "c")

    view = settled(lost(view, "c"))

    assert (web(view).node, web(view).reason) == ("a", reason(Why.FAILOVER_MANUAL, "b", "a"))


@pytest.mark.parametrize(("state", "ago_s", "losses", "after", "count"), [
    (State.RUNNING, 30, 0, State.LOADING, 1),
    (State.RUNNING, 30, 1, State.COMATOSE, 1),
    (State.RUNNING, 61, 1, State.LOADING, 0),
    (State.RUNNING, -30, 1, State.LOADING, 0),
    (State.LOADING, 999, 0, State.LOADING, 1),
    (State.LOADING, 999, 1, State.COMATOSE, 1),
])
def test_a_resource_that_kills_its_hosts_is_left_alone(state: State, ago_s: float, losses: int, after: State,
                                                       count: int) -> None:
    """A host lost while it loads, or within a minute after, counts; the second time in a row is the last."""
    before = record(state, "b", since_s=NOW.wall_s - ago_s, early_losses=losses)

    found = web(lost(cluster(spec(), before), "b"))

    assert (found.state, found.early_losses) == (after, count)
    assert (found.reason == reason(Why.POISONOUS, 2)) is (after is State.COMATOSE)


def test_failover_is_never_held_back_by_the_budget() -> None:
    before = record(node="b", moves=(NOW.wall_s,) * 6)

    assert place(web(lost(cluster(spec(), before), "b"))) == (State.LOADING, "a")


# Moves whose nodes are lost.

KEPT = None


@pytest.mark.parametrize(("phase", "gone", "after"), [
    (Phase.PREPARE, "a", (State.LOADING, "b")), (Phase.PREPARE, "b", (State.RUNNING, "a")),
    (Phase.PREPARE, "ab", (State.LOADING, "c")),
    (Phase.OUT, "a", (State.LOADING, "b")), (Phase.OUT, "b", KEPT), (Phase.OUT, "ab", (State.LOADING, "c")),
    (Phase.IN, "a", KEPT), (Phase.IN, "b", (State.LOADING, "a")), (Phase.IN, "ab", (State.LOADING, "c")),
    (Phase.ABORT, "a", (State.LOADING, "b")), (Phase.ABORT, "b", (State.RUNNING, "a")),
    (Phase.ABORT, "ab", (State.LOADING, "c")),
])
@pytest.mark.parametrize("is_proven", [True, False])
def test_a_move_that_lost_a_node(phase: Phase, gone: str, after: tuple[State, str] | None, *, is_proven: bool) -> None:
    """What counts is where the machine may be: before it left, on the source; after, on the target."""
    before = moving(phase)
    view = cluster(spec(live=True), before, unprotected="" if is_proven else gone)
    for node in gone:
        view = lost(view, node)

    found = web(view)

    if phase is Phase.PREPARE and gone == "b" and not is_proven:
        assert place(found) == (State.RUNNING, "a"), "the target began nothing yet, so there is nothing to prove"
    elif is_proven and after is not KEPT:
        assert place(found) == after
    else:
        assert found == before


def test_where_the_source_died_while_sending_the_target_keeps_its_claim() -> None:
    """The machine may run there already: even a target that is leaving, or that is lost next, needs a proof."""
    view = lost(cluster(spec(live=True), moving(Phase.OUT), left="b", unprotected="b"), "a")
    view = settled(view)
    assert (place(web(view)), web(view).session) == ((State.LOADING, "b"), "b1")

    assert place(web(lost(view, "b"))) == (State.LOADING, "b")
    assert place(web(lost(view, "b", proven("b")))) == (State.LOADING, "c")


def test_a_target_that_is_back_in_a_new_life_does_not_get_what_its_old_one_lost() -> None:
    view = cluster(spec(live=True), moving(Phase.IN), proven("b", kind=ProofKind.RESET), second="b")

    assert place(web(view)) == (State.LOADING, "a")
    assert web(view).reason == reason(Why.TARGET_LOST, "b")


# Failback.

AWAY = {"node": "b", "settled_for": "a1"}
HOME = record(**AWAY)


@pytest.mark.parametrize(("policies", "before", "second", "after", "alert"), [
    ({}, HOME, "a", State.RUNNING, None),
    ({"failback": FailbackMode.AUTO}, HOME, "a", State.UNLOADING, None),
    ({"failback": FailbackMode.AUTO}, HOME, "", State.RUNNING, None),
    ({"failback": FailbackMode.AUTO}, replace(HOME, marks=(Mark.MOVED_BY_MONITOR,)), "a", State.RUNNING, None),
    ({"failback": FailbackMode.AUTO}, replace(HOME, moves=(NOW.wall_s - 60,) * 6), "a", State.RUNNING, None),
    ({"failback": FailbackMode.AUTO}, replace(HOME, moves=(NOW.wall_s - 3600,) * 6), "a", State.UNLOADING, None),
    ({"failback": FailbackMode.AUTO, "failback_live": True}, HOME, "a", State.MIGRATING, None),
    ({"failback": FailbackMode.MANUAL}, HOME, "a", State.ALERT, AlertKind.FAILBACK),
    ({"failback": FailbackMode.AUTO}, replace(HOME, node="a", session="a1"), "", State.RUNNING, None),
])
def test_failback(policies: dict[str, object], before: ResourceState, second: str, after: State,
                  alert: AlertKind | None) -> None:
    found = web(cluster(spec(preferred="abc", live=True, **policies), before, second=second))

    assert (found.state, found.alert, found.node) == (after, alert, before.node)
    if after in {State.UNLOADING, State.MIGRATING}:
        assert found.move is not None
        assert found.move.target == "a"
        assert found.settled_for == "a2", "the same coming is not answered twice"


def test_failback_waits_until_the_first_node_may_hold_it() -> None:
    auto = spec(preferred="abc", failback=FailbackMode.AUTO)
    for words in ({"dead": "a", "master": "b"}, {"left": "a"}):
        assert web(cluster(auto, HOME, second="a", **words)).state is State.RUNNING


def test_a_failback_alert_asks_once_for_each_coming() -> None:
    manual = spec(preferred="abc", failback=FailbackMode.MANUAL)
    asked = settled(cluster(manual, HOME, second="a"))
    assert web(asked).settled_for == "a2"

    again = settled(written(asked, *node_records("a", life=3)))

    assert (web(again).alert, web(again).settled_for) == (AlertKind.FAILBACK, "a3")


# Following the master.

def test_what_follows_the_master_moves_with_it_and_fails_over_to_it() -> None:
    follower = spec(follows_master=True)

    moved = web(cluster(follower, record(node="b")))
    assert (moved.state, moved.move and moved.move.target, moved.reason) == (
        State.UNLOADING, "a", reason(Why.FOLLOWS_MASTER, "a"))
    assert place(web(lost(cluster(follower, record()), "a"))) == (State.LOADING, "b")
    assert web(cluster(follower, record())) == record()


def test_it_stays_where_the_master_may_not_hold_it() -> None:
    assert web(cluster(spec(follows_master=True, preferred="bc"), record(node="b"))) == record(node="b")


# Emptying a node.

def emptied(before: ResourceState, *, live: bool = False, preferred: str = "bac", dead: str = "") -> ResourceState:
    """Judge what node ``b`` holds while it is leaving."""
    return web(cluster(spec(live=live, preferred=preferred), before, left="b", dead=dead))


@pytest.mark.parametrize(("live", "why", "after", "target"), [
    (True, Why.ONLINE_ASKED, State.MIGRATING, "a"), (False, Why.ONLINE_ASKED, State.UNLOADING, "a"),
    (True, Why.MIGRATE_FAILED, State.UNLOADING, "a"), (True, Why.PREFLIGHT_FAILED, State.UNLOADING, "a")])
def test_a_leaving_node_is_emptied_live_where_that_works(why: Why, after: State, target: str, *, live: bool) -> None:
    found = emptied(record(node="b", reason=Reason(why)), live=live)

    assert (found.state, found.move and found.move.target, found.reason) == (
        after, target, reason(Why.NODE_LEAVES, "b"))


def test_what_no_other_node_can_take_is_unloaded_and_waits() -> None:
    found = emptied(record(node="b"), preferred="b")
    assert (found.state, found.move and found.move.target) == (State.UNLOADING, "b")

    assert emptied(record(State.LOADING, "b", session=None), preferred="b").state is State.UNASSIGNED


def test_a_load_that_was_not_begun_on_a_leaving_node_goes_elsewhere() -> None:
    found = emptied(record(State.LOADING, "b", session=None))

    assert (place(found), found.reason) == ((State.LOADING, "a"), reason(Why.REPLACED, "b"))
    assert emptied(record(State.LOADING, "b")) == record(State.LOADING, "b"), "what was begun is ended first"


# Several resources.

def test_the_higher_priority_chooses_first_and_the_rest_keep_out_of_its_way() -> None:
    rule = Settings(cluster="test", groups=(apart("db", "web"),))
    waiting = [record(State.UNASSIGNED, None, name=name) for name in ("db", "web")]

    for first, second in (("db", "web"), ("web", "db")):
        view = settled(cluster(spec(first, priority=9), spec(second), *waiting, settings=rule, nodes="a"))
        assert place(view.states[first].value) == (State.LOADING, "a")
        assert view.states[second].value.state is State.UNASSIGNED


def test_excluded_resources_of_one_lost_node_part() -> None:
    rule = Settings(cluster="test", groups=(apart("db", "web"),))
    view = lost(cluster(spec(), spec("db"), record(), record(name="db"), settings=rule), "a")

    after = settled(view).states

    assert {after[name].value.node for name in ("db", "web")} == {"b", "c"}


def test_a_resource_without_a_configuration_is_left_alone() -> None:
    assert web(lost(cluster(record()), "a")) == record()
