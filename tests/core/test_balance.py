"""Balance: fewer hot nodes by moves that are each worth making; nothing that goes back and forth."""

import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clusters import NOW, apart, cluster, moving, record, spec, together, written
from core.draws import clusters
from stanchion.model.balance import Migration
from stanchion.model.capacity import Size
from stanchion.model.cluster import ClusterView, Node, Record, Session, Settings
from stanchion.model.groups import Group
from stanchion.model.reasons import Why, sentence
from stanchion.model.standing import Drained
from stanchion.model.state import Mark, Phase, State
from stanchion.plan import balance, capacity, placement
from stanchion.plan.balance import Balance, Proposal

EXAMPLES = int(os.environ.get("STANCHION_EXAMPLES", "200"))
ROOM = 1600
"""What each host has, in MiB; 100 of it are kept for the host, so that 15 MiB are one point of a hundred."""


def sized(view: ClusterView, nodes: str = "abc", cpus: float = 0.0, **other: int) -> ClusterView:
    """Give every node its room: the usual one, or another that is named."""
    return written(view, *(replace(view.nodes[node].value, capacity=Size(memory_mib=other.get(node, ROOM), cpus=cpus),
                                   reserve=Size(memory_mib=100)) for node in nodes))


def machine(name: str, node: str = "a", points: float = 10, *, live: bool = True, cpus: float = 0.0,
            **more: object) -> list[Record]:
    """Give a machine that runs on a node and takes so many points of a hundred of a usual one."""
    wished = {key: more.pop(key) for key in ("preferred", "follows_master", "moves_per_hour") if key in more}
    fresh = spec(name, live=live, **wished)  # type: ignore[arg-type]  # the words are its fields
    return [replace(fresh, size=Size(memory_mib=int(points * 15), cpus=cpus)), record(node=node, name=name, **more)]


def view_of(*machines: list[Record], groups: tuple[Group, ...] = (), nodes: str = "abc", dead: str = "",
            **rooms: int) -> ClusterView:
    """Give a cluster of these machines."""
    records = [each for pair in machines for each in pair]
    return sized(cluster(*records, nodes=nodes, dead=dead, settings=Settings(cluster="test", groups=groups)), nodes,
                 **rooms)


def moves(of: Balance) -> list[tuple[str, str, str]]:
    """All moves that are proposed, in order."""
    return [(move.resource, move.source, move.target) for each in of.proposals for move in each.migrations]


def there(view: ClusterView, move: Migration) -> ClusterView:
    """Give the view after a move took place."""
    state = view.states[move.resource].value
    assert state.node == move.source
    return written(view, replace(state, node=move.target, session=view.session_of(move.target)))


def done(view: ClusterView, of: Balance) -> ClusterView:
    """Give the view after all that was proposed took place."""
    for each in of.proposals:
        for move in each.migrations:
            view = there(view, move)
    return view


def test_machines_go_from_the_fullest_node_to_the_emptiest() -> None:
    view = view_of(machine("web", points=30), machine("db", points=30), machine("mail", points=30),
                   machine("print", "b", points=20))

    found = balance.proposals(view, NOW)

    assert moves(found) == [("db", "a", "c"), ("mail", "a", "b")]
    first = found.proposals[0]
    assert (first.left, first.reached) == ((0.9, 0.6), (0.0, 0.3))
    assert first.gain == pytest.approx(0.6)
    assert (found.now.highest, found.now.lowest, found.now.spread) == (0.9, 0.0, 0.9)
    assert (found.then.highest, found.then.lowest) == (0.5, 0.3)
    assert sentence(first.why) == "evening the nodes out: a was 90 % full, and c is 30 % full with it"


def test_small_gains_are_not_proposed() -> None:
    even = view_of(machine("web", points=12), machine("db", "b", points=10), machine("tiny", points=4), nodes="ab")

    assert moves(balance.proposals(even, NOW)) == []


def test_a_machine_that_would_only_take_the_heat_along_stays() -> None:
    view = view_of(machine("huge", points=80), nodes="ab")

    found = balance.proposals(view, NOW)

    assert found.proposals == ()
    assert [sentence(why) for why in found.held_back] == [
        "no other node that 1 of the machines on a may be on would be at least 5 points emptier with one"]


