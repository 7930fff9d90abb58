"""The original's two tables, cell by cell: every transition of a resource, and every value of its modes and boxes.

The rows stand in the order of the reference that they are taken from; each is a cluster as it is before, and where the
resource is once the master has decided all there is. What a node does after that is ``test_duty``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product

import pytest

from core.clusters import (
    NOW,
    apart,
    cluster,
    lost,
    moving,
    order,
    place,
    proven,
    record,
    settled,
    spec,
    web,
    written,
)
from core.dialogue import ABSENT, RUNNING, ask, ended, saw
from stanchion.model import events as e
from stanchion.model.actions import Step
from stanchion.model.cluster import ClusterView, Master, ProofKind, Settings
from stanchion.model.history import RunEnd
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why, reason, sentence
from stanchion.model.resource import FailbackMode, FailoverMode, FailureAction, Monitoring, StartMode
from stanchion.model.state import AlertKind, Mark, Phase, ResourceState, State
from stanchion.plan import monitoring
from stanchion.plan.lifecycle import advance
from stanchion.plan.monitoring import Failure
from stanchion.plan.orders import LEGAL, refusal

START, FAILOVER, FAILBACK = AlertKind.START, AlertKind.FAILOVER, AlertKind.FAILBACK


def start(*, up: str = "abc", needed: int = 1, waited_s: float = 0.0, **policies: object) -> ClusterView:
    """A cluster that was down as a whole while ``web`` ran on ``a``; these nodes are up again."""
    view = cluster(spec(preferred="abc", **policies), record(), proven("a", kind=ProofKind.RESET), second="abc",
                   dead="".join(sorted(set("abc") - set(up))), before=("a1", "b1", "c1"), quorum=False, master=up[0],
                   settings=Settings(cluster="test", quorum_nodes=needed))
    assert view.membership is not None
    return written(view, replace(view.membership.value, formed_at_s=NOW.wall_s - waited_s))


def ordered(before: ResourceState, verb: Verb, node: str | None = None, *, dead: str = "", rivalled: bool = False,
            **policies: object) -> ClusterView:
    """A cluster in which an operator ordered something; ``rivalled``: what ``web`` keeps away from is on ``a``."""
    rule = Settings(cluster="test", groups=(apart("web", "db"),))
    rival = [spec("db"), record(name="db")] if rivalled else []
    return cluster(spec(preferred="abc", **policies), before, *rival, order(verb, "web", node), dead=dead,
                   settings=rule)


def left_by(**policies: object) -> ClusterView:
    """A cluster that lost ``a``, where ``web`` ran, provably."""
    return lost(cluster(spec(preferred="abc", **policies), record(), master="b"), "a", proven("a"))


def came_back(node: str = "b", *, first: str = "abc", settled_for: str = "a0", **policies: object) -> ClusterView:
    """A cluster whose node ``a`` joined anew while ``web`` runs elsewhere."""
    return cluster(spec(preferred=first, **policies), record(node=node, settled_for=settled_for))


def asked(kind: AlertKind, verb: Verb | None = None) -> ClusterView:
    """A cluster in which ``web`` asks, and somebody answers."""
    before = record(State.ALERT, "b", alert=kind, reason=reason(Why.START_MANUAL, "b"),
                    session="b1" if kind is FAILBACK else None, settled_for="a1")
    return cluster(spec(preferred="abc"), before, *([] if verb is None else [order(verb, "web")]))


@dataclass(frozen=True)
class Row:
    """One row of the table of transitions: what happens, the cluster then, and where ``web`` goes."""

    what: str
    view: Callable[[], ClusterView]
    state: State
    node: str | None
    alert: AlertKind | None = None


AUTO, MANUAL = FailbackMode.AUTO, FailbackMode.MANUAL
ROWS = [
    Row("start, quorum not reached", lambda: start(up="a", needed=2), State.QUORUM_WAIT, "a"),
    Row("start, quorum not reached, ignore quorum", lambda: start(up="a", needed=2, ignore_quorum=True),
        State.LOADING, "a"),
    Row("quorum by count, AUTO", lambda: start(up="ab", needed=2), State.LOADING, "a"),
    Row("quorum by timer, AUTO", lambda: start(up="a", needed=3, waited_s=60), State.LOADING, "a"),
    Row("quorum, MANUAL", lambda: start(start=StartMode.MANUAL), State.ALERT, "a", START),
    Row("quorum, MANUAL, ignore quorum", lambda: start(up="b", needed=3, start=StartMode.MANUAL, ignore_quorum=True),
        State.ALERT, "b", START),
    Row("quorum, no node", lambda: written(start(up="b"), spec(preferred="c")), State.UNASSIGNED, "a"),
    Row("online, best node", lambda: ordered(record(State.OFFLINE), Verb.ONLINE), State.LOADING, "a"),
    Row("online, named node", lambda: ordered(record(State.OFFLINE), Verb.ONLINE, "c"), State.LOADING, "c"),
    Row("online, first node away", lambda: written(ordered(record(State.OFFLINE), Verb.ONLINE, dead="c"),
                                                   spec(preferred="cb")), State.LOADING, "b"),
    Row("online, first node excluded", lambda: ordered(record(State.OFFLINE), Verb.ONLINE, rivalled=True),
        State.LOADING, "b"),
    Row("online, named node excluded", lambda: ordered(record(State.OFFLINE, None), Verb.ONLINE, "a", rivalled=True),
        State.OFFLINE, None),
    Row("online, no eligible node", lambda: written(ordered(record(State.OFFLINE), Verb.ONLINE), spec(preferred="z")),
        State.UNASSIGNED, "a"),
    Row("offline", lambda: ordered(record(), Verb.OFFLINE), State.UNLOADING, "a"),
    Row("migrate", lambda: ordered(record(), Verb.MIGRATE, "b"), State.MIGRATING, "a"),
    Row("node fails, AUTO", left_by, State.LOADING, "b"),
    Row("node fails, AUTO, no other", lambda: written(left_by(), spec(preferred="a")), State.UNASSIGNED, "a"),
    Row("node fails, MANUAL", lambda: left_by(failover=FailoverMode.MANUAL), State.ALERT, "b", FAILOVER),
    Row("node fails, not proven", lambda: cluster(spec(), record(node="b"), dead="b", unprotected="b"),
        State.RUNNING, "b"),
    Row("first rejoins, failback AUTO", lambda: came_back(failback=AUTO), State.UNLOADING, "b"),
    Row("first rejoins, failback MANUAL", lambda: came_back(failback=MANUAL), State.ALERT, "b", FAILBACK),
    Row("first rejoins, failback DISABLE", came_back, State.RUNNING, "b"),
    Row("second rejoins, failback AUTO", lambda: came_back("c", first="dac", failback=AUTO), State.RUNNING, "c"),
    Row("failback alert, yes", lambda: asked(FAILBACK, Verb.ALERT_YES), State.UNLOADING, "b"),
    Row("failback alert, no", lambda: asked(FAILBACK, Verb.ALERT_NO), State.RUNNING, "b"),
    Row("start alert, yes", lambda: asked(START, Verb.ALERT_YES), State.LOADING, "b"),
    Row("start alert, no", lambda: asked(START, Verb.ALERT_NO), State.OFFLINE, "b"),
    Row("failover alert, yes", lambda: asked(FAILOVER, Verb.ALERT_YES), State.LOADING, "b"),
    Row("failover alert, no", lambda: asked(FAILOVER, Verb.ALERT_NO), State.OFFLINE, "b"),
    Row("alert, offline", lambda: asked(FAILOVER, Verb.OFFLINE), State.OFFLINE, "b"),
    Row("failback alert, offline", lambda: asked(FAILBACK, Verb.OFFLINE), State.UNLOADING, "b"),
    Row("alert, nobody answers", lambda: asked(START), State.ALERT, "b", START),
    Row("unassigned, a listed node joins", lambda: cluster(spec(preferred="b"), record(State.UNASSIGNED, "c")),
        State.LOADING, "b"),
    Row("unassigned, offline", lambda: cluster(spec(preferred="z"), record(State.UNASSIGNED, "c"),
                                               order(Verb.OFFLINE, "web")), State.OFFLINE, "c"),
    Row("offline, a listed node joins", lambda: cluster(spec(preferred="b"), record(State.OFFLINE, "c")),
        State.OFFLINE, "c"),
    Row("quorum wait, offline", lambda: written(start(up="a", needed=3), record(State.QUORUM_WAIT),
                                                order(Verb.OFFLINE, "web")), State.OFFLINE, "a"),
    Row("comatose, offline", lambda: ordered(record(State.COMATOSE), Verb.OFFLINE), State.UNLOADING, "a"),
    Row("comatose, online", lambda: ordered(record(State.COMATOSE), Verb.ONLINE), State.COMATOSE, "a"),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.what for row in ROWS])
def test_a_transition_of_the_original(row: Row) -> None:
    after = web(row.view())

    assert (*place(after), after.alert) == (row.state, row.node, row.alert)


LOADED = (saw(Step.LOOK, ABSENT), ended(Step.LOAD), saw(Step.LOOK_AFTER, RUNNING))
UNLOADED = (ended(Step.UNLOAD), saw(Step.LOOK_AFTER, ABSENT))
SENT = advance(record(), e.Sent(target="b", operation="x", why=reason(Why.MIGRATE_ASKED, "root", "b")), NOW)


@pytest.mark.parametrize(("before", "facts", "after"), [
    (record(State.LOADING), LOADED, (State.RUNNING, "a", 1)),
    (record(State.LOADING), (*LOADED[:1], ended(Step.LOAD, 1), saw(Step.LOOK_AFTER, ABSENT)), (State.COMATOSE, "a", 0)),
    (record(State.LOADING), (*LOADED[:1], ended(Step.LOAD, end=RunEnd.OVERDUE)), (State.COMATOSE, "a", 0)),
    (record(State.UNLOADING), UNLOADED, (State.OFFLINE, "a", 0)),
    (record(State.UNLOADING), (ended(Step.UNLOAD, 1), *UNLOADED[1:]), (State.COMATOSE, "a", 0)),
    (record(State.UNLOADING), (ended(Step.UNLOAD, end=RunEnd.OVERDUE),), (State.COMATOSE, "a", 0)),
    (SENT, UNLOADED, (State.LOADING, "b", 0)),
    (SENT, (ended(Step.UNLOAD, 1), *UNLOADED[1:]), (State.COMATOSE, "a", 0)),
    (SENT, (ended(Step.UNLOAD, end=RunEnd.OVERDUE),), (State.COMATOSE, "a", 0)),
], ids=["load ends well", "load fails", "load is late", "unload ends well", "unload fails", "unload is late",
        "moved", "the unload of a move fails", "the unload of a move is late"])
def test_a_script_s_end_of_the_original(before: ResourceState, facts: tuple[object, ...],
                                        after: tuple[State, str, int]) -> None:
    """A target's load is never begun unless the source's unload ended well; lives count loads."""
    event = ask(before, *facts)  # type: ignore[arg-type]  # the facts of the table above
    assert isinstance(event, e.Event)
    then = advance(before, event, NOW)

    assert (*place(then), then.lives) == after


def watched(action: FailureAction, **policies: object) -> e.Event:
    """What the third of three failures leads to."""
    rule = Monitoring(enabled=True, max_failures=3, window_s=600, action=action)
    state = record(failures=(NOW.wall_s - 20, NOW.wall_s - 10))
    configured = spec(preferred="abc", monitoring=rule, **policies)
    view = cluster(configured, state)
    return monitoring.respond(view, view.states["web"], configured, Failure(text="code 1"), NOW)


@pytest.mark.parametrize(("start_", "failover", "failback", "action"),
                         list(product(StartMode, FailoverMode, FailbackMode, FailureAction)))
def test_no_mode_has_a_say_in_what_a_monitor_s_failures_lead_to(start_: StartMode, failover: FailoverMode,
                                                                failback: FailbackMode, action: FailureAction) -> None:
    told = watched(action, start=start_, failover=failover, failback=failback)

    assert told == watched(action)


def test_a_resource_that_its_monitor_moved_does_not_fail_back_until_somebody_moves_it() -> None:
    for mode in (AUTO, MANUAL):
        moved = written(came_back(failback=mode), record(node="b", settled_for="a0", marks=(Mark.MOVED_BY_MONITOR,)))
        assert place(web(moved)) == (State.RUNNING, "b")
    ordered_away = settled(written(moved, order(Verb.MIGRATE, "web", "c")))
    assert ordered_away.states["web"].value.marks == ()


@pytest.mark.parametrize("mode", FailoverMode)
def test_after_a_stop_of_everything_the_start_mode_governs_whatever_the_failover_mode_is(mode: FailoverMode) -> None:
    assert web(start(failover=mode)).state is State.LOADING
    assert web(start(failover=mode, start=StartMode.MANUAL)).alert is START


@pytest.mark.parametrize(("failover", "after"), [
    (FailoverMode.AUTO, State.LOADING), (FailoverMode.MANUAL, State.ALERT)])
def test_a_lost_node_asks_the_failover_mode_and_not_the_start_mode(failover: FailoverMode, after: State) -> None:
    assert web(left_by(failover=failover, start=StartMode.MANUAL)).state is after


def test_what_follows_the_master_runs_there_alone_and_moves_with_the_role() -> None:
    view = cluster(spec(preferred="abc", follows_master=True), record())
    assert place(web(view)) == (State.RUNNING, "a")

    after = web(written(view, Master(node="b", session="b1")))

    assert (after.state, after.move and after.move.target) == (State.UNLOADING, "b")


def test_the_start_up_quorum_is_a_latch() -> None:
    """Once it is closed, a later start with fewer nodes than it asks for does not wait."""
    view = settled(start(up="abc", needed=3))
    view = settled(lost(lost(view, "c", proven("c", "c2")), "b", proven("b", "b2")))

    view = settled(written(view, record(State.OFFLINE), order(Verb.ONLINE, "web")))

    assert place(view.states["web"].value) == (State.LOADING, "a")


# Legal actions.

CANNOT = [(state, verb) for state, verb in product(State, (Verb.ONLINE, Verb.OFFLINE, Verb.MIGRATE, Verb.ALERT_YES,
                                                          Verb.ALERT_NO)) if verb not in LEGAL[state]]


@pytest.mark.parametrize(("state", "verb"), CANNOT, ids=[f"{verb} while {state}" for state, verb in CANNOT])
def test_an_illegal_order_is_refused_by_the_master_too_with_the_reason_and_what_to_do(state: State, verb: Verb) -> None:
    before = {State.ALERT: record(state, alert=FAILOVER), State.MIGRATING: moving(Phase.OUT)}.get(state, record(state))
    view = cluster(spec(), before, order(verb, "web", "b" if verb is Verb.MIGRATE else None))

    after = settled(view)
    intent = after.intents["i1"].value

    assert intent.outcome is Outcome.REFUSED
    assert intent.reason is not None
    told = sentence(intent.reason)
    assert str(state) in told
    assert "possible now: " in told or told.startswith("it asks nothing: ")


# Alerts.


@pytest.mark.parametrize(("first", "second"), list(product((Verb.ALERT_YES, Verb.ALERT_NO), repeat=2)))
@pytest.mark.parametrize("kind", AlertKind)
def test_of_two_answers_the_first_counts_and_the_second_is_told_so(kind: AlertKind, first: Verb, second: Verb) -> None:
    view = written(asked(kind), order(first, "web", id_="i1"), order(second, "web", id_="i2"))
    alone = web(asked(kind, first))

    after = settled(view)

    late = after.intents["i2"].value
    assert place(after.states["web"].value) == place(alone)
    assert late.outcome is Outcome.REFUSED
    assert late.reason is not None
    assert late.reason.why is Why.NO_ALERT
    assert f"because root answered the alert with {first.removeprefix('alert ')}" in sentence(late.reason)


def test_an_answer_that_comes_when_the_world_went_on_is_refused() -> None:
    """The node that asked to fail back is lost: what asks now is another alert, and a yes would start it elsewhere."""
    view = asked(FAILOVER, None)
    late = order(Verb.ALERT_YES, "web", alert=FAILBACK)

    assert refusal(view, late) == reason(Why.OTHER_ALERT, FAILBACK, FAILOVER)
    assert place(web(written(view, late))) == (State.ALERT, "b")
    assert refusal(view, order(Verb.ALERT_YES, "web", alert=FAILOVER)) is None


def test_a_failback_alert_that_outlives_its_node_is_a_failover() -> None:
    view = lost(asked(FAILBACK), "b", proven("b"))

    after = web(view)

    assert (place(after), after.alert) == ((State.LOADING, "a"), None)
