"""Fence devices, by the protocol of ``fence-agents``: key=value lines on standard input, one action for each call.

``status`` answers with its exit code: 0 for on, 2 for off, anything else for unknown. ``off`` is asked for and then
*looked at*: what counts is the state that the device reports afterwards. An ``off`` that fails because the host is off
already is thereby a success, and an ``off`` that says it succeeded while the host runs on is not.
"""

import asyncio
import os
import shutil
import signal
from contextlib import suppress

from stanchion.model.fencing import FenceDevice, Power

SEARCHED = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
LOOK_AGAIN_S = 0.2
"""How long to wait between two looks at the power state while a host goes down."""

_STATES = {0: Power.ON, 2: Power.OFF}
_SAID_MAX = 500


class FenceAgents:
    """Port ``Fencer``: any installed fence agent. ``path`` is where the agents are looked for."""

    def __init__(self, path: str = SEARCHED) -> None:
        self._path = path

    async def status(self, device: FenceDevice) -> tuple[Power, str]:
        """Ask a device for the power state; the text says what it said. Takes at most the device's timeout."""
        try:
            async with asyncio.timeout(device.timeout_s):
                return await self._status(device)
        except TimeoutError:
            return Power.UNKNOWN, f"{device.agent} gave no answer within {device.timeout_s:g} s"

    async def off(self, device: FenceDevice) -> tuple[Power, str]:
        """Switch off, then look until the device reports the host off, at most for the device's timeout."""
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

    async def _status(self, device: FenceDevice) -> tuple[Power, str]:
        code, said = await self._call(device, "status")
        return _STATES.get(code, Power.UNKNOWN), said

    async def _call(self, device: FenceDevice, action: str) -> tuple[int, str]:
        """Run the agent once; give its exit code and what it said. Cancelling ends its process group."""
        program = shutil.which(device.agent, path=self._path)
        if program is None:
            return 1, f"there is no fence agent {device.agent} on this host"
        words = "".join(f"{key}={value}\n" for key, value in {**device.parameters, "action": action}.items())
        running = await asyncio.create_subprocess_exec(
            program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env={"PATH": self._path, "LANG": "C.UTF-8"}, start_new_session=True)
        try:
            said, _ = await running.communicate(words.encode())
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            await asyncio.shield(running.wait())
            raise
        text = " ".join(said.decode(errors="replace").split())[:_SAID_MAX]
        return running.returncode if running.returncode is not None else 1, text
