"""The bell: hears from libvirt and Xen, in the moment, that a machine began or ended on this host.

For libvirt a child process is kept, ``virsh event --event lifecycle --loop``; for Xen ``xenstore-watch`` on the two
names that the store of every Xen host has for domains that come and go. They are the tools that stand on such a host
anyway and are asked for everything else too. libvirt's Python binding would be a dependency that is compiled against
one version of libvirt, with an event loop and threads of its own inside the agent that renews the lease; a child that
hangs or dies costs nothing but its news.

What a line says is not read: that anything was said is the news, and a look at the host tells the rest. A child that
ends, because its daemon was restarted or is not there, is started anew, at first soon, then more and more seldom. A
child asks the kernel to be ended with the agent, so that none is left behind by an agent that was killed.
"""

import asyncio
import os
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress

import structlog

from stanchion.model.resource import MachineKind, ResourceSpec

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0
"""How long to wait before a child is started anew: at first, and at most. The wait doubles each time."""

STEADY_S = 30.0
"""A child that lived so long was well, and the next one is started soon."""

DEFAULT_LIBVIRT = "qemu:///system"

Words = tuple[str, ...]

log = structlog.get_logger(__name__)


def words_for(spec: ResourceSpec) -> Words | None:
    """Give the command that tells of a machine's hypervisor; None where there is none to listen to."""
    match spec.machine.kind:
        case MachineKind.LIBVIRT:
            uri = spec.parameters.get("HYPERVISOR") or DEFAULT_LIBVIRT
            return "virsh", "-q", "-c", uri, "event", "--event", "lifecycle", "--loop"
        case MachineKind.XEN:
            return "xenstore-watch", "@introduceDomain", "@releaseDomain"
        case _:
            return None


class HypervisorBell:
    """Port ``Bell``. ``search_path`` is where the tools are looked for."""

    def __init__(self, *, search_path: str | None = None, first_wait_s: float = FIRST_WAIT_S) -> None:
        self._search_path = search_path or os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
        self._first_wait_s = first_wait_s
        self._ears: dict[Words, asyncio.Task[None]] = {}
        self._past: set[asyncio.Task[None]] = set()
        self._rung = asyncio.Event()

    def listen(self, specs: Sequence[ResourceSpec]) -> None:
        """Keep a child for each hypervisor that is named, and no other."""
        wanted = {words for spec in specs if (words := words_for(spec)) is not None}
        for words in self._ears.keys() - wanted:
            self._past.add(ear := self._ears.pop(words))
            ear.add_done_callback(self._past.discard)
            ear.cancel()
        for words in wanted - self._ears.keys():
            self._ears[words] = asyncio.create_task(self._hear_for_ever(words))

    async def rung(self) -> None:
        """Wait for the next line of any child."""
        await self._rung.wait()
        self._rung.clear()

    async def close(self) -> None:
        """End every child, and wait until each has ended."""
        self.listen(())
        if self._past:
            await asyncio.wait(self._past)

    async def _hear_for_ever(self, words: Words) -> None:
        wait_s = self._first_wait_s
        while True:
            began_s = time.monotonic()
            fault = await self._hear(words)
            if time.monotonic() - began_s >= STEADY_S:
                wait_s = self._first_wait_s
            if wait_s == self._first_wait_s:
                log.warning("machines that begin or end are found by looking alone", tool=words[0], problem=fault)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    async def _hear(self, words: Words) -> str:
        """Ring for every line of one child, until it ends; say why it ended."""
        tool = shutil.which(words[0], path=self._search_path)
        if tool is None:
            return f"there is no {words[0]} on this host"
        tied = shutil.which("setpriv", path=self._search_path)
        before = () if tied is None else (tied, "--pdeathsig", "KILL")
        try:
            child = await asyncio.create_subprocess_exec(
                *before, tool, *words[1:], env={**os.environ, "LC_ALL": "C"}, stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, start_new_session=True)
        except OSError as problem:
            return f"{words[0]} cannot be run: {problem.strerror}"
        last = b""
        try:
            assert child.stdout is not None
            with suppress(ValueError):  # a line without end
                async for line in child.stdout:
                    last = line
                    self._rung.set()
        finally:
            if child.returncode is None:
                with suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
        return last.decode(errors="replace").strip() or f"it ended with code {child.returncode}"
