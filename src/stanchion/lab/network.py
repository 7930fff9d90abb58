"""A network for pretend hosts that can break: each host in a network namespace of its own, and a hub between them.

The process that makes the network *is* the hub: ``scripts/lab`` starts it in a namespace of its own, so nothing here
touches the machine's network, several labs do not see each other, and the kernel takes everything down when the last
process has ended. From the hub a wire goes to each host. The hub forwards, and it is the hub that drops: to the hosts
a broken line looks as it does in life. Nobody is told anything; the words are just gone.

Each host has two addresses, one in each *net*: on ``peer`` the agents speak and machines migrate, on ``store`` the
members of the etcd are reached. So the store can be lost while the peers are heard, and the other way round. A rule of
the hub names sender and receiver, so a line can also be dead in one direction only.
"""

import os
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from stanchion.lab import processes
from stanchion.lab.cluster import wait_until
from stanchion.model.errors import HostError

MADE_S = 30.0
"""How long a host's namespace may take to be there, on a computer with much else to do."""

BAD_LINE = (("netem", "delay", "80ms", "40ms", "loss", "15%"),
            ("tbf", "rate", "96kbit", "burst", "3kb", "latency", "400ms"))
"""How a line is made bad, the best way first: not every kernel can delay and lose at will, but each can be narrow."""


class Net(StrEnum):
    """The two nets."""

    PEER = "peer"
    STORE = "store"


_PREFIX = {Net.PEER: "10.77", Net.STORE: "10.78"}

Pair = tuple[str, str]
"""Addresses: from, to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Lines that are dead: of these nets, from each of ``senders`` to each of ``receivers``."""

    senders: tuple[str, ...]
    receivers: tuple[str, ...]
    nets: tuple[Net, ...] = (Net.PEER, Net.STORE)


class Network:
    """The hub and its wires. Make it in a namespace of its own only: it changes the namespace that it is made in."""

    def __init__(self, nodes: Sequence[str]) -> None:
        self.nodes = tuple(nodes)
        self._rooms: dict[str, subprocess.Popen[bytes]] = {}
        self._dropped: Counter[Pair] = Counter()
        self._bad: tuple[str, ...] = ()

    def up(self) -> None:
        """Lay the wires. Raises ``HostError`` where the kernel or the user may not."""
        if Path("/proc/self/net/route").read_text(encoding="ascii").count("\n") > 1:
            raise HostError("this network is in use: make one of its own for the lab (processes.leave_network)")
        _ip("link set lo up")
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1", encoding="ascii")
        for number, node in enumerate(self.nodes, start=1):
            self._wire(node, number)

    def down(self) -> None:
        """Take the wires down and give the hosts' namespaces up."""
        with suppress(HostError):
            _ip(*(f"link del w-{node}" for node in self._rooms))
        for room in self._rooms.values():
            room.kill()
            room.wait()
        self._rooms.clear()

    def address(self, node: str, net: Net) -> str:
        """Give a host's address in a net."""
        return f"{_PREFIX[net]}.{self.nodes.index(node) + 1}.1"

    def enter(self, node: str) -> tuple[str, ...]:
        """Give the words before a command that is to run in a host's network."""
        return ("nsenter", f"--net=/proc/{self._rooms[node].pid}/ns/net")

    def cut(self, cut: Cut) -> None:
        """Let the lines die; lines may be dead several times over."""
        self._change(cut, 1)

    def mend(self, cut: Cut) -> None:
        """Take one ``cut`` back."""
        self._change(cut, -1)

    def mend_all(self) -> None:
        """Let all lines be well again."""
        _ip(*(f"rule del from {sender} to {receiver} blackhole" for sender, receiver in +self._dropped))
        self._dropped.clear()
        for node in self.nodes:
            self.mend_line(node)

    def spoil_line(self, node: str) -> str:
        """Make a host's wire bad in both directions; say how."""
        for way in (self._bad,) if self._bad else BAD_LINE:
            with suppress(HostError):
                for at in self._ends(node):
                    _run([*at, "qdisc", "replace", "dev", self._device(at, node), "root", *way])
                self._bad = way
                return " ".join(way)
        raise HostError("this kernel can make no line bad: it has neither netem nor tbf")

    def mend_line(self, node: str) -> None:
        """Make a host's wire good."""
        for at in self._ends(node):
            with suppress(HostError):  # it is good
                _run([*at, "qdisc", "del", "dev", self._device(at, node), "root"])

    def _ends(self, node: str) -> tuple[tuple[str, ...], ...]:
        return ("tc",), (*self.enter(node), "tc")

    def _device(self, at: tuple[str, ...], node: str) -> str:
        return f"w-{node}" if len(at) == 1 else "eth0"

    def _change(self, cut: Cut, by: int) -> None:
        pairs = {(self.address(sender, net), self.address(receiver, net)) for net in cut.nets
                 for sender in cut.senders for receiver in cut.receivers if sender != receiver}
        before = set(+self._dropped)
        self._dropped.update(dict.fromkeys(pairs, by))
        after = set(+self._dropped)
        _ip(*(f"rule add from {sender} to {receiver} blackhole" for sender, receiver in after - before),
            *(f"rule del from {sender} to {receiver} blackhole" for sender, receiver in before - after))

    def _wire(self, node: str, number: int) -> None:
        room = self._rooms[node] = subprocess.Popen(
            ["unshare", "--net", "--", "sleep", "infinity"], stdin=subprocess.DEVNULL,
            preexec_fn=processes.die_with_parent)  # noqa: PLW1509 - one system call
        mine = _namespace(os.getpid())
        wait_until(lambda: _namespace(room.pid) not in {None, mine}, MADE_S, f"{node} got no network namespace")
        hub = {net: f"{_PREFIX[net]}.{number}.254" for net in Net}
        _ip(f"link add w-{node} type veth peer name eth0 netns {room.pid}",
            *(f"addr add {hub[net]} peer {self.address(node, net)} dev w-{node}" for net in Net),
            f"link set w-{node} up")
        _ip("link set lo up", *(f"addr add {self.address(node, net)}/32 dev eth0" for net in Net), "link set eth0 up",
            f"route add {hub[Net.PEER]} dev eth0",
            *(f"route add {_PREFIX[net]}.0.0/16 via {hub[Net.PEER]} src {self.address(node, net)}" for net in Net),
            before=self.enter(node))


def _namespace(pid: int) -> Path | None:
    try:
        return Path(f"/proc/{pid}/ns/net").readlink()
    except OSError:
        return None


def _ip(*lines: str, before: Iterable[str] = ()) -> None:
    if lines:
        _run([*before, "ip", "-batch", "-"], "\n".join(lines) + "\n")


def _run(words: Sequence[str], said: str = "") -> None:
    done = subprocess.run(words, input=said, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise HostError(f"`{' '.join(words)}` failed: {done.stderr.strip() or done.returncode}")
