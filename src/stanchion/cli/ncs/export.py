"""Reading an export of the original: XML with the cluster's resources, their scripts and their policies.

Its exact form is not documented, so it is read leniently: names of elements count, not their nesting, and every element
that says something about a resource and is not understood is told. The form of the file itself is not forgiven
anything: a document type or an entity is refused (a few lines of those can fill a computer's memory), as is more than
is sensible in bytes, elements or depth.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from stanchion.cli.changes import seconds
from stanchion.cli.ncs.found import Found
from stanchion.cli.ncs.taking import take
from stanchion.model.errors import InvalidInput
from stanchion.model.resource import ScriptKind

MOST_ELEMENTS = 100_000
MOST_DEPTH = 50

THINGS = frozenset({"resourceinfo", "resource", "templateinfo", "template", "clusterresource"})
NOT_OURS = frozenset({"pool", "masterip", "volume"})
SCRIPTS: Mapping[str, tuple[ScriptKind, str]] = {
    **{f"{kind}{end}": (kind, "text") for kind in ScriptKind for end in ("script", "scripttext", "")},
    **{f"{kind}{end}": (kind, "timeout") for kind in ScriptKind for end in ("timeout", "scripttimeout")},
    "ncscrmloadscript": (ScriptKind.LOAD, "text"), "ncscrmunloadscript": (ScriptKind.UNLOAD, "text"),
    "ncscrmmonitorscript": (ScriptKind.MONITOR, "text"), "ncscrmloadtimeout": (ScriptKind.LOAD, "timeout"),
    "ncscrmunloadtimeout": (ScriptKind.UNLOAD, "timeout"), "ncscrmmonitortimeout": (ScriptKind.MONITOR, "timeout"),
}
PREFERRED = frozenset({"preferrednodes", "ncscrmpreferrednodes", "assignednodes"})
FRAMES = frozenset({"scriptinfo", "policyinfo", "preferrednodeinfo", "monitorinfo", "monitoringinfo", "basicinfo"})
KNOWN_AND_DROPPED = frozenset({"name", "resourcetype", "type", "unassignednodes", "distinguishedname", "revision",
                               "ncsrevision", "state", "location", "incarnation", "upsince"})


def _flag(said: str) -> bool:
    return {"1": True, "true": True, "yes": True, "on": True, "": True,
            "0": False, "false": False, "no": False, "off": False}[said.lower()]


def _mode(said: str) -> str:
    return {"auto": "AUTO", "manual": "MANUAL", "disable": "DISABLE", "disabled": "DISABLE"}[said.lower()]


def _action(said: str) -> str:
    return next(each for each in ("comatose", "migrate", "reboot") if each in said.lower())


def _seconds(said: str) -> float:
    words = said.lower().replace("minutes", "m").replace("minute", "m").replace("seconds", "s").replace("second", "s")
    return seconds(words)


SETTINGS: Mapping[str, tuple[str, str, Callable[[str], object]]] = {
    **dict.fromkeys(("followmaster", "followsmaster", "masteronly"), ("policies", "follows_master", _flag)),
    **dict.fromkeys(("ignorequorum", "ncscrmignorequorum"), ("policies", "ignore_quorum", _flag)),
    **dict.fromkeys(("startmode", "ncscrmstartmode"), ("policies", "start", _mode)),
    **dict.fromkeys(("failovermode", "ncscrmfailovermode"), ("policies", "failover", _mode)),
    **dict.fromkeys(("failbackmode", "ncscrmfailbackmode"), ("policies", "failback", _mode)),
    **dict.fromkeys(("monitorenabled", "enablemonitoring", "monitoringenabled"), ("monitoring", "enabled", _flag)),
    **dict.fromkeys(("pollinginterval", "monitorinterval"), ("monitoring", "interval_s", _seconds)),
    **dict.fromkeys(("timeinterval", "failurerateinterval"), ("monitoring", "window_s", _seconds)),
    **dict.fromkeys(("maxlocalfailures", "maximumlocalfailures", "maxfailures"), ("monitoring", "max_failures", int)),
    **dict.fromkeys(("failureaction", "monitorfailureaction"), ("monitoring", "action", _action)),
}
"""What an element sets: the part of a document, its field, and how its text is read."""


def read(text: bytes) -> Found:
    """Read an export. Raises ``InvalidInput`` for what is no XML, or is more than is sensible."""
    found = Found()
    things = [each for each in _tree(text).iter() if _word(each.tag) in THINGS and _name_of(each)]
    scripted = {_name_of(each) for each in things if _has_scripts(each)}
    for each in things:
        if _has_scripts(each) or _name_of(each) not in scripted:  # a list of priorities names resources as well
            _take(found, each)
    if not things:
        raise InvalidInput("the XML file names no resource; an export of the cluster has an element for each "
                           "(resourceInfo) with its name, scripts and policies")
    return found


def _has_scripts(thing: Element) -> bool:
    return any(_word(each.tag) in SCRIPTS for each in thing.iter())


def _tree(text: bytes) -> Element:
    builder, parser = TreeBuilder(), expat.ParserCreate()
    depth, count = 0, 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count
        depth, count = depth + 1, count + 1
        if depth > MOST_DEPTH or count > MOST_ELEMENTS:
            raise InvalidInput(f"the XML file has more than {MOST_ELEMENTS} elements, or {MOST_DEPTH} in each other")
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    def refuse(*_: object) -> None:
        raise InvalidInput("the XML file declares a document type or entities; an export needs none, so it is not read")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, LookupError, ValueError) as fault:
        raise InvalidInput(f"the XML file cannot be read: {fault}") from None
    return builder.close()


def _take(found: Found, thing: Element) -> None:
    name = _name_of(thing)
    kind = next((_said(each).lower() for each in thing.iter() if _word(each.tag) in {"resourcetype", "type"}), "")
    if kind in NOT_OURS:
        found.lose(name, f"it is a {kind}, which is no machine")
        return
    reading = _Reading(found, name, template=kind == "template" or _word(thing.tag).startswith("template"))
    for each in _within(thing):
        reading.element(each)
    reading.done()


class _Reading:
    """One resource as its elements say."""

    def __init__(self, found: Found, name: str, *, template: bool) -> None:
        self._found, self._name, self._template = found, name, template
        self._texts: dict[ScriptKind, str] = {}
        self._timeouts: dict[ScriptKind, float] = {}
        self._policies: dict[str, object] = {}
        self._monitoring: dict[str, object] = {}
        self._preferred: list[str] = []

    def element(self, of: Element) -> None:
        """Take what an element says, or tell that it is not taken over."""
        word, said = _word(of.tag), _said(of)
        try:
            if word in SCRIPTS:
                self._script(of, *SCRIPTS[word])
            elif word in SETTINGS:
                part, key, read = SETTINGS[word]
                (self._policies if part == "policies" else self._monitoring)[key] = read(said)
            elif word in PREFERRED:
                self._preferred = list(_nodes(of))
            elif said and word not in KNOWN_AND_DROPPED | FRAMES:
                self._found.lose(self._name, f"{of.tag} ({said[:60]}) has no counterpart here")
        except (KeyError, ValueError, StopIteration, InvalidInput):
            self._found.lose(self._name, f"{of.tag} says {said[:60]!r}, which is not understood; the default stands")

    def done(self) -> None:
        """Make the document."""
        from stanchion.wire.requests import MonitoringChange, PoliciesChange

        name = self._name
        if self._template and not name.lower().endswith("_template"):
            name = f"{name}_Template"
            self._found.note(self._name, f"it is a template, and is called {name} here")
        try:
            policies = PoliciesChange.model_validate(self._policies)
        except ValueError:
            policies = PoliciesChange()
            self._found.lose(name, f"its modes {self._policies} are not understood; the defaults stand")
        take(self._found, name, self._texts, timeouts=self._timeouts, policies=policies,
             monitoring=MonitoringChange.model_validate(self._monitoring), preferred=tuple(self._preferred))

    def _script(self, of: Element, kind: ScriptKind, what: str) -> None:
        """A script stands in its element itself, or in a child; so does its timeout."""
        if what == "timeout":
            self._timeouts[kind] = _seconds(_said(of))
            return
        if timeout := of.get("timeout"):
            self._timeouts[kind] = _seconds(timeout)
        text = of.text or ""
        for child in of:
            if _word(child.tag) == "timeout":
                self._timeouts[kind] = _seconds(_said(child))
            elif _word(child.tag) in {"script", "text"}:
                text = child.text or ""
        if text.strip():
            self._texts[kind] = text.strip("\n").replace("\r\n", "\n") + "\n"


def _within(thing: Element) -> Iterator[Element]:
    """Give what a thing says: its elements, but not those inside of one that is read as a whole."""
    for child in thing:
        if _word(child.tag) in THINGS:
            continue
        yield child
        if _word(child.tag) not in SCRIPTS.keys() | PREFERRED | {"unassignednodes"}:
            yield from _within(child)


def _nodes(of: Element) -> Iterator[str]:
    for each in of.iter():
        yield from filter(None, re.split(r"[\s,;]+", each.get("name") or ("" if len(each) else each.text or "")))


def _name_of(thing: Element) -> str:
    return (thing.get("name") or next((_said(each) for each in thing if _word(each.tag) == "name"), "")).strip()


def _word(tag: str) -> str:
    """Name an element without regard to namespace, case and separators."""
    return re.sub(r"[^a-z0-9]", "", tag.rpartition("}")[2].lower())


def _said(of: Element) -> str:
    return (of.text or of.get("value") or "").strip()
