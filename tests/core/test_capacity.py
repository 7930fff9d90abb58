"""Room: memory is never promised twice, and where nobody lists nodes the emptiest one is taken."""

from dataclasses import replace

from core.clusters import NOW, cluster, moving, record, session, settled, spec, together, written
from core.test_guarantee import machine, rack
from stanchion.model import events as e
from stanchion.model.capacity import Size
from stanchion.model.cluster import Change, Key, Kind, Node, Record, Settings
from stanchion.model.ids import NodeName, Revision
from stanchion.model.reasons import Why, reason, sentence
from stanchion.model.resource import ResourceSpec
from stanchion.model.state import Phase, State
from stanchion.plan import capacity, placement
from stanchion.plan.lifecycle import advance
from stanchion.plan.planner import settled as thought

A, B = NodeName("a"), NodeName("b")


def test_what_a_host_can_promise_is_what_it_has_without_its_own_share() -> None:
    view = cluster(Node(name=A, capacity=Size(memory_mib=16_000, cpus=8)),
                   Node(name=B, capacity=Size(memory_mib=16_000, cpus=8), reserve=Size(memory_mib=4_000, cpus=2)))
    measured = written(view, replace(session(view, "c"), capacity=Size(memory_mib=1_000, cpus=2)))

    assert capacity.usable(view, A) == Size(memory_mib=15_000, cpus=8)
    assert capacity.usable(view, B) == Size(memory_mib=12_000, cpus=6)
    assert capacity.usable(view, NodeName("c")) == Size()
    assert capacity.usable(measured, NodeName("c")) == Size(memory_mib=744, cpus=2)


def test_the_word_of_an_operator_counts_before_what_was_measured() -> None:
    view = cluster(replace(spec("web"), size=Size(cpus=3)), record(name="web", size=Size(memory_mib=512, cpus=1)))

    assert capacity.needs(view, "web") == Size(memory_mib=512, cpus=3)  # type: ignore[arg-type]  # a name


def test_a_machine_that_moves_takes_room_on_both_sides_until_it_has_arrived() -> None:
    view = rack(replace(spec("web"), size=Size(memory_mib=300)), moving(Phase.OUT))
    arrived = written(view, record(node="b", name="web"))

    assert [capacity.promised(view, node).memory_mib for node in (A, B)] == [300, 300]
    assert [capacity.promised(arrived, node).memory_mib for node in (A, B)] == [0, 300]


def test_a_node_without_enough_memory_is_not_taken_and_says_how_much_is_missing() -> None:
    view = rack(*machine("web", 700, "a"), *machine("db", 400, None, word=State.UNASSIGNED, preferred="ab"),
                *machine("mail", 800, "b"))

    (where, why), _ = placement.candidates(view, view.specs["db"].value).rejected[:2]  # type: ignore[index]  # a name

    assert (where, why.why) == ("a", Why.NODE_FULL)
    assert sentence(why) == "a has 300 MiB of memory left of the 1000 that machines may have there, and it needs 400"
    assert settled(view).states["db"].value.state is State.UNASSIGNED  # type: ignore[index]  # a name


def test_where_nobody_lists_nodes_the_one_that_would_be_least_full_is_taken() -> None:
    view = rack(*machine("web", 300, "a"), *machine("db", 100, "b"), *machine("mail", 200, "c"),
                *machine("new", 100, None, word=State.UNASSIGNED))

    assert placement.fit(view, view.specs["new"].value) == ("b", "c", "a")  # type: ignore[index]  # a name


def test_processors_never_bar_a_node_but_make_it_less_inviting() -> None:
    small = Node(name=A, capacity=Size(memory_mib=10_000, cpus=1))
    wide = Node(name=B, capacity=Size(memory_mib=10_000, cpus=16))
    view = cluster(small, wide, replace(spec("web"), size=Size(memory_mib=10, cpus=8)),
                   record(State.UNASSIGNED, None, name="web"), nodes="ab")

    assert placement.fit(view, view.specs["web"].value) == ("b", "a")  # type: ignore[index]  # a name


