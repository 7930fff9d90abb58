"""What if: the same judgement, played to its end; told per resource, in the order in which it begins, and in words."""

import os

from hypothesis import assume, given, settings

from core.clusters import NOW, apart, cluster, committed, lost, moving, proven, record, session, settled, spec, together
from core.draws import clusters
from stanchion.model.cluster import ClusterView, Node, ProofKind, Settings
from stanchion.model.fencing import FenceDevice
from stanchion.model.foresight import How
from stanchion.model.ids import NodeName
from stanchion.model.reasons import Why
from stanchion.model.resource import FailoverMode
from stanchion.model.standing import Drained, Pause, Standing
from stanchion.model.state import Phase, State
from stanchion.plan import playing, what_if
from stanchion.plan.planner import decide
from stanchion.plan.what_if import Answer, Prospect
from stanchion.plan.what_if_told import told, told_loss

EXAMPLES = int(os.environ.get("STANCHION_EXAMPLES", "200"))
A, B = NodeName("a"), NodeName("b")


def found(answer: Answer) -> dict[str, Prospect]:
    """The prospects by their resources."""
    return {one.resource: one for one in answer.prospects}


def said(view: ClusterView, answer: Answer) -> str:
    """All of it in words, one sentence a line."""
    return "\n".join(told(view, answer))


MIXED = cluster(
    spec("web", live=True), record(name="web"), spec("db", preferred="abc"), record(name="db"),
    spec("mail", preferred="a"), record(name="mail"), spec("print", failover=FailoverMode.MANUAL),
    record(name="print"), spec("far"), record(node="b", name="far"))


def test_a_node_that_dies_has_its_machines_started_elsewhere_asked_about_or_waiting() -> None:
    answer = what_if.node_dies(MIXED, A, NOW)

    assert {name: (one.how, one.after, one.node) for name, one in found(answer).items()} == {
        "web": (How.RESTARTS, State.RUNNING, "b"), "db": (How.RESTARTS, State.RUNNING, "b"),
        "mail": (How.WAITS, State.UNASSIGNED, None), "print": (How.ASKS, State.ALERT, "b")}
    assert found(answer)["print"].reason.why is Why.FAILOVER_MANUAL
    assert (answer.proof, answer.heir, answer.settled) == (ProofKind.EXPIRED, "b", True)
    words = said(MIXED, answer)
    assert "db and web start on b." in words
    assert "mail waits, because no node can hold it: a is not a member now; b is not among its preferred" in words
    assert "print waits for your answer: node a was lost and failover mode is MANUAL" in words
    assert "its lease runs out, 8 s after its last sign of life" in words


def test_a_drain_moves_live_what_can_and_leaves_what_cannot_go() -> None:
    answer = what_if.drain(MIXED, A, "anna", NOW)

    assert {name: (one.how, one.node) for name, one in found(answer).items()} == {
        "web": (How.LIVE, "b"), "db": (How.RESTARTS, "b"), "print": (How.RESTARTS, "b"), "mail": (How.STAYS, "a")}
    words = said(MIXED, answer)
    assert "web moves to b live, without an interruption." in words
    assert "db and print are unloaded, then loaded on b: that interrupts them." in words
    assert "mail stays on a, because no node can hold it" in words


def test_a_move_tells_of_the_resource_and_of_those_that_go_with_it() -> None:
    view = cluster(spec("web", live=True), record(name="web"), spec("db", live=True), record(name="db"),
                   spec("far"), record(node="b", name="far"),
                   settings=Settings(cluster="test", groups=(together("web", "db"),)))

    answer = what_if.migrate(view, "web", B, "anna", NOW)

    assert {name: (one.how, one.node) for name, one in found(answer).items()} == {
        "web": (How.LIVE, "b"), "db": (How.LIVE, "b")}
    assert found(answer)["web"].turn < found(answer)["db"].turn


def test_what_would_be_refused_is_told_as_the_order_itself_would_be() -> None:
    answer = what_if.migrate(MIXED, "mail", None, "anna", NOW)

    assert answer.refused is not None
    assert not answer.prospects
    assert said(MIXED, answer).startswith("That is not possible now: no node can hold it")
    assert what_if.node_dies(lost(MIXED, "c"), NodeName("c"), NOW).refused is not None


def test_without_a_proof_everything_waits_and_is_said_to() -> None:
    view = cluster(spec(), record(), unprotected="a")

    answer = what_if.node_dies(view, A, NOW)

    assert (answer.proof, found(answer)["web"].how) == (None, How.WAITS)
    assert found(answer)["web"].reason.why is Why.UNPROTECTED
    assert said(view, answer).startswith("Nothing proves that a stopped: it has neither a self-fence nor a fence "
                                         "device. So web waits until a returns, or an operator confirms")


