"""Hosts of a cluster as processes on the loopback interface: each with its directory, ports, etcd and agent."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from etcd_servers import free_ports

from realhosts import Done, Operator, environment, stanchion, until
from stanchion import joining
from stanchion.cli import exits
from stanchion.config import load
from stanchion.lab.cluster import PROGRAM
from stanchion.model.errors import StanchionError
from stanchion.wire.joining import EtcdMemberInfo

ADDRESS = "127.0.0.1"


@dataclass
class Host:
    """One host: what runs on it can be ended and started again."""

    name: str
    directory: Path
    port: int
    peer_port: int
    etcd_ports: tuple[int, int]
    etcd: subprocess.Popen[bytes] | None = None
    agent: subprocess.Popen[bytes] | None = None
    env: dict[str, str] = field(default_factory=dict)

    @property
    def operator(self) -> Operator:
        """Somebody who speaks to the cluster from this host, to its own agent."""
        return Operator({"STANCHION_CONFIG": str(self.directory / "client.toml"),
                         "STANCHION_URL": f"https://{ADDRESS}:{self.port}"})

    @property
    def options(self) -> tuple[str, ...]:
        """What `init` and `join` are told alike."""
        return ("--dir", str(self.directory), "--node", self.name, "--address", ADDRESS,
                "--peer-port", str(self.peer_port), "--etcd-ports", ",".join(map(str, self.etcd_ports)))

    def init(self, *words: str) -> Done:
        """Found a cluster."""
        return stanchion("init", "prod", *self.options, "--listen", f"{ADDRESS}:{self.port}", "--profile", "tolerant",
                         "--etcd", "managed", *words, env=self.env)

    def join(self, token: str, *words: str) -> Done:
        """Join a cluster."""
        return stanchion("join", token, *self.options, "--port", str(self.port), *words, env=self.env)

    def asks(self, token: str, *, address: str = ADDRESS, witness: bool = False) -> Done:
        """Join a cluster in this very process, as the command would: no interpreter has to be started for it."""
        wanted = joining.Joining(token=token, directory=self.directory, node=self.name, address=address,
                                 listen_port=self.port, peer_port=self.peer_port, witness=witness,
                                 etcd_ports=self.etcd_ports)
        try:
            return Done(0, joining.join(wanted), "")
        except StanchionError as fault:
            return Done(exits.code_of(fault), "", f"stanchion: {exits.one_line(fault)}")

    def token(self) -> str:
        """Make a join token."""
        made = stanchion("token", "create", "--config", self.directory / "client.toml")
        assert made.code == 0, made.err
        return made.out.strip()

    def start_etcd(self, *words: str) -> None:
        """Start its member of etcd."""
        self.etcd = self._start("etcd.out", "etcd", "run", "--dir", str(self.directory), *words)

    def start_agent(self) -> None:
        """Start its agent."""
        self.agent = self._start("agent.log", "agent", "--config", str(self.directory / "agent.toml"))

    def up(self) -> None:
        """Start everything and wait until it is a member."""
        if (self.directory / "etcd.toml").exists():
            self.start_etcd()
        self.start_agent()
        self.is_up()

    def is_up(self) -> None:
        """Wait until the cluster counts it in."""
        try:
            until(lambda: {node.name: node.state for node in self.operator.status().nodes}[self.name] == "up",
                  f"{self.name} is up")
        except StanchionError as late:
            raise AssertionError(f"{late}; {self.log}; {(self.directory / 'etcd.out').read_text()[-2000:]}") from None

    def members(self) -> dict[str, EtcdMemberInfo]:
        """Ask for the members of etcd."""
        told = self.operator.ask(lambda client: client.etcd_members())
        return {member.name: member for member in told.members}

    def voters(self, *names: str) -> None:
        """Wait until these are the members of etcd, all with a vote and well."""
        until(lambda: {name for name, each in self.members().items() if each.role != "learner" and not each.fault}
              == set(names) == set(self.members()), f"the members are {names}, seen by {self.name}")

    @property
    def log(self) -> str:
        """What its agents have written."""
        return (self.directory / "agent.log").read_text(errors="replace")

    @property
    def endpoints(self) -> set[str]:
        """The members that its settings name."""
        return set(load(self.directory / "agent.toml").etcd)

    def kill(self, what: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End its agent or its etcd."""
        process = getattr(self, what)
        if process is not None:
            process.send_signal(number)
            process.wait(30)
            setattr(self, what, None)

    def _start(self, log: str, *words: str) -> subprocess.Popen[bytes]:
        with (self.directory / log).open("ab") as file:
            return subprocess.Popen([*PROGRAM, *words], env=environment(**self.env), stdin=subprocess.DEVNULL,
                                    stdout=file, stderr=file, start_new_session=True)


class Site:
    """Hosts below one directory; nothing of them is left afterwards."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.hosts: dict[str, Host] = {}

    def host(self, name: str) -> Host:
        """Give a host, a new one the first time."""
        if name not in self.hosts:
            port, peer_port, client, peer = free_ports(4)
            self.hosts[name] = Host(name, self.directory / name, port, peer_port, (client, peer))
        return self.hosts[name]

    def down(self) -> None:
        """End everything, machines too."""
        for host in self.hosts.values():
            host.kill("agent")
            host.kill("etcd")
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    if str(self.directory).encode() in (entry / "cmdline").read_bytes():
                        os.kill(int(entry.name), signal.SIGKILL)
                except OSError:
                    continue


@contextmanager
def site() -> Iterator[Site]:
    """Lend a place for hosts."""
    with TemporaryDirectory(prefix="hosts-", dir="/tmp") as place:
        made = Site(Path(place))
        try:
            yield made
        finally:
            made.down()


def tampered(token: str, **changes: object) -> str:
    """Give a join token with something in it changed."""
    import base64

    body = token.removeprefix("join-")
    given = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    text = json.dumps(given | changes).encode()
    return "join-" + base64.urlsafe_b64encode(text).decode().rstrip("=")
