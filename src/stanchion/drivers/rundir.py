"""One run's directory: prepared by the agent, filled by the keeper, read by whichever agent comes to fetch it.

A run is in one of three stages, and the files alone tell which, so it does not matter who asks:

    code is there                                   ended, and how (``overdue`` as well: too late, and that was told)
    the keeper lives, or any of the script's group  runs
    neither                                         killed: somebody ended the keeper, or the host went down

The last stage is sealed with a code as soon as it is seen, so that no later process is ever taken for the script's.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from stanchion.drivers.keeper import SEGMENT_BYTES, identity, members
from stanchion.drivers.process import alive, end_group, gone
from stanchion.model.history import Run, RunEnd
from stanchion.model.ids import Moment, NodeName
from stanchion.model.resource import ScriptKind
from stanchion.model.running import Running
from stanchion.ports import ScriptOrder

_NOT_A_COMMAND = re.compile(r"^(exit|return|\[|\[\[|test|echo|printf|:|true|fi|unset|export|local|set)( |$)")
_CURTAIN = re.compile(r"^\++ (local -|set \+(eu)?x|\[\[ \S+ != /opt/novell/ncs/lib/ncsfuncs ]])\n", re.MULTILINE)
_REASON = re.compile(r"^ocf-exit-reason:(.+)$", re.MULTILINE)

_LOOK_S = 0.01

CODE_OVERDUE = 124
"""What ``timeout`` gives as well: there is no exit code, because the script has not ended."""
CODE_REFUSED = 126
"""The shell's word for "found, but cannot be run"."""
CODE_KILLED = 137
"""128 + SIGKILL: assumed where nobody was left to see how the script ended."""


