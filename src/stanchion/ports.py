"""The list of doors: what the agent needs of the world, as Protocols.

Production (``store``, ``drivers``), the simulator (``sim``) and the tests stand behind the same doors, and the same
contract tests run against each of them. Nothing here decides; nothing here knows who stands behind the door.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from stanchion.model.capacity import NOTHING_KNOWN, Size
from stanchion.model.cluster import Change, Held, Kind, Record
from stanchion.model.fencing import FenceDevice, Power
from stanchion.model.history import Run
from stanchion.model.ids import BootId, LeaseId, Moment, NodeName, OperationId, ResourceName, Revision, SessionId
from stanchion.model.journal import JournalEntry
from stanchion.model.neighbour import Glimpse, Neighbour
from stanchion.model.notification import Message, Way
from stanchion.model.resource import ResourceSpec, ScriptKind
from stanchion.model.state import Presence
from stanchion.model.transaction import Committed, Conflict, Transaction
from stanchion.model.trust import Authority, Member, Paper


class Clock(Protocol):
    """The host's clocks. Waiting is done by the event loop, which the simulator owns as a whole."""

    def now(self) -> Moment:
        """Read both clocks."""
        ...


class Chance(Protocol):
    """The only source of randomness."""

    def token(self) -> str:
        """Give 16 fresh lower-case letters and digits."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything in the store but history and runs, at one revision."""

    revision: Revision
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """The changes of one revision, in order, as the watch delivers them."""

    revision: Revision
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Resync:
    """The watch may have missed something: take a new snapshot, then watch from there."""


class Store(Protocol):
    """Revisioned records, guarded transactions, leases, and a watch that never loses a change silently.

    Every method raises ``StoreUnavailable`` when the store does not answer in time (the write may or may not have
    taken place: read again before trying again), ``StoreUnusable`` when an operator must act.
    """

    async def snapshot(self) -> Snapshot:
        """Read everything but history and runs, at one revision."""
        ...

    async def commit(self, transaction: Transaction) -> Committed | Conflict:
        """Write all of it if every guard holds, else nothing. Leased puts need a living lease (else Conflict)."""
        ...

    async def records(self, kind: Kind, *, after: str = "", prefix: str = "", limit: int = 500,
                      newest_first: bool = False) -> list[tuple[str, Held[Record]]]:
        """List records of a kind in the order of their names, from beyond ``after``; used for history and runs."""
        ...

    async def trim(self, kind: Kind, *, prefix: str = "", keep: int) -> int:
        """Delete the oldest records of a kind but ``keep``; give how many went."""
        ...

    async def grant(self, ttl_s: float) -> LeaseId:
        """Begin a lease of that many seconds, counted from when the store received this."""
        ...

    async def renew(self, lease: LeaseId) -> bool:
        """Begin the lease's time anew; False: it has ended, and every record put with it is gone."""
        ...

    async def revoke(self, lease: LeaseId) -> None:
        """End a lease and delete every record put with it, in one revision. Ending an ended lease is no error."""
        ...

    def watch(self, after: Revision) -> AsyncIterator[Batch | Resync]:
        """Deliver every batch beyond that revision, in order, but history and runs; ``Resync`` after any gap."""
        ...

    async def close(self) -> None:
        """Let go of files and connections. Leases live on until they end."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptOrder:
    """A script to run. ``operation`` names the run: the same order again joins the run instead of repeating it."""

    resource: ResourceName
    script: ScriptKind
    operation: OperationId
    text: str
    timeout_s: float
    environment: Mapping[str, str] = field(default_factory=dict)


class Runner(Protocol):
    """Runs scripts, one at a time for each resource."""

    async def run(self, order: ScriptOrder) -> Run:
        """Run a script to its end or its timeout, after every earlier process of the resource has ended.

        A run that is known by its resource, script and operation, even from before the agent's restart, is joined,
        not repeated. A script past its timeout is *not* killed: the run is given as ``OVERDUE`` at that instant.
        """
        ...

    async def rehearse(self, order: ScriptOrder) -> Run:
        """Tell what a script would do, as the output of a run, without doing any of it."""
        ...

    def process_of(self, resource: ResourceName) -> int | None:
        """Give the process id of the resource's script that runs now, if any."""
        ...

    async def end(self, resource: ResourceName, *, grace_s: float = 5.0, script: ScriptKind | None = None) -> bool:
        """End the process group of the resource's running script: TERM, after the grace KILL. False: nothing ran.

        ``script``: only one of that kind.
        """
        ...

    async def forget(self, resource: ResourceName) -> None:
        """Remove what is kept of a deleted resource's runs."""
        ...


