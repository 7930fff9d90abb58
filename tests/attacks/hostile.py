"""A cluster in which everything that anybody ever wrote was written to attack a page; and a reader that notices."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Any

from access.visitors import HOST, PASSWORD, here
from stanchion.api.access import people
from stanchion.model.access import ApiToken, Role, User
from stanchion.model.cluster import Master, Node, Session, Settings
from stanchion.model.fencing import FenceDevice
from stanchion.model.groups import Bond, Group
from stanchion.model.health import Health
from stanchion.model.history import Entry, Run, RunEnd, Severity
from stanchion.model.ids import NodeName, OperationId, ResourceName, TemplateName
from stanchion.model.neighbour import Glimpse, Neighbour
from stanchion.model.notification import Apprise, Channel, Command, Mail, Notification, Notified, Webhook
from stanchion.model.orders import Intent, Outcome, Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import Machine, ResourceSpec, Script, ScriptKind, Scripts
from stanchion.model.standing import Pause, Standing
from stanchion.model.state import AlertKind, ResourceState, State
from stanchion.model.template import Parameter, Template
from stanchion.wire.access import InviteOrder
from surface import LOST, NODES, NOW_S, World

EVIL = ("\"'><xss-tag onxss=1 style=x></textarea></title></option></script></style><img src=x onerror=xss()>"
        "{{1337*1337}}{%25 raw %25}${1337*1337}<!--\u202e&lt;xss-tag&gt;")
COMPUTED = "1787569"
ADDRESS = 'javascript:xss()//"><xss-tag>'

URLS = frozenset({"href", "src", "action", "formaction", "xlink:href", "data", "poster", "background", "cite"})
FORBIDDEN = frozenset({"xss-tag", "iframe", "object", "embed", "base", "applet", "frame", "style"})


class Reader(HTMLParser):
    """Reads a page as a browser does, and notes what no page of ours holds."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.forms: list[Form] = []
        self.shows_evil = False
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at an element and its attributes."""
        given = {name: value or "" for name, value in attrs}
        self.faults += [f"<{tag}>"] if tag in FORBIDDEN else []
        self.faults += [f"<{tag} {name}={value[:60]!r}>" for name, value in given.items() if _is_dangerous(name, value)]
        if tag == "script":
            self._script = True
            if not given.get("src", "").startswith("/console/static/"):
                self.faults.append(f"<script src={given.get('src')!r}>")
        if tag == "meta" and "http-equiv" in given:
            self.faults.append("<meta http-equiv>")
        self.shows_evil |= any("<xss-tag" in value for value in given.values())
        self._note_form(tag, given)

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        self._script &= tag != "script"

    def handle_data(self, data: str) -> None:
        """Look at a text."""
        if self._script and data.strip():
            self.faults.append(f"an inline script: {data[:60]!r}")
        if COMPUTED in data:
            self.faults.append("a template was carried out")
        self.shows_evil |= "<xss-tag" in data

    def handle_comment(self, data: str) -> None:
        """Look at a comment."""
        if "xss" in data or "\u202e" in data:
            self.faults.append(f"a comment: {data[:60]!r}")

    def _note_form(self, tag: str, given: dict[str, str]) -> None:
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif tag in {"input", "textarea", "select", "button"} and self.forms and given.get("name"):
            kept = tag in {"select", "button"} or given.get("type") in {"hidden", "checkbox", "radio", "submit"}
            self.forms[-1].fields[given["name"]] = given.get("value", "") if kept else EVIL


def _is_dangerous(name: str, value: str) -> bool:
    bare = "".join(each for each in value.lower() if each.isprintable() and each != " ")
    leads = name in URLS and bare.partition(":")[0] in {"javascript", "vbscript", "data"} and ":" in bare
    return name.startswith("on") or name in {"style", "srcdoc"} or (leads and not bare.startswith("data:image/"))


@dataclass
class Form:
    """A form of a page, filled in with evil wherever one can write."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


def read(html: str) -> Reader:
    """Read a page."""
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


class Hostile:
    """Other clusters that lie about themselves."""

    def sealed(self, token: str) -> str:
        """Seal nothing."""
        return token

    def fault(self, authority: str) -> str:
        """Find a fault in words that are not nice."""
        return EVIL if authority else ""

    async def look(self, at: Sequence[Neighbour]) -> tuple[Glimpse, ...]:
        """Lie."""
        return tuple(Glimpse(text=EVIL, health=Health.CRITICAL, cluster=EVIL, reasons=(EVIL,), url=ADDRESS,
                             version=EVIL) for _ in at)


async def hostile_world() -> tuple[World, str]:
    """Make the cluster; give the cookie of its administrator too."""
    world = World(neighbours=Hostile())
    await world.put(*_records())
    for name, state, alert in (("web", State.RUNNING, None), ("idle", State.OFFLINE, None), ("ask", State.ALERT,
                               AlertKind.FAILOVER), ("sick", State.COMATOSE, None), (EVIL, State.RUNNING, None)):
        await world.put(*_resource(world, name, state, alert))
    await world.put(*_past(world), history=tuple(_history()))
    made = await people.invite(here(world), HOST, InviteOrder(name="anna", role=Role.ADMINISTRATOR))
    cookie = await people.accept(here(world), made.path.removeprefix(people.FIRST), PASSWORD, EVIL, EVIL)
    return world, cookie


