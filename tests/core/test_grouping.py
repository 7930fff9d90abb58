"""Rules that contradict each other are refused in one sentence; what may be meant is only said."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clusters import apart, cluster, record, spec, together
from stanchion.model.cluster import ClusterView
from stanchion.model.groups import Bond, Group
from stanchion.model.resource import ResourceSpec
from stanchion.model.state import State
from stanchion.plan.grouping import GROUPS_MAX, doubts, faults

ALL = (spec("web"), spec("db"), spec("mail"))


def wrong(*groups: Group, specs: Iterable[ResourceSpec] = ALL) -> str:
    """What is wrong with these groups, in one text."""
    return "; ".join(faults(groups, {each.name: each for each in (*ALL, *specs)}))


@pytest.mark.parametrize("groups", [
    (), (apart("web", "db"),), (together("web", "db"),), (together("web", "db"), apart("web", "mail")),
    (apart("web", "db"), apart("db", "mail")), (together("web", "db", "mail"),),
])
def test_rules_that_can_all_hold_are_taken(groups: tuple[Group, ...]) -> None:
    assert wrong(*groups) == ""


@pytest.mark.parametrize(("groups", "says"), [
    ((together("web", "db", name="pair"), apart("db", "web", name="ha")),
     "db and web cannot be kept apart (group ha) and together (group pair)"),
    ((together("web", "db", name="one"), together("db", "mail", name="two"), apart("web", "mail", name="ha")),
     "web and mail cannot be kept apart (group ha) and together (group one and two)"),
    ((apart("web", name="ha"),), "the group ha needs two members at least"),
    ((apart("web", "gone", name="ha"),), "there is no resource gone, which the group ha names"),
    ((apart("web", "db", "web", name="ha"),), "the group ha names web twice"),
    ((apart("web", "db", name="ha"), together("web", "mail", name="HA")), "there are two groups HA"),
    ((apart("web", "db", name="no way"),), "the group's name 'no way' is not possible"),
    ((Group(name="", bond=Bond.APART, members=("web", "db")),), "the group's name '' is not possible"),
])
def test_what_cannot_be_is_refused_with_both_sides_named(groups: tuple[Group, ...], says: str) -> None:
    assert says in wrong(*groups)


def test_there_is_an_end_to_the_number_of_groups() -> None:
    assert "there can be 100 groups, not 101" in wrong(*(apart("web", "db", name=f"g{number}")
                                                       for number in range(GROUPS_MAX + 1)))


@pytest.mark.parametrize(("lists", "says"), [
    (("a", "a", ""), "keeps web and db apart, but their preferred nodes are only a"),
    (("ab", "ab", "ab"), "keeps web, db and mail apart, but their preferred nodes are only a and b"),
    (("ab", "a", "b"), "keeps web, db and mail apart, but their preferred nodes are only a and b"),
    (("abc", "a", "a"), "keeps db and mail apart, but their preferred nodes are only a"),
    (("ab", "ab", ""), ""), (("ab", "a", "c"), ""), (("", "", ""), ""), (("abc", "ab", "a"), ""),
])
def test_a_group_that_is_kept_apart_needs_a_node_for_each(lists: tuple[str, str, str], says: str) -> None:
    named = [spec(name, preferred=nodes) for name, nodes in zip(("web", "db", "mail"), lists, strict=True)]
    found = wrong(apart("web", "db", "mail", name="ha"), specs=named)

    assert says in found
    assert bool(says) == bool(found)


@given(st.lists(st.sets(st.sampled_from("abc"), min_size=1), min_size=2, max_size=4))
def test_whether_each_can_have_its_own_node_is_counted_right(lists: list[set[str]]) -> None:
    def seats(left: list[set[str]], taken: frozenset[str]) -> bool:
        return not left or any(seats(left[1:], taken | {node}) for node in left[0] - taken)

    named = {f"r{number}": spec(f"r{number}", preferred=sorted(nodes)) for number, nodes in enumerate(lists)}

    assert (faults([apart(*named)], named) == ()) == seats(lists, frozenset())


def test_a_group_that_is_kept_together_needs_a_node_for_all() -> None:
    specs = (spec("web", preferred="ab"), spec("db", preferred="bc"), spec("mail", preferred="c"))

    assert wrong(together("web", "db"), specs=specs) == ""
    assert wrong(together("web", "db"), together("db", "mail"), specs=specs) == (
        "web, db and mail are kept together, but no node is among the preferred nodes of all of them")


def test_the_master_cannot_be_followed_by_two_that_keep_apart_nor_behind_a_leader_that_does_not() -> None:
    follows = spec("db", follows_master=True)

    assert "both follow the master" in wrong(apart("web", "db"), specs=(follows, spec("web", follows_master=True)))
    assert "name db first in the group, so that it leads" in wrong(together("web", "db"), specs=(follows,))
    assert wrong(together("db", "web"), specs=(follows,)) == ""


def there(**nodes: str) -> ClusterView:
    """Resources that run there."""
    return cluster(*(spec(name) for name in nodes), *(record(State.RUNNING, node, name=name)
                                                      for name, node in nodes.items()))


def test_a_rule_that_is_broken_just_now_is_taken_and_told() -> None:
    view = there(web="a", db="a", mail="b")

    assert doubts(view, [apart("web", "db")], "abc") == (
        "web and db are on a now and stay there: the rule holds when one of them starts or moves next",)
    assert doubts(view, [together("web", "mail")], "abc") == (
        "web and mail are on a and b now: the others are moved to where web is",)
    assert doubts(view, [together("web", "db"), apart("web", "mail")], "abc") == ()


def test_more_members_than_nodes_is_told() -> None:
    group = Group(name="ha", bond=Bond.APART, members=("web", "db", "mail"))

    assert "3 members and there are 2 nodes" in doubts(there(web="a"), [group], "ab")[0]
