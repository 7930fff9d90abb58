"""A browser for tests: it keeps cookies, follows redirects, reads pages and fills in forms, but runs no scripts.

``signed_in`` gives one for a role. A page is read by what is on it: elements by id, by tag and attributes, by their
text. A form is sent with what stands in its fields, as a browser would, but for what the test enters.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2

from stanchion.api.access import people
from stanchion.api.access.identity import COOKIE, digest
from stanchion.api.access.principal import Principal
from stanchion.model.access import Role, SignIn, User
from stanchion.wire.access import InviteOrder
from surface import NOW_S, World

HOST = "node1.lab"
VOID = frozenset({"area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
DAY_S = 86_400.0
PATIENCE_S = 5.0
GOOD = "three words nobody says"
"""A password that is good enough."""


@dataclass(eq=False)
class Element:
    """An element of a page, with what is in it."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    inner: list["Element | str"] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return self.attributes.get(name, "")

    @property
    def text(self) -> str:
        """All text in it, with single blanks."""
        return " ".join("".join(self._texts()).split())

    def walk(self) -> Iterator["Element"]:
        """Give all elements in it, in the order of the page."""
        for each in self.inner:
            if isinstance(each, Element):
                yield each
                yield from each.walk()

    def all(self, tag: str = "", text: str | None = None, **attributes: str) -> list["Element"]:
        """Find elements: by tag, by what their text holds, by attributes (``class_`` must be among the classes)."""
        classes = set(attributes.pop("class_", "").split())
        return [each for each in self.walk() if (not tag or each.tag == tag) and (text is None or text in each.text)
                and classes <= set(each["class"].split())
                and all(each.attributes.get(name.replace("_", "-")) == value for name, value in attributes.items())]

    def one(self, tag: str = "", text: str | None = None, **attributes: str) -> "Element":
        """Find the one element that there is."""
        found = self.all(tag, text, **attributes)
        assert len(found) == 1, f"{len(found)} of {tag} {text} {attributes} in: {self.text[:2000]}"
        return found[0]

    def rows(self) -> list[list[str]]:
        """Read the rows of the tables in it, cell by cell."""
        return [[cell.text for cell in row.inner if isinstance(cell, Element)] for row in self.all("tr")]

    def _texts(self) -> Iterator[str]:
        for each in self.inner:
            if isinstance(each, str):
                yield each
            elif each.tag not in {"script", "style", "template"}:
                inline = each.tag in {"b", "a", "span", "em", "code"}
                yield from (each._texts() if inline else (" ", *each._texts(), " "))


class _Reader(HTMLParser):
    """Builds elements; an element that is closed without being open is a fault of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("page")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = Element(tag, {name: value or "" for name, value in attrs})
        assert len(made.attributes) == len(attrs), f"an attribute stands twice in {tag} {attrs}"
        self.open[-1].inner.append(made)
        if tag not in VOID:
            self.open.append(made)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in {"p", "li", "option", "td", "th", "tr"} and self.open[-1].tag != tag:
            raise AssertionError(f"</{tag}> closes <{self.open[-1].tag}>")
        while self.open[-1].tag != tag:
            raise AssertionError(f"</{tag}> closes <{self.open[-1].tag}>")
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].inner.append(data)


def read(html: str) -> Element:
    """Read a page, or a part of one. Every element must be closed, and no id may stand twice."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert len(reader.open) == 1, f"<{reader.open[-1].tag}> is never closed"
    ids = [each["id"] for each in reader.open[0].walk() if each["id"]]
    assert len(ids) == len(set(ids)), f"ids stand twice: {sorted({one for one in ids if ids.count(one) > 1})}"
    return reader.open[0]


