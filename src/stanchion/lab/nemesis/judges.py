"""What must never be, looked for in what was seen: pure functions from spans and strikes to sentences.

``spans`` are the witness's (``lab.witness``): nothing here comes from the cluster. Where two executions touch so
closely that the witness cannot tell (it looks a hundred times a second), nobody is accused; the machine's own disk and
serial line are the second witness, and they are asked too (``DemoMachine.fault``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from stanchion.lab.nemesis.draw import AT_THE_STORE, OF_THE_AGENT, SILENCES, What
from stanchion.lab.witness import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Felt:
    """A strike as it came to be: from when until when it was in force (``until`` None: it still is).

    A host that lost its power otherwise, by a fence device or its watchdog, felt the same as by a strike. ``shared``:
    the others may have lost the store together with the host that was cut from it, because its member led the etcd, or
    because another one was away.
    """

    what: What
    node: str
    since: float
    until: float | None = None
    shared: bool = False


def second_copies(spans: Iterable[Span]) -> list[str]:
    """I1: at no instant do two processes execute the same machine."""
    found = []
    machines: dict[str, list[Span]] = {}
    for span in spans:
        machines.setdefault(span.machine, []).append(span)
    for machine, lived in machines.items():
        for one, two in combinations(sorted(lived, key=lambda span: span.began_at), 2):
            together_s = min(one.alive_at, two.alive_at) - two.began_at
            if two.began_at < one.alive_at:
                found.append(f"I1: {machine} was executed twice, by process {one.pid} on {one.node} and {two.pid} on "
                             f"{two.node}, from {two.began_at:.3f} on, for at least {together_s:.3f} s")
    return found


def overdue(spans: Sequence[Span], felt: Sequence[Felt], within_s: float) -> list[str]:
    """I3: a node that cannot renew its lease executes nothing when ``within_s`` (self-fence) have passed.

    Asked only of silences during which nothing happened to the store of others: when the store is lost for all,
    machines may stay, because the peers of the host that is cut from the store hear it plead.
    """
    found = []
    for silence in felt:
        if silence.what not in SILENCES or silence.until is None or silence.shared or _others(silence, felt):
            continue
        until = _until(silence, felt)
        due = silence.since + within_s
        for span in spans:
            late_s = min(span.alive_at, until) - due
            if span.node == silence.node and span.began_at < until and late_s > 0:
                found.append(f"I3: {span.machine} executed on {span.node} {within_s + late_s:.3f} s after it "
                             f"{silence.what}; it had to end within {within_s:g} s")
    return found


def _others(silence: Felt, felt: Iterable[Felt]) -> bool:
    """Whether the store of others was touched meanwhile; the host's own life is not."""
    return any(other.what in AT_THE_STORE and other is not silence and _overlap(silence, other)
               and not (other.what is What.POWER_CUT and other.node == silence.node) for other in felt)


def _until(silence: Felt, felt: Iterable[Felt]) -> float:
    """Until when it is in force: a new life of the host, or a new agent in place of a stopped one, may renew."""
    assert silence.until is not None
    anew = {What.POWER_CUT, What.KILL_AGENT} if silence.what in OF_THE_AGENT else {What.POWER_CUT}
    return min((other.until for other in felt if other.what in anew and other.node == silence.node
                and other.until is not None and _overlap(silence, other)), default=silence.until)


def _overlap(silence: Felt, other: Felt) -> bool:
    assert silence.until is not None
    return other.since < silence.until and (other.until is None or other.until > silence.since)


def failovers(spans: Iterable[Span]) -> int:
    """Count how often a machine was switched on on another host than the one that had executed it before."""
    count, last = 0, dict[str, str]()
    for span in sorted(spans, key=lambda each: each.began_at):
        count += span.booted and last.get(span.machine, span.node) != span.node
        last[span.machine] = span.node
    return count
