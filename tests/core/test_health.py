"""The cluster at a glance: what is amiss, how grave it is, and what can be answered; nothing else is amiss."""

import pytest
from hypothesis import given, settings

from core.clusters import NOW, cluster, lost, proven, record, spec
from core.draws import clusters
from stanchion.model.cluster import ClusterView, Node
from stanchion.model.fencing import FenceDevice
from stanchion.model.health import Answer, Health
from stanchion.model.reasons import Why, reason
from stanchion.model.standing import Down, Drained, Pause, Standing
from stanchion.model.state import AlertKind, State
from stanchion.plan import health

PAUSED = Standing(pause=Pause(by="anna", since_s=NOW.wall_s - 5))
ALERT = {kind: record(State.ALERT, "b", alert=kind, reason=reason(Why.FAILOVER_MANUAL, "a", "b")) for kind in AlertKind}

SITUATIONS: dict[str, tuple[ClusterView, Health, str, tuple[Answer, ...]]] = {
    "comatose": (cluster(spec(), record(State.COMATOSE, reason=reason(Why.LOAD_FAILED, 1, "x"))), Health.CRITICAL,
                 "web is comatose: the load script failed with code 1: x.", (Answer.OFFLINE,)),
    "failover alert": (cluster(spec(), ALERT[AlertKind.FAILOVER]), Health.CRITICAL, "web asks: node a was lost",
                       (Answer.YES, Answer.NO, Answer.OFFLINE)),
    "failback alert": (cluster(spec(), ALERT[AlertKind.FAILBACK]), Health.ATTENTION, "web asks:",
                       (Answer.YES, Answer.NO, Answer.OFFLINE)),
    "unassigned": (cluster(spec(), record(State.UNASSIGNED, None)), Health.CRITICAL, "web is not running:",
                   (Answer.OFFLINE,)),
    "kept for a host": (cluster(spec(), record(State.UNASSIGNED, None, awaits="b")), Health.ATTENTION,
                        "web is not running:", (Answer.OFFLINE,)),
    "lost without a proof": (lost(cluster(spec(), record(node="b"), unprotected="b"), "b"), Health.CRITICAL,
                             "b is lost, and nothing proves yet that it has stopped. What it may still run waits: web.",
                             (Answer.CONFIRM_DOWN,)),
    "proven down": (cluster(proven("b"), dead="b"), Health.ATTENTION, "b is down, and proven to have stopped.", ()),
    "unprotected": (cluster(unprotected="b"), Health.ATTENTION, "Nothing protects b: if it is lost,", ()),
    "paused": (cluster(PAUSED), Health.ATTENTION, "The cluster is paused, by anna", (Answer.RESUME,)),
    "stopped": (cluster(Standing(down=Down(by="anna", at_s=1.0))), Health.ATTENTION, "The whole cluster is stopped",
                (Answer.UP,)),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_is_amiss_is_told_with_what_can_be_done(situation: str) -> None:
    view, grave, text, answers = SITUATIONS[situation]

    (found,) = health.findings(view)

    assert (found.health, found.answers) == (grave, answers)
    assert found.text.startswith(text)
    assert health.health_of([found]) is grave


def test_what_is_as_it_should_be_is_no_finding() -> None:
    drained = Node(name="b", drained=Drained(by="anna", at_s=1.0))
    view = cluster(spec(), record(), spec("db"), record(State.OFFLINE, None, name="db"), drained, nodes="abcd",
                   left="d", dead="d")

    assert health.findings(view) == ()
    assert health.health_of(()) is Health.NORMAL
    assert health.summary(view, ()) == "All is well: 1 of 1 resources run, on 3 nodes."


def test_a_silent_member_is_told_also_in_a_pause() -> None:
    silent = frozenset({"b1"})

    (alone,) = health.findings(cluster(), silent)
    _, paused = health.findings(cluster(PAUSED), silent)

    assert alone.text == "b is silent: no member hears it, though its lease has not run out."
    assert paused.text.endswith("the cluster is paused, so nothing is done about that.")


def test_a_node_alone_needs_no_protection_because_nothing_could_take_over() -> None:
    assert health.findings(cluster(nodes="a", unprotected="a")) == ()


def test_an_answering_node_without_the_store_says_so_first() -> None:
    found = health.findings(cluster(unprotected="b"), store_away=True)

    assert [one.health for one in found] == [Health.CRITICAL, Health.ATTENTION]
    assert "does not reach the store" in found[0].text


def test_many_of_a_kind_are_one_reason() -> None:
    records = [each for number in range(9) for each in (
        spec(f"r{number}"), record(State.UNASSIGNED, None, name=f"r{number}"))]

    assert health.reasons(health.findings(cluster(*records))) == (
        "9 resources have no node: r0, r1, r2, r3, r4, r5 and 3 more.",)


def test_what_protects_a_node_is_said_in_a_sentence() -> None:
    device = (FenceDevice(agent="fence_ipmilan"),)
    view = cluster(Node(name="a", fence=device), Node(name="b", fence=device), Node(name="d", witness=True),
                   unprotected="bc", nodes="abcd")

    assert [health.protection_text(view, node) for node in "abd"] == [
        "a is switched off by its fence device (fence_ipmilan), and stops itself by its watchdog.",
        "b is switched off by its fence device (fence_ipmilan).",
        "d is a witness: it holds nothing, so nothing has to protect it."]
    assert health.protection_text(view, "c").startswith("Nothing protects c: if it is lost,")


@given(clusters())
@settings(max_examples=100, deadline=None)
def test_any_cluster_has_a_health_in_whole_sentences(view: ClusterView) -> None:
    found = health.findings(view, frozenset({"a1", "b2"}))

    for text in (*(one.text for one in found), *health.reasons(found), health.summary(view, found)):
        assert text.endswith(".")
        assert ".." not in text
        assert "?" not in text
