"""How a cluster starts, and who is in it: the start-up quorum, the start modes, the membership."""

from dataclasses import replace

import pytest

from core.clusters import (
    NOW,
    cluster,
    later,
    lost,
    node_records,
    place,
    proven,
    record,
    settled,
    spec,
    web,
    written,
)
from stanchion.model.cluster import ClusterView, Master, Membership, ProofKind, Settings
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import FailoverMode, StartMode
from stanchion.model.state import AlertKind, State
from stanchion.plan.planner import idle_until

# The start of the cluster.

FORMED_S = NOW.wall_s - 10


def started(*, up: str = "a", quorum_nodes: int = 1, formed_at_s: float = FORMED_S, **policies: object) -> ClusterView:
    """A cluster that was down as a whole while ``web`` ran on ``c``, and of which these nodes are up again."""
    gone = "".join(sorted(set("abc") - set(up)))
    view = cluster(spec(preferred="cab", **policies), record(node="c"), proven("c", kind=ProofKind.RESET),
                   settings=Settings(cluster="test", quorum_nodes=quorum_nodes), second="abc", dead=gone,
                   before=("a1", "b1", "c1"), quorum=False)
    assert view.membership is not None
    return written(view, replace(view.membership.value, formed_at_s=formed_at_s))


@pytest.mark.parametrize(("up", "needed", "waited_s", "after"), [
    ("a", 1, 0, (State.LOADING, "a")), ("a", 2, 59, (State.QUORUM_WAIT, "c")), ("ab", 2, 0, (State.LOADING, "a")),
    ("a", 2, 60, (State.LOADING, "a")), ("abc", 3, 0, (State.LOADING, "c")), ("ab", 3, 0, (State.QUORUM_WAIT, "c")),
    ("a", 2, -5, (State.QUORUM_WAIT, "c")),
])
def test_the_start_up_quorum_closes_by_count_or_by_time(up: str, needed: int, waited_s: float,
                                                        after: tuple[State, str]) -> None:
    view = started(up=up, quorum_nodes=needed, formed_at_s=NOW.wall_s - waited_s)

    assert place(web(view)) == after


def test_the_quorum_stays_closed_while_the_cluster_is_up() -> None:
    view = settled(started(up="ab", quorum_nodes=2))

    view = settled(lost(view, "b"))

    assert view.membership is not None
    assert view.membership.value.quorum


@pytest.mark.parametrize(("policies", "after"), [
    ({"ignore_quorum": True}, State.LOADING), ({"start": StartMode.MANUAL}, State.QUORUM_WAIT),
    ({"start": StartMode.MANUAL, "ignore_quorum": True}, State.ALERT)])
def test_what_does_not_wait_for_quorum(policies: dict[str, object], after: State) -> None:
    assert web(started(quorum_nodes=2, **policies)).state is after


def test_at_cluster_start_the_start_mode_decides_and_not_the_failover_mode() -> None:
    assert web(started(failover=FailoverMode.MANUAL)).state is State.LOADING
    asked = web(started(start=StartMode.MANUAL))
    assert (asked.alert, asked.reason) == (AlertKind.START, reason(Why.START_MANUAL, "a"))


def test_with_no_node_for_it_a_start_ends_unassigned() -> None:
    view = started(up="a")
    view = written(view, replace(view.specs["web"].value, preferred=("b",)))

    assert web(view).state is State.UNASSIGNED


def test_a_whole_cluster_that_comes_back_is_recognised_by_its_sessions() -> None:
    """No session of the last membership is left: what they held starts by its start mode."""
    view = cluster(spec(), record(), *(proven(node) for node in "abc"), quorum=True)
    reborn = written(view, *(each for node in "abc" for each in node_records(node, life=2)))
    asked = settled(written(reborn, spec(start=StartMode.MANUAL)))

    assert asked.membership is not None
    assert asked.membership.value.before == ("a1", "b1", "c1")
    assert asked.membership.value.epoch == 2
    assert web(asked).alert is AlertKind.START


def test_waiting_for_quorum_ends_the_sleep_in_time() -> None:
    """Nothing changes in the store when the time is up, so the master must wake by itself."""
    waiting = settled(started(quorum_nodes=2, formed_at_s=NOW.wall_s - 50))

    assert idle_until(waiting, NOW) == 10
    assert idle_until(settled(started()), NOW) is None
    assert idle_until(ClusterView(), NOW) is None
    assert idle_until(waiting, later(50)) == pytest.approx(0.1)


# Membership.

def test_every_join_leave_and_change_of_master_raises_the_epoch() -> None:
    view, epochs = settled(cluster()), []
    for change in ("lost c", "join c", "lost a", "nothing"):
        match change.split():
            case "lost", node:
                view = lost(view, node)
            case "join", node:
                view = written(view, *node_records(node, life=2))
        view = settled(view)
        assert view.membership is not None
        epochs.append(view.membership.value.epoch)

    assert epochs == [2, 3, 4, 4]


def test_the_first_master_of_all_forms_the_cluster() -> None:
    view = replace(cluster(), membership=None)

    after = settled(view).membership

    assert after is not None
    assert after.value == Membership(epoch=1, members={"a": "a1", "b": "b1", "c": "c1"}, master="a",
                                     formed_at_s=NOW.wall_s, quorum=True)


def test_the_sessions_of_before_are_kept_in_order() -> None:
    """Whatever order the record of the membership came in, the same decision is made."""
    last = Membership(epoch=3, members={"c": "c1", "a": "a1", "b": "b1"}, master="a", formed_at_s=0)

    after = settled(written(cluster(second="abc"), last)).membership

    assert after is not None
    assert after.value.before == ("a1", "b1", "c1")


def test_no_proof_is_written_for_a_node_that_lives_or_that_declared_no_self_fence() -> None:
    view = settled(lost(cluster(unprotected="b"), "b"))

    assert not view.proofs


def test_a_lost_master_has_an_heir() -> None:
    view = lost(cluster(), "a")

    assert view.master is not None
    assert view.master.value == Master(node="b", session="b1")