@dataclass
class Form:
    """A form with what stands in it."""

    element: Element
    path: str

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Give what a browser would send, without any button."""
        return [pair for each in self.element.walk() if each["name"] and "disabled" not in each.attributes
                for pair in _values(each)]

    @property
    def names(self) -> set[str]:
        """Give the names of all fields, also of boxes that are not ticked."""
        return {each["name"] for each in self.element.walk() if each["name"]}

    @property
    def buttons(self) -> list[str]:
        """Give what stands on its buttons."""
        return [each.text for each in self.element.all("button")]

    def value(self, name: str) -> str:
        """Give what stands in a field."""
        return dict(self.fields)[name]

    def filled(self, entered: Mapping[str, str | Sequence[str] | None], button: str | None) -> list[tuple[str, str]]:
        """Give what is sent after something was entered (None: not sent) and a button pressed, by what stands on it."""
        unknown = set(entered) - self.names
        assert not unknown, f"the form has no {unknown}, but {self.names}"
        kept = [(name, value) for name, value in self.fields if name not in entered]
        for name, value in entered.items():
            kept += [(name, each) for each in ([value] if isinstance(value, str) else value or [])]
        pressed = [each for each in self.element.all("button") if button is not None and button in each.text]
        assert button is None or pressed, f"there is no button {button!r}, but {self.buttons}"
        return kept + [(each["name"], each["value"]) for each in pressed[:1] if each["name"]]


def _values(of: Element) -> list[tuple[str, str]]:
    match of.tag:
        case "input" if of["type"] in {"checkbox", "radio"}:
            return [(of["name"], of["value"] or "on")] if "checked" in of.attributes else []
        case "input":
            return [(of["name"], of["value"])]
        case "textarea":
            written = "".join(each for each in of.inner if isinstance(each, str))
            return [(of["name"], written.removeprefix("\n").replace("\n", "\r\n"))]
        case "select":
            options = of.all("option")
            chosen = [each for each in options if "selected" in each.attributes] or (
                [] if "multiple" in of.attributes else options[:1])
            return [(of["name"], each.attributes.get("value", each.text)) for each in chosen]
    return []


class Page(Element):
    """A page as it was answered."""

    def __init__(self, answer: httpx2.Response) -> None:
        root = read(answer.text) if "html" in answer.headers.get("content-type", "") else Element("page")
        super().__init__("page", {}, root.inner)
        self.answer = answer
        self.status = answer.status_code
        self.path = answer.url.raw_path.decode()

    def id(self, name: str) -> Element:
        """Find an element by its id."""
        return self.one(id=name)

    @property
    def main(self) -> Element:
        """What the page itself says."""
        return self.one("main")

    @property
    def notice(self) -> str:
        """What it says about the form that was sent last; empty: nothing."""
        return " ".join(each.text for each in self.main.all("p", class_="notice") if not each["id"])

    @property
    def error(self) -> str:
        """Why the form was refused; empty: it was not."""
        return " ".join(each.text for each in self.all(id="error"))

    def form(self, action: str = "", *, button: str = "") -> Form:
        """Find the form in the page's own part with that action, or with that button."""
        found = [each for each in self.main.all("form") if (not action or _path(each["action"]) == action)
                 and (not button or any(button in one.text for one in each.all("button")))]
        assert len(found) == 1, f"{len(found)} forms for {action}{button} in: {self.main.text[:2000]}"
        return Form(found[0], found[0]["action"] or self.path)


def _path(action: str) -> str:
    return urlsplit(action).path


