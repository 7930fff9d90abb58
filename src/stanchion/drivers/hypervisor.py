"""The truth about machines on this host: what the hypervisor says, never what an exit code of an agent says.

A machine is ABSENT only when somebody who knows says so. Everything in doubt is RUNNING where the machine may be
executing (a QEMU that does not answer still executes), and UNKNOWN where there is nobody to ask; UNKNOWN blocks every
start elsewhere until a later look, a proof or an operator resolves it.

A machine that has been sent away, and our own QEMU that waits for one until it is let go, have a process or a domain
on this host and execute nothing: they are ABSENT, and the text says so. Xen and libvirt let an incoming machine begin
by themselves as soon as it is here, so one that is still coming in is UNKNOWN.
"""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from stanchion.drivers.qemu import health, process
from stanchion.model.ids import ResourceName
from stanchion.model.resource import MachineKind, ResourceSpec
from stanchion.model.state import Presence

ANSWER_WITHIN_S = 5.0
"""How long a hypervisor's tool may take to answer."""

AskScript = Callable[[ResourceSpec], Awaitable[tuple[int, str]]]
"""Runs a resource's monitor script, bounded in time; gives its exit code and what it printed."""

_NOT_RUNNING = 7
_DEFAULT_LIBVIRT = "qemu:///system"

Look = tuple[Presence, str]


def _place(spec: ResourceSpec) -> tuple[MachineKind, str]:
    """Say whom to ask for a machine: the kind of its hypervisor and, for libvirt, the address."""
    uri = spec.parameters.get("HYPERVISOR") or _DEFAULT_LIBVIRT
    return spec.machine.kind, uri if spec.machine.kind is MachineKind.LIBVIRT else ""


