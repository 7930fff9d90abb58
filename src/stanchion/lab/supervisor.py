"""One pretend host: a process that starts the agent, is its watchdog, and can lose its power.

The supervisor is to its agent what a server's board, its watchdog card and systemd are together:

- it restarts an agent that died, at once the first time and then with a short, growing pause;
- it resets the host when the instant that the agent last fed has passed (protocol: ``drivers.watchdog``), and that
  instant stays in force when the agent dies or hangs up: only another feed or a clean release moves it;
- ``power off`` freezes every descendant, however it detached itself, then kills them until none is left.
  ``power on`` begins a new life: new boot id, empty run directory, agent started. ``reset`` is both;
- ``freeze`` stops all that executes on the host, and nothing of its board: the watchdog runs on. ``thaw`` undoes it.

Other programs may be kept running *beside* the agent (``--beside``), such as the host's member of an etcd. ``kill``,
``pause`` and ``resume`` take the name of a program: ``agent``, or one of those.

What belongs to the host stands in its directory: ``control.sock`` (a command a line, a JSON answer a line),
``watchdog.sock``, ``supervisor.pid``, ``agent.log``, and ``run`` in place of the memory file system that a reboot
empties. SIGTERM cuts the power and ends the supervisor. SIGKILL of the supervisor itself takes the agent with it
(``PR_SET_PDEATHSIG``), but not what the agent started: like no real host, such a one leaves its machines running with
nobody in charge. ``Lab.down``, and the host's next boot, find those by the ``STANCHION_RUN_DIR`` in their environment
and end them.
"""

import argparse
import asyncio
import json
import math
import os
import secrets
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from stanchion.lab import processes
from stanchion.lab.program import Program

SWEEP_S = 0.01
"""How long to wait before looking again whether what was killed is gone."""

SIGNALS = {"kill": signal.SIGKILL, "pause": signal.SIGSTOP, "resume": signal.SIGCONT}
"""The commands that send a signal to one of the host's programs."""


def log(text: str) -> None:
    """Write one line with the wall time to the supervisor's log; a full disk costs the line, not the host."""
    now = time.time()
    with suppress(OSError):
        print(f"{time.strftime('%H:%M:%S', time.localtime(now))}.{int(now * 1000) % 1000:03d} {text}", flush=True)


class Host:
    """The host's power, its agent and its watchdog. Runs in one thread, inside one event loop."""

    def __init__(self, directory: Path, command: Sequence[str], beside: Mapping[str, Sequence[str]] | None = None,
                 ) -> None:
        self.directory = directory
        self.boot = ""
        self.deadline: float | None = None
        self._loop = asyncio.get_running_loop()
        named = {**(beside or {}), "agent": command}
        self._programs = {name: Program(name, words, directory, log) for name, words in named.items()}
        self._alarm: asyncio.TimerHandle | None = None
        self._resets = 0
        self._off_at = self._on_at = time.time()
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def status(self) -> dict[str, object]:
        """Tell the host's condition, for people and for the demo's checks.

        ``on_at``, ``off_at``: the instants (seconds since 1970) at which its life began, or its last process was gone.
        """
        agent = self._programs["agent"]
        return {
            "power": "on" if self.boot else "off",
            "on_at": self._on_at if self.boot else None,
            "off_at": None if self.boot else self._off_at,
            "boot": self.boot,
            "agent": agent.pid,
            "paused": agent.pid is not None and processes.state(agent.pid) == "T",
            "restarts": agent.restarts,
            "programs": {name: program.pid for name, program in self._programs.items()},
            "resets": self._resets,
            "fires_in_s": None if self.deadline is None else round(self.deadline - self._loop.time(), 3),
            "processes": processes.descendants(os.getpid()),
        }

    async def power_on(self) -> None:
        """Begin a new life of the host, unless it lives."""
        async with self._turn:
            if not self.boot:
                self._boot()

    async def power_off(self) -> None:
        """Cut the power: returns when no descendant is left."""
        async with self._turn:
            await self._cut()

    async def reset(self, why: str) -> None:
        """Cut the power and begin a new life. A host that is off stays off."""
        async with self._turn:
            if not self.boot:
                return
            log(f"reset: {why}")
            self._resets += 1
            await self._cut()
            self._boot()

    def reset_soon(self, why: str) -> None:
        """Have ``reset`` done by the event loop."""
        task = self._loop.create_task(self.reset(why))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def guard(self, until_s: float) -> None:
        """Put the watchdog's instant off, never forward; arms it when it is not."""
        self.deadline = until_s if self.deadline is None else max(self.deadline, until_s)
        if self._alarm is None:
            self._alarm = self._loop.call_at(self.deadline, self._ring)

    def release(self) -> None:
        """Disarm the watchdog."""
        self.deadline = None
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def signal(self, name: str, signum: signal.Signals) -> bool:
        """Send one of the host's programs a signal; False: there is none of that name now."""
        program = self._programs.get(name)
        return program is not None and program.signal(signum)

    def freeze(self) -> None:
        """Stop everything that executes here; only the watchdog goes on."""
        log(f"frozen: {len(processes.freeze(os.getpid()))} processes")

    def thaw(self) -> None:
        """Let everything go on."""
        processes.send(processes.descendants(os.getpid()), signal.SIGCONT)
        log("thawed")

    def reap(self) -> None:
        """Collect every ended child, adopted ones too; the end of one of the host's programs leads to its restart."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for program in self._programs.values():
                if program.pid == pid:
                    program.ended(os.waitstatus_to_exitcode(status))

    def _boot(self) -> None:
        run = self.directory / "run"
        # A new life says that nothing of the last one survived, so what a killed supervisor left behind ends first.
        while processes.end_marked("STANCHION_RUN_DIR", str(run)):
            time.sleep(SWEEP_S)
        shutil.rmtree(run, ignore_errors=True)
        run.mkdir(mode=0o700)
        self.boot, self._on_at = secrets.token_hex(8), time.time()
        log(f"power on, boot {self.boot}")
        environment = os.environ | {"STANCHION_BOOT_ID": self.boot, "STANCHION_RUN_DIR": str(run)}
        for program in self._programs.values():
            program.begin(environment)

    async def _cut(self) -> None:
        """Freeze first, so that nothing can react to the end of another; then kill what is there until nothing is."""
        was_on, self.boot = bool(self.boot), ""
        self.release()
        for program in self._programs.values():
            program.give_up()
        me = os.getpid()
        victims = processes.freeze(me)
        processes.send(victims, signal.SIGKILL)
        log(f"power cut: {len(victims)} processes")
        while left := processes.descendants(me):
            processes.send(left, signal.SIGKILL)
            self.reap()
            await asyncio.sleep(0.005)
        if was_on:
            self._off_at = time.time()
        log("power is off")

    def _ring(self) -> None:
        self._alarm = None
        if self.deadline is None:
            return
        if self.deadline > self._loop.time():
            self._alarm = self._loop.call_at(self.deadline, self._ring)
        else:
            self.reset_soon("the watchdog was not fed in time")


class Lines(asyncio.Protocol):
    """A line-wise conversation: each line goes to ``answer`` at once; what it gives goes back as a line."""

    def __init__(self, answer: Callable[[str], str | Awaitable[str]]) -> None:
        self._answer = answer
        self._rest = b""
        self._transport: asyncio.Transport | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take the whole lines; keep the rest for later."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            reply = self._answer(line.decode(errors="replace").strip())
            if isinstance(reply, str):
                self._send(reply)
            else:
                task = asyncio.ensure_future(self._send_later(reply))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _send_later(self, reply: Awaitable[str]) -> None:
        self._send(await reply)

    def _send(self, text: str) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(f"{text}\n".encode())


def watchdog_answer(host: Host, line: str) -> str:
    """Carry out one line of the watchdog's protocol."""
    match line.split():
        case ["arm" | "feed", until]:
            try:
                instant = float(until)
            except ValueError:
                instant = math.nan
            if not math.isfinite(instant):
                return f"error: {until} is no instant"
            host.guard(instant)
        case ["release"]:
            host.release()
        case ["reset"]:
            host.reset_soon("the agent asked for it")
        case _:
            return f"error: unknown: {line}"
    return "ok"


