"""A host's member of the etcd: the words that start it, and what it says about itself over HTTP.

The lab takes etcd as it is and speaks to it through its HTTP door alone, for what no product does: to ask who leads,
and to let another member lead, so that a measurement can say whom it lost.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from stanchion.lab import processes
from stanchion.lab.cluster import wait_until
from stanchion.model.errors import HostError

PORT, PEER_PORT = 2379, 2380
READY_S = 30.0
ANSWER_S = 2.0
BEAT_MS, ELECTION_MS = 50, 500
"""How often the leader says that it lives, and after what silence another is elected, in milliseconds: for one LAN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member: the host that it is on, its address, and the words before a command in that host's network."""

    node: str
    address: str
    directory: Path
    enter: tuple[str, ...]

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return f"http://{self.address}:{PORT}"

    @property
    def peer(self) -> str:
        """Where the other members reach it."""
        return f"http://{self.address}:{PEER_PORT}"

    def words(self, members: "tuple[Member, ...]") -> list[str]:
        """Give the command that runs it, the first time and ever after."""
        return ["etcd", "--name", self.node, "--data-dir", str(self.directory), "--listen-client-urls", self.url,
                "--advertise-client-urls", self.url, "--listen-peer-urls", self.peer,
                "--initial-advertise-peer-urls", self.peer,
                "--initial-cluster", ",".join(f"{each.node}={each.peer}" for each in members),
                "--heartbeat-interval", str(BEAT_MS), "--election-timeout", str(ELECTION_MS),
                "--logger", "zap", "--log-level", "error"]


def present() -> bool:
    """Whether this computer has an etcd."""
    return shutil.which("etcd") is not None


@contextmanager
def running(members: tuple[Member, ...]) -> Iterator[None]:
    """Run the members for a while, without their hosts: to found a cluster in them. Raises ``HostError``."""
    started = []
    try:
        for member in members:
            with member.directory.with_suffix(".log").open("ab") as log:
                started.append(subprocess.Popen([*member.enter, *member.words(members)], stdin=subprocess.DEVNULL,
                                                stdout=log, stderr=log,
                                                preexec_fn=processes.die_with_parent))  # noqa: PLW1509 - one call
        wait_until(lambda: leader(members) is not None, READY_S, "etcd does not answer")
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


def leader(members: tuple[Member, ...]) -> Member | None:
    """Find the member that leads; None: nobody can tell now."""
    numbers = {number: member for member in members if (number := _number(member))}
    for member in members:
        said = _ask(member, "maintenance/status", {})
        if said.get("leader") in numbers:
            return numbers[str(said["leader"])]
    return None


def needed(members: tuple[Member, ...], node: str) -> bool:
    """Whether the others may lose the etcd with this host: it leads, or not all of theirs answer."""
    if any(not _number(member) for member in members if member.node != node):
        return True
    now = leader(members)
    return now is None or now.node == node


def lead(members: tuple[Member, ...], chosen: Member, within_s: float = READY_S) -> None:
    """Let this member lead. Raises ``HostError`` when it does not come about."""
    deadline = time.monotonic() + within_s
    while (now := leader(members)) is not chosen:
        if time.monotonic() > deadline:
            raise HostError(f"{chosen.node} does not become the leader of etcd")
        if now is not None:
            _ask(now, "maintenance/transfer-leadership", {"targetID": _number(chosen)})
        time.sleep(0.05)


def _number(member: Member) -> str:
    header = _ask(member, "maintenance/status", {}).get("header")
    return str(header.get("member_id", "")) if isinstance(header, Mapping) else ""


def _ask(member: Member, what: str, words: Mapping[str, object]) -> Mapping[str, object]:
    """Ask one member; empty: it does not answer."""
    request = Request(f"{member.url}/v3/{what}", data=json.dumps(words).encode())  # noqa: S310 - our own etcd
    try:
        with urlopen(request, timeout=ANSWER_S) as answer:  # noqa: S310 - as above
            said = json.load(answer)
    except (URLError, OSError, ValueError):
        return {}
    return said if isinstance(said, Mapping) else {}
