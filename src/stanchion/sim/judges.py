"""The judges: one class for each invariant of ``docs/safety.md``.

They believe nobody: neither the planner's own check nor a script's exit code. Whether a machine executes is asked of
the host itself, and whether a proof covers a session is worked out here anew, so that a bug in the product's own
judgement is not shared by its judge.
"""

from collections import Counter
from collections.abc import Iterator

from stanchion.model.cluster import (
    Change,
    Key,
    Kind,
    Live,
    Master,
    Membership,
    Node,
    Proof,
    ProofKind,
    SelfFence,
    Session,
    Settings,
)
from stanchion.model.cluster import Record as Written
from stanchion.model.ids import NodeName, SessionId
from stanchion.model.orders import ENDED, Intent
from stanchion.model.resource import MachineKind, ResourceSpec
from stanchion.model.state import Phase, ResourceState, State, holders
from stanchion.model.timing import CLOCK_RATE_ERROR
from stanchion.sim.court import Court, Judge
from stanchion.sim.handmade import Strays, blameless
from stanchion.sim.host import Record

RESTLESS_S = 10.0
RESTLESS = 100
"""More writes of one record within so many seconds never end."""


class SecondCopy(Judge):
    """I1: at no instant do two hosts execute the same machine, nor one host twice."""

    invariant = "I1"

    def executed(self, record: Record) -> None:
        """Look at every host when a machine begins; where only its scripts can tell, those are believed."""
        spec = self.court.read(Kind.SPEC, record.machine)
        if record.again and isinstance(spec, ResourceSpec) and spec.machine.kind is not MachineKind.SCRIPT:
            self.find(f"{record.machine} begins on {record.host} beside its old process")
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
            if session is not None and not (
                    self._alive(node, session) or self._covered(node, session) or self._speaks(node, after)):
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

    def _speaks(self, node: NodeName, state: ResourceState) -> bool:
        """A later life of the node that looked may speak for an earlier one: it is the same host."""
        return self.court.read(Kind.LIVE, node) is not None and any(
            entry.by == node and entry.resource == state.name for entry in self.court.entries())

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
        # A watchdog's lateness is its own; the host's clock may run a little faster than that.
        if late_s > session.timing.granularity_s * (1.0 + 2 * CLOCK_RATE_ERROR):
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


class Writers(Judge):
    """I5, its other half: only a living session writes, and only the master leads. Who lost his session cannot."""

    invariant = "I5"

    def state_written(self, before: ResourceState | None, after: ResourceState | None) -> None:
        """Look at who wrote a resource's record, and for whom it is claimed."""
        if after is None:
            return
        for entry in self.court.entries():
            if entry.resource == after.name and entry.by in self.world.hosts and not self._member(entry.by):
                self.find(f"{after.name} is written {after.state} by {entry.by}, which is no member")
        if before is None or after.node is None or after.session is None:
            return
        # A move names the target's session; that the machine is recovered there is no new claim.
        if after.session not in {before.session, before.move and before.move.session}:
            live = self.court.read(Kind.LIVE, after.node)
            if not isinstance(live, Live) or live.session != after.session:
                self.find(f"{after.name} is claimed for {after.session}, which is no member")

    def written(self, change: Change, before: Written | None) -> None:  # noqa: ARG002 - a judge hears both
        """Look at who leads."""
        membership, master = change.value, self.court.read(Kind.MASTER)
        if isinstance(membership, Membership) and not (
                isinstance(master, Master) and master.node == membership.master):
            self.find(f"{membership.master} leads epoch {membership.epoch} and is not the master")

    def _member(self, node: str) -> bool:
        return self.court.read(Kind.LIVE, node) is not None


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
    """The brake: hosts that are being switched off at the same time are never half of the members."""

    invariant = "brake"

    def __init__(self, court: Court) -> None:
        super().__init__(court)
        court.world.power.judges.append(self._switched)

    def _switched(self, going: frozenset[NodeName]) -> None:
        """Count those whose devices work now, when one more begins."""
        membership = self.court.read(Kind.MEMBERSHIP)
        if not isinstance(membership, Membership):
            return
        if len(going) > 1 and 2 * len(going) >= len(set(membership.members) | going):
            self.find(f"{', '.join(sorted(going))} are fenced at once, of {len(membership.members)} members")


class Restful(Judge):
    """Liveness: nothing is written for ever. Any record may change often for a while, and then it must rest."""

    invariant = "liveness"

    def __init__(self, court: Court) -> None:
        super().__init__(court)
        self._writes: Counter[Key] = Counter()
        self._since_s = 0.0

    def state_written(self, before: ResourceState | None, after: ResourceState | None) -> None:  # noqa: ARG002
        """Count."""
        if after is not None:
            self._count(Key(Kind.STATE, after.name))

    def written(self, change: Change, before: Written | None) -> None:  # noqa: ARG002 - a judge hears both
        """Count."""
        self._count(change.key)

    def _count(self, key: Key) -> None:
        now_s = self.world.clock.now().mono_s
        if now_s - self._since_s > RESTLESS_S:
            self._writes.clear()
            self._since_s = now_s
        self._writes[key] += 1
        if self._writes[key] > RESTLESS:
            self.find(f"{key.kind} {key.name} is written over and over")


class Untouched(Judge):
    """I6: where nothing but short absences of agents happens, no machine begins or ends."""

    invariant = "I6"

    def executed(self, record: Record) -> None:
        """Every record is one too many."""
        self.find(f"{record.machine} {'begins' if record.begins else 'ends'} on {record.host} though agents alone were "
                  "restarted")


JUDGES: tuple[type[Judge], ...] = (SecondCopy, HonestProof, CoveredStart, Deadline, Allowed, Caused, Writers, Ended,
                                  Growing, Braked, Restful, Strays)

"""Those that sit in every life; ``Untouched`` sits where its case is heard."""
