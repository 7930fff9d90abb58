"""Where a resource may go: the order of the candidates, and the reason why each other node is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clusters import apart, cluster, moving, node_records, record, spec, written
from stanchion.model.cluster import ClusterView, Settings
from stanchion.model.reasons import Why, reason, sentence
from stanchion.model.state import AlertKind, Phase, ResourceState, State
from stanchion.plan.placement import after, candidates, home_session, order, rejection

APART = Settings(cluster="test", groups=(apart("db", "web"), apart("mail", "web")))


@pytest.mark.parametrize(("preferred", "nodes"), [("", "abc"), ("cab", "cab"), ("b", "b"), ("zb", "zb")])
def test_nodes_are_asked_in_the_preferred_order_or_by_name(preferred: str, nodes: str) -> None:
    assert order(cluster(nodes="cab"), spec(preferred=preferred)) == tuple(nodes)


def test_every_node_is_a_candidate_or_has_its_reason() -> None:
    view = cluster(spec("db"), record(node="f", name="db"), nodes="abcdef", dead="c", left="d", settings=APART)

    found = candidates(view, spec(preferred="fdcazb"), without="b")

    assert found.nodes == ("a",)
    assert found.rejected == (
        ("f", reason(Why.NODE_EXCLUDED, "f", "db")), ("d", reason(Why.NODE_LEFT, "d")),
        ("c", reason(Why.NODE_DOWN, "c")), ("z", reason(Why.UNKNOWN_NODE, "z")),
        ("b", reason(Why.NODE_CURRENT, "b")), ("e", reason(Why.NODE_NOT_LISTED, "e")))
    assert found.first == "a"


def test_no_node_says_so_for_each_node() -> None:
    found = candidates(cluster(dead="abc"), spec(preferred="ba"))

    assert found.first is None
    assert sentence(found.why_none()) == ("no node can hold it: b is not a member now; a is not a member now; "
                                          "c is not among its preferred nodes")
    assert sentence(candidates(ClusterView(), spec()).why_none()) == "no node can hold it: the cluster has no nodes"


@pytest.mark.parametrize(("master", "why"), [("a", None), ("b", Why.NODE_NOT_MASTER)])
def test_what_follows_the_master_may_be_on_the_master_only(master: str, why: Why | None) -> None:
    fault = rejection(cluster(master=master), spec(follows_master=True), "a")

    assert (fault and fault.why) == why


@pytest.mark.parametrize(("rival", "kept_out"), [
    (record(name="db"), True), (record(State.LOADING, name="db", session=None), True),
    (record(State.UNLOADING, name="db"), True), (record(State.COMATOSE, name="db"), True),
    (record(State.COMATOSE, name="db", session=None), False), (record(State.OFFLINE, name="db"), False),
    (record(State.ALERT, name="db", alert=AlertKind.FAILBACK, session="a1"), True),
    (record(State.ALERT, name="db", alert=AlertKind.FAILOVER), False),
    (moving(Phase.PREPARE, "b", "a", name="db"), True), (moving(Phase.IN, "a", "b", name="db"), True),
    (record(State.UNASSIGNED, name="db"), False), (record(node="b", name="db"), False),
])
def test_excluded_resources_keep_out_of_each_other_s_way_wherever_they_may_execute(rival: ResourceState, *,
                                                                                   kept_out: bool) -> None:
    view = cluster(rival, settings=APART)

    assert rejection(view, spec(), "a") == (reason(Why.NODE_EXCLUDED, "a", "db") if kept_out else None)
    assert rejection(view, spec("mail"), "a") is None, "db and mail share no group"


def test_a_resource_is_no_rival_of_itself() -> None:
    assert rejection(cluster(record(), settings=APART), spec(), "a") is None


@pytest.mark.parametrize(("preferred", "here", "dead", "target"), [
    ("abc", "a", "", "b"), ("abc", "b", "", "c"), ("abc", "c", "", "a"), ("abc", "a", "b", "c"), ("abc", "b", "c", "a"),
    ("ab", "c", "", "a"), ("a", "a", "", None), ("ab", "a", "b", None), ("cba", "b", "", "a"),
])
def test_the_next_node_comes_after_the_present_one_and_the_search_wraps(preferred: str, here: str, dead: str,
                                                                        target: str | None) -> None:
    assert after(cluster(dead=dead), spec(preferred=preferred), here) == target


@given(st.permutations("abcd"), st.sampled_from("abcd"), st.sets(st.sampled_from("abcd")))
def test_the_next_node_is_never_the_present_one_and_always_the_nearest_fit(preferred: list[str], here: str,
                                                                           dead: set[str]) -> None:
    view = cluster(nodes="abcd", dead="".join(dead))

    found = after(view, spec(preferred=preferred), here)

    place = preferred.index(here)
    ahead = [*preferred[place + 1:], *preferred[:place]]
    assert found == next((node for node in ahead if node not in dead), None)


def test_the_home_of_a_resource_is_its_first_node_alive() -> None:
    view = cluster(dead="b", second="c")

    assert home_session(view, spec(preferred="ca")) == "c2"
    assert home_session(view, spec(preferred="ba")) is None
    assert home_session(view, spec()) == "a1"
    assert home_session(ClusterView(), spec()) is None


def test_a_node_that_joins_later_is_a_candidate_where_none_is_listed() -> None:
    assert candidates(written(cluster(), *node_records("d")), spec()).nodes == ("a", "b", "c", "d")
