"""Pretend hosts for the QEMU agent: each has a run directory of its own, all share one disk, as on shared storage."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from stanchion.drivers.qemu import process
from stanchion.drivers.templates import SHARE
from stanchion.lab import guest

AGENT = SHARE / "resource.d" / "stanchion" / "Qemu"

needs_qemu = pytest.mark.skipif(
    shutil.which("qemu-system-x86_64") is None, reason="QEMU is not installed (qemu-system-x86)"
)


def until(condition: Callable[[], object], what: str, within_s: float = 20.0) -> None:
    """Wait until something holds; fail with its name when it does not come about."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"never came about: {what}"
        time.sleep(0.02)


@dataclass(frozen=True)
class Answer:
    """What one call of the agent gave."""

    code: int
    out: str
    err: str

    def told(self, key: str) -> str:
        """Give what stands behind ``key:`` in the output."""
        return next(line.partition(": ")[2] for line in self.out.splitlines() if line.startswith(f"{key}: "))


@dataclass(frozen=True)
class PretendHost:
    """One host: its run directory, and the environment in which the cluster calls agents there."""

    run_directory: Path
    config: Path

    def call(self, action: str, **extra: str) -> Answer:
        """Call the agent; ``extra`` goes into its environment."""
        given = {
            "PATH": os.environ["PATH"],
            "STANCHION_PYTHON": sys.executable,
            "OCF_ROOT": "/usr/lib/ocf",
            "OCF_RESOURCE_INSTANCE": "web",
            "HA_RSCTMP": str(self.run_directory),
            "OCF_RESKEY_config": str(self.config),
            "OCF_RESKEY_shutdown_timeout": "0",
            "OCF_RESKEY_CRM_meta_timeout": "20000",
        }
        ended = subprocess.run([str(AGENT), action], env=given | extra, capture_output=True, text=True, check=False,
                               timeout=60)
        return Answer(ended.returncode, ended.stdout, ended.stderr)

    def pids(self) -> list[int]:
        """Give the machine's processes on this host."""
        return [found.pid for found in process.find(process.place(str(self.run_directory), "web"))]

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Hold the machine's process still with SIGSTOP, as an overloaded or broken host would."""
        pids = self.pids()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in set(pids) & set(self.pids()):
                os.kill(pid, signal.SIGCONT)


@dataclass(frozen=True)
class Bench:
    """Two hosts, one disk with our guest, and the serial log to which the guest writes wherever it runs."""

    a: PretendHost
    b: PretendHost
    disk: Path
    log: Path

    def ticks(self) -> list[guest.Tick]:
        """Give everything that the guest has said so far."""
        return guest.parse(self.log.read_text(encoding="ascii", errors="replace")) if self.log.exists() else []

    def await_more(self, count: int = 3) -> guest.Tick:
        """Wait until the guest has said so many more lines; give the last."""
        before = len(self.ticks())
        until(lambda: len(self.ticks()) >= before + count, f"{count} more ticks")
        return self.ticks()[-1]


def make_bench(directory: Path) -> Bench:
    """Lay out the files of a machine and two hosts whose run directories have names too long for a Unix socket."""
    config, disk, log = directory / "web.conf", directory / "web.img", directory / "web.log"
    guest.write_image(disk)
    config.write_text("# our guest\nmemory = 32\naccel = tcg\ndisk = web.img\nserial = web.log\n", encoding="utf-8")
    hosts = []
    for name in "ab":
        run_directory = directory / ("a-long-name-" * 10) / name
        run_directory.mkdir(parents=True)
        hosts.append(PretendHost(run_directory, config))
    return Bench(hosts[0], hosts[1], disk, log)