class Browser:
    """What somebody looks with."""

    def __init__(self, world: World, cookie: str = "") -> None:
        self.world = world
        self.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(world.app(), raise_app_exceptions=False),
                                       base_url=f"https://{HOST}", follow_redirects=True,
                                       headers={"sec-fetch-site": "same-origin"})
        if cookie:
            self.http.cookies.set(COOKIE, cookie, domain=HOST)

    async def get(self, path: str) -> Page:
        """Go to a page."""
        return Page(await self.http.get(path))

    async def post(self, path: str, fields: Mapping[str, str] | Sequence[tuple[str, str]] = ()) -> Page:
        """Send fields to a path, whether or not any page has such a form."""
        return Page(await self.http.post(path, content=urlencode(fields), headers={
            "content-type": "application/x-www-form-urlencoded"}))

    async def send(self, form: Form, button: str | None = None, **entered: str | Sequence[str] | None) -> Page:
        """Fill in a form and press a button."""
        pairs = form.filled(entered, button)
        if form.element["method"].lower() != "post":
            return await self.get(f"{_path(form.path)}?{urlencode(pairs)}")
        return await self.post(form.path, pairs)

    @asynccontextmanager
    async def watching(self, path: str, page: Page | None = None, last_event_id: str = "") -> AsyncIterator["Watch"]:
        """Listen to a page's stream; from a page on that was answered, or from the beginning."""
        url = urlsplit(path)
        frame = page.one("body")["data-frame"] if page else ""
        headers = {"accept": "text/event-stream", "sec-fetch-site": "same-origin", "host": HOST,
                   "cookie": "; ".join(f"{each.name}={each.value}" for each in self.http.cookies.jar)}
        if last_event_id:
            headers["last-event-id"] = last_event_id
        watch = Watch()
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "https",
            "path": url.path, "raw_path": url.path.encode(), "root_path": "",
            "query_string": f"{url.query}&frame={frame}".encode(), "client": ("127.0.0.1", 1), "server": (HOST, 443),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        task = asyncio.create_task(self.world.app()(scope, watch.receive, watch.send))
        try:
            yield watch
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class Watch:
    """A stream that is listened to."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._text = ""
        self._asked = False
        self.status = 0
        self.last_id = ""

    async def receive(self) -> dict[str, Any]:
        """Tell the application that the request has no body, and then nothing."""
        if self._asked:
            await asyncio.Event().wait()
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Any) -> None:
        """Take what the application says."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        await self._told.put(message.get("body", b""))
        if not message.get("more_body"):
            await self._told.put(None)

    async def event(self) -> tuple[str, str]:
        """Wait for the next event: what it is called, and its data. At the end of the stream: ``("", "end")``."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                while "\n\n" not in self._text:
                    more = await self._told.get()
                    if more is None:
                        return "", "end"
                    self._text += more.decode()
                block, _, self._text = self._text.partition("\n\n")
                lines = dict(line.partition(": ")[::2] for line in block.splitlines())
                self.last_id = lines.get("id", self.last_id)
                if "data" in lines:
                    return lines.get("event", "message"), lines["data"]

    async def change(self) -> dict[str, Any]:
        """Wait for the next change of the page."""
        kind, data = await self.event()
        assert kind == "message", (kind, data)
        told: dict[str, Any] = json.loads(data)
        for part in told["parts"].values():
            read(part)
        return told


async def signed_in(world: World, role: Role | str = Role.ADMINISTRATOR, name: str = "") -> Browser:
    """Open a browser in which somebody of that role is signed in; his name is the role's, or another."""
    name = name or str(role)
    secret = f"cookie-of-{name}"
    now_s = world.clock.wall_s
    vouched = await world.put(User(name=name, role=Role(role), made_at_s=NOW_S, by="operator"))
    await world.put(SignIn(id=digest(secret), user=name, made_at_s=now_s, seen_at_s=now_s, vouched=vouched,
                           expires_at_s=now_s + DAY_S, address="127.0.0.1", agent="test"))
    return Browser(world, secret)


async def invite(world: World, name: str = "anna", role: Role = Role.OPERATOR) -> str:
    """Make a one-time link, as somebody on a host does; give its path."""
    root = Principal(name="operator", role=Role.ADMINISTRATOR, how="cluster")
    return (await people.invite(world.app().state.services, root, InviteOrder(name=name, role=role))).path


async def come_in(world: World, name: str = "anna", role: Role = Role.OPERATOR) -> Browser:
    """Open a browser in which somebody followed his one-time link and set the password ``GOOD``."""
    browser = Browser(world)
    page = await browser.get(await invite(world, name, role))
    page = await browser.send(page.form(), "Set the password", password=GOOD, again=GOOD)
    assert page.path == "/console/", page.error
    return browser
