"""The three questions, answered in every state, in whole sentences, and as the master would really act."""

import os

import pytest
from hypothesis import assume, given, settings

from core.clusters import NOW, cluster, committed, lost, moving, order, proven, record, session, settled, spec
from core.draws import NODES, clusters
from stanchion.model.cluster import ClusterView, ProofKind, Settings
from stanchion.model.orders import Verb
from stanchion.model.reasons import Reason, Why, reason, sentence
from stanchion.model.resource import FailoverMode
from stanchion.model.state import AlertKind, Move, Phase, ResourceState, State, holders
from stanchion.plan.explain import ELSEWHERE, HERE, IF_LOST, NOT_RUNNING, explain
from stanchion.plan.planner import decide

EXAMPLES = int(os.environ.get("STANCHION_EXAMPLES", "200"))
QUORUM = Settings(cluster="test", quorum_nodes=3)
START_ALERT = record(State.ALERT, "b", alert=AlertKind.START, reason=reason(Why.START_MANUAL, "b"))
FAILOVER_ALERT = record(State.ALERT, "b", alert=AlertKind.FAILOVER, reason=reason(Why.FAILOVER_MANUAL, "a", "b"))
FAILBACK_ALERT = record(State.ALERT, "b", alert=AlertKind.FAILBACK, session="b1",
                        reason=reason(Why.FAILBACK_MANUAL, "a"))

SITUATIONS: dict[str, ClusterView] = {
    **{state.value: cluster(spec(), record(state)) for state in State
       if state not in {State.ALERT, State.MIGRATING, State.QUORUM_WAIT}},
    **{f"moving, {phase}": cluster(spec(live=True), moving(phase)) for phase in Phase},
    "start alert": cluster(spec(), START_ALERT),
    "failover alert": cluster(spec(), FAILOVER_ALERT),
    "failback alert": cluster(spec(), FAILBACK_ALERT),
    "quorum wait": cluster(spec(), record(State.QUORUM_WAIT), settings=QUORUM, dead="c", quorum=False),
    "cold move": cluster(spec(), record(State.UNLOADING, move=Move(target="b", live=False, phase=Phase.OUT,
                                                                   why=reason(Why.FAILBACK, "b")))),
    "not claimed": cluster(spec(), record(State.LOADING, session=None)),
    "comatose, held by nobody": cluster(spec(), record(State.COMATOSE, session=None)),
    "unprotected": cluster(spec(), record(), unprotected="a"),
    "doubtful": lost(cluster(spec(), record(node="b"), unprotected="b"), "b"),
    "awaiting the lease": lost(cluster(spec(), record(node="b")), "b"),
    "target in doubt": lost(cluster(spec(live=True), moving(Phase.IN), unprotected="b"), "b"),
    "manual failover": cluster(spec(failover=FailoverMode.MANUAL), record()),
    "no other node": cluster(spec(preferred="a"), record()),
    "follows the master": cluster(spec(follows_master=True), record()),
    "poisonous": cluster(spec(), record(since_s=NOW.wall_s - 5, early_losses=1)),
    "whole cluster was down": cluster(spec(), record(node="b"), second="b", before=("a1", "b1")),
    "proven": cluster(spec(), record(node="b"), proven("b", kind=ProofKind.CONFIRMED, by="root"), dead="b"),
}


def answers(view: ClusterView) -> dict[str, tuple[Reason, ...]]:
    """Ask all there is to ask about ``web``."""
    return {each.question: each.reasons for each in explain(view, "web", NOW)}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_situation_is_explained_in_whole_sentences(situation: str) -> None:
    found = answers(SITUATIONS[situation])

    assert (HERE in found) != (NOT_RUNNING in found)
    assert IF_LOST in found
    for reasons in found.values():
        assert reasons
        for each in reasons:
            assert "?" not in sentence(each), each
            assert "None" not in sentence(each), each


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_first_thing_told_is_why_it_is_as_it_is(situation: str) -> None:
    view = SITUATIONS[situation]
    found = answers(view)

    assert (found.get(HERE) or found[NOT_RUNNING])[0] == view.states["web"].value.reason


