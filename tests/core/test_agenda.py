"""The agenda: what the master thinks about after a change is enough; all the rest would have been in vain."""

import os
from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.clusters import NOW, cluster, committed, node_records, proven, record, session, spec, written
from core.draws import NODES, RESOURCES, clusters, specs
from stanchion.model.capacity import Size
from stanchion.model.cluster import Change, ClusterView, Key, Kind, Node, Record
from stanchion.model.ids import NodeName, ResourceName, Revision
from stanchion.model.resource import FailbackMode
from stanchion.model.standing import Drained
from stanchion.model.state import State
from stanchion.plan import agenda
from stanchion.plan.agenda import Agenda
from stanchion.plan.planner import pressing
from stanchion.plan.planner import settled as thought

EXAMPLES = int(os.environ.get("STANCHION_EXAMPLES", "200"))
ROUNDS = 40


def quiet(view: ClusterView) -> ClusterView:
    """Decide and write until nothing is left to decide."""
    for _ in range(ROUNDS):
        me = session(view)
        decisions = pressing(view, me, NOW) or thought(view, me, NOW)
        if not decisions:
            return view
        view = committed(view, decisions[0])
    return view


@st.composite
def changes(draw: st.DrawFn, view: ClusterView) -> list[Change]:
    """Draw what happens next: a node dies, comes back, is drained or not; a resource stops, or is configured anew."""
    revision = Revision(view.revision + 1)

    def put(*records: Record) -> list[Change]:
        return [change for one in records for change in _changes_of(one, revision)]

    node = draw(st.sampled_from([each for each in NODES if each != "a"]))
    name = ResourceName(draw(st.sampled_from(RESOURCES)))
    held = view.states.get(name)
    match draw(st.sampled_from(["dies", "comes", "drained", "undrained", "stops", "configured"])):
        case "dies" if node in view.live:
            gone = Change(Key(Kind.LIVE, node), None, revision)
            return [gone, *put(proven(node, view.live[NodeName(node)].value.session))]
        case "comes" if node not in view.live:
            return put(*node_records(node, life=9))
        case "drained":
            return put(replace(view.nodes[NodeName(node)].value, drained=Drained(by="anna", at_s=NOW.wall_s)))
        case "undrained":
            return put(Node(name=NodeName(node)))
        case "stops" if held is not None and held.value.move is None:
            return put(record(State.OFFLINE, None, name=name))
        case _:
            return put(draw(specs(name))) if held is not None else []


def _changes_of(one: Record, revision: Revision) -> list[Change]:
    from stanchion.model.naming import key_of

    return [Change(key_of(one), one, revision)]


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data(), clusters(orders=False))
def test_whatever_changes_the_first_thing_to_do_is_among_what_is_thought_about(data: st.DataObject,
                                                                              view: ClusterView) -> None:
    view = quiet(view)
    before = Agenda().after(view, session(view).id, ())
    assume(not thought(view, session(view), NOW))
    happens = data.draw(changes(view))
    assume(happens)
    after = view.apply(happens, happens[0].revision)
    # Who is a member is written down first; what follows from that is thought about in the round after it.
    while first := pressing(after, session(after), NOW):
        after = committed(after, first[0])

    due = before.due(after, NOW)

    everything = thought(after, session(after), NOW)
    assert thought(after, session(after), NOW, due)[:1] == everything[:1]


def test_a_change_that_matters_to_one_wakes_one_and_a_lost_node_wakes_what_it_held() -> None:
    view = cluster(*(each for number in range(30) for each in (
        spec(f"vm{number}", preferred="abc"), record(node="abc"[number % 3], name=f"vm{number}"))))
    thinking = Agenda().after(view, session(view).id, ())
    one = written(view, record(node="b", name="vm1", lives=2))
    gone = view.apply([Change(Key(Kind.LIVE, "c"), None, Revision(view.revision + 1))], Revision(view.revision + 1))

    assert thinking.due(view, NOW) == frozenset()
    assert thinking.due(one, NOW) == {"vm1"}
    assert thinking.due(gone, NOW) == {f"vm{number}" for number in range(2, 30, 3)}


def test_a_node_that_comes_back_wakes_whoever_would_return_to_it() -> None:
    view = cluster(spec("web", preferred="cab", failback=FailbackMode.AUTO), record(name="web"),
                   spec("db", preferred="abc"), record(name="db"), dead="c")
    thinking = Agenda().after(view, session(view).id, ())

    assert thinking.due(written(view, *node_records("c", life=2)), NOW) == {"web"}


def test_memory_that_becomes_free_wakes_who_waits_for_it() -> None:
    large = replace(spec("large", preferred="a"), size=Size(memory_mib=700))
    small = replace(spec("small", preferred="a"), size=Size(memory_mib=500))
    host = Node(name=NodeName("a"), capacity=Size(memory_mib=1024), reserve=Size(memory_mib=24))
    view = cluster(large, record(State.UNASSIGNED, None, name="large"), small, record(name="small"), host)
    thinking = Agenda().after(view, session(view).id, ())
    stopped = written(view, record(State.OFFLINE, None, name="small"))

    assert thought(view, session(view), NOW) == ()
    assert "large" in (thinking.due(stopped, NOW) or ())
    assert [put.record.node for each in thought(stopped, session(stopped), NOW, thinking.due(stopped, NOW))
            for put in each.transaction.puts] == ["a"]  # type: ignore[union-attr]  # it is the resource's record


def test_what_holds_for_all_wakes_all_and_so_does_a_gap() -> None:
    view = cluster(spec(), record())
    thinking = Agenda().after(view, session(view).id, ())
    other = written(view, replace(view.settings.value, quorum_nodes=2)) if view.settings else view

    assert thinking.due(other, NOW) is None
    assert thinking.due(replace(view, revision=Revision(view.revision + 5)), NOW) is None
    assert Agenda().due(view, NOW) is None
    assert agenda.concerned(view, view, frozenset({Key(Kind.INTENT, "i1")})) == frozenset()


def test_a_round_that_is_broken_off_leaves_open_what_was_due() -> None:
    names = [f"vm{number}" for number in range(5)]
    view = cluster(*node_records("a"), *node_records("b"),
                   *(each for name in names for each in (spec(name), record(State.RUNNING, "a", name=name))))
    me, seen = session(view), Agenda().after(view, session(view).id, ())
    gone = view.live[NodeName("a")].value.session
    revision = Revision(view.revision + 1)
    died = [Change(Key(Kind.LIVE, "a"), None, revision), *_changes_of(proven("a", gone), revision)]
    view = view.apply(died, revision)
    decided: set[str] = set()
    for _ in names:
        due = seen.due(view, NOW)
        decisions = thought(view, me, NOW, due, 1)
        assert len(decisions) == 1
        seen = seen.broken_off(view, me.id, due)
        decided |= {put.key.name for put in decisions[0].transaction.puts if put.key.kind is Kind.STATE}
        view = committed(view, decisions[0])
    assert decided == set(names)
