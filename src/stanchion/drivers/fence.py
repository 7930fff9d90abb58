"""Fence devices, by the protocol of ``fence-agents``: key=value lines on standard input, one action for each call.

``status`` answers with its exit code: 0 for on, 2 for off, anything else for unknown. ``off`` is asked for and then
*looked at*: what counts is the state that the device reports afterwards. An ``off`` that fails because the host is off
already is thereby a success, and an ``off`` that says it succeeded while the host runs on is not.
"""

import asyncio
import html
import os
import re
import shutil
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from stanchion.model.fencing import FenceDevice, Power

SEARCHED = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
LOOK_AGAIN_S = 0.2
"""How long to wait between two looks at the power state while a host goes down."""

ALL_TELL_WITHIN_S = 8.0
"""How long the agents of this host may take together to say what they are; who is slower has no description."""

AT_ONCE = 4

NOT_AGENTS = frozenset({"fence_ack_manual", "fence_check", "fence_kdump_send", "fence_legacy", "fence_node",
                        "fence_pcmk", "fence_sanlockd", "fence_tool", "fence_virtd"})
"""Programs that are called like fence agents and are none: some would start a service when run."""

_NAME = re.compile(r"fence_[a-z0-9_]+")
_SHORT = re.compile(r'<resource-agent[^>]*\bshortdesc="([^"]*)"')
_STATES = {0: Power.ON, 2: Power.OFF}
_SAID_MAX = 500
_METADATA_MAX = 4000


class FenceAgents:
    """Port ``Fencer``: any installed fence agent. ``path`` is where the agents are looked for."""

    def __init__(self, path: str = SEARCHED) -> None:
        self._path = path
        self._described: dict[str, str] = {}

    async def status(self, device: FenceDevice) -> tuple[Power, str]:
        """Ask a device for the power state; the text says what it said. Takes at most the device's timeout."""
        try:
            async with asyncio.timeout(device.timeout_s):
                return await self._status(device)
        except TimeoutError:
            return Power.UNKNOWN, f"{device.agent} gave no answer within {device.timeout_s:g} s"

    async def off(self, device: FenceDevice) -> tuple[Power, str]:
        """Switch off, then look until the device reports the host off, at most for the device's timeout.

        An agent that this host does not have costs no time: the next device is waited for.
        """
        if self._program(device) is None:
            return Power.UNKNOWN, _absent(device)
        said = ""
        try:
            async with asyncio.timeout(device.timeout_s):
                _, said = await self._call(device, "off")
                while True:
                    power, seen = await self._status(device)
                    if power is Power.OFF:
                        return power, seen
                    said = seen or said
                    await asyncio.sleep(LOOK_AGAIN_S)
        except TimeoutError:
            return Power.UNKNOWN, f"{device.agent} does not report it off within {device.timeout_s:g} s: {said}"

    async def on(self, device: FenceDevice) -> tuple[Power, str]:
        """Switch on, and give the state that the device reports then."""
        try:
            async with asyncio.timeout(device.timeout_s):
                await self._call(device, "on")
                return await self._status(device)
        except TimeoutError:
            return Power.UNKNOWN, f"{device.agent} gave no answer within {device.timeout_s:g} s"

    async def agents(self) -> Mapping[str, str]:
        """Name the installed agents with their short descriptions, which are asked for once and then remembered."""
        names = await asyncio.to_thread(self._installed)
        turn = asyncio.Semaphore(AT_ONCE)

        async def describe(name: str) -> None:
            async with turn:
                code, said = await self._call(FenceDevice(agent=name), "metadata", most=_METADATA_MAX)
            found = _SHORT.search(said)
            self._described[name] = html.unescape(found[1]) if code == 0 and found else ""

        with suppress(TimeoutError):
            async with asyncio.timeout(ALL_TELL_WITHIN_S), asyncio.TaskGroup() as group:
                for name in names:
                    if name not in self._described:
                        group.create_task(describe(name))
        return {name: self._described.get(name, "") for name in names}

    def _installed(self) -> list[str]:
        found = {file.name for place in self._path.split(":") for file in Path(place).glob("fence_*")
                 if _NAME.fullmatch(file.name) and file.is_file() and os.access(file, os.X_OK)}
        return sorted(found - NOT_AGENTS)

    def _program(self, device: FenceDevice) -> str | None:
        return shutil.which(device.agent, path=self._path)

    async def _status(self, device: FenceDevice) -> tuple[Power, str]:
        code, said = await self._call(device, "status")
        return _STATES.get(code, Power.UNKNOWN), said

    async def _call(self, device: FenceDevice, action: str, *, most: int = _SAID_MAX) -> tuple[int, str]:
        """Run the agent once; give its exit code and what it said. Cancelling ends its process group."""
        program = self._program(device)
        if program is None:
            return 1, _absent(device)
        words = "".join(f"{key}={value}\n" for key, value in {**device.parameters, "action": action}.items())
        try:
            running = await asyncio.create_subprocess_exec(
                program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT, env={"PATH": self._path, "LANG": "C.UTF-8"}, start_new_session=True)
        except OSError as problem:
            return 1, f"{program} cannot be started: {problem.strerror}"
        try:
            said, _ = await running.communicate(words.encode())
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            await asyncio.shield(running.wait())
            raise
        text = " ".join(said.decode(errors="replace").split())[:most]
        return running.returncode if running.returncode is not None else 1, text


def _absent(device: FenceDevice) -> str:
    return f"there is no fence agent {device.agent} on this host"
