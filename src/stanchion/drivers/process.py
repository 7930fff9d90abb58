"""Processes that are not our children: whether one still lives, when it ends, and how to end its group.

A restarted agent knows its scripts' processes by what is written down: a number, a start time and a boot
(``keeper.identity``). The number alone may belong to somebody else by now. Waiting is done with a pidfd, which the
event loop watches without a thread; a kernel that has none is asked again and again.
"""

import asyncio
import contextlib
import os
import signal

from stanchion.drivers.keeper import identity, members

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


async def end_group(leader: str, grace_s: float) -> None:
    """End the whole group: TERM, that many seconds to obey, then KILL. Returns when no member lives."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + grace_s
    await asyncio.to_thread(_signal, leader, signal.SIGTERM)
    while await asyncio.to_thread(members, leader):
        if loop.time() >= deadline:
            await asyncio.to_thread(_signal, leader, signal.SIGKILL)
        await asyncio.sleep(_ASK_AGAIN_S)


def _signal(leader: str, number: signal.Signals) -> None:
    for pid in members(leader):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