@pytest.mark.parametrize(("situation", "question", "told"), [
    ("Running", HERE, "a is number 1 of its 3 preferred nodes"),
    ("Running", ELSEWHERE, "b could hold it too"),
    ("Running", IF_LOST, "it would load on b"),
    ("no other node", ELSEWHERE, "b is not among its preferred nodes"),
    ("no other node", IF_LOST, "it would wait, unassigned, for a node"),
    ("failback alert", HERE, "its first preferred node a is back and failback mode is MANUAL: answer the alert"),
    ("failback alert", IF_LOST, "it would load on a"),
    ("start alert", NOT_RUNNING, "start mode is MANUAL: answer the alert to start it on b"),
    ("start alert", IF_LOST, "nothing: no node holds it now"),
    ("failover alert", NOT_RUNNING, "node a was lost and failover mode is MANUAL"),
    ("quorum wait", NOT_RUNNING, "waiting for quorum: 2 of 3 nodes are up"),
    ("Comatose", NOT_RUNNING, "look at its last run, then set it offline"),
    ("Comatose", IF_LOST, "it would not start elsewhere by itself after a is lost"),
    ("Loading", NOT_RUNNING, "this is being done on node a"),
    ("Unloading", IF_LOST, "it would not start elsewhere by itself"),
    ("moving, in", IF_LOST, "nothing by itself: it stays Migrating"),
    ("moving, out", IF_LOST, "it would load on b"),
    ("unprotected", IF_LOST, "it stays as it is until a returns or an operator confirms that a is down"),
    ("doubtful", HERE, "nothing proves that b stopped"),
    ("awaiting the lease", HERE, "waiting for the lease of b to run out"),
    ("target in doubt", NOT_RUNNING, "nothing proves that b stopped"),
    ("manual failover", IF_LOST, "an alert would ask whether to start it on b"),
    ("follows the master", IF_LOST, "it would go where the next master is"),
    ("poisonous", IF_LOST, "its host would then have been lost 2 times just after it started"),
    ("whole cluster was down", IF_LOST, "its start mode would decide once the quorum is reached"),
    ("proven", IF_LOST, "it would load on a"),
])
def test_what_is_told(situation: str, question: str, told: str) -> None:
    sentences = [sentence(each) for each in answers(SITUATIONS[situation])[question]]

    assert any(told in each for each in sentences), sentences


def test_a_node_that_could_not_take_an_unassigned_resource_says_why() -> None:
    view = settled(cluster(spec(preferred="bc"), record(State.UNASSIGNED), dead="b", left="c"))

    told = answers(view)[NOT_RUNNING]

    assert reason(Why.NODE_DOWN, "b") in told
    assert reason(Why.NODE_LEFT, "c") in told
    assert reason(Why.NODE_NOT_LISTED, "a") in told


def test_what_does_not_exist_is_not_explained() -> None:
    assert explain(cluster(), "web", NOW) == ()
    assert explain(cluster(record()), "web", NOW) == ()


def test_explaining_an_unknown_place_of_a_resource_does_no_harm() -> None:
    view = settled(cluster(spec(), record(State.OFFLINE, None), order(Verb.OFFLINE, "web")))

    assert answers(view)[IF_LOST] == (reason(Why.HELD_BY_NONE),)


# As the master would act.

def really(view: ClusterView, name: str, node: str) -> ResourceState:
    """Let the node die, let the survivors' master decide, and give the first that it does with the resource."""
    before = view.states[name].value
    view = lost(view, node)
    for _ in range(20):
        decisions = decide(view, session(view, min(view.live)), NOW)
        if not decisions:
            break
        view = committed(view, decisions[0])
        if view.states[name].value != before:
            break
    return view.states[name].value


def agrees(told: Reason, before: ResourceState, after: ResourceState) -> bool:
    """Tell whether what was announced is what was done."""
    match told.why:
        case Why.UNPROTECTED | Why.STAYS | Why.HELD_BY_NONE:
            return after == before
        case Why.WOULD_LOAD:
            return (after.state, after.node) == (State.LOADING, told.operands[0]) and after != before
        case Why.WOULD_ASK:
            return (after.alert, after.node) == (AlertKind.FAILOVER, told.operands[0])
        case Why.WOULD_WAIT:
            return after.state is State.UNASSIGNED
        case Why.WOULD_START:
            return after.state is State.QUORUM_WAIT
        case Why.WOULD_REST:
            return not holders(after) and after.state in {State.COMATOSE, State.OFFLINE}
        case Why.WOULD_FOLLOW:
            return True
    return False


@given(clusters(orders=False))
@settings(max_examples=EXAMPLES, deadline=None)
def test_what_is_announced_for_the_loss_of_a_node_is_what_happens(view: ClusterView) -> None:
    """Asked of a cluster in which nothing is left to do, and in which no excluded resource is lost as well."""
    view = settled(view, rounds=30)
    for name in view.states:
        before = view.states[name].value
        node = before.node
        if node is None or not set(view.live) - {node} or _disturbed(view, name, node):
            continue
        told = explain(view, name, NOW)[-1].reasons[0]
        after = really(view, name, node) if holders(before) else before

        assert agrees(told, before, after), (told, before, after)


def _disturbed(view: ClusterView, name: str, node: str) -> bool:
    """Whether the loss of the node also moves resources that must keep away from this one."""
    assert view.settings is not None
    assert view.master is not None
    rivals = {each for group in view.settings.value.groups if name in group.members for each in group.members} - {name}
    there = [each for each in rivals if each in view.states]
    return bool(there) and (view.master.value.node == node
                            or any(node in holders(view.states[each].value) for each in there))


@given(clusters(orders=False))
@settings(max_examples=EXAMPLES // 2, deadline=None)
def test_any_resource_of_any_cluster_can_be_explained(view: ClusterView) -> None:
    assume(view.live)
    for name in view.states:
        for each in explain(view, name, NOW):
            for told in each.reasons:
                assert "?" not in sentence(told)
                assert each.reasons
    assert set(view.nodes) == set(NODES)