class HostHypervisor:
    """Port ``Hypervisor``: asks whatever runs the machine, by the kind that its configuration names.

    ``run_directory`` is the host's ``HA_RSCTMP``, where the QEMU agent keeps its machines. ``search_path`` is where
    the tools ``xl`` and ``virsh`` are looked for.
    """

    def __init__(self, run_directory: Path, ask_script: AskScript, *, search_path: str | None = None,
                 within_s: float = ANSWER_WITHIN_S) -> None:
        self._run_directory = run_directory
        self._ask_script = ask_script
        self._search_path = search_path or os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
        self._within_s = within_s

    async def look(self, spec: ResourceSpec) -> Look:
        """Tell whether the machine executes here; the text says what was seen, for people."""
        name = spec.machine.name or spec.name
        match spec.machine.kind:
            case MachineKind.QEMU:
                return await asyncio.to_thread(self._look_qemu, name)
            case MachineKind.XEN:
                return await self._look_xen(name)
            case MachineKind.LIBVIRT:
                return await self._look_libvirt(name, spec.parameters.get("HYPERVISOR") or _DEFAULT_LIBVIRT)
            case MachineKind.SCRIPT:
                return await self._look_script(spec)

    async def sweep(self, specs: Sequence[ResourceSpec]) -> Mapping[ResourceName, Look]:
        """Look for many machines at once: every hypervisor names what runs, and only that is looked at closely."""
        asked = [spec for spec in specs if spec.machine.kind is not MachineKind.SCRIPT]
        named = {place: await self._running(*place) for place in sorted({_place(spec) for spec in asked})}
        found: dict[ResourceName, Look] = {}
        for spec in asked:
            here = named[_place(spec)]
            if here is None:
                found[spec.name] = Presence.UNKNOWN, f"{spec.machine.kind} cannot be asked"
            elif (spec.machine.name or spec.name) in here:
                found[spec.name] = await self.look(spec)
            else:
                found[spec.name] = Presence.ABSENT, f"{spec.machine.kind} does not name it"
        return found

    async def _running(self, kind: MachineKind, uri: str) -> frozenset[str] | None:
        """Name the machines that a hypervisor of this host runs; None when it cannot be asked."""
        if kind is MachineKind.QEMU:
            return await asyncio.to_thread(process.names_in, str(self._run_directory))
        tool = ("xl", "list") if kind is MachineKind.XEN else ("virsh", "-c", uri, "list", "--name")
        code, answer = await self._tool(*tool)
        if kind is MachineKind.XEN:
            return None if code else frozenset(words[0] for words in map(str.split, answer.splitlines()[1:]) if words)
        # A libvirt that was restarted may have lost a machine that runs on.
        lost = await asyncio.to_thread(process.names)
        return None if code else frozenset(answer.split()) | lost

    def _look_qemu(self, name: str) -> Look:
        now = health.examine(process.place(str(self._run_directory), name), min(self._within_s, health.ANSWER_WITHIN_S))
        return (Presence.RUNNING if now.executes else Presence.ABSENT), f"QEMU: {now.sentence}"

    async def _look_xen(self, name: str) -> Look:
        code, answer = await self._tool("xl", "list")
        if code:
            return Presence.UNKNOWN, f"Xen cannot be asked: {answer}"
        domains = {words[0]: words for words in map(str.split, answer.splitlines()[1:]) if words}
        if name in domains:
            return Presence.RUNNING, f"Xen: domain {name} is there, {' '.join(domains[name][1:])}"
        if f"{name}--incoming" in domains:
            return Presence.UNKNOWN, f"Xen: {name} is coming in, and will begin by itself once it is here"
        sent = f"{name}--migratedaway"
        return Presence.ABSENT, f"Xen: there is no domain {name}" + (f", only {sent}" if sent in domains else "")

    async def _look_libvirt(self, name: str, uri: str) -> Look:
        code, answer = await self._tool("virsh", "-c", uri, "domstate", "--reason", name)
        if not code and answer.startswith("paused (migrating)"):
            _, job = await self._tool("virsh", "-c", uri, "domjobinfo", name)
            if "Incoming migration" in job:
                return Presence.UNKNOWN, "libvirt: it is coming in, and will begin by itself once it is here"
        if not code and not answer.startswith(("shut off", "crashed")):
            return Presence.RUNNING, f"libvirt: {answer}"
        # A libvirt that was restarted may have lost a machine that runs on: the process has the last word.
        found = await asyncio.to_thread(process.find_named, name)
        if found:
            return Presence.RUNNING, f"libvirt: {answer}; but its process {found[0].pid} is there"
        if not code or "failed to get domain" in answer:
            return Presence.ABSENT, f"libvirt: {answer}"
        return Presence.UNKNOWN, f"libvirt cannot be asked: {answer}"

    async def _look_script(self, spec: ResourceSpec) -> Look:
        code, answer = await self._ask_script(spec)
        told = f"the monitor script ended with code {code}" + (f": {answer}" if answer else "")
        if code == 0:
            return Presence.RUNNING, told
        return (Presence.ABSENT if code == _NOT_RUNNING else Presence.UNKNOWN), told

    async def _tool(self, name: str, *arguments: str) -> tuple[int, str]:
        """Run a tool in its own session; give its exit code and what it printed, -1 when it gave none in time."""
        tool = shutil.which(name, path=self._search_path)
        if tool is None:
            return -1, f"there is no {name} on this host"
        try:
            running = await asyncio.create_subprocess_exec(
                tool, *arguments, env={**os.environ, "LC_ALL": "C"}, stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, start_new_session=True,
            )
        except OSError as problem:
            return -1, f"{name} cannot be run: {problem.strerror}"
        try:
            async with asyncio.timeout(self._within_s):
                out, err = await running.communicate()
        except TimeoutError:
            return -1, f"{name} did not answer within {self._within_s:g} s"
        finally:
            if running.returncode is None:
                with suppress(ProcessLookupError):
                    running.kill()
                await running.wait()
        text = out if running.returncode == 0 else out + err
        answer = text.decode(errors="replace").strip()
        return running.returncode or 0, answer if name == "xl" else " ".join(answer.split())
