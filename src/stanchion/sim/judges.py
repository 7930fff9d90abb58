"""The judges: one class for each invariant of ``docs/safety.md``.

They believe nobody: neither the planner's own check nor a script's exit code. Whether a machine executes is asked of
the host itself, and whether a proof covers a session is worked out here anew, so that a bug in the product's own
judgement is not shared by its judge.
"""

from collections.abc import Iterator

from stanchion.model.cluster import (
    Change,
    Kind,
    Live,
    Membership,
    Node,
    Proof,
    ProofKind,
    SelfFence,
    Session,
    Settings,
)
from stanchion.model.cluster import Record as Written
from stanchion.model.fencing import Attempt, Fencing
from stanchion.model.ids import NodeName, SessionId
from stanchion.model.orders import ENDED, Intent
from stanchion.model.resource import MachineKind, ResourceSpec
from stanchion.model.state import Phase, ResourceState, State, holders
from stanchion.sim.court import Judge
from stanchion.sim.handmade import Strays, blameless
from stanchion.sim.host import Record


ROUNDED_S = 1e-6
"""Less is no time at all: instants are rounded."""


class SecondCopy(Judge):
    """I1: at no instant do two hosts execute the same machine."""

    invariant = "I1"

    def executed(self, record: Record) -> None:
        """Look at every host when a machine begins."""
        there = self.world.where(record.machine)
        if record.begins and len(there) > 1 and not blameless(self.court, record, there):
            self.find(f"{record.machine} executes on {' and '.join(there)}")


class HonestProof(Judge):
    """I2, first half: a proof is true when it is written, and an expired lease proves only with a self-fence."""

    invariant = "I2"

    def written(self, change: Change, before: Written | None) -> None:  # noqa: ARG002 - a judge hears both
        """Look at the host that a proof is about."""
        proof = change.value
        if not isinstance(proof, Proof):
            return
        runs = self.court.executing(proof.node)
        if runs:
            self.find(f"{proof.kind} proof of {proof.session} while {', '.join(runs)} execute there")
        session = self.court.read(Kind.SESSION, proof.node)
        if proof.kind is ProofKind.EXPIRED and isinstance(session, Session) and session.self_fence is SelfFence.NONE:
            self.find(f"expired proof of {proof.session}, which declared no armed self-fence")


class CoveredStart(Judge):
    """I2, second half: a record lets go of a host only when the machine is gone there and, after a loss, by proof."""

    invariant = "I2"

    def state_written(self, before: ResourceState | None, after: ResourceState | None) -> None:
        """Look at every host that the record named before and names no more."""
        if before is None or after is None:
            return
        for node, session in _claims(before):
            if node in holders(after) and (after.session is not None or after.state is State.MIGRATING):
                continue
            if after.name in self.court.executing(node) and not self._believed(after):
                self.find(f"{after.name} is let go of on {node} ({before.state} to {after.state}) while it runs there")
            if session is not None and not self._alive(node, session) and not self._covered(node, session):
                self.find(f"{after.name} leaves {node} ({before.state} to {after.state}) and nothing proves that "
                          f"{session} ended")

    def _believed(self, state: ResourceState) -> bool:
        """Where there is no hypervisor to ask, a script that lies is believed."""
        spec = self.court.read(Kind.SPEC, state.name)
        return isinstance(spec, ResourceSpec) and spec.machine.kind is MachineKind.SCRIPT

    def _alive(self, node: NodeName, session: SessionId) -> bool:
        """Tell whether that life of the node is its present one: it may speak for itself."""
        live = self.court.read(Kind.LIVE, node)
        return isinstance(live, Live) and live.session == session

    def _covered(self, node: NodeName, session: SessionId) -> bool:
        if self.court.read(Kind.PROOF, session) is not None:
            return True
        last = self.court.read(Kind.SESSION, node)
        away = self.court.read(Kind.LIVE, node) is None
        return away and isinstance(last, Session) and self.court.read(Kind.PROOF, last.id) is not None


def _claims(state: ResourceState) -> Iterator[tuple[NodeName, SessionId | None]]:
    """Give the lives of nodes in which the machine may be executing by this record."""
    move = state.move
    if state.node is not None and state.node in holders(state) and not (
            state.state is State.MIGRATING and move is not None and move.phase is Phase.IN):
        yield state.node, state.session
    if state.state is State.MIGRATING and move is not None and move.phase is Phase.IN:
        yield move.target, move.session


class Deadline(Judge):
    """I3: a node whose lease was not renewed executes nothing at W, and nothing when its lease ends."""

    invariant = "I3"

    def tick(self) -> None:
        """Look at every host where something executes."""
        for node, host in self.world.hosts.items():
            if "executes" in host.machines.values() and (machines := ", ".join(self.court.executing(node))):
                self._look(node, machines)

    def executed(self, record: Record) -> None:
        """Look at a host where a machine ended: how late that was."""
        if not record.begins and not self.court.unseen(record.machine, record.host):
            self._look(record.host, record.machine)

    def _look(self, node: NodeName, machines: str) -> None:
        session = self.court.read(Kind.SESSION, node)
        if not self.world.hosts[node].has_watchdog or not isinstance(session, Session) or (
                session.self_fence is SelfFence.NONE):
            return
        late_s = self.world.unkept_s(node) - session.timing.fence_s
        if late_s > session.timing.granularity_s + ROUNDED_S:
            self.find(f"{node} executes {machines} {late_s:.2f} s after its self-fence was due")

    def written(self, change: Change, before: Written | None) -> None:
        """Look at a host whose lease ends."""
        if change.key.kind is not Kind.LIVE or change.value is not None or not isinstance(before, Live):
            return
        session = self.court.read(Kind.SESSION, before.node)
        runs = self.court.executing(before.node)
        protected = isinstance(session, Session) and session.self_fence is not SelfFence.NONE
        if runs and protected and self.world.hosts[before.node].has_watchdog and (
                self.court.read(Kind.PROOF, before.session) is None) and not self._resumed(before.node):
            self.find(f"the lease of {before.session} ends while {', '.join(runs)} execute on {before.node}")

    def _resumed(self, node: NodeName) -> bool:
        """An agent that gives its lease up itself does so within its deadline; the lease did not run out."""
        session = self.court.read(Kind.SESSION, node)
        assert isinstance(session, Session)
        return self.world.unkept_s(node) < session.timing.fence_s


