"""Processes as the kernel sees them: who descends from whom, and how to end a whole family at once.

A pretend host is the family of one supervisor. The supervisor declares itself the *subreaper* of its descendants
(``PR_SET_CHILD_SUBREAPER``): a process that double-forks and starts its own session, as every daemon and every
virtual machine here does, becomes the supervisor's child when its parent goes, so nothing escapes. Linux only.
"""

import ctypes
import os
import signal
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None, use_errno=True)


def become_subreaper() -> None:
    """Adopt every orphan among this process's descendants from now on. Raises ``OSError``."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Ask the kernel to kill the calling process when its parent ends. To be called between fork and exec."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def end_with_parent() -> None:
    """Ask the kernel to tell the calling process (SIGTERM) when its parent ends. To be called as the other."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def leave_network() -> None:
    """Move the calling process, before it has threads, into a network namespace of its own. Raises ``OSError``."""
    if _LIBC.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "no network namespace can be made here")


def _prctl(option: int, value: int) -> None:
    if _LIBC.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option} failed")


def descendants(root: int) -> list[int]:
    """List every process below ``root``, parents before their children, zombies included."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (parsed := _stat(int(entry.name))) is not None:
            children[parsed[1]].append(int(entry.name))
    family, at = list(children[root]), 0
    while at < len(family):
        family += children[family[at]]
        at += 1
    return family


def state(pid: int) -> str:
    """Give the kernel's letter for the process (``R``, ``S``, ``T`` stopped, ``Z`` zombie ...); empty when gone."""
    parsed = _stat(pid)
    return "" if parsed is None else parsed[0]


def ended(pid: int) -> bool:
    """Whether the process has ended; a zombie has."""
    return state(pid) in {"", "Z"}


def _stat(pid: int) -> tuple[str, int] | None:
    """Give (state, parent). The name before them stands in parentheses and may itself hold some."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    letter, parent = text.rpartition(")")[2].split()[:2]
    return letter, int(parent)


def send(pids: Iterable[int], signum: signal.Signals) -> None:
    """Send a signal to each; those that are gone meanwhile do not matter."""
    for pid in pids:
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            continue


def freeze(root: int) -> list[int]:
    """Stop every descendant, until a look finds no new one: from then on nothing below ``root`` executes."""
    stopped: set[int] = set()
    while fresh := [pid for pid in descendants(root) if pid not in stopped]:
        send(fresh, signal.SIGSTOP)
        stopped.update(fresh)
    return sorted(stopped)


def end_marked(name: str, value: str) -> list[int]:
    """Kill this user's processes whose start environment has that variable at that value; give those that were left."""
    left = [pid for pid in marked(name, value) if not ended(pid)]
    send(left, signal.SIGKILL)
    return left


def marked(name: str, value: str) -> list[int]:
    """List this user's processes whose start environment has that variable at that value."""
    mark = f"{name}={value}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if mark in variables:
            found.append(int(entry.name))
    return found
