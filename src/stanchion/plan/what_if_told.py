"""What would happen, in words: an answer of ``what_if`` as a few sentences, the way somebody would say it."""

from collections.abc import Iterator, Sequence

from stanchion.model.cluster import ClusterView, ProofKind
from stanchion.model.foresight import RUNS, Case, How
from stanchion.model.ids import NodeName
from stanchion.model.reasons import Why, sentence
from stanchion.model.state import State
from stanchion.plan.what_if import Answer, Loss, Prospect

NAMED = 8
"""So many names stand in a sentence; the rest are counted."""


def told(view: ClusterView, of: Answer) -> tuple[str, ...]:
    """Give the answer as whole sentences."""
    if of.refused is not None:
        return (f"That is not possible now: {sentence(of.refused)}.",)
    return (*_before(view, of), *_outcomes(of), *_after(of))


def told_loss(of: Loss) -> str:
    """Give what the loss of a node would mean as one sentence."""
    if not of.prospects:
        return f"{of.node} holds nothing."
    runs = [one for one in of.prospects if one.how in RUNS]
    asks = [one for one in of.prospects if one.how is How.ASKS]
    rest = [one for one in of.prospects if one not in runs and one not in asks]
    parts = [f"{_count(runs)} would start elsewhere"] if runs else []
    parts += [f"{_count(asks)} would ask first ({names(asks)})"] if asks else []
    parts += [f"{_count(rest)} would stay down ({names(rest)})"] if rest else []
    return f"Of the {len(of.prospects)} on {of.node}, {', '.join(parts)}." if len(of.prospects) != len(runs) else (
        f"All {len(runs)} on {of.node} would start elsewhere." if len(runs) > 1 else
        f"The one on {of.node}, {runs[0].resource}, would start elsewhere.")


def names(of: Sequence[Prospect]) -> str:
    """Name resources in a sentence: ``web, db and mail``, and how many more where there are many."""
    words = [str(one.resource) for one in of]
    if len(words) > NAMED:
        words = [*words[:NAMED], f"{len(words) - NAMED} more"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _count(of: Sequence[Prospect]) -> str:
    return str(len(of))


def _before(view: ClusterView, of: Answer) -> Iterator[str]:
    """Say what must come first when a node dies."""
    if of.case is Case.NODES:
        yield from _before_all(of)
    if of.case is not Case.NODE_DIES or of.node is None:
        return
    held = [one for one in of.prospects if one.source == of.node]
    if not held:
        yield f"{of.node} holds nothing."
    elif of.unproven is None:
        yield f"First it must be proven that {of.node} has stopped: {_proof(view, of.node, of.proof)}."
    else:
        waits = "wait" if len(held) > 1 else "waits"
        told = sentence(of.unproven)
        yield (f"{told[0].upper()}{told[1:]}. So {names(held)} {waits} until {of.node} returns" +
               (", or an operator confirms that it is down." if of.unproven.why is not Why.NOBODY_LEFT else "."))
    if of.heir is not None:
        yield f"{of.node} is the master: another member takes over. {of.heir} is taken for it here."


def _before_all(of: Answer) -> Iterator[str]:
    """Say what must come first when several nodes come and go at once."""
    lost = of.upheaval.lost
    if lost:
        yield f"First it must be proven that {_and(lost)} {'have' if len(lost) > 1 else 'has'} stopped."
    waits = [one for one in of.prospects if one.how is How.WAITS and one.held_back and one.source in lost]
    if of.unproven is not None and waits:
        told = sentence(of.unproven)
        yield f"{told[0].upper()}{told[1:]}."
    if of.heir is not None:
        yield f"The master is among those that are lost: another member takes over. {of.heir} is taken for it here."


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _proof(view: ClusterView, node: NodeName, proof: ProofKind | None) -> str:
    timing = view.sessions[node].value.timing
    if proof is ProofKind.FENCED:
        return (f"its fence device switches it off, which begins {timing.suspect_s:g} s after its last sign of life "
                "and takes as long as the device does")
    return f"its lease runs out, {timing.lease_s:g} s after its last sign of life, and it has stopped itself by then"


def _outcomes(of: Answer) -> Iterator[str]:
    groups: dict[tuple[object, ...], list[Prospect]] = {}
    for one in of.prospects:
        if one.reason == of.unproven or (one.how is How.STAYS and not one.held_back and one.before is one.after):
            continue
        why = sentence(one.reason) if one.how not in {How.RESTARTS, How.LIVE} else ""
        groups.setdefault((one.how, one.node, one.after, why, one.source is None), []).append(one)
    for group in groups.values():
        yield _outcome(group, sentence(group[0].reason), dies=of.case is Case.NODE_DIES or bool(of.upheaval.lost))


def _outcome(group: Sequence[Prospect], why: str, *, dies: bool) -> str:
    many, who, node = len(group) > 1, names(group), group[0].node
    match group[0].how:
        case How.LIVE:
            return f"{who} {'move' if many else 'moves'} to {node} live, without an interruption."
        case How.RESTARTS if dies or group[0].source is None:
            return f"{who} {'start' if many else 'starts'} on {node}."
        case How.RESTARTS:
            return f"{who} {'are' if many else 'is'} unloaded, then loaded on {node}: that interrupts " + (
                "them." if many else "it.")
        case How.STAYS:
            return f"{who} {'stay' if many else 'stays'} on {node}, because {why}."
        case How.ASKS:
            return f"{who} {'wait' if many else 'waits'} for your answer: {why}."
        case How.WAITS:
            return f"{who} {'wait' if many else 'waits'}, because {why}."
        case _:
            word = "is offline" if group[0].after is State.OFFLINE else "is not started again by itself"
            word = word.replace("is ", "are ", 1) if many else word
            return f"{who} {word}: {why}."


def _after(of: Answer) -> Iterator[str]:
    if of.case is not Case.NODE_DIES and not of.prospects:
        yield "Nothing changes."
    if not of.settled:
        yield "It does not come to rest; this is as far as it was followed."