def test_processors_count_like_memory() -> None:
    view = sized(cluster(*machine("web", points=1, cpus=8), *machine("db", points=1, cpus=8), nodes="ab"), "ab", cpus=4)

    assert balance.proposals(view, NOW).now.highest == 1.0
    assert moves(balance.proposals(view, NOW)) == [("db", "a", "b")]


def test_only_live_machines_move_unless_cold_moves_are_asked_for() -> None:
    view = view_of(machine("web", points=30, live=False), machine("db", points=30, live=False), nodes="ab")

    held = balance.proposals(view, NOW)
    cold = balance.proposals(view, NOW, cold=True)

    assert held.proposals == ()
    assert [sentence(why) for why in held.held_back] == ["2 of the machines on a cannot move live"]
    assert moves(cold) == [("db", "a", "b")]
    assert not cold.proposals[0].migrations[0].live


def test_a_live_move_comes_before_a_cold_one() -> None:
    view = view_of(machine("cold", points=30, live=False), machine("live", points=20), machine("rest", points=10),
                   nodes="ab")

    assert moves(balance.proposals(view, NOW, cold=True))[0] == ("live", "a", "b")


@pytest.mark.parametrize(("more", "why"), [
    ({"state": State.MIGRATING}, Why.STAYS_BUSY),
    ({"follows_master": True}, Why.STAYS_BY_RULE),
    ({"marks": (Mark.MOVED_BY_MONITOR,)}, Why.STAYS_BY_RULE),
    ({"moves_per_hour": 1, "moves": (NOW.wall_s - 60,)}, Why.STAYS_BY_BUDGET),
    ({"reason": placement.reason(Why.MIGRATE_FAILED, "b", "no route", "a")}, Why.STAYS_BUSY),
    ({"session": "a0"}, Why.STAYS_BUSY),
])
def test_what_must_not_be_moved_for_the_balance_stays(more: dict[str, object], why: Why) -> None:
    state = more.pop("state", None)
    pair = machine("web", points=40, **more)
    if state is not None:
        pair = [pair[0], moving(Phase.OUT, "a", "c", name="web")]
    view = view_of(pair, machine("db", points=45, live=False))

    found = balance.proposals(view, NOW)

    assert found.proposals == ()
    assert why in {each.why for each in found.held_back}


def test_a_machine_of_unknown_size_and_a_host_of_unknown_room_are_left_alone() -> None:
    view = cluster(*machine("web", points=30), *machine("db", points=30), *machine("what", points=0), nodes="abc")
    view = sized(view, "ab")

    found = balance.proposals(view, NOW)

    assert moves(found) == [("db", "a", "b")]
    assert set(found.levels) == {"a", "b"}


@pytest.mark.parametrize("fate", ["drained", "witness", "quarantined", "dead", "left"])
def test_a_node_that_takes_nothing_is_given_nothing(fate: str) -> None:
    view = view_of(machine("web", points=30), machine("db", points=30), dead="b" if fate == "dead" else "")
    node = view.nodes["b"].value
    changed: dict[str, Node] = {
        "drained": replace(node, drained=Drained(by="root", at_s=NOW.wall_s)), "witness": replace(node, witness=True),
        "quarantined": replace(node, quarantined_at_s=NOW.wall_s), "dead": node, "left": replace(node, wanted=False)}

    found = balance.proposals(written(view, changed[fate]), NOW)

    assert moves(found) == [("db", "a", "c")]
    assert "b" not in found.levels


def test_machines_that_are_kept_together_move_together_and_those_apart_stay_apart() -> None:
    view = view_of(machine("web", points=20), machine("db", points=20), machine("x", points=30), machine("y", "b", 40),
                   groups=(together("web", "db"), apart("x", "y")), nodes="ab")

    found = balance.proposals(view, NOW)

    assert moves(found) == []
    wider = view_of(machine("web", points=20), machine("db", points=20), machine("x", points=30), machine("y", "b", 40),
                    groups=(together("web", "db"), apart("x", "y")))
    first = balance.proposals(wider, NOW).proposals[0]
    assert [move.resource for move in first.migrations] == ["web", "db"]
    assert {move.target for move in first.migrations} == {"c"}


