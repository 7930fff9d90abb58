"""One pretend host: a process that starts the agent, is its watchdog, and can lose its power.

The supervisor is to its agent what a server's board, its watchdog card and systemd are together:

- it restarts an agent that died, at once the first time and then with a short, growing pause;
- it resets the host when the instant that the agent last fed has passed (protocol: ``drivers.watchdog``), and that
  instant stays in force when the agent dies or hangs up: only another feed or a clean release moves it;
- ``power off`` freezes every descendant, however it detached itself, then kills them until none is left.
  ``power on`` begins a new life: new boot id, empty run directory, agent started. ``reset`` is both.

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
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

from stanchion.lab import processes

RESTART_AFTER_S = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0)
"""Pauses before the first, second ... restart of an agent in a row, in seconds; the last one repeats."""

STEADY_AFTER_S = 5.0
"""An agent that lived so long begins the row anew."""


SWEEP_S = 0.01
"""How long to wait before looking again whether what was killed is gone."""


def log(text: str) -> None:
    """Write one line with the wall time to the supervisor's log; a full disk costs the line, not the host."""
    now = time.time()
    with suppress(OSError):
        print(f"{time.strftime('%H:%M:%S', time.localtime(now))}.{int(now * 1000) % 1000:03d} {text}", flush=True)


class Host:
    """The host's power, its agent and its watchdog. Runs in one thread, inside one event loop."""

    def __init__(self, directory: Path, command: Sequence[str]) -> None:
        self.directory = directory
        self.boot = ""
        self.deadline: float | None = None
        self._command = list(command)
        self._loop = asyncio.get_running_loop()
        self._agent: subprocess.Popen[bytes] | None = None
        self._born = 0.0
        self._in_a_row = 0
        self._restart: asyncio.TimerHandle | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._restarts = self._resets = 0
        self._off_at = time.time()
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def status(self) -> dict[str, object]:
        """Tell the host's condition, for people and for the demo's checks.

        ``off_at``: the instant (seconds since 1970) at which its last process was gone.
        """
        pid = self._agent.pid if self._agent else None
        return {
            "power": "on" if self.boot else "off",
            "off_at": None if self.boot else self._off_at,
            "boot": self.boot,
            "agent": pid,
            "paused": pid is not None and processes.state(pid) == "T",
            "restarts": self._restarts,
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

    def signal_agent(self, signum: signal.Signals) -> bool:
        """Send the agent a signal; False: there is no agent now."""
        if self._agent is None:
            return False
        log(f"{signum.name} to agent {self._agent.pid}")
        processes.send([self._agent.pid], signum)
        return True

    def reap(self) -> None:
        """Collect every ended child, adopted ones too; the agent's end leads to its restart."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if self._agent is not None and pid == self._agent.pid:
                self._agent.returncode = os.waitstatus_to_exitcode(status)
                self._agent_ended(self._agent.returncode)

    def _agent_ended(self, code: int) -> None:
        self._agent = None
        if not self.boot:
            return
        if self._loop.time() - self._born >= STEADY_AFTER_S:
            self._in_a_row = 0
        pause_s = RESTART_AFTER_S[min(self._in_a_row, len(RESTART_AFTER_S) - 1)]
        self._in_a_row += 1
        self._restarts += 1
        log(f"agent ended with {code}, restart in {pause_s} s")
        self._restart = self._loop.call_later(pause_s, self._start_agent)

    def _boot(self) -> None:
        run = self.directory / "run"
        # A new life says that nothing of the last one survived, so what a killed supervisor left behind ends first.
        while processes.end_marked("STANCHION_RUN_DIR", str(run)):
            time.sleep(SWEEP_S)
        shutil.rmtree(run, ignore_errors=True)
        run.mkdir(mode=0o700)
        self.boot = secrets.token_hex(8)
        self._in_a_row = 0
        log(f"power on, boot {self.boot}")
        self._start_agent()

    def _start_agent(self) -> None:
        environment = os.environ | {"STANCHION_BOOT_ID": self.boot, "STANCHION_RUN_DIR": str(self.directory / "run")}
        with (self.directory / "agent.log").open("ab") as journal:
            self._agent = subprocess.Popen(
                self._command, env=environment, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=journal,
                stderr=journal, start_new_session=True,
                preexec_fn=processes.die_with_parent)  # noqa: PLW1509 - safe: this process has one thread only
        self._born = self._loop.time()
        log(f"agent {self._agent.pid} started")

    async def _cut(self) -> None:
        """Freeze first, so that nothing can react to the end of another; then kill what is there until nothing is."""
        was_on, self.boot = bool(self.boot), ""
        self.release()
        if self._restart is not None:
            self._restart.cancel()
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
        case "kill agent":
            done = host.signal_agent(signal.SIGKILL)
        case "pause agent":
            done = host.signal_agent(signal.SIGSTOP)
        case "resume agent":
            done = host.signal_agent(signal.SIGCONT)
        case "shutdown":
            await host.power_off()
            leave.set()
        case _:
            return json.dumps({"error": f"unknown command: {line}"})
    return json.dumps(host.status() if done else {"error": "there is no agent now"})


async def supervise(directory: Path, command: Sequence[str]) -> None:
    """Be the host until SIGTERM or ``shutdown``."""
    processes.become_subreaper()
    loop = asyncio.get_running_loop()
    host, leave = Host(directory, command), asyncio.Event()
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
    """Run one pretend host: ``supervisor DIRECTORY COMMAND ...``."""
    parser = argparse.ArgumentParser(prog="stanchion.lab.supervisor", description=main.__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args(arguments)
    asyncio.run(supervise(given.directory.absolute(), given.command))


if __name__ == "__main__":
    main(sys.argv[1:])