class Allowed(Judge):
    """I4: a resource is sent only where its list and its exclusion groups let it be."""

    invariant = "I4"

    def state_written(self, before: ResourceState | None, after: ResourceState | None) -> None:
        """Look at every node that a record names anew."""
        if before is None or after is None:
            return
        spec, settings = self.court.read(Kind.SPEC, after.name), self.court.read(Kind.SETTINGS)
        assert isinstance(settings, Settings)
        for node in set(holders(after)) - set(holders(before)):
            if isinstance(spec, ResourceSpec) and spec.preferred and node not in spec.preferred:
                self.find(f"{after.name} is sent to {node}, which is not on its list")
            if not isinstance(self.court.read(Kind.NODE, node), Node):
                self.find(f"{after.name} is sent to {node}, which is no node")
            for other in {name for group in settings.exclusions if after.name in group for name in group}:
                rival = self.court.read(Kind.STATE, other)
                if other != after.name and isinstance(rival, ResourceState) and node in holders(rival):
                    self.find(f"{after.name} is sent to {node}, where {other} is, which it excludes")


class Caused(Judge):
    """I5: every change of place or state has its line in the history, and nothing begins where no record sent it."""

    invariant = "I5"

    def state_written(self, before: ResourceState | None, after: ResourceState | None) -> None:
        """Look for the line of a change."""
        if before is None or after is None or (before.state, before.node) == (after.state, after.node):
            return
        if not any(entry.resource == after.name for entry in self.court.entries()):
            self.find(f"{after.name} goes from {before.state} on {before.node} to {after.state} on {after.node} and "
                      "the history does not say why")

    def executed(self, record: Record) -> None:
        """Look for the record that sent a machine there."""
        state = self.court.read(Kind.STATE, record.machine)
        by_hand = (record.machine, record.host) in self.world.nature.by_hand
        if record.begins and isinstance(state, ResourceState) and record.host not in holders(state) and not by_hand:
            self.find(f"{record.machine} begins on {record.host}, but the record says {state.state} on {state.node}")


class Ended(Judge):
    """I7: every order ends, and says why."""

    invariant = "I7"

    def written(self, change: Change, before: Written | None) -> None:  # noqa: ARG002 - a judge hears both
        """Look for the reason of an order's end."""
        intent = change.value
        if isinstance(intent, Intent) and intent.outcome in ENDED and intent.reason is None:
            self.find(f"{intent.verb} {intent.id} ended {intent.outcome} without a reason")

    def end(self) -> None:
        """Look for orders that never ended."""
        for key, held in self.world.engine.records.items():
            intent = held.value
            if key.kind is Kind.INTENT and isinstance(intent, Intent) and intent.outcome not in ENDED:
                self.find(f"{intent.verb} {intent.resource or intent.node} ({intent.id}) is still {intent.outcome}")


class Growing(Judge):
    """I8: the epoch and the lives of a resource never decrease."""

    invariant = "I8"

    def state_written(self, before: ResourceState | None, after: ResourceState | None) -> None:
        """Compare lives."""
        if before is not None and after is not None and after.lives < before.lives:
            self.find(f"{after.name} goes from life {before.lives} to {after.lives}")

    def written(self, change: Change, before: Written | None) -> None:
        """Compare epochs; the membership is never deleted."""
        if isinstance(before, Membership) and (
                not isinstance(change.value, Membership) or change.value.epoch < before.epoch):
            self.find(f"the membership goes back from epoch {before.epoch}")


class Braked(Judge):
    """The brake: several fencings that are under way at once never concern half of the members."""

    invariant = "brake"

    def written(self, change: Change, before: Written | None) -> None:  # noqa: ARG002 - a judge hears both
        """Count the fencings that are under way when one more is asked for."""
        membership = self.court.read(Kind.MEMBERSHIP)
        if not isinstance(change.value, Fencing) or not isinstance(membership, Membership):
            return
        asked = {held.value.node for held in self.world.engine.records.values() if isinstance(held.value, Fencing)
                 and held.value.attempt is Attempt.ASKED and self.court.read(Kind.PROOF, held.value.session) is None}
        many = len(asked) > 1 and 2 * len(asked) >= len(set(membership.members) | asked)
        if change.value.attempt is Attempt.ASKED and many:
            self.find(f"{', '.join(sorted(asked))} are fenced at once, of {len(membership.members)} members")


class Untouched(Judge):
    """I6: where nothing but short absences of agents happens, no machine begins or ends."""

    invariant = "I6"

    def executed(self, record: Record) -> None:
        """Every record is one too many."""
        self.find(f"{record.machine} {'begins' if record.begins else 'ends'} on {record.host} though agents alone were "
                  "restarted")


JUDGES: tuple[type[Judge], ...] = (SecondCopy, HonestProof, CoveredStart, Deadline, Allowed, Caused, Ended, Growing,
                                  Braked, Strays)

"""Those that sit in every life; ``Untouched`` sits where its case is heard."""
