"""Processes that are not our children: whether one still lives, when it ends, and who is in its group.

A restarted agent knows its scripts' processes by what is written down: a number, a start time and a boot
(``keeper.identity``). The number alone may belong to somebody else by now. Waiting is done with a pidfd, which the
event loop watches without a thread; a kernel that has none is asked again and again.
"""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

from stanchion.drivers.keeper import identity

_ASK_AGAIN_S = 0.1


def alive(who: str) -> bool:
    """Whether the process of that identity still runs. An empty identity is nobody's."""
    pid = who.partition(" ")[0]
    if not pid:
        return False
    try:
        return identity(int(pid)) == who
    except ProcessLookupError:
        return False


async def gone(who: str) -> None:
    """Wait until the process of that identity has ended."""
    if not alive(who):
        return
    pid = int(who.partition(" ")[0])
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except OSError:  # an old kernel, or no file descriptor left
        while alive(who):  # noqa: ASYNC110 - no event tells of a stranger's end
            await asyncio.sleep(_ASK_AGAIN_S)
        return
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(handle, ended.set)
    try:
        if alive(who):  # else the number was given away between the look and the handle
            await ended.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


def members(leader: str) -> list[int]:
    """Give the living processes of the group that this leader began, the leader or not.

    While any member lives, the kernel gives the group's number to no new process: so when a process of that number
    lives and is not the leader, the group that we meant has ended.
    """
    number, _, birth = leader.partition(" ")
    if not number or not birth:
        return []
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, _, group = (entry / "stat").read_text("latin-1").rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if group == number and state not in "ZX":
            if entry.name == number and not alive(leader):
                return []
            found.append(int(entry.name))
    return sorted(found)


async def end_group(leader: str, grace_s: float) -> None:
    """End the whole group: TERM, that many seconds to obey, then KILL. Returns when no member lives."""
    deadline = asyncio.get_running_loop().time() + grace_s
    _signal(leader, signal.SIGTERM)
    while members(leader):
        if asyncio.get_running_loop().time() >= deadline:
            _signal(leader, signal.SIGKILL)
        await asyncio.sleep(_ASK_AGAIN_S)


def _signal(leader: str, number: signal.Signals) -> None:
    for pid in members(leader):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
