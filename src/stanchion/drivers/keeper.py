"""The keeper: a small process that stands between the agent and one running script, and outlives the agent.

It is started as ``python -I -S keeper.py NEW RUN``, in a session of its own. ``NEW`` is a prepared directory that holds
the script's text; the keeper claims the run by renaming it to ``RUN``, which fails when that run exists already: so an
order that is given twice runs once, whoever gave it and however often the agent died in between. Then it starts the
script in yet another session, keeps the head and the tail of its output, and writes the exit code. What stands in RUN:

    script     the text that runs                        keeper, process    pid, start time and boot of the two
    out.0      the first 32 KiB of output and trace      out.N, out.N-1     the last 32 to 64 KiB
    code       exit code, signal, seconds: written last, at once, and only when the script has ended

It imports nothing of the product and little of Python, because one of it lives as long as its script does. A process
that the script left in the background may hold the output pipe for ever and must not die of writing to it: a ``cat``
that costs nothing takes the pipe over when the keeper goes.
"""

import contextlib
import errno
import os
import select
import signal
import sys
import time

SEGMENT_BYTES = 32 * 1024
TRACE_FD = 199
_LATE_BYTES = 1024 * 1024
"""How much output is still read when the script itself has ended; more comes from what it left behind."""
_LOOK_S = 0.1
_NOT_FOR_US = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Whoever ends the agent politely does not mean its scripts."""


def identity(pid: int) -> str:
    """Name a process so that it is never taken for a later one with the same number: pid, start time, boot.

    A zombie has ended and has no identity. Raises ``ProcessLookupError`` when there is no such process.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
    except FileNotFoundError:
        raise ProcessLookupError(pid) from None
    if fields[0] in {b"Z", b"X"}:
        raise ProcessLookupError(pid)
    return f"{pid} {fields[19].decode()} {_boot()}"


def members(leader: str) -> list[int]:
    """Give the living processes of the group that this leader began, the leader or not.

    While any member lives, the kernel gives the group's number to no new process: so when a process of that number
    lives and is not the leader, the group that we meant has ended.
    """
    number, _, birth = leader.partition(" ")
    if not birth.endswith(_boot()):
        return []
    found: list[int] = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", "rb") as stat:
                state, _, group = stat.read().rpartition(b")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if group.decode() == number and state not in {b"Z", b"X"}:
            if name == number and identity(int(name)) != leader:
                return []
            found.append(int(name))
    return sorted(found)


def _boot() -> str:
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as boot:
        return boot.read().strip()


def _write(path: str, text: str) -> None:
    """Write a small file so that it is there as a whole or not at all."""
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(text)
    os.replace(path + ".new", path)


class Output:
    """The bounded record of what a script writes: its first segment, and the last two."""

    def __init__(self, directory: str) -> None:
        """Write into that directory, from segment 0."""
        self._directory = directory
        self._number = 0
        self._room = SEGMENT_BYTES
        self._file = self._open()

    def _open(self) -> int:
        return os.open(f"{self._directory}/out.{self._number}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)

    def take(self, data: bytes) -> None:
        """Keep what may matter. A full disk loses output, never the run."""
        with contextlib.suppress(OSError):
            while data:
                if self._room == 0:
                    self._turn()
                part, data = data[: self._room], data[self._room :]
                os.write(self._file, part)
                self._room -= len(part)

    def _turn(self) -> None:
        os.close(self._file)
        self._number += 1
        if self._number > 2:  # noqa: PLR2004 - head, last but one, last
            os.unlink(f"{self._directory}/out.{self._number - 2}")
        self._file = self._open()
        self._room = SEGMENT_BYTES


def _become_script(gate: int, pipe: int) -> None:
    """Wait until the keeper has written down who runs, then become bash. The keeper's death closes the gate."""
    os.setsid()
    if os.read(gate, 1) != b"!":
        os._exit(126)
    for number in (signal.SIGPIPE, signal.SIGXFSZ, *_NOT_FOR_US):
        signal.signal(number, signal.SIG_DFL)
    os.umask(0o022)
    os.chdir("/")
    null = os.open("/dev/null", os.O_RDONLY)
    for source, target in ((null, 0), (pipe, 1), (pipe, 2), (pipe, TRACE_FD)):
        os.dup2(source, target)
    os.execvp("bash", ["bash", os.environ["STANCHION_RUN"] + "/script"])


def _start(run: str) -> tuple[str, int]:
    """Start the script; give its identity and the pipe that its output comes from."""
    os.environ.update(STANCHION_RUN=run, STANCHION_TRACE=str(TRACE_FD))
    outlet, inlet = os.pipe()
    gate, latch = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(latch)
        _become_script(gate, inlet)
    os.close(inlet)
    os.close(gate)
    leader = identity(pid)  # later it may have ended, and have none any more
    _write(run + "/process", leader)
    os.write(latch, b"!")
    os.close(latch)
    return leader, outlet


def _attend(leader: str, outlet: int, output: Output) -> tuple[int, bool]:
    """Keep output until the script ends; give its wait status, and whether somebody still holds its output.

    It may have ended before we are here: on a busy host a short script is done before its keeper runs again. What a
    script leaves in the background when it ends by itself is its service. What a killed script leaves is unfinished
    work, and is waited for.
    """
    pid = int(leader.partition(" ")[0])
    os.set_blocking(outlet, False)
    ended, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    signal.set_wakeup_fd(wakeup)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    held = True
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        ready, _, _ = select.select([ended, *([outlet] if held else [])], [], [])
        if ended in ready:
            os.read(ended, 64)
        if outlet in ready:
            held = _drain(outlet, output, 64 * 1024)
    while os.WIFSIGNALED(status) and members(leader):
        held = held and _drain(outlet, output, _LATE_BYTES)
        time.sleep(_LOOK_S)
    return status, held and _drain(outlet, output, _LATE_BYTES)


def _drain(outlet: int, output: Output, limit: int) -> bool:
    """Take what is there, up to about that many bytes; False when nobody can write any more."""
    taken = 0
    while taken < limit:
        try:
            data = os.read(outlet, 64 * 1024)
        except BlockingIOError:
            return True
        if not data:
            return False
        output.take(data)
        taken += len(data)
    return True


def _conclude(run: str, text: str) -> None:
    """Write how the script ended. On a full disk the run goes on until that can be told: nothing else is safe."""
    while True:
        try:
            return _write(run + "/code", text)
        except OSError as fault:
            if fault.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            time.sleep(1)


def keep(new: str, run: str) -> None:
    """Claim the run, start its script, stay with it to its end, and write down how it ended."""
    for number in _NOT_FOR_US:
        signal.signal(number, signal.SIG_IGN)
    _write(new + "/keeper", identity(os.getpid()))
    os.rename(new, run)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:
        score.write("0")
    begun = time.monotonic()
    output = Output(run)
    leader, outlet = _start(run)
    status, held = _attend(leader, outlet, output)
    signalled = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    code = 128 + signalled if signalled else os.WEXITSTATUS(status)
    _conclude(run, f"{code} {signalled} {time.monotonic() - begun:.3f}")
    if held:
        os.set_blocking(outlet, True)
        os.dup2(outlet, 0)
        os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
        if os.fork() == 0:
            os.execvp("cat", ["cat"])


if __name__ == "__main__":
    try:
        keep(sys.argv[1], sys.argv[2])
    except OSError as fault:
        sys.exit(f"the run cannot be kept: {fault}")
