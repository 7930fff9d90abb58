"""The bell of a real host: tools that speak line by line, a real libvirtd, and what becomes of its children."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from stanchion.drivers.bell import HypervisorBell
from stanchion.lookout import Bell
from stanchion.model.ids import NodeName, ResourceName, TemplateName
from stanchion.model.resource import Machine, MachineKind, ResourceSpec, Scripts
from stanchion.sim.bell import PretendBell
from stanchion.sim.host import Condition, Nature, PretendHost

DEADLINE_S = 20.0
PROGRAMS = {name: shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin") for name in ("libvirtd", "virsh")}
needs_libvirt = pytest.mark.skipif(None in PROGRAMS.values(), reason="libvirtd or virsh is not installed")


def spec(kind: MachineKind, uri: str = "") -> ResourceSpec:
    return ResourceSpec(name=ResourceName("test"), template=TemplateName("T"), scripts=Scripts(),
                        machine=Machine(kind=kind, name="test"), parameters={"HYPERVISOR": uri} if uri else {})


def tool(directory: Path, name: str, body: str) -> Path:
    """Put a program into the directory that speaks like the hypervisor's own."""
    path = directory / name
    path.write_text(f"#!{sys.executable}\nimport os, sys, time\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def heard(directory: Path) -> HypervisorBell:
    """Make a bell that finds its tools in that directory, and the one that ties a child to the agent."""
    setpriv = shutil.which("setpriv")
    return HypervisorBell(search_path=f"{directory}{f':{Path(setpriv).parent}' if setpriv else ''}", first_wait_s=0.05)


class PretendMachine:
    """A machine of a pretend host."""

    def __init__(self) -> None:
        self._host = PretendHost(NodeName("a"), Nature())
        self.bell: Bell = PretendBell(self._host)
        self.spec = spec(MachineKind.QEMU)

    async def switch(self, *, on: bool) -> None:
        """Begin or end it."""
        self._host.become("test", Condition.EXECUTES if on else None)


class SpokenMachine:
    """A machine of which a tool tells, one line for each word that it reads from a pipe."""

    def __init__(self, directory: Path) -> None:
        os.mkfifo(directory / "pipe")
        tool(directory, "xenstore-watch", f"print(sys.argv[1:], file=open({str(directory / 'called')!r}, 'w'))\n"
             f"for line in open({str(directory / 'pipe')!r}): print('@introduceDomain', flush=True)")
        self._pipe = os.open(directory / "pipe", os.O_RDWR)
        self.bell: Bell = heard(directory)
        self.spec = spec(MachineKind.XEN)

    async def switch(self, *, on: bool) -> None:
        """Say that it began or ended."""
        os.write(self._pipe, b"on\n" if on else b"off\n")


class LibvirtMachine:
    """The machine that libvirt's own test driver has, under a libvirtd of its own."""

    def __init__(self, directory: Path) -> None:
        places = {"XDG_RUNTIME_DIR": "r", "XDG_CONFIG_HOME": "c", "XDG_CACHE_HOME": "k", "HOME": "h"}
        self._environment = {**os.environ, **{name: str(directory / place) for name, place in places.items()}}
        for place in places.values():
            (directory / place).mkdir(mode=0o777)
        self._words = [str(PROGRAMS["libvirtd"])]
        if os.geteuid() == 0:
            # A libvirtd of root would use the host's own directories.
            for owned in (directory, *directory.iterdir()):
                os.chown(owned, 65534, 65534)
            self._words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *self._words]
        self._socket = directory / "r/libvirt/libvirt-sock"
        self.uri = f"test+unix:///default?socket={self._socket}"
        self.spec = spec(MachineKind.LIBVIRT, self.uri)
        self.bell: Bell = HypervisorBell(first_wait_s=0.05)
        self._daemon: subprocess.Popen[bytes] | None = None

    async def begin(self) -> None:
        """Start its libvirtd, and wait until it answers."""
        self._daemon = subprocess.Popen(  # noqa: ASYNC220 - it begins at once
            self._words, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        async with asyncio.timeout(DEADLINE_S):
            while not await self._virsh("list"):
                await asyncio.sleep(0.05)

    async def end(self) -> None:
        """Kill its libvirtd."""
        if self._daemon is not None:
            self._daemon.kill()
            await asyncio.to_thread(self._daemon.wait)

    async def switch(self, *, on: bool) -> None:
        """Start it or destroy it; this driver forgets what was done when nobody is connected any more."""
        await self._virsh("start" if on else "destroy", "test")

    async def _virsh(self, *words: str) -> bool:
        child = await asyncio.create_subprocess_exec(
            str(PROGRAMS["virsh"]), "-c", self.uri, *words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        return await child.wait() == 0


Machines = PretendMachine | SpokenMachine | LibvirtMachine


@asynccontextmanager
async def machine_of(kind: str, directory: Path) -> AsyncIterator[Machines]:
    """Make a machine, of whose beginning and end a bell tells, and end all that belongs to it."""
    machine: Machines = PretendMachine()
    if kind == "tool":
        machine = SpokenMachine(directory)
    elif kind == "libvirtd":
        machine = LibvirtMachine(directory)
        await machine.begin()
    try:
        yield machine
    finally:
        if isinstance(machine.bell, HypervisorBell):
            await machine.bell.close()
        if isinstance(machine, LibvirtMachine):
            await machine.end()


@pytest.fixture
def place() -> Iterator[Path]:
    """Give a directory with a short name: a socket's path has little room."""
    directory = Path(subprocess.check_output(["mktemp", "-d", "/tmp/bell-XXXXXX"], text=True).strip())
    yield directory
    shutil.rmtree(directory)


async def rings(machine: Machines, *, on: bool) -> None:
    """Begin or end the machine again and again until the bell rings: a tool needs a moment until it listens."""
    ringing = asyncio.create_task(machine.bell.rung())
    async with asyncio.timeout(DEADLINE_S):
        while True:
            await machine.switch(on=on)
            done, _ = await asyncio.wait({ringing}, timeout=0.5)
            if done:
                return
            await machine.switch(on=not on)


async def told_within(machine: Machines, longest_s: float) -> bool:
    """Tell whether the bell rings within that time."""
    try:
        async with asyncio.timeout(longest_s):
            await machine.bell.rung()
    except TimeoutError:
        return False
    return True


KINDS = ["pretend", "tool", pytest.param("libvirtd", marks=needs_libvirt)]


@pytest.mark.parametrize("kind", KINDS)
async def test_it_rings_when_a_machine_begins_or_ends(kind: str, place: Path) -> None:
    async with machine_of(kind, place) as machine:
        machine.bell.listen((machine.spec,))
        if kind == "pretend":
            await machine.switch(on=True)
        await rings(machine, on=False)
        machine.bell.listen((machine.spec,))
        await rings(machine, on=True)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_happened_while_nobody_waited_is_told_at_once_and_once(kind: str, place: Path) -> None:
    async with machine_of(kind, place) as machine:
        machine.bell.listen((machine.spec,))
        if kind == "pretend":
            await machine.switch(on=True)
        await rings(machine, on=False)
        while await told_within(machine, 0.5):
            pass
        await machine.switch(on=True)
        assert await told_within(machine, DEADLINE_S)
        assert not await told_within(machine, 0.2)


@needs_libvirt
async def test_a_libvirtd_that_is_killed_is_heard_again_when_it_is_back(place: Path) -> None:
    async with machine_of("libvirtd", place) as machine:
        assert isinstance(machine, LibvirtMachine)
        machine.bell.listen((machine.spec,))
        await rings(machine, on=False)
        await machine.end()
        await machine.begin()
        await rings(machine, on=False)


async def test_each_hypervisor_is_listened_to_by_its_own_words_and_others_no_more(place: Path) -> None:
    for name in ("virsh", "xenstore-watch"):
        tool(place, name, f"open({str(place)!r} + '/' + str(os.getpid()), 'w').write(repr(sys.argv))\n"
                          "print('hello', flush=True)\ntime.sleep(600)")
    bell = heard(place)

    def running() -> dict[int, str]:
        there = {int(path.name): path.read_text(encoding="utf-8") for path in place.iterdir() if path.name.isdigit()}
        return {pid: said for pid, said in there.items() if said and Path(f"/proc/{pid}").exists()}

    async def until(count: int) -> Sequence[str]:
        async with asyncio.timeout(DEADLINE_S):
            while len(running()) != count:
                await asyncio.sleep(0.02)
        return sorted(running().values())

    remote = spec(MachineKind.LIBVIRT, "xen:///system")
    bell.listen((spec(MachineKind.LIBVIRT), spec(MachineKind.LIBVIRT), remote, spec(MachineKind.XEN)))
    first = await until(3)
    assert [said.partition(", ")[2] for said in first] == [
        "'-q', '-c', 'qemu:///system', 'event', '--event', 'lifecycle', '--loop']",
        "'-q', '-c', 'xen:///system', 'event', '--event', 'lifecycle', '--loop']",
        "'@introduceDomain', '@releaseDomain']"]
    bell.listen((remote, replace(remote, machine=Machine(kind=MachineKind.QEMU))))
    assert "xen:///system" in (await until(1))[0]
    bell.listen(())
    await until(0)
    await bell.close()


async def test_a_tool_that_is_missing_or_fails_costs_nothing_and_is_tried_again(place: Path) -> None:
    bell = heard(place)
    bell.listen((spec(MachineKind.XEN),))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await bell.rung()
    tool(place, "xenstore-watch", "print('@introduceDomain', flush=True)\nsys.exit(1)")
    async with asyncio.timeout(DEADLINE_S):
        for _ in range(2):
            await bell.rung()
    await bell.close()


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed")
def test_no_child_is_left_behind_by_an_agent_that_is_killed(place: Path) -> None:
    tool(place, "xenstore-watch", f"open({str(place / 'pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)")
    code = ("import asyncio, sys\nfrom drivers.test_hypervisor_bell import MachineKind, heard, spec, Path\n"
            "async def main():\n    bell = heard(Path(sys.argv[1]))\n    bell.listen((spec(MachineKind.XEN),))\n"
            "    await bell.rung()\nasyncio.run(main())")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    agent = subprocess.Popen([sys.executable, "-c", code, str(place)], env=environment)
    pid = place / "pid"

    async def story() -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not (pid.exists() and pid.read_text(encoding="utf-8")):
                await asyncio.sleep(0.02)
            agent.send_signal(signal.SIGKILL)
            await asyncio.to_thread(agent.wait)
            while Path(f"/proc/{pid.read_text(encoding='utf-8')}").exists():
                await asyncio.sleep(0.02)

    asyncio.run(story())
