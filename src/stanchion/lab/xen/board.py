"""The rack: it gives the machines power and takes it, keeps the wires between them, and hears what guests say.

Beside them run, on this computer itself, what needs no Xen: the three members of the cluster's etcd, and the witness.

One process that outlives whatever happens in its machines, as management boards do, in a network namespace of its own
that it makes at its start. When it ends, however it ends, the machines and the network end with it. Doors:

- ``NAME/control.sock`` for each machine, one line each way, as with every lab's supervisors: ``status``, ``power off``,
  ``power on``, ``reset``, ``freeze``, ``thaw``, ``wire off``, ``wire on``. The answer is JSON.
- a TCP port in the lab's network for fence agents: ``NAME status``, ``NAME off``, ``NAME on``; the answer is ``on`` or
  ``off``. Off is said only when the machine's QEMU has ended.
- another one for the guests' words, which are written to ``machines/GUEST.serial``, and with the time of day to
  ``machines/GUEST.times``.

Power is cut by QEMU's own monitor (QMP), which also tells of resets; those are kept with their times.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from stanchion.lab import processes
from stanchion.lab.etcd import Member
from stanchion.lab.xen.furnish import ETCD, HEARING_PORT, HUB, POWER_PORT, WITNESS, XEN_HOSTS, address
from stanchion.lab.xen.guests import GUESTS
from stanchion.lab.xen.iron import Machine
from stanchion.lab.xen.place import Place

QUITS_WITHIN_S = 5.0
"""How long QEMU may take to end by itself before it is killed."""

MONITOR_WITHIN_S = 60.0

GOES_FIRST = -15
"""The machines' niceness."""


class Slot:
    """One machine's place in the rack."""

    def __init__(self, machine: Machine, log: Callable[[str], None]) -> None:
        self.machine = machine
        self.wired = True
        self.frozen = False
        self.off_at: float | None = None
        self.resets: list[tuple[float, str]] = []
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._monitor: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()

    @property
    def power(self) -> str:
        """``on`` while its QEMU lives, even if it stands still."""
        return "on" if self._process is not None and self._process.returncode is None else "off"

    def status(self) -> dict[str, object]:
        """Say how it stands. Times are seconds since 1970."""
        return {"power": self.power, "frozen": self.frozen, "wired": self.wired, "off_at": self.off_at,
                "resets": self.resets}

    async def on(self) -> None:
        """Give it power."""
        async with self._turn:
            if self.power == "on":
                return
            self.machine.monitor.unlink(missing_ok=True)
            console = self.machine.place.machine(self.machine.name) / "qemu.log"
            with console.open("ab") as journal:
                self._process = await asyncio.create_subprocess_exec(
                    *self.machine.words(), stdin=subprocess.DEVNULL, stdout=journal, stderr=journal,
                    start_new_session=True, preexec_fn=processes.die_with_parent)
            _prefer(self._process.pid)
            self.off_at, self.frozen = None, False
            self._log(f"{self.machine.name} has power: QEMU {self._process.pid}")
            self._listening = asyncio.create_task(self._listen())

    async def off(self) -> None:
        """Take its power; when this returns, nothing of it executes any more."""
        async with self._turn:
            process = self._process
            if process is None or self.power == "off":
                return
            await self.order("quit")
            try:
                await asyncio.wait_for(process.wait(), QUITS_WITHIN_S)
            except TimeoutError:
                process.kill()
                await process.wait()
            self.off_at = time.time()
            if self._listening is not None:
                self._listening.cancel()
            self._log(f"{self.machine.name} has no power")

    async def order(self, command: str) -> None:
        """Give its QEMU an order; what comes of it is told as an event, or seen."""
        if self._monitor is not None:
            with suppress(OSError):
                self._monitor.write(json.dumps({"execute": command}).encode() + b"\n")
                await self._monitor.drain()
        self.frozen = {"stop": True, "cont": False}.get(command, self.frozen)
        self._log(f"{self.machine.name}: {command}")

    async def wire(self, state: str) -> None:
        """Pull its wire (``down``) or plug it in (``up``)."""
        await asyncio.to_thread(_ip, f"link set {self.machine.tap} {state}")
        self.wired = state == "up"
        self._log(f"{self.machine.name}: wire {state}")

    async def _listen(self) -> None:
        """Hear what its QEMU tells, and keep the resets."""
        until = time.monotonic() + MONITOR_WITHIN_S
        while True:
            try:
                reader, self._monitor = await asyncio.open_unix_connection(str(self.machine.monitor))
                break
            except OSError:
                if time.monotonic() > until or self.power == "off":
                    self._log(f"{self.machine.name}: its QEMU does not answer; see qemu.log")
                    return
                await asyncio.sleep(0.1)
        self._monitor.write(b'{"execute": "qmp_capabilities"}\n')
        while line := await reader.readline():
            told: dict[str, Any] = json.loads(line)
            if "event" in told:
                self._log(f"{self.machine.name}: {told['event']} {json.dumps(told.get('data', {}))}")
            if told.get("event") in {"RESET", "WATCHDOG", "GUEST_PANICKED"}:
                self.resets.append((time.time(), str(told["event"])))
        self._monitor = None


