"""An order to end a process is carried out by the session that took it up, or by the next one."""

from stanchion.model.actions import SessionOpened
from stanchion.model.cluster import ClusterView
from stanchion.model.ids import Moment, NodeName, SessionId
from stanchion.plan.node import NodeState, react


def test_a_new_session_takes_up_what_the_last_one_may_have_dropped() -> None:
    """The new session drops everything that was in the air, so it remembers no order as being carried out."""
    before = NodeState(me=NodeName("a"), session=SessionId("a-1"), ending=frozenset({"intent1"}))
    opened = SessionOpened(session=SessionId("a-2"), view=ClusterView())
    after, _ = react(before, opened, Moment(mono_s=1.0, wall_s=1.0))
    assert after.ending == frozenset()
