"""A pause, drained nodes, hosts that shut down, the whole cluster down: what the master decides meanwhile."""

from dataclasses import replace

import pytest

from core.clusters import (
    NOW,
    cluster,
    committed,
    later,
    lost,
    order,
    place,
    proven,
    record,
    session,
    settled,
    spec,
    together,
    web,
    written,
)
from stanchion.model.cluster import ClusterView, Live, Node, Record, Session, Settings
from stanchion.model.fencing import FenceDevice, Fencing, Senses
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Reason, Why, reason, sentence
from stanchion.model.resource import FailbackMode, StartMode
from stanchion.model.standing import Down, Drained, Pause, Shutdown, Standing
from stanchion.model.state import State
from stanchion.plan import quarantine, standing
from stanchion.plan.planner import decide, idle_until

PAUSE = Standing(pause=Pause(by="root", since_s=NOW.wall_s - 60, until_s=NOW.wall_s + 60))
DOWN = Standing(down=Down(by="root", at_s=NOW.wall_s, boots=("boot-a1", "boot-b1", "boot-c1")))
DRAINED = Node(name="a", drained=Drained(by="root", at_s=NOW.wall_s, held=1))
CLOSING = Node(name="a", closing="boot-a1")


def policy(shutdown: Shutdown) -> Settings:
    """The cluster's settings with this policy for a shutdown."""
    return Settings(cluster="test", shutdown=shutdown)


def outcome(view: ClusterView) -> tuple[Outcome, Why | None]:
    """How far the order has come, and why."""
    intent = view.intents["i1"].value
    return intent.outcome, intent.reason.why if intent.reason else None


# Pause.

def test_in_a_pause_nothing_fails_over_and_afterwards_it_does() -> None:
    view = lost(cluster(spec(), record(node="b"), PAUSE), "b", proven("b"))
    assert place(web(view)) == (State.RUNNING, "b")

    assert place(settled(view, later(61)).states["web"].value) == (State.LOADING, "a")


@pytest.mark.parametrize("waiting", [
    record(State.UNASSIGNED, None), record(State.QUORUM_WAIT, None),
    record(State.COMATOSE, reason=reason(Why.LOAD_FAILED, 1, "x"), since_s=1.0),
])
def test_in_a_pause_nothing_starts_by_itself(waiting: Record) -> None:
    view = cluster(spec(retry_comatose="backoff"), waiting, PAUSE)
    before = view.states["web"].value

    assert web(view) == before
    assert settled(view, later(61)).states["web"].value != before


def test_in_a_pause_nothing_fails_back_or_follows_the_master() -> None:
    back = spec(preferred="ba", failback=FailbackMode.AUTO)
    follows = spec("db", follows_master=True)
    view = cluster(back, record(settled_for="b0"), follows, record(node="c", name="db"), PAUSE)

    after = settled(view)

    assert [place(after.states[name].value) for name in ("web", "db")] == [(State.RUNNING, "a"), (State.RUNNING, "c")]


def test_in_a_pause_nobody_is_fenced_and_an_order_to_fence_is_withdrawn() -> None:
    fenced = Node(name="b", fence=(FenceDevice(agent="fence_x"),))
    standing_order = Fencing(node="b", session="b1", at_s=NOW.wall_s)
    view = cluster(spec(), record(node="b"), fenced, standing_order, PAUSE)
    silent = Senses(silent=frozenset({"b1"}))

    decisions = decide(view, session(view), NOW, silent)

    assert [decision.why.why for decision in decisions] == [Why.FENCE_SETTLED]
    view = committed(view, decisions[0])
    assert decide(view, session(view), NOW, silent) == ()
    over = settled(view, later(61))
    assert [each.why.why for each in decide(over, session(over), later(61), silent)] == [Why.FENCE_ASKED]


def test_orders_are_carried_out_in_a_pause_and_a_node_that_was_asked_to_leave_is_emptied() -> None:
    moved = settled(cluster(spec(), record(), order(Verb.MIGRATE, "web", "c"), PAUSE))
    assert place(moved.states["web"].value) == (State.MIGRATING, "a")

    emptied = settled(cluster(spec(), record(), PAUSE, left="a", master="b"))
    assert place(emptied.states["web"].value) == (State.UNLOADING, "a")


