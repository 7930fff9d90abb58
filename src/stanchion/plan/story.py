"""Why something happened: the history read backwards, from a line to what led to it, and on to the beginning.

Every line names its cause (``plan.causes``). A chain ends where nothing before it led to it: an operator's order, a
node that fell silent, the start of the cluster. Only lines are read here; the same lines give the same chain on every
node, today and in a bug report.
"""

from collections.abc import Iterable, Sequence

from stanchion.model.history import Entry, Line
from stanchion.model.ids import ResourceName
from stanchion.model.reasons import Why, sentence
from stanchion.model.state import State

STANDING = frozenset({Why.NODE_JOINED, Why.MASTER_IS, Why.UNPROTECTED_MEANS, Why.SELF_FENCE_LOST})
"""What a session began with, or lived with: no reason for its end."""

SOUGHT: dict[Why, frozenset[Why]] = {
    Why.FOLLOWS_MASTER: frozenset({Why.MASTER_IS}),
    Why.FAILBACK: frozenset({Why.NODE_JOINED}),
    Why.FAILBACK_MANUAL: frozenset({Why.NODE_JOINED}),
    Why.NODE_CAME: frozenset({Why.NODE_JOINED}),
}
"""What a session did that led to this, where it is not its end."""

ANEW = frozenset({Why.ONLINE_ASKED, Why.OFFLINE_ASKED, Why.MIGRATE_ASKED})
"""With an operator's order something new begins, whatever the resource went through before."""

ANSWERS = frozenset({Why.ALERT_YES, Why.ALERT_NO})


def led_to(lines: Sequence[Line], line: Line) -> Line | None:
    """Give the line that led to this one, None where nothing did. ``lines`` are in order, the oldest first."""
    entry, earlier = line.entry, [each for each in lines if each.id < line.id]
    match entry.reason.why:
        case Why.NODE_JOINED | Why.NOTIFY_FAILED:
            return None
        case Why.MASTER_IS | Why.QUORUM_REACHED:
            return _same_write(earlier, line)
        case _:
            return _cluster(earlier, entry) or _own(earlier, entry)


def _cluster(earlier: Sequence[Line], entry: Entry) -> Line | None:
    """Find what happened to the cluster under the name that the entry gives as its cause."""
    if not entry.cause:
        return None
    wanted = SOUGHT.get(entry.reason.why)
    return next((each for each in reversed(earlier) if each.entry.resource is None and each.entry.cause == entry.cause
                 and (each.entry.reason.why in wanted if wanted else each.entry.reason.why not in STANDING)), None)


def _own(earlier: Sequence[Line], entry: Entry) -> Line | None:
    """Find what the resource went through just before, in the operation that is the cause or was under way."""
    why = entry.reason.why
    if entry.resource is None or why in ANEW:
        return None
    mine = (each for each in reversed(earlier) if each.entry.resource == entry.resource)
    if why in ANSWERS:
        return next((each for each in mine if each.entry.after is State.ALERT), None)
    names = {entry.cause, entry.operation} - {"", None}
    return next((each for each in mine if each.entry.operation in names), None)


def _same_write(earlier: Sequence[Line], line: Line) -> Line | None:
    """Find what was written in one go with this line, and stands before it."""
    revision = line.id.partition("-")[0]
    return next((each for each in reversed(earlier) if each.id.partition("-")[0] == revision
                 and each.entry.resource is None), None)


def chain(lines: Sequence[Line], line: Line) -> tuple[Line, ...]:
    """Give what led to this line, the beginning first and the line itself last."""
    found = [line]
    while (before := led_to(lines, found[-1])) is not None:
        found.append(before)
    return tuple(reversed(found))


def last_of(lines: Iterable[Line], resource: ResourceName) -> Line | None:
    """Give the newest line that tells of the resource's own life: a change of its state."""
    mine = [line for line in lines if line.entry.resource == resource]
    return next((line for line in reversed(mine) if line.entry.after is not None), mine[-1] if mine else None)


def clause(entry: Entry) -> str:
    """Say in one clause what an entry tells, with its subject in front where the reason does not name it."""
    why = sentence(entry.reason)
    if entry.resource is None:
        return why
    if entry.after is None:
        return f"resource {entry.resource}: {why}"
    where = f" on {entry.node}" if entry.node and entry.after not in {State.OFFLINE, State.UNASSIGNED} else ""
    verb = "is" if entry.after is not entry.before else "is still"
    return f"resource {entry.resource} {verb} {entry.after.lower()}{where}: {why}"


def told(lines: Sequence[Line], indent: str = "  ") -> list[str]:
    """Tell a chain as indented sentences, each with the seconds since the one before."""
    texts = []
    for depth, line in enumerate(lines):
        gap = f"+{max(0.0, line.entry.at_s - lines[depth - 1].entry.at_s):.1f} s: " if depth else ""
        texts.append(f"{indent * depth}{gap}{clause(line.entry)}")
    return texts
