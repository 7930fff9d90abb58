"""The process lab: a cluster of pretend hosts on one machine, without root.

A lab is a directory. ``lab.json`` says which hosts there are; each host has a directory of its own, made by
``stanchion init`` as an administrator would, and a supervisor (see ``supervisor``) that stands for its hardware. The
hosts share one store file and the loopback interface; nothing else joins them. Directories are kept short because a
Unix socket's path may have 107 bytes only.

Several labs live side by side: ports are taken from the kernel, everything else is below the lab's directory.
"""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from stanchion.lab import processes
from stanchion.model.errors import AlreadyExists, HostError, NotFound, NotNow

PROGRAM = (sys.executable, "-m", "stanchion")
"""How ``stanchion`` is started: the same interpreter, so that the lab runs what it was started from."""

LONGEST_DIRECTORY = 60
"""Bytes that a lab's directory may have: what is left of a socket's 107 after the parts below it."""

POWER_WITHIN_S = 20.0
"""How long a supervisor may take to carry out a command, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabHost:
    """One pretend host of a lab: its name, where its agent answers, and its directory.

    ``enter`` are the words before every command that is to run in the host's own network; ``beside`` are the programs
    that run on it beside the agent, as ``NAME=COMMAND``.
    """

    name: str
    port: int
    directory: Path
    address: str = "127.0.0.1"
    enter: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    def setting(self, name: str) -> Path:
        """Give a path out of the settings that ``stanchion init`` wrote for this host."""
        with (self.directory / "agent.toml").open("rb") as file:
            return self.directory / str(tomllib.load(file)[name])

    def command(self, words: str) -> dict[str, object]:
        """Have the supervisor carry out a command. Raises ``NotNow`` when there is no supervisor or it refuses."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(POWER_WITHIN_S)
            try:
                line.connect(str(self.directory / "control.sock"))
                line.sendall(f"{words}\n".encode())
                with line.makefile(encoding="utf-8") as answers:
                    answer: dict[str, object] = json.loads(answers.readline() or '{"error": "it hung up"}')
            except OSError as error:
                raise NotNow(f"the supervisor of {self.name} does not answer ({error}); is the lab up?") from None
        if "error" in answer:
            raise NotNow(f"{self.name}: {answer['error']}")
        return answer