class Hypervisor(Protocol):
    """Tells the truth about machines on this host: facts, not exit codes."""

    async def look(self, spec: ResourceSpec) -> tuple[Presence, str]:
        """Tell whether the machine executes here; the text says what was seen, for people.

        A machine that waits paused for an incoming migration does not execute.
        """
        ...

    async def sweep(self, specs: Sequence[ResourceSpec]) -> Mapping[ResourceName, tuple[Presence, str]]:
        """Look for many machines at once, cheaply: one question to each hypervisor, then a look at what it names.

        Machines that only a script can tell of are left out.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether this host could take a machine over; ``fault`` empty means yes.

    ``size`` is how large the machine is by its configuration here, as far as that can be read.
    """

    fault: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    size: Size = NOTHING_KNOWN


class Host(Protocol):
    """This host: its files, its life, and the last resort."""

    def boot(self) -> BootId:
        """Identify this life of the host: another value means that it was restarted in between."""
        ...

    async def capacity(self) -> Size:
        """Say how much memory and how many processors it has for machines; what cannot be found out is not known."""
        ...

    async def readiness(self, spec: ResourceSpec, digests: Mapping[str, str]) -> Readiness:
        """Check that the machine's files are here and, where ``digests`` names them, the same as there."""
        ...

    async def reset(self) -> None:
        """Reset the host hard: no sync, no unmount (seed, failure action "reboot"). Does not return."""
        ...


