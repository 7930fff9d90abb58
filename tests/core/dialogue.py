"""How a dialogue with one node is written down: what it knows, the question, and the words for its answer."""

from core.clusters import NOW, cluster, ran, spec
from stanchion.model import events as e
from stanchion.model.actions import Checked, CheckHost, Look, Looked, RunScript, ScriptEnded, Step
from stanchion.model.capacity import NOTHING_KNOWN, Size
from stanchion.model.cluster import Record
from stanchion.model.history import RunEnd
from stanchion.model.reasons import Why
from stanchion.model.resource import ResourceSpec, ScriptKind
from stanchion.model.state import Presence, ResourceState
from stanchion.plan.case import Case, Fact, Next
from stanchion.plan.duty import next_step

RUNNING, ABSENT, UNKNOWN = Presence.RUNNING, Presence.ABSENT, Presence.UNKNOWN
BLIND = spec(visible=False, monitor=False)
BY_SCRIPT = spec(visible=False)
WITH_FILES = spec(files=("/etc/web.xml",))
OVERDUE = RunEnd.OVERDUE


def saw(step: Step, presence: Presence, text: str = "") -> Looked:
    """A look's answer."""
    return Looked(resource="web", step=step, stage="", presence=presence, text=text)


def ended(step: Step, code: int = 0, *, end: RunEnd = RunEnd.EXITED, command: str = "", output: str = "") -> Fact:
    """A script's end."""
    kind = ScriptKind.LOAD if step is Step.LOAD else ScriptKind.UNLOAD
    return ScriptEnded(resource="web", step=step, stage="", run=ran(kind, code, end=end, command=command,
                                                                    output=output))


def checked(fault: str = "", size: Size = NOTHING_KNOWN, **digests: str) -> Checked:
    """The answer of a check of the host."""
    return Checked(resource="web", stage="", fault=fault, digests=digests, size=size)


def ask(state: ResourceState, *facts: Fact, of: ResourceSpec | None = None, me: str = "a", session: str = "",
        records: tuple[Record, ...] = (), left: str = "", monitor_due: bool = False, look_due: bool = False) -> Next:
    """Ask one node what it does next."""
    configured = of or spec()
    second = me if session.endswith("2") else ""
    view = cluster(configured, state, *records, left=left, second=second)
    known = {Step.CHECK if isinstance(fact, Checked) else fact.step: fact for fact in facts}
    return next_step(Case(me=me, session=session or f"{me}1", view=view, held=view.states["web"],
                          spec=view.specs["web"], now=NOW, facts=known, monitor_due=monitor_due, look_due=look_due))


def does(answer: Next) -> Step:
    """Name the step of an action."""
    if isinstance(answer, CheckHost):
        return Step.CHECK
    assert isinstance(answer, RunScript | Look), answer
    return answer.step


def told(answer: Next) -> tuple[type[e.Event], Why]:
    """Name an event and its reason."""
    assert isinstance(answer, e.Event), answer
    return type(answer), answer.why.why
