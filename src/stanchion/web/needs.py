"""What needs a person, from one look at the cluster: each with its reason, what can be answered, and where to go.

An alert asks a question; everything else here waits until somebody does something: a machine that could not be loaded,
one that no node can hold, one that runs where nobody sent it, a node of which nothing proves that it has stopped, and
one that nothing protects before that happens.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from stanchion.model.state import AlertKind, State
from stanchion.wire.replies import NodeInfo, ResourceInfo, Status

Tone = Literal["bad", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One answer to a question: what is sent, and what it will do, in a sentence."""

    answer: Literal["yes", "no"]
    does: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Something that needs a person. ``kind`` is its heading; ``choices`` are there where it is a question.

    ``about`` is the name of the resource or the node, ``href`` its page; ``todo`` says what to do, where that is known.
    """

    key: str
    kind: str
    tone: Tone
    about: str
    href: str
    text: str
    todo: str = ""
    choices: tuple[Choice, ...] = ()
    node: str = ""


def needs(of: Status) -> tuple[Need, ...]:
    """List what needs a person: the questions first, then what does not run, then what may go wrong."""
    found = [*_questions(of.resources), *_doubtful(of.nodes), *_fallen(of.resources), *_strays(of.resources),
             *_shaky(of.nodes)]
    return tuple(found)


def _questions(resources: Iterable[ResourceInfo]) -> Iterator[Need]:
    for of in resources:
        if of.alert is not None:
            yield Need(key=f"alert-{of.name}", kind=f"{of.alert} alert", tone="warning", about=of.name,
                       href=page_of(of), text=_sentence(of.reason.text), choices=_choices(of, of.alert))


def _choices(of: ResourceInfo, kind: AlertKind) -> tuple[Choice, ...]:
    again = "It goes Offline and stays so until somebody brings it online."
    match kind:
        case AlertKind.FAILBACK:
            home = of.reason.operands[0] if of.reason.operands else "its first preferred node"
            return (Choice(answer="yes", does=f"It is unloaded on {of.node} and loaded on {home}: that interrupts it."),
                    Choice(answer="no", does=f"It runs on, on {of.node}; it asks again when {home} joins anew."))
        case _:
            where = f"on {of.node}" if of.node else "on the first of its nodes that can hold it"
            return Choice(answer="yes", does=f"It is loaded {where}."), Choice(answer="no", does=again)


def _fallen(resources: Iterable[ResourceInfo]) -> Iterator[Need]:
    for of in resources:
        if of.state is State.COMATOSE:
            yield Need(key=f"comatose-{of.name}", kind="comatose", tone="bad", about=of.name, href=page_of(of),
                       text=_sentence(of.reason.text), node=of.node or "",
                       todo="Look at its last run, then take it offline: its unload script cleans up.")
        elif of.state is State.UNASSIGNED:
            yield Need(key=f"unassigned-{of.name}", kind="unassigned", tone="bad", about=of.name, href=page_of(of),
                       text=_sentence(of.reason.text), todo="It starts by itself as soon as a node can hold it.")


def _strays(resources: Iterable[ResourceInfo]) -> Iterator[Need]:
    for of in resources:
        for seen in of.strays:
            yield Need(key=f"stray-{of.name}-{seen.node}", kind="stray", tone="bad", about=of.name, href=page_of(of),
                       text=_sentence(seen.text), node=seen.node)


def _doubtful(nodes: Iterable[NodeInfo]) -> Iterator[Need]:
    for of in nodes:
        if silent(of):
            fencing = f" {_sentence(of.fencing.text)}" if of.fencing else ""
            held = f"What it may still run ({', '.join(of.resources)}) waits for that." if of.resources else ""
            yield Need(key=f"silent-{of.name}", kind="silent host", tone="bad", about=of.name, href=node_page(of.name),
                       text=f"Nothing proves yet that {of.name} has stopped.{fencing} {held}".strip(), node=of.name,
                       todo="If you have seen that the host is off, say so; otherwise bring it back.")


def _shaky(nodes: Iterable[NodeInfo]) -> Iterator[Need]:
    for of in nodes:
        if of.quarantine is not None:
            yield Need(key=f"quarantine-{of.name}", kind="quarantine", tone="warning", about=of.name,
                       href=node_page(of.name), text=_sentence(of.quarantine.text), node=of.name)
        if of.unprotected is not None and of.state not in {"left", "down"}:
            yield Need(key=f"unprotected-{of.name}", kind="nothing protects it", tone="bad", about=of.name,
                       href=node_page(of.name), text=_sentence(of.unprotected.text), node=of.name,
                       todo="Give it a fence device, or a watchdog.")


def silent(of: NodeInfo) -> bool:
    """Tell whether a node is gone, and nothing proves that it has stopped. One that never came has no version."""
    return of.state == "down" and of.proof is None and bool(of.version or of.url)


def page_of(of: ResourceInfo) -> str:
    """Give the path of a resource's page."""
    return f"/console/resources/{quote(of.name, safe='')}"


def node_page(name: str) -> str:
    """Give the path of a node's page."""
    return f"/console/nodes/{quote(name, safe='')}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text[-1:] in '.!?' else '.'}"
