"""The guarantee: any so many nodes may be lost and there is a place for all; and what orders would do to it."""

from dataclasses import replace

from core.clusters import NOW, apart, cluster, order, record, session, spec, written
from stanchion.model.capacity import Size
from stanchion.model.cluster import ClusterView, Node, Record, Settings
from stanchion.model.foresight import How, Newcomer, Upheaval
from stanchion.model.ids import NodeName
from stanchion.model.orders import Verb
from stanchion.model.reasons import Why
from stanchion.model.resource import Policies
from stanchion.model.state import State
from stanchion.plan import what_if
from stanchion.plan.admission import broken_by
from stanchion.plan.guarantee import fallout, guarantee, survives
from stanchion.plan.guarantee_told import told
from stanchion.plan.what_if_told import told as told_what_if


def host(name: str, memory_mib: int) -> Node:
    """Build a host with so much memory for machines."""
    return Node(name=NodeName(name), capacity=Size(memory_mib=memory_mib + 100), reserve=Size(memory_mib=100))


def machine(name: str, memory_mib: int, node: str | None = "a", *, priority: int = 0, word: State = State.RUNNING,
            preferred: str = "") -> list[Record]:
    """Build a resource that takes so much memory, and is there."""
    known = spec(name, preferred=preferred)
    return [replace(known, size=Size(memory_mib=memory_mib), policies=Policies(priority=priority)),
            record(word, node, name=name)]


def rack(*machines: Record, memory_mib: int = 1000, k: int = 0, nodes: str = "abc") -> ClusterView:
    """Build hosts of one size, with these machines."""
    return cluster(*(host(name, memory_mib) for name in nodes), *machines, nodes=nodes,
                   settings=Settings(cluster="test", survives=k))


def test_a_cluster_survives_a_loss_when_what_was_there_fits_elsewhere() -> None:
    view = rack(*machine("web", 600, "a"), *machine("db", 600, "b"), *machine("mail", 300, "c"))

    one = guarantee(view, 1)

    assert (one.holds, one.tried, one.sets) == (True, 3, 3)
    assert one.worst is not None
    assert max(one.worst.levels.values()) == 0.9
    assert not guarantee(view, 2).holds
    assert [each.holds for each in survives(view)] == [True, False]


def test_the_loss_that_leaves_no_room_is_named_with_who_is_stranded_and_why() -> None:
    view = rack(*machine("web", 800, "a"), *machine("db", 600, "b"), *machine("mail", 600, "c"))

    one = guarantee(view, 1)

    assert not one.holds
    assert one.worst is not None
    assert (one.worst.lost, [name for name, _ in one.worst.stranded]) == (("a",), ["web"])
    assert "400 MiB of memory left" in told(1, [one])[0]
    assert told(1, [one])[-1] == "The cluster is to survive the loss of any 1 node: it would not."


def test_who_comes_first_gets_the_room() -> None:
    view = rack(*machine("web", 500, "a"), *machine("vip", 500, "a", priority=9), *machine("db", 500, "b"),
                *machine("mail", 800, "c"))

    after = fallout(view, ["a"])

    assert (after.placed, [name for name, _ in after.stranded]) == ({"vip": "b"}, ["web"])


def test_exclusion_groups_and_preferred_nodes_count_for_the_guarantee() -> None:
    view = rack(*machine("web", 10, "a", preferred="ab"), *machine("db", 10, "b", preferred="ab"), nodes="ab")
    alone = written(view, Settings(cluster="test", groups=(apart("web", "db"),)))

    assert guarantee(view, 1).holds
    assert not guarantee(alone, 1).holds
    assert guarantee(view, 3).holds is False
    assert told(0, [guarantee(view, 3)]) == ("There are not 3 nodes to lose.",)


def test_without_any_sizes_the_guarantee_is_about_places_alone() -> None:
    view = cluster(spec("web"), record(name="web"), spec("db", preferred="b"), record(node="b", name="db"))

    assert [name for name, _ in fallout(view, ["b"]).stranded] == ["db"]
    assert fallout(view, ["a"]).placed == {"web": "b"}


def test_an_order_that_breaks_the_guarantee_is_told_with_the_numbers() -> None:
    view = rack(*machine("web", 600, "a"), *machine("db", 300, "b"), *machine("big", 500, None, word=State.OFFLINE),
                k=1, nodes="ab")

    why = broken_by(view, session(view), [order(Verb.ONLINE, "big")], NOW)

    assert why is not None
    assert why.why is Why.GUARANTEE_BROKEN
    assert broken_by(view, session(view), [order(Verb.OFFLINE, "web")], NOW) is None
    assert broken_by(written(view, Settings(cluster="test")), session(view), [order(Verb.ONLINE, "big")], NOW) is None


def test_a_drain_that_leaves_one_node_alone_breaks_the_guarantee_and_what_is_broken_stops_nobody() -> None:
    view = rack(*machine("web", 100, "a"), *machine("db", 100, "b"), k=1, nodes="ab")
    broken = written(view, *machine("huge", 950, "a"))

    assert broken_by(view, session(view), [order(Verb.DRAIN, None, "b")], NOW) is not None
    assert broken_by(broken, session(view), [order(Verb.DRAIN, None, "b")], NOW) is None


def test_what_if_several_nodes_go_and_one_comes() -> None:
    view = rack(*machine("web", 600, "a"), *machine("db", 600, "b"), *machine("mail", 900, "c"))
    alone = what_if.nodes(view, Upheaval(drained=(NodeName("b"),)), "anna", NOW)
    helped = what_if.nodes(view, Upheaval(drained=(NodeName("b"),), added=(
        Newcomer(name=NodeName("d"), capacity=Size(memory_mib=4096)),)), "anna", NOW)

    assert {one.resource: (one.how, one.node) for one in alone.prospects} == {"db": (How.STAYS, "b")}
    assert "db stays on b, because no node can hold it: a has 400 MiB" in told_what_if(view, alone)[0]
    assert {one.resource: one.node for one in helped.prospects} == {"db": "d"}


def test_what_if_two_nodes_die_at_once_one_of_which_is_the_master() -> None:
    view = rack(*machine("web", 100, "a"), *machine("db", 100, "b"), *machine("mail", 950, "c"), nodes="abcd")

    answer = what_if.nodes(view, Upheaval(lost=(NodeName("a"), NodeName("b"))), "anna", NOW)

    assert {one.resource: one.node for one in answer.prospects} == {"web": "d", "db": "d"}
    assert (answer.heir, answer.refused) == ("c", None)
    assert told_what_if(view, answer)[0] == "First it must be proven that a and b have stopped."
    gone = what_if.nodes(view, Upheaval(lost=(NodeName("z"),)), "anna", NOW)
    assert gone.refused is not None
    assert gone.refused.why is Why.UNKNOWN_NODE