def test_a_pause_ends_by_itself_by_the_master_s_clock_and_is_told() -> None:
    view = cluster(PAUSE)
    assert decide(view, session(view), later(59)) == ()

    (ended,) = decide(view, session(view), later(60))

    assert ended.why.why is Why.PAUSE_OVER
    assert standing.paused(committed(view, ended)) is None


def test_the_master_wakes_when_the_pause_ends() -> None:
    assert idle_until(cluster(PAUSE), NOW) == 60
    assert idle_until(cluster(Standing(pause=Pause(by="root", since_s=0))), NOW) is None


def test_a_wall_clock_that_was_set_back_makes_no_pause_longer_than_it_was_ordered() -> None:
    view = cluster(PAUSE)
    assert [each.why.why for each in decide(view, session(view), later(-10_000))] == [Why.PAUSE_OVER]


def test_what_a_node_went_through_in_a_pause_brings_no_quarantine() -> None:
    ends = [replace(proven("c", f"c{life}"), at_s=NOW.wall_s - 10 * life) for life in range(1, 4)]
    view = cluster(*ends, second="c")
    assert len(quarantine.unclean(view, "c", NOW)) == 3

    paused = written(view, PAUSE)
    assert quarantine.unclean(paused, "c", NOW) == ()
    over = settled(paused, later(120))
    assert not quarantine.quarantined(over, "c")


# Drain.

def test_a_drained_node_is_emptied_live_and_stays_a_member() -> None:
    view = settled(cluster(spec(live=True), record(), order(Verb.DRAIN, node="a")))

    moved = view.states["web"].value
    assert (place(moved), moved.move is not None and moved.move.live) == ((State.MIGRATING, "a"), True)
    assert view.nodes["a"].value.drained == Drained(by="root", at_s=NOW.wall_s, held=1)
    assert outcome(view) == (Outcome.ACCEPTED, None)
    assert not standing.leaves(view, "a")
    done = settled(written(view, record(node="b")))
    assert outcome(done) == (Outcome.DONE, Why.EMPTY)


def test_what_cannot_go_runs_on_and_ends_the_drain_with_its_reason() -> None:
    view = settled(cluster(spec(preferred="a"), record(), order(Verb.DRAIN, node="a")))

    assert place(view.states["web"].value) == (State.RUNNING, "a")
    intent = view.intents["i1"].value
    assert intent.outcome is Outcome.FAILED
    assert isinstance(intent.reason, Reason)
    assert sentence(intent.reason) == ("not everything can go from a: web: no node can hold it: b is not among its "
                                       "preferred nodes; c is not among its preferred nodes")


@pytest.mark.parametrize("why", [Why.MIGRATE_FAILED, Why.PREFLIGHT_FAILED])
def test_a_live_move_that_failed_is_not_made_a_cold_one_by_a_drain(why: Why) -> None:
    view = settled(cluster(spec(live=True), DRAINED, record(reason=reason(why, "b", "no route", "a")),
                           order(Verb.DRAIN, node="a", outcome=Outcome.ACCEPTED)))

    assert place(view.states["web"].value) == (State.RUNNING, "a")
    assert outcome(view) == (Outcome.FAILED, Why.NOT_EMPTY)


def test_a_live_move_that_failed_before_the_drain_is_tried_again() -> None:
    failed = record(reason=reason(Why.MIGRATE_FAILED, "b", "no route", "a"))
    view = settled(cluster(spec(live=True), failed, order(Verb.DRAIN, node="a")))
    assert place(view.states["web"].value) == (State.MIGRATING, "a")


def test_a_comatose_resource_ends_the_drain_and_names_itself() -> None:
    view = settled(cluster(spec(), record(State.COMATOSE), order(Verb.DRAIN, node="a")))
    assert outcome(view) == (Outcome.FAILED, Why.NOT_EMPTY)


def test_nothing_new_goes_to_a_drained_node() -> None:
    view = settled(cluster(spec(), record(State.OFFLINE), DRAINED, order(Verb.ONLINE, "web", "a")))
    assert outcome(view) == (Outcome.REFUSED, Why.NODE_DRAINED)


def test_a_group_leaves_a_drained_node_together() -> None:
    both = Settings(cluster="test", groups=(together("web", "db"),))
    view = settled(cluster(spec(), record(), spec("db"), record(name="db"), DRAINED, settings=both))

    moves = [view.states[name].value.move for name in ("web", "db")]
    assert [move is not None and move.target for move in moves] == ["b", "b"]


