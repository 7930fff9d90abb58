"""The member of etcd that is made for this host: its settings, its start, and where its program is.

The settings stand in ``etcd.toml`` beside the agent's. ``command`` turns them into etcd's own words; ``stanchion etcd
run`` becomes that process, so that whoever started it (systemd, a person, a test) has etcd itself as its child.

Both of etcd's doors, for clients and for peers, ask for a certificate of the cluster's authority and look it up in the
list of revoked ones, which etcd reads anew for every connection.
"""

import ipaddress
import json
import os
import shutil
import signal
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stanchion.model.errors import HostError, InvalidInput

CLIENT_PORT = 2379
PEER_PORT = 2380
NAME = "etcd.toml"
END_S = 10.0
HEARTBEAT_MS, ELECTION_MS = 50, 500
"""How often etcd's leader says that it lives, and after what silence the others elect another one, which takes once or
twice that. With etcd's own 100 and 1000 the loss of the leader's host takes the store away for up to two seconds, and
in the profile *fast* hosts begin to ask each other for consent after little more than one. It is written for hosts of
one place: a round trip and a write to disk take a few milliseconds, far less than five heartbeats. Where they do not,
raise both in ``etcd.toml``, on every member alike; the election must be at least five heartbeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EtcdServer:
    """What this host's member is told. ``founds``: it is the first one, so it begins with an empty store.

    ``directory`` holds the certificates (``trust.papers``), ``data`` what etcd keeps. The times are in milliseconds.
    """

    name: str
    address: str
    directory: Path
    data: Path
    client_port: int = CLIENT_PORT
    peer_port: int = PEER_PORT
    founds: bool = False
    heartbeat_ms: int = HEARTBEAT_MS
    election_ms: int = ELECTION_MS

    @property
    def url(self) -> str:
        """Where it answers clients."""
        return f"https://{_host(self.address)}:{self.client_port}"

    @property
    def peer(self) -> str:
        """Where it answers the other members."""
        return f"https://{_host(self.address)}:{self.peer_port}"

    @property
    def begun(self) -> bool:
        """Whether it has data: then it knows who its peers are."""
        return (self.data / "member").is_dir()

    def begins_alone(self, members: Sequence[str]) -> bool:
        """Tell whether it may begin with an empty store, given the members that this host's agent uses.

        Only the first one, and only while it is the only one. A first member that lost its data later would be a second
        etcd beside that of the others, at an address at which agents look for the first.
        """
        return self.founds and not set(members) - {self.url}

    def command(self, *, initial: str = "") -> list[str]:
        """Give the command line; ``initial`` are all members, for the first start of one that joins."""
        def bound(port: int) -> str:
            return f"https://{_host(_listened(self.address))}:{port}"

        ca, cert, key, crl = (str(self.directory / name) for name in ("ca.crt", "node.crt", "node.key", "revoked.crl"))
        return [program(), "--name", self.name, "--data-dir", str(self.data),
                "--listen-client-urls", bound(self.client_port), "--advertise-client-urls", self.url,
                "--listen-peer-urls", bound(self.peer_port), "--initial-advertise-peer-urls", self.peer,
                "--initial-cluster", initial or f"{self.name}={self.peer}",
                "--initial-cluster-state", "existing" if initial else "new",
                "--client-cert-auth", "--trusted-ca-file", ca, "--cert-file", cert, "--key-file", key,
                "--client-crl-file", crl,
                "--peer-client-cert-auth", "--peer-trusted-ca-file", ca, "--peer-cert-file", cert,
                "--peer-key-file", key, "--peer-crl-file", crl,
                "--heartbeat-interval", str(self.heartbeat_ms), "--election-timeout", str(self.election_ms),
                "--max-txn-ops", "1024", "--logger", "zap", "--log-level", "warn"]

    def run(self, *, initial: str = "") -> None:
        """Become etcd. Raises ``HostError``."""
        words = self.command(initial=initial)
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.execv(words[0], words)  # noqa: S606 - no shell is wanted

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run it for as long as this context lasts. Raises ``HostError`` where it ends by itself."""
        words = self.command()
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.directory / "etcd.log").open("ab") as log:
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield
            if process.poll() is not None:
                raise HostError(f"etcd ended by itself (code {process.returncode}); see {self.directory / 'etcd.log'}")
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def write(self) -> None:
        """Write the settings. Raises ``HostError``."""
        lines = [
            "# The member of etcd on this host, for `stanchion etcd run`; its certificates stand beside.",
            *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in (
                ("name", self.name), ("address", self.address), ("data", str(self.data)),
                ("client_port", self.client_port), ("peer_port", self.peer_port), ("founds", self.founds),
                ("heartbeat_ms", self.heartbeat_ms), ("election_ms", self.election_ms)))]
        try:
            (self.directory / NAME).write_text("\n".join(lines) + "\n", encoding="utf-8")
        except OSError as problem:
            raise HostError(f"{self.directory / NAME} cannot be written: {problem.strerror}") from None


def load(directory: Path) -> EtcdServer:
    """Read the settings of this host's member. Raises ``InvalidInput``: there are none, or they make no sense."""
    path = directory / NAME
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
        return EtcdServer(name=str(given["name"]), address=str(given["address"]), directory=directory,
                          data=directory / str(given["data"]), client_port=int(given["client_port"]),
                          peer_port=int(given["peer_port"]), founds=bool(given.get("founds")),
                          heartbeat_ms=int(given.get("heartbeat_ms", HEARTBEAT_MS)),
                          election_ms=int(given.get("election_ms", ELECTION_MS)))
    except FileNotFoundError:
        raise InvalidInput(f"there is no {path}: this node has no member of etcd; the first three nodes of a cluster "
                           "have one") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be used: {error}") from None


def program() -> str:
    """Find etcd's program. Raises ``HostError`` with the package to install."""
    found = shutil.which("etcd")
    if found is None:
        raise HostError("there is no etcd on this host: install it (Debian and Ubuntu: apt install etcd-server); its "
                        "own service is not needed: systemctl disable --now etcd")
    return found


def default_data(directory: Path) -> Path:
    """Give where etcd's data goes: where a distribution keeps such things, or beside the settings of a trial."""
    return Path("/var/lib/stanchion/etcd") if directory == Path("/etc/stanchion") else directory / "etcd"


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _listened(address: str) -> str:
    """Give the address to bind: etcd takes no names there."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return "0.0.0.0"  # noqa: S104 - a name may stand for any of the host's addresses
