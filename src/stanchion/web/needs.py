"""What needs a person: the API's findings, each with its answers as buttons, and what each answer will do.

A question (an alert) stands before everything else, whatever its gravity: it waits for nobody but people.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from stanchion.model.access import Role
from stanchion.model.health import Answer, Health
from stanchion.model.state import AlertKind, State
from stanchion.wire.overview import FindingInfo
from stanchion.wire.replies import NodeInfo, ResourceInfo

TONES: Mapping[Health, str] = {Health.NORMAL: "good", Health.ATTENTION: "warning", Health.CRITICAL: "bad"}
"""How each health is coloured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One answer: the button, the form that it sends, who may send it, and what it will do, in a sentence."""

    button: str
    action: str
    fields: tuple[tuple[str, str], ...] = ()
    role: Role = Role.OPERATOR
    does: str
    first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Something that needs a person. ``about`` is the name of the resource or node, ``text`` goes on after it.

    ``href`` is its page, empty for the cluster as a whole; ``todo`` is what to do where no button does it.
    """

    key: str
    word: str
    tone: str
    about: str
    href: str
    text: str
    todo: str
    choices: tuple[Choice, ...]
    finding: FindingInfo

    @property
    def asks(self) -> bool:
        """Whether it is a question."""
        return Answer.YES in self.finding.answers


def needs(findings: Iterable[FindingInfo], resources: Iterable[ResourceInfo]) -> tuple[Need, ...]:
    """Tell the findings as needs, the questions first."""
    known = {of.name: of for of in resources}
    return tuple(sorted((_need(of, known.get(of.resource or "")) for of in findings), key=lambda need: not need.asks))


def _need(of: FindingInfo, resource: ResourceInfo | None) -> Need:
    about = of.resource or of.node or ""
    text = of.text.removeprefix(about).lstrip() if about else of.text
    href = f"/console/{of.about}s/{quote(about, safe='')}" if about else ""
    word = "question" if Answer.YES in of.answers else of.health.value
    return Need(key=f"{of.kind} {about} {of.node or ''}".replace(" ", "-"), word=word, tone=TONES[of.health],
                about=about, href=href, text=text, todo=_todo(of, resource), choices=_choices(of, resource), finding=of)


def _todo(of: FindingInfo, resource: ResourceInfo | None) -> str:
    if resource is not None and resource.state is State.UNASSIGNED:
        return "It starts by itself as soon as a node can hold it."
    if of.about == "node" and of.kind == "nodes have no protection":
        return "Give it a fence device, or a watchdog."
    if of.about == "node" and of.kind == "nodes are down" and Answer.CONFIRM_DOWN not in of.answers:
        return "What it held may start elsewhere. When its host is well, start it again: it joins by itself."
    return ""


def _choices(of: FindingInfo, resource: ResourceInfo | None) -> tuple[Choice, ...]:
    """Give the answers; taking something offline is offered where that is the way on, not beside a question."""
    answers = [each for each in of.answers if each is not Answer.OFFLINE or Answer.YES not in of.answers]
    found = [choice for each in answers if (choice := _choice(each, of, resource)) is not None]
    if resource is not None and any(seen.node == of.node and seen.machine for seen in resource.strays):
        found.append(Choice(button="Adopt", action=f"/console/nodes/{quote(of.node or '', safe='')}/adopt",
                            fields=(("resource", resource.name),), does="It goes on there, without a restart."))
    return tuple(found)


def _choice(answer: Answer, of: FindingInfo, resource: ResourceInfo | None) -> Choice | None:
    name, node = quote(of.resource or "", safe=""), quote(of.node or "", safe="")
    match answer:
        case Answer.YES | Answer.NO if resource is not None:
            return Choice(button=answer.value.capitalize(), action=f"/console/alerts/{name}",
                          fields=(("answer", answer.value),), first=answer is Answer.YES, does=does(answer, resource))
        case Answer.OFFLINE if resource is not None and resource.state is State.COMATOSE:
            return Choice(button="Take offline …", action="/console/resources/orders",
                          fields=(("verb", "offline"), ("chosen", resource.name)),
                          does="Its unload script cleans up. Look at its last run before that.")
        case Answer.CONFIRM_DOWN:
            return Choice(button="Confirm that it is down …", action=f"/console/nodes/{node}/confirm-down",
                          role=Role.ADMINISTRATOR, does="Only where you have seen that the host is off.")
        case Answer.RELEASE:
            return Choice(button="Release", action=f"/console/nodes/{node}/release", role=Role.ADMINISTRATOR,
                          does="It may hold resources again, and what happened so far is forgiven.")
        case Answer.RESUME:
            return Choice(button="Resume", action="/console/settings/resume",
                          does="The cluster acts by itself again, and makes up for what it has held back.")
        case Answer.UP:
            return Choice(button="Start the cluster", action="/console/settings/up", role=Role.ADMINISTRATOR,
                          does="Its nodes join, and everything loads by its start mode.")
    return None


def does(answer: Answer, of: ResourceInfo) -> str:
    """Say what the answer to an alert will do."""
    if of.alert is AlertKind.FAILBACK:
        home = of.reason.operands[0] if of.reason.operands else "its first preferred node"
        if answer is Answer.YES:
            return f"It is unloaded on {of.node} and loaded on {home}: that interrupts it."
        return f"It runs on, on {of.node}; it asks again when {home} joins anew."
    if answer is Answer.YES:
        return f"It is loaded on {of.node}." if of.node else "It is loaded on the first of its nodes that can hold it."
    return "It goes Offline and stays so until somebody brings it online."


def unproven(of: NodeInfo) -> bool:
    """Tell whether a node is gone, and nothing proves that it has stopped. One that never came has no version."""
    return of.state == "down" and of.proof is None and bool(of.version or of.url)


def node_page(name: str) -> str:
    """Give the path of a node's page."""
    return f"/console/nodes/{quote(name, safe='')}"
