"""A dialogue with one agent's judgement: it is told what happened, and says what it does."""

from core.clusters import NOW, cluster, later, ran, written
from stanchion.model import actions as a
from stanchion.model.cluster import ClusterView, Record
from stanchion.model.history import RunEnd
from stanchion.model.state import Presence, ResourceState
from stanchion.plan.node import NodeState, react


class Talk:
    """A dialogue with node ``me``: ``tell`` it something, get what it does. Alarms are kept apart, in ``wakes``."""

    def __init__(self, *records: Record, me: str = "a", left: str = "") -> None:
        self.view = cluster(*records, left=left)
        self.state = NodeState(me=me)
        self.at_s = 0.0
        self.wakes: list[float] = []
        self.tell(a.SessionOpened(session=f"{me}1", view=ClusterView()))

    def tell(self, happening: a.Happening, *, after_s: float = 0.0) -> list[a.Action]:
        """Let it hear something, some seconds after what it heard last."""
        self.at_s += after_s
        now = later(self.at_s)
        self.state, actions = react(self.state, happening, now)
        wakes = [action.at_s for action in actions if isinstance(action, a.WakeAt)]
        assert all(at_s > now.mono_s for at_s in wakes), "an alarm in the past would ring without end"
        self.wakes += [at_s - NOW.mono_s for at_s in wakes]
        return [action for action in actions if not isinstance(action, a.WakeAt)]

    def see(self, *records: Record) -> list[a.Action]:
        """Let it see the store as it is, after these writes."""
        self.view = written(self.view, *records)
        return self.tell(a.ViewChanged(view=self.view))

    def wake(self, after_s: float = 0.0) -> list[a.Action]:
        """Let time pass."""
        return self.tell(a.Woken(), after_s=after_s)

    def ends(self, action: a.Action, code: int = 0, *, end: RunEnd = RunEnd.EXITED) -> list[a.Action]:
        """Let a script end."""
        assert isinstance(action, a.RunScript)
        return self.tell(a.ScriptEnded(resource=action.spec.name, step=action.step, stage=action.stage,
                                       run=ran(action.script, code, end=end)))

    def finds(self, action: a.Action, presence: Presence) -> list[a.Action]:
        """Let a look find something."""
        assert isinstance(action, a.Look)
        return self.tell(a.Looked(resource=action.spec.name, step=action.step, stage=action.stage, presence=presence))

    def answers(self, action: a.Action, written: bool | None) -> list[a.Action]:  # noqa: FBT001 - the store's answer
        """Let the store answer a commit."""
        assert isinstance(action, a.Commit)
        return self.tell(a.Reported(resource=action.resource, decided_on=action.state.revision, written=written))


def only(actions: list[a.Action], kind: type[a.Action]) -> a.Action:
    """Give the one action there is; it must be of that kind."""
    (action,) = actions
    assert isinstance(action, kind), action
    return action


def becomes(action: a.Action) -> ResourceState:
    """Give the record that a commit writes."""
    assert isinstance(action, a.Commit)
    (put,) = action.transaction.puts
    assert isinstance(put.record, ResourceState)
    return put.record
