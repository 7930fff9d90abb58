"""What an explanation says of a holder that is in doubt: by what it is protected, and how far its fencing has come."""

from dataclasses import replace

import pytest

from core.clusters import NOW, cluster, record, spec, written
from stanchion.model.cluster import ClusterView
from stanchion.model.fencing import Attempt, FenceDevice, Fencing, Protection
from stanchion.model.ids import NodeName, ResourceName, SessionId
from stanchion.model.reasons import Why, sentence
from stanchion.plan.explain import explain
from stanchion.plan.protection import protection

B = NodeName("b")


def equipped(view: ClusterView) -> ClusterView:
    """Give node b a fence device."""
    return written(view, replace(view.nodes[B].value, fence=(FenceDevice(agent="fence_x"),)))


def said(view: ClusterView) -> list[Why]:
    """Give the reasons of the first answer, without the resource's own."""
    return [why.why for why in explain(view, ResourceName("web"), NOW)[0].reasons[1:]]


def with_web(**words: str) -> ClusterView:
    return cluster(spec(), record(node="b"), nodes="abcd", **words)


@pytest.mark.parametrize(("unprotected", "device", "by", "awaited"), [
    ("b", False, Protection.NOTHING, Why.UNPROTECTED),
    ("b", True, Protection.DEVICE, Why.FENCE_AWAITED),
    ("", False, Protection.SELF_FENCE, Why.PROOF_AWAITED),
    ("", True, Protection.BOTH, Why.PROOF_AWAITED),
])
def test_the_awaited_proof_is_that_of_what_protects_the_node(unprotected: str, device: bool,  # noqa: FBT001 - a cell
                                                             by: Protection, awaited: Why) -> None:
    view = with_web(dead="b", unprotected=unprotected)
    view = equipped(view) if device else view

    assert protection(view, B) is by
    assert said(view)[:2] == [Why.NODE_LOST, awaited]


def test_a_fencing_that_is_under_way_is_told_even_before_the_lease_has_ended() -> None:
    view = written(equipped(with_web()), Fencing(node=B, session=SessionId("b1")))

    assert said(view)[:2] == [Why.NODE_LOST, Why.FENCE_UNDER_WAY]


def test_a_fencing_that_failed_is_told_with_what_the_device_said() -> None:
    failed = Fencing(node=B, session=SessionId("b1"), attempt=Attempt.FAILED, text="fence_x: no route to host")
    view = written(equipped(with_web(dead="b", unprotected="b")), failed)

    assert said(view)[:3] == [Why.NODE_LOST, Why.FENCE_FAILED, Why.FENCE_AWAITED]
    told = explain(view, ResourceName("web"), NOW)[0].reasons
    assert "node b could not be switched off: fence_x: no route to host" in map(sentence, told)


def test_a_failed_fencing_of_a_node_that_is_heard_again_is_no_doubt() -> None:
    failed = Fencing(node=B, session=SessionId("b1"), attempt=Attempt.FAILED, text="no route to host")

    assert Why.FENCE_FAILED not in said(written(equipped(with_web()), failed))


def test_the_brake_is_told_where_only_a_device_could_prove_it() -> None:
    view = equipped(with_web(dead="bcd", unprotected="bcd"))

    assert said(view)[:2] == [Why.NODE_LOST, Why.FENCE_BRAKED]


def test_a_node_with_a_device_alone_would_be_failed_over() -> None:
    """And the reason that it would carry is the device's proof, not that of a lease."""
    answer = explain(equipped(with_web(unprotected="b")), ResourceName("web"), NOW)[-1].reasons
    told = [sentence(why) for why in answer]

    assert told[0] == "it would load on a"
    assert "the fence device reports b off" in told[1]
