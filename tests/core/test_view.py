"""``ClusterView.apply`` is pure: it gives the next view and leaves the one it came from as it was."""

from collections.abc import Iterable
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanchion.model.cluster import (
    Change,
    ClusterView,
    Held,
    Key,
    Kind,
    Live,
    Master,
    Node,
    Proof,
    ProofKind,
    Record,
    Settings,
)
from stanchion.model.history import Run, RunEnd
from stanchion.model.ids import NodeName, OperationId, ResourceName, Revision, SessionId
from stanchion.model.naming import key_of
from stanchion.model.orders import Intent, Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import ResourceSpec, ScriptKind, Scripts
from stanchion.model.state import ResourceState, State

ALPHA = NodeName("alpha")
S1 = SessionId("s1")
WEB = ResourceName("web")

NODES = st.sampled_from(["alpha", "beta", "gamma"]).map(NodeName)
SESSIONS = st.sampled_from(["s1", "s2", "s3"]).map(SessionId)
RESOURCES = st.sampled_from(["web", "mail"]).map(ResourceName)
RECORDS: st.SearchStrategy[Record] = st.one_of(
    st.builds(Settings, cluster=st.just("lab"), quorum_nodes=st.integers(1, 3)),
    st.builds(Node, name=NODES, wanted=st.booleans()),
    st.builds(Live, node=NODES, session=SESSIONS),
    st.builds(Master, node=NODES, session=SESSIONS),
    st.builds(Proof, node=NODES, session=SESSIONS, kind=st.sampled_from(ProofKind), at_s=st.just(0.0)),
    st.builds(ResourceState, name=RESOURCES, state=st.sampled_from(State), reason=st.just(reason(Why.LOADED))),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Change]:
    """Draw writes and deletions, each at a revision of its own, as a store would number them."""
    records = draw(st.lists(st.tuples(RECORDS, st.booleans()), max_size=20))
    return [Change(key_of(record), record if kept else None, Revision(revision))
            for revision, (record, kept) in enumerate(records, 1)]


def view_of(changes: Iterable[Change]) -> ClusterView:
    """Apply all changes at once to the empty view."""
    changes = list(changes)
    return ClusterView().apply(changes, Revision(len(changes)))


@given(histories(), histories())
def test_the_earlier_view_stays_as_it_was(first: list[Change], second: list[Change]) -> None:
    view = view_of(first)
    before = deepcopy(view)

    view.apply(second, Revision(99))

    assert view == before


@given(histories())
def test_one_batch_or_many_give_the_same_view(changes: list[Change]) -> None:
    """A watcher that sees every revision by itself knows what one that read a snapshot knows."""
    step_by_step = ClusterView()
    for change in changes:
        step_by_step = step_by_step.apply([change], change.revision)

    assert step_by_step == view_of(changes)


@given(histories())
def test_the_last_write_of_each_key_stands(changes: list[Change]) -> None:
    view = view_of(changes)
    last = {change.key: change for change in changes}

    for key, change in last.items():
        expected = None if change.value is None else Held(change.value, change.revision)
        assert held(view, key) == expected
    assert view.revision == len(changes)


def held(view: ClusterView, key: Key) -> object:
    """Read a key from the view as a decision would."""
    match key.kind:
        case Kind.SETTINGS:
            return view.settings
        case Kind.MASTER:
            return view.master
    table = {Kind.NODE: view.nodes, Kind.LIVE: view.live, Kind.PROOF: view.proofs, Kind.STATE: view.states}[key.kind]
    return table.get(key.name)  # type: ignore[attr-defined]


def test_no_change_gives_an_equal_view_at_the_new_revision() -> None:
    view = view_of([Change(Key(Kind.LIVE, "alpha"), Live(node=ALPHA, session=S1), Revision(1))])

    later = view.apply([], Revision(7))

    assert later.revision == 7
    assert later.live == view.live


def test_deleting_what_is_not_there_changes_nothing() -> None:
    assert not ClusterView().apply([Change(Key(Kind.NODE, "alpha"), None, Revision(1))], Revision(1)).nodes


def test_history_and_runs_are_not_part_of_the_view() -> None:
    run = Run(resource=WEB, script=ScriptKind.LOAD, operation=OperationId("web@1"), node=ALPHA, started_at_s=0,
              ended_at_s=1, end=RunEnd.EXITED, code=0)

    assert view_of([Change(key_of(run), run, Revision(1))]) == ClusterView(revision=Revision(1))


def test_a_node_lives_while_its_lease_does() -> None:
    key = Key(Kind.LIVE, "alpha")
    view = view_of([Change(key, Live(node=ALPHA, session=S1), Revision(1))])
    ended = view.apply([Change(key, None, Revision(2))], Revision(2))

    assert (view.is_live(ALPHA), view.session_of(ALPHA)) == (True, S1)
    assert (ended.is_live(ALPHA), ended.session_of(ALPHA)) == (False, None)


@pytest.mark.parametrize(("record", "key"), [
    (Settings(cluster="lab"), Key(Kind.SETTINGS)),
    (Node(name=ALPHA), Key(Kind.NODE, "alpha")),
    (Proof(node=ALPHA, session=S1, kind=ProofKind.RESET, at_s=0), Key(Kind.PROOF, "s1")),
    (ResourceSpec(name=WEB, template="Xen_Template", scripts=Scripts()), Key(Kind.SPEC, "web")),
    (Intent(id="i1", verb=Verb.ONLINE, by="root", at_s=0), Key(Kind.INTENT, "i1")),
    (Run(resource=WEB, script=ScriptKind.LOAD, operation=OperationId("web@1"), node=ALPHA, started_at_s=0,
         ended_at_s=1, end=RunEnd.EXITED, code=0), Key(Kind.RUN, "web/load/web@1")),
])
def test_a_record_names_its_own_key(record: Record, key: Key) -> None:
    """A proof stands under the session, not under the node: it is a session that executes nothing any more."""
    assert key_of(record) == key