def test_those_that_are_kept_together_need_room_for_all_of_them() -> None:
    view = rack(*machine("web", 500, None, word=State.UNASSIGNED), *machine("db", 500, None, word=State.UNASSIGNED),
                *machine("other", 200, "a"), nodes="ab")
    bound = written(view, Settings(cluster="test", groups=(together("web", "db"),)))

    assert {name: held.value.node for name, held in settled(bound).states.items()} == {
        "web": "b", "db": "b", "other": "a"}


def test_sizes_that_nobody_knows_bar_nothing() -> None:
    view = cluster(*machine("web", 10_000_000, None, word=State.UNASSIGNED),
                   Node(name=B, capacity=Size(memory_mib=500)), spec("db", preferred="b"),
                   record(State.UNASSIGNED, None, name="db"))

    assert {name: held.value.node for name, held in settled(view).states.items()} == {"web": "a", "db": "b"}


def test_what_is_kept_for_a_host_goes_elsewhere_when_that_is_back_without_room() -> None:
    kept = [machine("web", 600, None, preferred="ab")[0], record(State.UNASSIGNED, "a", name="web", awaits="a")]
    view = rack(*kept, *machine("db", 600, "a"), nodes="ab")
    away = rack(*kept, nodes="ab")
    off = away.apply([Change(Key(Kind.LIVE, "a"), None, Revision(99))], Revision(99))

    assert placement.fit(view, view.specs["web"].value) == ("b",)  # type: ignore[index]  # a name
    assert settled(view).states["web"].value.node == "b"  # type: ignore[index]  # a name
    assert settled(away).states["web"].value.node == "a"  # type: ignore[index]  # a name
    assert thought(off, session(off, "b"), NOW) == ()


def yielder(name: str, memory_mib: int, node: str, *, live: bool = False, preferred: str = "") -> list[Record]:
    """Build a machine that gives way."""
    known, held = machine(name, memory_mib, node, preferred=preferred)
    assert isinstance(known, ResourceSpec)
    return [replace(known, live=live, policies=replace(known.policies, gives_way=True)), held]


def test_who_may_gives_way_to_a_higher_priority_and_starts_again_when_there_is_room() -> None:
    view = rack(*yielder("test", 600, "a"), *machine("vip", 700, None, priority=9, word=State.UNASSIGNED), nodes="a")

    after = settled(view)
    unloading = after.states["test"].value  # type: ignore[index]  # a name

    assert (unloading.state, unloading.reason.why) == (State.UNLOADING, Why.GAVE_WAY)
    away = settled(written(after, advance(unloading, e.Unloaded(operation="o", why=reason(Why.UNLOADED)), NOW)))
    assert {name: (held.value.state, held.value.node) for name, held in away.states.items()} == {
        "test": (State.UNASSIGNED, "a"), "vip": (State.LOADING, "a")}
    assert away.states["test"].value.reason.why is Why.GAVE_WAY  # type: ignore[index]  # a name
    again = settled(written(away, record(State.OFFLINE, None, name="vip")))
    assert again.states["test"].value.state is State.LOADING  # type: ignore[index]  # a name


def test_who_gives_way_goes_live_to_where_there_is_room_and_no_more_than_needed_go() -> None:
    view = rack(*yielder("large", 500, "a", live=True, preferred="ab"), *yielder("small", 100, "a", preferred="ab"),
                *machine("vip", 700, None, priority=9, word=State.UNASSIGNED, preferred="a"), nodes="ab")

    after = settled(view)

    assert {name: held.value.state for name, held in after.states.items()} == {
        "large": State.MIGRATING, "small": State.RUNNING, "vip": State.UNASSIGNED}


def test_nobody_gives_way_to_an_equal_or_without_leave_or_in_vain() -> None:
    equal = rack(*yielder("test", 600, "a"), *machine("web", 700, None, word=State.UNASSIGNED), nodes="a")
    firm = rack(*machine("test", 600, "a"), *machine("vip", 700, None, priority=9, word=State.UNASSIGNED), nodes="a")
    vain = rack(*yielder("test", 300, "a"), *machine("rest", 600, "a"),
                *machine("vip", 700, None, priority=9, word=State.UNASSIGNED), nodes="a")

    ends = [settled(view).states["test"].value for view in (equal, firm, vain)]  # type: ignore[index]  # a name

    assert [end.state for end in ends] == [State.RUNNING] * 3