def test_a_group_that_does_not_fit_as_a_whole_stays() -> None:
    view = view_of(machine("web", points=40), machine("db", points=40), groups=(together("web", "db"),), nodes="ab",
                   b=1000)

    assert moves(balance.proposals(view, NOW)) == []


def test_a_preferred_node_is_left_only_when_it_is_hot_and_for_a_large_gain() -> None:
    calm = view_of(machine("web", points=40, preferred="ab"), machine("db", points=35, preferred="ab"), nodes="ab")
    hot = view_of(machine("web", points=45, preferred="ab"), machine("db", points=40, preferred="ab"), nodes="ab")
    little = view_of(machine("web", points=85, preferred="ab"), machine("db", points=10, preferred="ab"),
                     machine("rest", "b", points=70, preferred="b"), nodes="ab")

    assert moves(balance.proposals(calm, NOW)) == []
    [only] = balance.proposals(hot, NOW).proposals
    assert (only.migrations[0].resource, only.why.why) == ("web", Why.BALANCE_RELIEVES)
    assert sentence(only.why) == "relieving a, which it prefers: a was 85 % full, and b is 45 % full with it"
    assert moves(balance.proposals(little, NOW)) == []


def test_going_back_to_a_preferred_node_is_a_gain_by_itself_until_that_node_would_be_hot() -> None:
    view = view_of(machine("web", "b", points=40, preferred="ab"), machine("db", points=35, preferred="a"), nodes="ab")
    full = view_of(machine("web", "b", points=50, preferred="ab"), machine("db", points=35, preferred="a"), nodes="ab")

    [only] = balance.proposals(view, NOW).proposals
    assert (only.migrations[0].target, only.why.why) == ("a", Why.BALANCE_RETURNS)
    assert only.gain < 0
    assert sentence(only.why).startswith("going back to a, which it prefers to b")
    assert moves(balance.proposals(full, NOW)) == []


def test_nodes_that_are_not_among_the_preferred_ones_are_given_nothing() -> None:
    view = view_of(machine("web", points=45, preferred="ab"), machine("db", points=45, preferred="a"))

    assert moves(balance.proposals(view, NOW)) == [("web", "a", "b")]


def test_a_search_that_is_ended_early_says_so_and_begins_alike() -> None:
    view = view_of(*(machine(f"m{number}", points=10) for number in range(8)), nodes="ab")

    whole, one = balance.proposals(view, NOW), balance.proposals(view, NOW, most=1)

    assert one.more
    assert not whole.more
    assert one.proposals[0] == whole.proposals[0]
    assert len(whole.proposals) == 4


def test_detours_are_made_straight_where_that_is_possible() -> None:
    view = view_of(machine("web", points=10))
    load = balance.weighed(view, NOW, cold=False)["a"].loads["web"]

    there = [balance.Move(load, "a", "b"), balance.Move(load, "b", "c")]
    back = [balance.Move(load, "a", "b"), balance.Move(load, "b", "a")]

    assert balance.straightened(view, there) == [balance.Move(load, "a", "c")]
    assert balance.straightened(view, back) == []


SIZES = st.integers(1, 12).map(lambda number: number * 50)


@st.composite
def crowds(draw: st.DrawFn) -> ClusterView:
    """Draw a cluster of four nodes of different sizes with up to a dozen machines, wishes and groups."""
    names = [f"m{number}" for number in range(draw(st.integers(1, 12)))]
    groups = draw(st.sampled_from([(), (apart("m0", "m1"),), (together("m0", "m1"),),
                                   (together("m2", "m3"), apart("m3", "m0"))]))
    home = draw(st.sampled_from("abcd"))
    records: list[Record] = []
    for name in names:
        tied = any(name in group.members and group.bond.value == "together" for group in groups)
        wished = () if tied else tuple(draw(st.permutations("abcd")))[:draw(st.sampled_from([0, 0, 2, 4]))]
        node = home if tied else draw(st.sampled_from("abcd"))
        records += [replace(spec(name, live=draw(st.sampled_from([True, True, False])), preferred=wished),
                            size=Size(memory_mib=draw(SIZES), cpus=draw(st.sampled_from([0, 1, 4])))),
                    record(node=node, name=name)]
    view = cluster(*records, nodes="abcd", settings=Settings(cluster="test", groups=groups))
    return written(view, *(replace(view.nodes[node].value, capacity=Size(
        memory_mib=draw(st.sampled_from([0, 1000, 2000, 4000])), cpus=draw(st.sampled_from([0, 2, 8]))))
        for node in "abcd"))