class Lab:
    """A lab that exists as a directory, up or down."""

    def __init__(self, directory: Path, hosts: Sequence[LabHost], program: Sequence[str]) -> None:
        self.directory = directory
        self.hosts = tuple(hosts)
        self._program = tuple(program)

    @classmethod
    def create(cls, directory: Path, nodes: int = 3, *, cluster: str = "lab", profile: str = "default",
               program: Sequence[str] = PROGRAM, etcd: Sequence[str] = (),
               hosts: Sequence[LabHost] = ()) -> "Lab":
        """Make the directory, the store and every host's settings. Raises ``AlreadyExists``, ``HostError``.

        ``etcd`` are the members of an etcd that holds the store instead of a file. ``hosts``: these, instead of so
        many on the loopback interface.
        """
        directory = directory.absolute()
        if len(os.fsencode(directory)) > LONGEST_DIRECTORY:
            raise HostError(f"{directory} is too long for sockets below it; use at most {LONGEST_DIRECTORY} bytes")
        if (directory / "lab.json").exists():
            raise AlreadyExists(f"there is a lab in {directory} already; `stanchion lab down` ends it")
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if directory.stat().st_uid != os.getuid():
            raise HostError(f"{directory} belongs to another user; name another with --dir")
        hosts = hosts or [LabHost(name=f"node{number}", port=port, directory=directory / f"node{number}")
                          for number, port in enumerate(free_ports(nodes), start=1)]
        lab = cls(directory, hosts, program)
        for host in hosts:
            lab._init(host, cluster, profile, etcd)
        text = json.dumps({"program": program, "hosts": [asdict(host) for host in hosts]}, default=str, indent=2)
        (directory / "lab.json").write_text(text + "\n", encoding="utf-8")
        return lab

    @classmethod
    def open(cls, directory: Path) -> "Lab":
        """Find the lab of that directory. Raises ``NotFound``."""
        try:
            kept = json.loads((directory / "lab.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise NotFound(f"there is no lab in {directory}; `stanchion lab up` makes one") from None
        hosts = [LabHost(name=each["name"], port=each["port"], directory=Path(each["directory"]),
                         address=each["address"], enter=tuple(each["enter"]), beside=tuple(each["beside"]))
                 for each in kept["hosts"]]
        return cls(directory.absolute(), hosts, kept["program"])

    def host(self, name: str) -> LabHost:
        """Find a host by its name. Raises ``NotFound``."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise NotFound(f"there is no host {name} in this lab; there are {', '.join(h.name for h in self.hosts)}")

    def environment(self) -> dict[str, str]:
        """Give the variables with which the command line and the client find this lab: all agents, one token."""
        urls = ",".join(f"http://{host.address}:{host.port}" for host in self.hosts)
        return {"STANCHION_URL": urls, "STANCHION_TOKEN_FILE": str(self.hosts[0].setting("token_file"))}

    def up(self, *, attached: bool = False) -> None:
        """Start a supervisor for each host that has none, and wait until each answers. Raises ``HostError``.

        Attached hosts lose their power when the calling process ends, however it ends.
        """
        for host in self.hosts:
            if not self._answers(host):
                self._start(host, attached=attached)
        for host in self.hosts:
            wait_until(lambda host=host: self._answers(host), 10.0,  # type: ignore[misc]  # binds the loop's host
                       f"the supervisor of {host.name} did not start: see {host.directory / 'supervisor.log'}")

    def down(self) -> None:
        """Cut every host's power, end the supervisors and whatever outlived one. The directory stays."""
        supervisors = {host: self._supervisor(host) for host in self.hosts}
        for host, pid in supervisors.items():
            try:
                host.command("shutdown")
            except NotNow:
                if pid is not None:
                    processes.send([*processes.freeze(pid), pid], signal.SIGKILL)
        for host, pid in supervisors.items():
            wait_until(lambda pid=pid: pid is None or processes.ended(pid), POWER_WITHIN_S,  # type: ignore[misc]
                       f"the supervisor of {host.name} does not end")
            self._sweep(host)

    def remove(self) -> None:
        """Delete the directory of a lab that is down."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _init(self, host: LabHost, cluster: str, profile: str, etcd: Sequence[str]) -> None:
        words = [*host.enter, *self._program, "init", cluster, "--dir", str(host.directory), "--node", host.name,
                 "--listen", f"{host.address}:{host.port}", "--profile", profile,
                 "--self-fence", "supervisor", "--supervisor", str(host.directory / "watchdog.sock")]
        first = self.hosts[0]
        if etcd:
            words += ["--etcd", ",".join(etcd)]
        if host is not first:
            words += ["--join", str(first.setting("token_file"))] if etcd else ["--store", str(first.setting("store"))]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise HostError(f"`stanchion init` failed for {host.name}: {(done.stderr or done.stdout).strip()}")

    def _start(self, host: LabHost, *, attached: bool) -> None:
        agent = [*self._program, "agent", "--config", str(host.directory / "agent.toml")]
        beside = [word for each in host.beside for word in ("--beside", each)]
        with (host.directory / "supervisor.log").open("ab") as journal:
            words = [*host.enter, sys.executable, "-m", "stanchion.lab.supervisor", *beside, str(host.directory),
                     *agent]
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=journal, stderr=journal, start_new_session=True,
                preexec_fn=processes.end_with_parent if attached else None)  # noqa: PLW1509 - one system call
        process.returncode = 0  # it outlives this process on purpose, so nobody shall wait for it

    def _answers(self, host: LabHost) -> bool:
        try:
            host.command("status")
        except NotNow:
            return False
        return True

    def _supervisor(self, host: LabHost) -> int | None:
        """Give the living supervisor's process id, sure not to name another process that got the number."""
        try:
            pid = int((host.directory / "supervisor.pid").read_text(encoding="ascii"))
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        mine = b"stanchion.lab.supervisor" in words and os.fsencode(host.directory) in words
        return pid if mine and not processes.ended(pid) else None

    def _sweep(self, host: LabHost) -> None:
        """End what a killed supervisor left behind."""
        with ExitStack() as at_end:
            at_end.callback((host.directory / "supervisor.pid").unlink, missing_ok=True)
            wait_until(lambda: not processes.end_marked("STANCHION_RUN_DIR", str(host.directory / "run")),
                       POWER_WITHIN_S, f"processes of {host.name} do not end")


def default_directory() -> Path:
    """Where a lab stands unless told otherwise: ``STANCHION_LAB_DIR``, else a directory of this user's own."""
    given = os.environ.get("STANCHION_LAB_DIR")
    if given:
        return Path(given)
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    own = f"/tmp/stanchion-lab-{os.getuid()}"  # noqa: S108 - create() refuses a directory of another user
    return Path(runtime) / "stanchion-lab" if runtime else Path(own)


def short_directory() -> Path:
    """Make a fresh directory whose path leaves room for sockets' names."""
    wanted = Path(tempfile.gettempdir())
    place = wanted if len(str(wanted)) < LONGEST_DIRECTORY // 2 else Path("/tmp")  # noqa: S108 - mkdtemp makes it safe
    return Path(tempfile.mkdtemp(prefix="stanchion-", dir=place))


def free_ports(count: int) -> list[int]:
    """Draw ports that nobody listens on, below the range from which the kernel serves outgoing connections.

    So a host that is off finds its port free when it comes back.
    """
    free: list[int] = []
    with ExitStack() as held:
        while len(free) < count:
            probe, port = held.enter_context(socket.socket()), random.randrange(20_000, 32_768)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                free.append(port)
    return free


def wait_until(true: Callable[[], object], within_s: float, otherwise: str, every_s: float = 0.02) -> None:
    """Look again and again until it is true. Raises ``HostError`` with ``otherwise`` when it takes too long."""
    deadline = time.monotonic() + within_s
    while not true():
        if time.monotonic() > deadline:
            raise HostError(otherwise)
        time.sleep(every_s)