def _records() -> Iterator[Any]:
    yield Settings(cluster=EVIL, saved_by=EVIL, saved_at_s=NOW_S, groups=(
        Group(name=EVIL, bond=Bond.APART, members=(ResourceName("web"), ResourceName(EVIL))),))
    devices = (FenceDevice(agent=EVIL, parameters={EVIL: EVIL, "ip": EVIL}, timeout_s=20),)
    yield Node(name=NODES[1], fence=devices, etcd=ADDRESS)
    yield Node(name=NodeName(EVIL), fence=devices)
    yield Standing(pause=Pause(by=EVIL, since_s=NOW_S, why=EVIL))
    yield Notification(mail=Mail(to=(EVIL,), host=EVIL, user=EVIL, password_file=EVIL, sender=EVIL),
                       webhook=Webhook(url=ADDRESS, secret_file=EVIL), command=Command(path=EVIL),
                       apprise=Apprise(urls_file=EVIL))
    yield from (Notified(channel=channel, position="", fault=EVIL, failing_since_s=NOW_S) for channel in Channel)
    yield Template(name=TemplateName("Evil"), title=EVIL, description=EVIL, scripts=_scripts(), files=(EVIL,),
                   machine=Machine(name=EVIL), parameters=(
                       Parameter(name="VM", label=EVIL, default=EVIL, help=EVIL),
                       Parameter(name="WAY", label=EVIL, default=EVIL, help=EVIL, choices=(EVIL, "x"))))
    yield Template(name=TemplateName(EVIL), title=EVIL, description=EVIL, scripts=_scripts())
    yield User(name=EVIL, role=Role.VIEWER, by=EVIL)
    yield ApiToken(id=EVIL, digest="", name=EVIL, role=Role.VIEWER, by=EVIL, made_at_s=NOW_S,
                   resources=(ResourceName(EVIL),))
    yield Neighbour(name=EVIL, urls=(ADDRESS, EVIL), by=EVIL, added_at_s=NOW_S)


def _scripts() -> Scripts:
    text = f"# {EVIL}\nvirsh start '{EVIL}'\n"
    return Scripts(load=Script(text=text), unload=Script(text=text), monitor=Script(text=text))


def _resource(world: World, name: str, state: State, alert: AlertKind | None) -> Iterator[Any]:
    node = NODES[1] if state in {State.RUNNING, State.COMATOSE} else None
    yield ResourceSpec(
        name=ResourceName(name), template=TemplateName(EVIL), scripts=_scripts(), machine=Machine(name=EVIL + name),
        files=(EVIL,), preferred=(NODES[0], NodeName(EVIL)), parameters={EVIL: EVIL, "VM": ADDRESS}, saved_by=EVIL,
        saved_why=EVIL, saved_at_s=NOW_S)
    yield ResourceState(name=ResourceName(name), state=state, node=node, alert=alert, since_s=NOW_S, lives=1,
                        session=world.view().session_of(node) if node else None,
                        reason=reason(Why.LOAD_FAILED, EVIL, EVIL))


def _past(world: World) -> Iterator[Any]:
    for name in ("web", EVIL):
        yield Run(resource=ResourceName(name), script=ScriptKind.LOAD, operation=OperationId(f"{name[:3]}@42"),
                  node=NodeName(EVIL), started_at_s=NOW_S, ended_at_s=NOW_S + 1, end=RunEnd.EXITED, code=3,
                  command=EVIL, output=f"\x1b[31m{EVIL}\n{ADDRESS}\n" * 3)
        yield Intent(id=f"order-{name[:3]}", verb=Verb.ONLINE, by=EVIL, at_s=NOW_S, resource=ResourceName(name),
                     node=NodeName(EVIL), outcome=Outcome.FAILED, reason=reason(Why.LOAD_FAILED, EVIL, EVIL))
    for node in NODES:
        held = world.view().sessions[node].value
        assert isinstance(held, Session)
        yield replace(held, url=ADDRESS, version=EVIL)
    master = world.view().master
    assert master is not None
    assert isinstance(master.value, Master)


def _history() -> Iterator[Entry]:
    for why in Why:
        yield Entry(at_s=NOW_S, reason=reason(why, *[EVIL] * 9), severity=Severity.CRITICAL, by=NodeName(EVIL),
                    node=LOST, resource=ResourceName("web"), cause=EVIL, operation=OperationId(EVIL))
    yield Entry(at_s=NOW_S, reason=reason(Why.LOADED), resource=ResourceName(EVIL), node=NodeName(EVIL),
                severity=Severity.WARNING, before=State.OFFLINE, after=State.RUNNING)