class Watchdog(Protocol):
    """Resets the host when the agent stops feeding it."""

    @property
    def armed(self) -> bool:
        """Whether a machine would be stopped if feeding stopped now."""
        ...

    def arm(self, until_s: float) -> bool:
        """Arm it to fire at that instant of the host's monotonic clock; False: it cannot be armed."""
        ...

    def feed(self, until_s: float) -> None:
        """Put the reset off to that instant. Does nothing when it is not armed."""
        ...

    def release(self) -> None:
        """Disarm, because nothing runs here any more. Only ever called on a clean leave."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One sign of life: who sends it, and which sessions of other members he does not hear himself."""

    node: NodeName
    session: SessionId
    silent: tuple[SessionId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plea:
    """A member that does not reach the store asks whether another one does not either, and starts nothing meanwhile.

    ``token`` is new every time, ``lease_s`` how long the promise must last, ``reply`` the address for the answer.
    A plea for 0 s binds nobody: it asks who would promise now.
    """

    node: NodeName
    session: SessionId
    token: str
    lease_s: float
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """The answer to a plea, given for all of the sessions that the sender's host may be known by."""

    sessions: tuple[SessionId, ...]
    token: str


Word = Sign | Plea | Promise
"""What agents say to each other directly."""


class Pulse(Protocol):
    """Direct words between agents. They may be lost, late or out of order; a sign of life is never answered."""

    def send(self, to: str, word: Word) -> None:
        """Send one word to an address; never waits."""
        ...

    async def hear(self) -> Word:
        """Wait for the next word."""
        ...


class Fencer(Protocol):
    """Switches hosts off by their fence devices, and reports power states: the state counts, never an exit code."""

    async def status(self, device: FenceDevice) -> tuple[Power, str]:
        """Ask a device for the power state; the text is what it said."""
        ...

    async def off(self, device: FenceDevice) -> tuple[Power, str]:
        """Switch off and look; ``Power.OFF`` only when the device reports the host off."""
        ...

    async def on(self, device: FenceDevice) -> tuple[Power, str]:
        """Switch on and look."""
        ...

    async def agents(self) -> Mapping[str, str]:
        """Name the fence agents that this host has, with what each says of itself; empty where it says nothing."""
        ...


class Issuer(Protocol):
    """Signs certificates on behalf of the cluster."""

    def issue(self, authority: Authority, request: str, node: NodeName, address: str) -> tuple[str, Paper]:
        """Give a node a certificate in PEM, and what it says.

        Raises ``InvalidInput`` for a request that is none, ``HostError`` where the authority's key cannot be opened.
        """
        ...

    def revocations(self, authority: Authority) -> str:
        """Give the list of certificates that are accepted no more, in PEM."""
        ...


class Ballot(Protocol):
    """The members of the etcd that holds the store."""

    async def members(self) -> tuple[Member, ...]:
        """List them, each with its health as it answers now."""
        ...

    async def remove(self, member: Member) -> None:
        """Take one out for good. Raises ``NotNow`` where those that stay would be no majority of well ones."""
        ...


class Notifier(Protocol):
    """Tells people and programs outside the cluster."""

    async def send(self, way: Way, message: Message) -> str:
        """Deliver a message and give what the other side answered. Raises ``HostError`` where it is not delivered."""
        ...


class Neighbours(Protocol):
    """Other clusters, to be looked at."""

    def sealed(self, token: str) -> str:
        """Seal a token for the store. Raises ``HostError``."""
        ...

    def fault(self, authority: str) -> str:
        """Say what is wrong with the certificate of an authority; empty: nothing."""
        ...

    async def look(self, at: Sequence[Neighbour]) -> tuple[Glimpse, ...]:
        """Look at these, all at once, and give what was seen of each; nothing is raised for one that cannot be."""
        ...


class Passwords(Protocol):
    """The slow hashes of passwords. Both raise ``TooSoon`` where too many wait already."""

    async def digest(self, password: str) -> str:
        """Give the hash of a password."""
        ...

    async def fits(self, password: str, digest: str) -> bool:
        """Tell whether it is the password of that hash; an empty hash costs the same work and fits nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """Somebody whom others than the cluster know, under this name there, and the groups that he is in there."""

    name: str
    groups: tuple[str, ...] = ()


class Directory(Protocol):
    """Who knows people by name and password: the host's PAM."""

    async def check(self, name: str, password: str) -> Vouched | None:
        """Tell who it is; None: that is not his password, or he may not come in.

        Raises ``TooSoon`` where too many wait already, ``HostError`` where nobody can be asked.
        """
        ...


class IdentityProvider(Protocol):
    """Who knows people by a sign-in of his own (OpenID Connect). Both raise ``HostError`` where he does not answer."""

    async def door(self, back: str, *, state: str, nonce: str, challenge: str) -> str:
        """Give the address to which a browser is sent, so that it comes ``back`` with the state and a code."""
        ...

    async def redeem(self, code: str, back: str, *, verifier: str, nonce: str) -> Vouched:
        """Exchange the code that a browser came back with. Raises ``NotAllowed`` where it proves nothing."""
        ...


class Lint(Protocol):
    """Reads a script before it is saved."""

    async def check(self, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Give (errors, warnings), each one sentence with its line: ``bash -n`` errors, and what is likely wrong."""
        ...


class Journal(Protocol):
    """A few bytes on this host that survive the agent."""

    def read(self) -> JournalEntry | None:
        """Give what was written last; None when there is nothing or it is damaged."""
        ...

    def write(self, entry: JournalEntry) -> None:
        """Replace what was written. A full disk raises ``HostError``; the caller goes on without."""
        ...