async def control_answer(host: Host, leave: asyncio.Event, line: str) -> str:
    """Carry out one command and answer with the host's status, or with an ``error``."""
    done = True
    match line:
        case "status":
            pass
        case "power off":
            await host.power_off()
        case "power on":
            await host.power_on()
        case "reset":
            await host.reset("asked for")
        case "freeze":
            host.freeze()
        case "thaw":
            host.thaw()
        case "shutdown":
            await host.power_off()
            leave.set()
        case _:
            what, _, name = line.partition(" ")
            if what not in SIGNALS or not name:
                return json.dumps({"error": f"unknown command: {line}"})
            done = host.signal(name, SIGNALS[what])
    return json.dumps(host.status() if done else {"error": f"there is no {line.partition(' ')[2]} now"})


async def supervise(directory: Path, command: Sequence[str], beside: Mapping[str, Sequence[str]]) -> None:
    """Be the host until SIGTERM or ``shutdown``."""
    processes.become_subreaper()
    loop = asyncio.get_running_loop()
    host, leave = Host(directory, command, beside), asyncio.Event()
    loop.add_signal_handler(signal.SIGCHLD, host.reap)
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, leave.set)
    watchdog, control = directory / "watchdog.sock", directory / "control.sock"
    for path in (watchdog, control):
        path.unlink(missing_ok=True)
    (directory / "supervisor.pid").write_text(f"{os.getpid()}\n", encoding="ascii")
    await loop.create_unix_server(lambda: Lines(lambda line: watchdog_answer(host, line)), watchdog)
    await host.power_on()
    await loop.create_unix_server(lambda: Lines(lambda line: control_answer(host, leave, line)), control)
    await leave.wait()
    await host.power_off()
    for path in (watchdog, control, directory / "supervisor.pid"):
        path.unlink(missing_ok=True)
    log("supervisor ends")


def main(arguments: Sequence[str]) -> None:
    """Run one pretend host: ``supervisor [--beside NAME=COMMAND]... DIRECTORY COMMAND ...``."""
    parser = argparse.ArgumentParser(prog="stanchion.lab.supervisor", description=main.__doc__)
    parser.add_argument("--beside", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("directory", type=Path)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args(arguments)
    beside = {name: shlex.split(words) for name, _, words in (each.partition("=") for each in given.beside)}
    asyncio.run(supervise(given.directory.absolute(), given.command, beside))


if __name__ == "__main__":
    main(sys.argv[1:])