def wishes(view: ClusterView) -> int:
    """Add up how far from their best nodes the machines are."""
    return sum(spec.value.preferred.index(node) if node in spec.value.preferred else len(spec.value.preferred)
               for name, spec in view.specs.items() if (node := view.states[name].value.node))


def order_of(view: ClusterView, nodes: set[str]) -> tuple[list[float], int, list[float]]:
    """Give what every move must make less: the hot levels, the wishes, all levels."""
    levels = sorted((round(capacity.level(view, node), 5) for node in nodes), reverse=True)
    return [max(level, balance.COMFORT) for level in levels], wishes(view), levels


def stepped(view: ClusterView, each: Proposal, *, cold: bool) -> ClusterView:
    """Make one proposal, and check that each of its moves may be made then."""
    for move in each.migrations:
        configured = view.specs[move.resource].value
        assert move.target in placement.fit(view, configured, without=(move.source,))
        assert capacity.lacks(view, configured, move.target) is None
        assert move.live is configured.live
        assert cold or move.live
        view = there(view, move)
    return view


@settings(max_examples=EXAMPLES, deadline=None)
@given(view=crowds(), cold=st.booleans())
def test_each_move_may_be_made_in_its_turn_and_afterwards_nothing_is_proposed(view: ClusterView, *, cold: bool) -> None:
    found = balance.proposals(view, NOW, cold=cold)
    after = view
    for each in found.proposals:
        after = stepped(after, each, cold=cold)

    assert {node: round(capacity.level(after, node), 6) for node in found.after} == dict(found.after)
    if found.proposals:
        assert order_of(after, set(found.levels)) < order_of(view, set(found.levels))
    assert balance.proposals(after, NOW, cold=cold).proposals == ()


@settings(max_examples=EXAMPLES, deadline=None)
@given(crowds())
def test_one_move_at_a_time_gets_there_too_and_never_back_and_forth(view: ClusterView) -> None:
    seen = set()
    for _ in range(200):
        places = tuple(sorted((name, held.value.node or "") for name, held in view.states.items()))
        assert places not in seen
        seen.add(places)
        found = balance.proposals(view, NOW, most=1)
        if not found.proposals:
            return
        view = done(view, found)
    raise AssertionError("it does not come to rest")


@settings(max_examples=EXAMPLES // 4, deadline=None)
@given(clusters(orders=False))
def test_any_cluster_can_be_weighed_and_nothing_moves_that_does_not_run_where_it_may(view: ClusterView) -> None:
    rooms = [replace(held.value, capacity=Size(memory_mib=4000)) for held in view.nodes.values()]
    sizes = [replace(held.value, size=Size(memory_mib=900)) for held in view.specs.values()]
    view = written(view, *rooms, *sizes)

    for each in balance.proposals(view, NOW, cold=True).proposals:
        for move in each.migrations:
            state = view.states[move.resource].value
            assert state.state is State.RUNNING
            assert view.is_live(move.source)
            assert placement.takes(view, move.target)


def test_the_room_that_a_session_found_counts_where_nobody_said_any() -> None:
    view = cluster(*machine("web", points=30), *machine("db", points=30), nodes="ab")
    found = [replace(held.value, capacity=Size(memory_mib=ROOM)) for held in view.sessions.values()
             if isinstance(held.value, Session)]

    assert moves(balance.proposals(written(view, *found), NOW)) == [("db", "a", "b")]