def test_after_the_drain_only_failback_mode_brings_a_resource_home() -> None:
    stays = settled(cluster(spec(), record(), DRAINED)).states["web"].value
    back = settled(cluster(spec(preferred="ab", failback=FailbackMode.AUTO), record(), DRAINED)).states["web"].value
    assert (stays.settled_for, back.settled_for) == (None, None)

    for failback, state in ((FailbackMode.DISABLE, State.RUNNING), (FailbackMode.AUTO, State.UNLOADING)):
        view = cluster(spec(preferred="ab", failback=failback), record(node="b", settled_for=None), DRAINED,
                       order(Verb.UNDRAIN, node="a"))
        after = settled(view)
        assert outcome(after) == (Outcome.DONE, Why.UNDRAIN_ASKED)
        assert place(after.states["web"].value) == (state, "b")


@pytest.mark.parametrize(("records", "asked", "why"), [
    ((), order(Verb.DRAIN, node="z"), Why.UNKNOWN_NODE),
    ((DRAINED,), order(Verb.DRAIN, node="a"), Why.NODE_IS_DRAINED),
    ((), order(Verb.UNDRAIN, node="a"), Why.NODE_NOT_DRAINED),
    ((Node(name="a", witness=True),), order(Verb.DRAIN, node="a"), Why.DRAIN_WITNESS),
    ((Node(name="b", wanted=False), Node(name="c", drained=DRAINED.drained)), order(Verb.DRAIN, node="a"),
     Why.DRAIN_NOWHERE),
    ((Node(name="a", wanted=False),), order(Verb.DRAIN, node="a"), Why.NODE_LEFT),
    ((DOWN,), order(Verb.DRAIN, node="a"), Why.CLUSTER_DOWN),
    ((DOWN,), order(Verb.JOIN, node="a"), Why.CLUSTER_DOWN),
    ((DOWN, spec(), record(State.OFFLINE)), order(Verb.ONLINE, "web"), Why.CLUSTER_DOWN),
    ((CLOSING,), order(Verb.HAND_OVER, node="a"), Why.NODE_CLOSING),
    ((), order(Verb.HAND_OVER, node="z"), Why.UNKNOWN_NODE),
    ((), order(Verb.HAND_OVER, node="a", boot="boot-a0"), Why.STARTED_ANEW),
])
def test_orders_that_make_no_sense_are_refused_with_the_reason(records: tuple[Record, ...], asked: Record,
                                                               why: Why) -> None:
    assert outcome(settled(cluster(*records, asked))) == (Outcome.REFUSED, why)


def test_a_node_that_is_not_there_hands_nothing_over() -> None:
    view = lost(cluster(order(Verb.HAND_OVER, node="c")), "c")
    assert outcome(settled(view)) == (Outcome.REFUSED, Why.NODE_DOWN)


# A host that shuts down.

@pytest.mark.parametrize(("shutdown", "state", "live", "target"), [
    (Shutdown.MIGRATE, State.MIGRATING, True, "b"),
    (Shutdown.FAILOVER, State.UNLOADING, False, "b"),
    (Shutdown.FREEZE, State.UNLOADING, False, "a"),
])
def test_a_host_that_shuts_down_hands_over_by_the_cluster_s_policy(shutdown: Shutdown, state: State, target: str, *,
                                                                   live: bool) -> None:
    view = settled(cluster(spec(live=True), record(), order(Verb.HAND_OVER, node="a"), settings=policy(shutdown)))

    after = view.states["web"].value
    assert after.move is not None
    assert (after.state, after.move.target, after.move.live) == (state, target, live)
    assert view.nodes["a"].value.closing == "boot-a1"
    assert standing.leaves(view, "a")


def test_what_is_frozen_waits_for_its_host_alone_and_loads_there_again() -> None:
    unbegun = record(State.LOADING, session=None)
    view = settled(cluster(spec(), unbegun, CLOSING, master="b", settings=policy(Shutdown.FREEZE)))
    frozen = view.states["web"].value
    assert (frozen.state, frozen.awaits, frozen.reason.why) == (State.UNASSIGNED, "a", Why.KEPT_FOR)

    gone = settled(lost(view, "a", proven("a")), later(1000))
    assert gone.states["web"].value == frozen
    anew = Session(**{**{name: getattr(session(view), name) for name in Session.__slots__}, "id": "a2",
                      "boot": "boot-a2"})
    back = settled(written(gone, anew, Live(node="a", session="a2")), later(2000)).states["web"].value
    assert (place(back), back.awaits) == ((State.LOADING, "a"), None)