def file_name(name: str) -> str:
    """Make a file name of any text, so that different texts never share one; plain names stay as they are."""
    if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}", name):
        return name
    return f"{re.sub('[^A-Za-z0-9_-]', '_', name)[:60]}.{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """One run, as its files tell of it."""

    path: Path

    def prepare(self, order: ScriptOrder, now: Moment) -> None:
        """Write the script and what the run's record needs. Raises ``OSError`` on a full disk."""
        self.path.mkdir(parents=True, mode=0o700)
        script = self.path / "script"
        script.touch(mode=0o700)
        script.write_bytes(order.text.encode("utf-8", "surrogateescape"))
        record = {"started_at_s": now.wall_s, "started_mono_s": now.mono_s, "timeout_s": order.timeout_s}
        (self.path / "order").write_text(json.dumps(record), encoding="ascii")

    @property
    def claimed(self) -> bool:
        """Whether this run was ever begun."""
        return self.path.is_dir()

    @property
    def over(self) -> bool:
        """Whether nothing of this run goes on any more; then its code is there, or the disk is full."""
        code = self.path / "code"
        if code.exists():
            return True
        if alive(_read(self.path / "keeper")) or self.pid:
            return False
        with contextlib.suppress(OSError), code.open("x", encoding="ascii") as file:
            seconds = max(0.0, time.time() - self._order()["started_at_s"])
            file.write(f"{CODE_KILLED} {int(signal.SIGKILL)} {seconds:.3f}")
        return True

    @property
    def pid(self) -> int:
        """The script's process, or what is left of its group when it was killed; 0 when nothing lives."""
        leader = _read(self.path / "process")
        if alive(leader):
            return int(leader.partition(" ")[0])
        return next(iter(members(leader)), 0)

    def deadline_s(self) -> float:
        """When the run is overdue, on the host's monotonic clock."""
        record = self._order()
        return record["started_mono_s"] + record["timeout_s"]

    def _order(self) -> dict[str, float]:
        with contextlib.suppress(ValueError):
            record = json.loads(_read(self.path / "order"))
            if isinstance(record, dict):
                return {"started_at_s": 0.0, "started_mono_s": 0.0, "timeout_s": 0.0} | record
        return {"started_at_s": 0.0, "started_mono_s": 0.0, "timeout_s": 0.0}

    def running(self) -> Running | None:
        """Tell of the run while its script lives; None: it has not begun, or nothing of it lives any more."""
        pid, record = self.pid, self._order()
        if not pid:
            return None
        return Running(script=ScriptKind(self.path.parent.name), pid=pid, started_at_s=record["started_at_s"],
                       timeout_s=record["timeout_s"], output=self.output())

    async def ended(self) -> None:
        """Wait until nothing of this run goes on any more."""
        await gone(await asyncio.to_thread(_read, self.path / "keeper"))
        while not await asyncio.to_thread(lambda: self.over):
            leader = await asyncio.to_thread(_read, self.path / "process")
            await gone(leader)
            for pid in await asyncio.to_thread(members, leader):
                with contextlib.suppress(ProcessLookupError):
                    await gone(identity(pid))

    async def end(self, grace_s: float) -> None:
        """End the script's whole process group and wait for it, also when its keeper is only about to start it."""
        while not (leader := await asyncio.to_thread(_read, self.path / "process")):
            if await asyncio.to_thread(lambda: self.over):
                return
            await asyncio.sleep(_LOOK_S)
        await end_group(leader, grace_s)
        await self.ended()

    def result(self, order: ScriptOrder, node: NodeName) -> Run:
        """Tell how the run ended; when it has not, it is overdue, and stays so however it may end."""
        over = self.over  # looked at first: what is over has a code
        record = self._order()
        code, signalled, seconds = self._code()
        end = RunEnd.KILLED if signalled else RunEnd.EXITED
        ended_at_s = record["started_at_s"] + seconds
        overdue = self.path / "overdue"
        if not over:
            with contextlib.suppress(OSError):
                overdue.touch()
        if not over or overdue.exists() or seconds > record["timeout_s"]:
            end, code, ended_at_s = RunEnd.OVERDUE, CODE_OVERDUE, record["started_at_s"] + record["timeout_s"]
        output = self.output()
        return Run(
            resource=order.resource, script=order.script, operation=order.operation, node=node,
            started_at_s=record["started_at_s"], ended_at_s=ended_at_s, end=end, code=code,
            command=self.failed_command(output) if code else "", output=output,
            pid=int(_read(self.path / "process").partition(" ")[0] or 0),
        )

    def _code(self) -> tuple[int, int, float]:
        try:
            code, signalled, seconds = _read(self.path / "code").split()
            return int(code), int(signalled), float(seconds)
        except ValueError:  # not there yet, or damaged: nobody knows how it ended
            return CODE_KILLED, signal.SIGKILL, 0.0

    def output(self) -> str:
        """Give what is kept of the output: its first and its last 32 KiB, and how much is left out between them."""
        numbers = sorted(int(part.name[4:]) for part in self.path.glob("out.*"))
        parts = {number: (self.path / f"out.{number}").read_bytes() for number in numbers if number}
        head = (self.path / "out.0").read_bytes() if 0 in numbers else b""
        tail = b"".join(parts.values())
        kept = tail[-SEGMENT_BYTES:]
        left_out = sum(SEGMENT_BYTES for number in range(1, min(parts, default=1))) + len(tail) - len(kept)
        middle = f"\n[... {left_out} bytes are left out here ...]\n".encode() if left_out else b""
        text = (head + middle + kept).decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
        return _CURTAIN.sub("", text)

    def failed_command(self, output: str) -> str:
        """Name the command that failed, and the agent's own reason where it gave one.

        The function library writes the command down where it knows; else it is the last command that bash traced at
        the script's own level, but those that only look at or pass on the code of an earlier one.
        """
        command = _read(self.path / "failed").strip()
        if not command:
            traced = [line[2:] for line in output.splitlines() if line.startswith("+ ")]
            command = next((line for line in reversed(traced) if not _NOT_A_COMMAND.match(line)), "")
        reasons = _REASON.findall(output, max(output.rfind("+ " + command), 0))
        return ": ".join(filter(None, (command, *(reason.strip() for reason in reasons[-1:]))))


def runs_in(directory: Path) -> list[RunDirectory]:
    """Give the runs in one script's directory, the oldest first."""
    with contextlib.suppress(OSError):
        found = [(entry.stat().st_mtime_ns, entry.path) for entry in os.scandir(directory) if entry.is_dir()]
        return [RunDirectory(Path(path)) for _, path in sorted(found)]
    return []