def test_a_fence_device_is_the_proof_unless_the_brake_forbids_it() -> None:
    device = Node(name="a", fence=(FenceDevice(agent="fence_ipmilan"),))
    three, two = cluster(spec(), record(), device, unprotected="a"), cluster(
        spec(), record(), device, unprotected="a", nodes="ab")

    assert what_if.node_dies(three, A, NOW).proof is ProofKind.FENCED
    braked = what_if.node_dies(two, A, NOW)
    assert braked.proof is None
    assert braked.unproven is not None
    assert braked.unproven.why is Why.FENCE_BRAKED


def test_the_last_member_leaves_nobody_to_decide() -> None:
    view = cluster(spec(), record(), nodes="a")

    words = said(view, what_if.node_dies(view, A, NOW))

    assert words == "No other member is left that could take anything over from a. So web waits until a returns."


def test_a_pause_holds_a_failover_back_and_is_named() -> None:
    view = cluster(spec(), record(), Standing(pause=Pause(by="anna", since_s=NOW.wall_s - 5)))

    answer = what_if.node_dies(view, A, NOW)

    assert found(answer)["web"].how is How.WAITS
    assert found(answer)["web"].reason.why is Why.PAUSE_STANDS


def test_resources_that_must_not_meet_go_to_different_nodes() -> None:
    view = cluster(spec("web"), record(name="web"), spec("db"), record(name="db"),
                   settings=Settings(cluster="test", groups=(apart("web", "db"),)), nodes="abcd")

    places = {name: one.node for name, one in found(what_if.drain(cluster(
        spec("web"), record(name="web"), spec("db"), record(node="b", name="db"),
        settings=Settings(cluster="test", groups=(apart("web", "db"),))), A, "anna", NOW)).items()}

    assert places == {"web": "c"}
    assert view.states["web"].value.state is State.RUNNING


def test_what_is_under_way_anyway_is_not_told_as_a_consequence() -> None:
    view = cluster(spec("web"), record(name="web"), spec("db", live=True),
                   moving(Phase.OUT, "b", "c", name="db"), nodes="abcd")

    assert set(found(what_if.node_dies(view, A, NOW))) == {"web"}
    assert found(what_if.node_dies(view, NodeName("c"), NOW))["db"].how is not How.LIVE


def test_a_node_that_holds_nothing_is_lost_without_a_consequence() -> None:
    view = cluster(spec(), record())

    assert said(view, what_if.node_dies(view, NodeName("c"), NOW)) == "c holds nothing."


def test_the_loss_of_any_one_node_is_told_with_what_each_other_then_runs() -> None:
    a, b, c = what_if.losses(MIXED, NOW)

    assert (a.node, a.numbers) == ("a", {"b": 3, "c": 0})
    assert told_loss(a) == ("Of the 4 on a, 2 would start elsewhere, 1 would ask first (print), 1 would stay down "
                            "(mail).")
    assert (told_loss(b), told_loss(c)) == ("The one on b, far, would start elsewhere.", "c holds nothing.")


def test_a_drained_node_is_no_place_to_go() -> None:
    view = cluster(spec(), record(), Node(name="b", drained=Drained(by="anna", at_s=1.0)))

    assert found(what_if.node_dies(view, A, NOW))["web"].node == "c"


@given(clusters(orders=False))
@settings(max_examples=EXAMPLES // 2, deadline=None)
def test_what_is_foretold_is_what_happens(view: ClusterView) -> None:
    """In a cluster in which nothing is left to do: the first thing decided about each resource is what was told."""
    view = settled(view, rounds=30)
    assume(not any(held.value.state in playing.IN_BETWEEN for held in view.states.values()))
    for node in sorted(view.live):
        answer = what_if.node_dies(view, node, NOW)
        if len(view.live) < 2 or answer.proof is None:
            continue
        gone = lost(view, node, proven(node, view.session_of(node) or "", answer.proof))
        first = {turn.resource: turn for turn in reversed(answer.turns)}
        for _ in range(40):
            decisions = decide(gone, session(gone, min(gone.live)), NOW)
            if not decisions:
                break
            for put in decisions[0].transaction.puts:
                turn = first.get(getattr(put.record, "name", ""))
                if turn is not None and turn.number == 1 and put.key.kind == "state":
                    assert (turn.after, turn.node) == (put.record.state, put.record.node)
                    del first[turn.resource]
            gone = committed(gone, decisions[0])


@given(clusters())
@settings(max_examples=EXAMPLES // 2, deadline=None)
def test_any_cluster_can_be_asked_and_answers_in_whole_sentences(view: ClusterView) -> None:
    for node in view.nodes:
        for answer in (what_if.node_dies(view, node, NOW), what_if.drain(view, node, "anna", NOW)):
            assert answer.settled
            for text in told(view, answer):
                assert text.endswith(".")
                assert "?" not in text
                assert ".." not in text
    for one in what_if.losses(view, NOW):
        assert told_loss(one).endswith(".")