class Board:
    """All machines of the rack."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._slots = {name: Slot(Machine(name, place), log) for name in XEN_HOSTS}
        self._guests = {guest.address: guest.name for guest in GUESTS.values()}
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Open the doors, give power to all, and serve until told to end."""
        await asyncio.to_thread(lay_wires, [slot.machine.tap for slot in self._slots.values()])
        keeping = [asyncio.create_task(keep(name, words, self._place.machine(name) / "log"))
                   for name, words in beside(self._place).items()]
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, self._over.set)
        self._place.heard.mkdir(exist_ok=True)
        await asyncio.start_server(Ear(self._place.heard, self._guests).hear, HUB, HEARING_PORT)
        await asyncio.start_server(self._fencing, HUB, POWER_PORT)
        for name, slot in self._slots.items():
            door = self._place.machine(name) / "control.sock"
            await asyncio.start_unix_server(partial(self._control, slot), str(door))
            await slot.on()
        await asyncio.start_unix_server(self._ending, str(self._place.board))
        log("the rack is up")
        await self._over.wait()
        for task in keeping:
            task.cancel()
        await asyncio.gather(*(slot.off() for slot in self._slots.values()))
        log("the rack is down")

    async def _control(self, slot: Slot, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        words = (await reader.readline()).decode(errors="replace").strip()
        answer = await self._do(slot, words)
        writer.write(json.dumps(answer).encode() + b"\n")
        await _hang_up(writer)

    async def _do(self, slot: Slot, words: str) -> dict[str, object]:
        match words:
            case "status":
                pass
            case "power on":
                await slot.on()
            case "power off":
                await slot.off()
            case "reset":
                await slot.order("system_reset")
            case "freeze":
                await slot.order("stop")
            case "thaw":
                await slot.order("cont")
            case "wire off":
                await slot.wire("down")
            case "wire on":
                await slot.wire("up")
            case _:
                return {"error": f"unknown command {words!r}"}
        return slot.status()

    async def _fencing(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name, _, action = (await reader.readline()).decode(errors="replace").strip().partition(" ")
        slot = self._slots.get(name)
        if slot is not None and action in {"on", "off"}:
            log(f"a fence agent at {writer.get_extra_info('peername')[0]} asks for {name} {action}")
            await (slot.off() if action == "off" else slot.on())
        writer.write((slot.power if slot is not None else "unknown").encode() + b"\n")
        await _hang_up(writer)

    async def _ending(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._over.set()
        await _hang_up(writer)


class Ear:
    """Writes down what guests say, each guest by its address."""

    def __init__(self, directory: Path, guests: dict[str, str]) -> None:
        self._directory = directory
        self._guests = guests

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Listen to one guest for as long as it speaks; the connection of one that is gone just stays."""
        name = self._guests.get(writer.get_extra_info("peername")[0])
        with suppress(OSError):
            while name is not None and (line := await reader.readline()):
                self.note(name, line.decode("ascii", errors="replace").rstrip())
        await _hang_up(writer)

    def note(self, name: str, word: str) -> None:
        """Keep one word, plain and with its time."""
        with (self._directory / f"{name}.serial").open("a", encoding="ascii", errors="replace") as file:
            file.write(f"{word}\n")
        with (self._directory / f"{name}.times").open("a", encoding="ascii", errors="replace") as file:
            file.write(f"{time.time():.2f} {word}\n")


def members(place: Place) -> tuple[Member, ...]:
    """Give the members of the cluster's etcd."""
    return tuple(Member(node=name, address=address(name), directory=place.machine(name) / "data", enter=())
                 for name in ETCD)


def beside(place: Place) -> dict[str, list[str]]:
    """Give what runs on this computer itself, by its name.

    The witness begins once it is a node. It finds the fence agent in a place of its own, as the Xen hosts have it.
    """
    home, every = place.machine(WITNESS), members(place)
    settings = home / "etc/agent.toml"
    enter = (f"until [ -e {settings} ]; do sleep 0.5; done; mount --bind {home / 'sbin'} /usr/local/sbin && "
             'exec "$@"')
    agent = [sys.executable, "-m", "stanchion", "agent", "--config", str(settings)]
    return {**{member.node: member.words(every) for member in every},
            WITNESS: ["unshare", "--mount", "sh", "-c", enter, "sh", *agent]}


async def keep(name: str, words: list[str], journal: Path) -> None:
    """Keep one program running until cancelled."""
    while True:
        with journal.open("ab") as file:
            process = await asyncio.create_subprocess_exec(*words, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                                           start_new_session=True,
                                                           preexec_fn=processes.die_with_parent)
        _prefer(process.pid)
        try:
            log(f"{name} ended with {await process.wait()}")
        except asyncio.CancelledError:
            process.kill()
            raise
        await asyncio.sleep(1.0)


def lay_wires(taps: list[str]) -> None:
    """Make the lab's network in this process's namespace: one bridge, a tap for each machine."""
    _ip("link set lo up", "link add hub type bridge forward_delay 0 stp_state 0", f"address add {HUB}/24 dev hub",
        "link set hub up", *(f"address add {address(name)}/24 dev hub" for name in (WITNESS, *ETCD)))
    for tap in taps:
        _ip(f"tuntap add {tap} mode tap", f"link set {tap} master hub", f"link set {tap} up")


def _ip(*lines: str) -> None:
    for line in lines:
        subprocess.run(["ip", *line.split()], check=True, stdin=subprocess.DEVNULL)


def _prefer(pid: int) -> None:
    """Let a machine go before other work: a host that gets no processor for half a minute is reset by its watchdog.

    The kernel shares the processors between sessions, if it does (``sched_autogroup_enabled``), else between processes.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, GOES_FIRST)
        Path(f"/proc/{pid}/autogroup").write_text(str(GOES_FIRST), encoding="ascii")


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        await writer.drain()
        writer.close()


def log(text: str) -> None:
    """Write one line of the rack's journal."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


if __name__ == "__main__":
    processes.leave_network()
    (Path(sys.argv[1]) / "run" / "board.pid").write_text(str(os.getpid()), encoding="ascii")
    asyncio.run(Board(Place(Path(sys.argv[1]))).run())
