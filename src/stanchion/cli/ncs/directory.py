"""Reading a directory of scripts as the original keeps them on every node: NAME.load, NAME.unload, NAME.monitor.

Links are not followed and subdirectories are not entered, so nothing outside of the directory is ever read.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from stanchion.cli.ncs.found import Found
from stanchion.cli.ncs.taking import NEEDED, name_fault, take
from stanchion.model.errors import InvalidInput
from stanchion.model.resource import ScriptKind

MOST_ENTRIES = 20_000
MOST_RESOURCES = 2_000
LARGEST_BYTES = 128 * 1024
REMARKS_SHOWN = 20
"""So many files that are no scripts are named; the others are counted."""

NOT_THERE = ("timeouts, modes, monitoring and preferred nodes do not stand in script files: every resource gets the "
             "defaults; `stanchion resource edit` changes them")


def read(place: Path) -> Found:
    """Read the scripts in a directory. Raises ``InvalidInput`` when it is none, or holds too much."""
    found = Found()
    scripts: dict[str, dict[ScriptKind, str]] = {}
    others: list[str] = []
    for entry in _entries(place):
        stem, kind = _kind_of(entry.name)
        if kind is None:
            others.append(entry.name)
            continue
        if fault := name_fault(stem):
            found.lose(entry.name, fault)
            continue
        text = _text(found, entry)
        if text is not None:
            scripts.setdefault(stem, {})[kind] = text
    if len(scripts) > MOST_RESOURCES:
        raise InvalidInput(f"{place} holds scripts of {len(scripts)} resources; at most {MOST_RESOURCES} can be "
                           "imported at once")
    _take_all(found, scripts)
    for name in others[:REMARKS_SHOWN]:
        found.lose(name, "it is not named like a script of a resource (NAME.load, NAME.unload, NAME.monitor)")
    if len(others) > REMARKS_SHOWN:
        found.lose(f"{len(others) - REMARKS_SHOWN} more", "they are not named like scripts either")
    if not scripts:
        raise InvalidInput(f"{place} holds no scripts that could be taken over: they are named NAME.load, NAME.unload, "
                           "NAME.monitor")
    return found


def _take_all(found: Found, scripts: dict[str, dict[ScriptKind, str]]) -> None:
    folded: dict[str, str] = {}
    for name in sorted(scripts, key=lambda each: (not set(NEEDED) <= scripts[each].keys(), each)):
        first = folded.setdefault(name.casefold(), name)
        if first != name:
            found.lose(name, f"its name differs from {first} only in case, and names are found in any case")
            continue
        take(found, name, scripts[name], timeouts={})
    if found.resources:
        found.note("all", NOT_THERE)


def _entries(place: Path) -> Iterator["os.DirEntry[str]"]:
    entries = []
    try:
        with os.scandir(place) as listing:
            for entry in listing:
                entries.append(entry)
                if len(entries) > MOST_ENTRIES:
                    raise InvalidInput(f"{place} holds more than {MOST_ENTRIES} files; name a directory that holds "
                                       "only scripts")
    except OSError as problem:
        raise InvalidInput(f"the directory {place} cannot be read: {problem.strerror}") from None
    return iter(sorted(entries, key=lambda entry: entry.name))


def _kind_of(name: str) -> tuple[str, ScriptKind | None]:
    stem, dot, end = name.rpartition(".")
    return (stem, ScriptKind(end)) if dot and end in set(ScriptKind) else (name, None)


def _text(found: Found, entry: "os.DirEntry[str]") -> str | None:
    """Read one script, or say why it cannot be taken over."""
    if entry.is_symlink():
        found.lose(entry.name, "it is a link, and links are not followed")
        return None
    try:
        descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as problem:
        found.lose(entry.name, f"it cannot be read: {problem.strerror}")
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        found.lose(entry.name, "it is not a plain file")
        return None
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(LARGEST_BYTES + 1)
    return plain(found, entry.name, data)


def plain(found: Found, name: str, data: bytes) -> str | None:
    """Read bytes as the text of a script, or say why it cannot be taken over."""
    if len(data) > LARGEST_BYTES:
        found.lose(name, f"it has more than {LARGEST_BYTES} bytes; no script needs that")
        return None
    if b"\0" in data:
        found.lose(name, "it is not a text: it holds NUL bytes")
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        found.lose(name, f"it is not UTF-8 (byte {fault.start + 1}); convert it first, for example with iconv")
        return None
    if "\r" in text:
        found.note(name, "its line ends were those of Windows; they are Unix ones now")
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text