def test_what_is_frozen_is_free_again_when_its_host_was_removed_or_an_operator_says_so() -> None:
    frozen = record(State.UNASSIGNED, "z", awaits="z", reason=reason(Why.KEPT_FOR, "z"))
    assert place(web(cluster(spec(), frozen))) == (State.LOADING, "a")

    kept = replace(frozen, awaits="c", node="c")
    view = lost(cluster(spec(), kept, order(Verb.OFFLINE, "web")), "c")
    assert (web(view).state, web(view).awaits) == (State.OFFLINE, None)


def test_a_hand_over_that_cannot_end_says_so_at_once() -> None:
    view = settled(cluster(spec(), record(State.COMATOSE), order(Verb.HAND_OVER, node="a")))
    assert outcome(view) == (Outcome.FAILED, Why.NOT_EMPTY)


def test_a_host_that_was_started_anew_is_no_longer_shutting_down() -> None:
    view = cluster(replace(CLOSING, closing="boot-a1"), second="a")
    assert standing.emptying(view, "a") is None
    assert standing.may_begin(view, "a", "boot-a2")
    assert not standing.may_begin(view, "a", "boot-a1")


def test_a_join_takes_a_hand_over_back() -> None:
    view = settled(cluster(CLOSING, order(Verb.JOIN, node="a")))
    assert outcome(view) == (Outcome.DONE, Why.NODE_JOINED)
    assert view.nodes["a"].value.closing is None


# The whole cluster.

def test_the_last_to_load_is_unloaded_first() -> None:
    parts = [(spec("web", priority=1), record()), (spec("db", priority=9), record(name="db", node="b")),
             (spec("mail", priority=1), record(name="mail", node="c"))]
    view = settled(cluster(*(each for pair in parts for each in pair), DOWN))

    assert {name: held.value.state for name, held in view.states.items()} == {
        "web": State.UNLOADING, "mail": State.UNLOADING, "db": State.RUNNING}
    gone = written(view, *(record(State.LOADING, node, name=name, session=None)
                           for name, node in (("web", "a"), ("mail", "c"))))
    after = settled(gone)
    assert {name: held.value.state for name, held in after.states.items()} == {
        "web": State.QUORUM_WAIT, "mail": State.QUORUM_WAIT, "db": State.UNLOADING}


def test_of_those_that_are_kept_together_the_leader_is_unloaded_last() -> None:
    both = Settings(cluster="test", groups=(together("web", "db"),))
    view = settled(cluster(spec(), record(), spec("db"), record(name="db"), DOWN, settings=both))
    assert [view.states[name].value.state for name in ("web", "db")] == [State.RUNNING, State.UNLOADING]


def test_nothing_starts_while_the_whole_cluster_is_stopped_and_all_nodes_leave() -> None:
    view = cluster(spec(), record(State.QUORUM_WAIT, None), DOWN)
    assert web(view).state is State.QUORUM_WAIT
    assert all(standing.leaves(view, node) for node in "abc")
    assert not any(standing.may_begin(view, node, f"boot-{node}1") for node in "abc")


@pytest.mark.parametrize(("start", "state"), [(StartMode.AUTO, State.LOADING), (StartMode.MANUAL, State.ALERT)])
def test_after_the_stop_the_start_mode_decides(start: StartMode, state: State) -> None:
    view = settled(cluster(spec(start=start), record(State.QUORUM_WAIT, None), Standing()))
    assert view.states["web"].value.state is state


def test_the_start_anew_of_a_member_ends_the_stop_once_all_have_left() -> None:
    view = cluster(DOWN)
    assert not standing.may_begin(view, "b", "boot-b2")
    for node in "abc":
        view = lost(view, node, proven(node))

    assert standing.may_begin(view, "b", "boot-b2")
    assert not standing.may_begin(view, "b", "boot-b1")
    away = written(view, Standing(down=replace(DOWN.down, boots=("boot-a1",))))
    assert not standing.may_begin(away, "b", "boot-b2")
