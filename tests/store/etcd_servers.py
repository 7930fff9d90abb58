"""Real etcd members on the loopback interface, which a test may kill, stop and start again.

Ports are taken from the kernel and directories from pytest, so a packaged etcd that runs beside them is never touched.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stanchion.store._rpc import etcd_pb2 as pb
from stanchion.store.etcd_tls import EtcdTls
from stanchion.store.etcd_wire import Line, Wire

READY_S = 30.0
needs_etcd = pytest.mark.skipif(shutil.which("etcd") is None, reason="etcd is not installed (Debian: etcd-server)")


def free_ports(count: int) -> list[int]:
    """Take ports that nobody uses now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@dataclass
class Member:
    """One etcd process."""

    name: str
    url: str
    peer: str
    directory: Path
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    stopped: bool = False

    def start(self, initial: str) -> None:
        """Start it, for the first time or again with its data."""
        command = ["etcd", "--name", self.name, "--data-dir", str(self.directory / self.name),
                   "--listen-client-urls", self.url, "--advertise-client-urls", self.url,
                   "--listen-peer-urls", self.peer, "--initial-advertise-peer-urls", self.peer,
                   "--initial-cluster", initial, "--heartbeat-interval", "60", "--election-timeout", "600",
                   "--logger", "zap", "--log-level", "error", *self.options]
        with (self.directory / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process, self.stopped = None, False

    def stop(self) -> None:
        """Let it hang: its connections stay open, and nothing answers."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)
        self.stopped = True

    def go_on(self) -> None:
        """Let it go on."""
        if self.process is not None and self.stopped:
            os.kill(self.process.pid, signal.SIGCONT)
            self.stopped = False


@dataclass
class Servers:
    """An etcd cluster."""

    members: list[Member]
    tls: EtcdTls | None = None

    @classmethod
    def make(cls, directory: Path, count: int, *, options: Sequence[str] = (), tls: EtcdTls | None = None) -> "Servers":
        """Lay out so many members, not started yet. ``tls``: what a client needs to be believed."""
        ports = free_ports(2 * count)
        scheme = "http" if tls is None else "https"
        return cls([Member(name=f"m{number}", url=f"{scheme}://127.0.0.1:{ports[2 * number]}",
                           peer=f"http://127.0.0.1:{ports[2 * number + 1]}", directory=directory,
                           options=tuple(options)) for number in range(count)], tls)

    @property
    def urls(self) -> list[str]:
        """The endpoints for clients."""
        return [member.url for member in self.members]

    def start(self, member: Member) -> None:
        """Start one member."""
        member.start(",".join(f"{each.name}={each.peer}" for each in self.members))

    def up(self) -> "Servers":
        """Start all members and wait until they answer."""
        for member in self.members:
            self.start(member)
        asyncio.run(self.ready())
        return self

    def down(self) -> None:
        """End all members."""
        for member in self.members:
            member.kill()

    async def ready(self) -> None:
        """Wait until every member that runs knows a leader and answers."""
        deadline = time.monotonic() + READY_S
        for member in self.members:
            while member.process is not None and not member.stopped and not await self._leader_by(member):
                assert member.process.poll() is None, (member.directory / f"{member.name}.log").read_text()[-2000:]
                assert time.monotonic() < deadline, f"{member.name} does not answer"
                await asyncio.sleep(0.05)

    async def leader(self) -> Member:
        """Find the leader."""
        while True:
            for member in self.members:
                if member.process is not None and not member.stopped and await self._leader_by(member) == "itself":
                    return member
            await asyncio.sleep(0.05)

    async def compact(self, revision: int) -> None:
        """Have etcd forget what lies before a revision."""
        await self.ask(lambda line: line.kv.Compact, pb.CompactionRequest(revision=revision, physical=True))

    async def delete(self, key: bytes, range_end: bytes = b"") -> None:
        """Delete a key, or all from there on, behind the clients' backs."""
        gone = pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=key, range_end=range_end))
        await self.ask(lambda line: line.kv.Txn, pb.TxnRequest(success=[gone]))

    async def ask(self, method: Any, request: Any) -> Any:
        """Call etcd as it is."""
        wire = Wire(self.urls, tls=self.tls, user=None, budget_s=10.0)
        try:
            return await wire.call(method, request)
        finally:
            wire.close()

    async def _leader_by(self, member: Member) -> str:
        """Ask one member whom it takes for the leader: ``itself``, ``another``, or nobody or no answer (empty)."""
        wire = Wire([member.url], tls=self.tls, user=None, budget_s=5.0)
        line: Line = wire.line()
        try:
            await line.connect(5.0)
            answer = await line.maintenance.Status(pb.StatusRequest(), timeout=5.0)
        except Exception:  # noqa: BLE001 - it is starting: whatever fails, it is asked again
            return ""
        finally:
            wire.close()
        if not answer.leader:
            return ""
        return "itself" if answer.leader == answer.header.member_id else "another"
