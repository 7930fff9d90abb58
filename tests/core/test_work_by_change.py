"""After a change an agent works by what changed, not by what exists: the records that it asks for are counted."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Generic, TypeVar

from core.clusters import NOW, cluster, record, session, spec, written
from stanchion.model import actions as a
from stanchion.model.cluster import ClusterView, Held, Node, Record
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.resource import ResourceSpec
from stanchion.model.state import Presence
from stanchion.model.stray import Sighting, Stray
from stanchion.plan import strays
from stanchion.plan.node import NodeState, react

T = TypeVar("T")
MANY = [ResourceName(f"vm{number:02}") for number in range(100)]
A = NodeName("a")


class Asked(Mapping[ResourceName, Held[T]], Generic[T]):
    """A table that remembers whom it was asked for."""

    def __init__(self, table: Mapping[ResourceName, Held[T]]) -> None:
        self._table = dict(table)
        self.asked: set[ResourceName] = set()

    def __getitem__(self, name: ResourceName) -> Held[T]:
        """Remember, and give it."""
        self.asked.add(name)
        return self._table[name]

    def __iter__(self) -> Iterator[ResourceName]:
        """Name all; who goes on to read them is found out."""
        return iter(self._table)

    def __len__(self) -> int:
        """Count."""
        return len(self._table)


def watched(records: Iterable[Record]) -> tuple[ClusterView, Asked[ResourceSpec]]:
    """Give a view in which it is seen whose configuration is asked for."""
    view = cluster(*records)
    table = Asked(view.specs)
    return replace(view, specs=table), table


def everybody() -> list[Record]:
    """Give a hundred machines that run on node a."""
    return [part for name in MANY for part in (spec(name), record(name=name))]


def test_a_change_of_one_machine_is_no_question_about_the_ninety_nine_others() -> None:
    """Their node asks what is next for that one alone."""
    view, table = watched(everybody())
    state, _ = react(NodeState(me=A), a.SessionOpened(session="a1", view=view), NOW)
    assert table.asked == set(MANY)
    table.asked.clear()
    react(state, a.ViewChanged(view=written(view, record(name="vm07"))), NOW)
    assert table.asked == {"vm07"}


def test_a_change_of_a_node_is_a_question_about_all_of_its_machines() -> None:
    """Whether they are to leave, say, depends on it."""
    view, table = watched(everybody())
    state, _ = react(NodeState(me=A), a.SessionOpened(session="a1", view=view), NOW)
    table.asked.clear()
    react(state, a.ViewChanged(view=written(view, Node(name=A, wanted=False))), NOW)
    assert table.asked == set(MANY)


def test_a_look_round_a_host_is_judged_by_what_was_found_there() -> None:
    """Of a hundred machines elsewhere nothing is to be said; nor of what runs here by right."""
    records = [part for name in MANY for part in (spec(name), record(name=name, node="b"))]
    here = Stray(resource="vm11", sightings=(Sighting(node=A, session="a1", since_s=1.0, text="seen"),))
    view, table = watched([*records, here])
    found = dict.fromkeys(MANY, (Presence.ABSENT, "gone")) | {MANY[5]: (Presence.RUNNING, "process 1")}
    changes = strays.sighted(view, session(view), found, NOW)
    assert {put.key.name for change in changes for put in change.puts} == {"vm05"}
    assert {key.name for change in changes for key in change.deletes} == {"vm11"}
    assert table.asked == {"vm05", "vm11"}
