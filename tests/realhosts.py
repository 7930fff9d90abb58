"""Real hosts for tests: agents as processes, a SQLite store, and machines that bear witness to what happens to them.

A ``LoneNode`` is one agent without a supervisor, as on a single computer; a ``Cluster`` is a process lab. A ``Sleeper``
is a resource of plain bash scripts: its "machine" is a process that holds a lock on a file that all hosts share, so two
copies of it betray themselves in its log whatever else goes wrong, and every life of it leaves a line there.
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from stanchion.client import Client, find
from stanchion.lab import processes
from stanchion.lab.cluster import PROGRAM, Lab, LabHost, free_ports, wait_until
from stanchion.model.errors import StanchionError
from stanchion.model.resource import ScriptKind
from stanchion.model.state import State
from stanchion.wire.replies import IntentInfo, ResourceDetail, Status
from stanchion.wire.requests import MonitoringChange, ResourceChange, ResourceCreate, ScriptChange

Answer = TypeVar("Answer")

SOURCE = str(Path(__file__).parents[1] / "src")
WITHIN_S = 40.0
"""How long anything may take on a busy computer before a test gives it up."""


def environment(**more: str) -> dict[str, str]:
    """Give the environment in which ``stanchion`` runs: this tree's, with nothing said about where a cluster is."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("STANCHION_", "XDG_"))}
    path = os.pathsep.join(filter(None, [SOURCE, own.get("PYTHONPATH")]))
    return own | {"PYTHONPATH": path, "NO_COLOR": "1", "COLUMNS": "200"} | more


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    def refused(self, code: int, *words: str) -> None:
        """Assert that it was refused in one sentence with that exit code, and that the sentence says these words."""
        assert (self.code, self.out) == (code, ""), f"{self.code}: {self.out}{self.err}"
        last = self.err.splitlines()[-1]
        assert last.startswith("stanchion: "), self.err
        assert self.err.count("stanchion: ") == 1, self.err
        assert "Traceback" not in self.err
        for each in words:
            assert each in last, f"{each!r} is not in: {last}"


def stanchion(*words: str | Path, env: Mapping[str, str] | None = None) -> Done:
    """Run the real command to its end."""
    ended = subprocess.run([*PROGRAM, *map(str, words)], env=environment(**(env or {})), capture_output=True, text=True,
                           timeout=WITHIN_S, check=False, stdin=subprocess.DEVNULL)
    return Done(ended.returncode, ended.stdout, ended.stderr)


def until(true: Callable[[], object], otherwise: str, within_s: float = WITHIN_S) -> None:
    """Wait until something is so; an agent that does not answer meanwhile is no fault yet."""
    def so() -> object:
        with suppress(StanchionError):
            return true()
        return False

    wait_until(so, within_s, f"never came about: {otherwise}")


class Operator:
    """Somebody who gives orders to a cluster over HTTP, without a running loop."""

    def __init__(self, said: Mapping[str, str]) -> None:
        self.said = dict(said)

    def ask(self, question: Callable[[Client], Awaitable[Answer]]) -> Answer:
        """Ask one question with a client of its own."""
        async def asked() -> Answer:
            async with Client(find(env=self.said)) as client:
                return await question(client)

        # In a thread of its own: a test that drives a browser has an event loop in this one already.
        with ThreadPoolExecutor(max_workers=1) as hand:
            return hand.submit(lambda: asyncio.run(asked())).result()

    def status(self) -> Status:
        """Look at everything."""
        return self.ask(lambda client: client.status())

    def resource(self, name: str) -> ResourceDetail:
        """Look at one resource."""
        return self.ask(lambda client: client.resource(name))

    def ended(self, order: Callable[[Client], Awaitable[IntentInfo]]) -> IntentInfo:
        """Give an order and wait for its end."""
        async def given(client: Client) -> IntentInfo:
            told = await order(client)
            while not told.ended:
                told = await client.intent(told.id, wait_s=20.0)
            return told

        return self.ask(given)

    def wait_state(self, name: str, *states: State, node: str | None = None) -> ResourceDetail:
        """Wait until a resource is in one of these states, on that node where one is named."""
        seen: list[ResourceDetail] = []

        def reached() -> bool:
            seen.append(self.resource(name))
            return seen[-1].state in states and node in {None, seen[-1].node}

        try:
            until(reached, f"{name} is {' or '.join(states)} {node or ''}")
        except StanchionError as late:
            raise AssertionError(f"{late}; last seen: {seen[-1:]}") from None
        return seen[-1]

    def make(self, name: str, change: ResourceChange, template: str = "Generic_FS", **parameters: str) -> None:
        """Make a resource and bring it online."""
        self.order(name, change, template, **parameters)
        self.wait_state(name, State.RUNNING)

    def order(self, name: str, change: ResourceChange, template: str = "Generic_FS", **parameters: str) -> None:
        """Make a resource and order it online, without waiting."""
        asked = ResourceCreate(name=name, template=template, parameters=parameters, overrides=change)

        async def given(client: Client) -> None:
            await client.create(asked)
            await client.online(name)

        self.ask(given)


BODY = r"""
exec 8>>"$1"; flock -w 5 8 || exit 1
exec 9>>"$2.disk"; flock -n 9 || echo "second copy $3 $$" >>"$2.log"
echo "life $3 $$" >>"$2.log"
echo $$ >"$1.pid"
exec -a "sleeper:$1" sleep infinity
"""

LOAD = r"""
sleep @PAUSE@
mark=$STANCHION_STATE_DIR/@NAME@.alive; touch "$mark"
flock -n -s "$mark" true || exit 0
setsid bash @PLACE@/@NAME@.body "$mark" @PLACE@/@NAME@ "$NCS_NODE" </dev/null >/dev/null 2>&1 &
for try in {1..200}; do flock -n -s "$mark" true || exit 0; sleep 0.05; done
exit 1
"""

UNLOAD = r"""
sleep @PAUSE@
mark=$STANCHION_STATE_DIR/@NAME@.alive; touch "$mark"
for try in {1..100}; do
    flock -w 0.1 -s "$mark" true && exit 0
    pid=$(cat "$mark.pid") && [[ $(tr '\0' ' ' </proc/$pid/cmdline) == "sleeper:$mark "* ]] && kill -9 $pid
done
exit 1
"""

MONITOR = r"""
mark=$STANCHION_STATE_DIR/@NAME@.alive; touch "$mark"
flock -n -s "$mark" true && exit 7
exit 0
"""


@dataclass(frozen=True)
class Sleeper:
    """A resource of plain scripts; ``place`` is a directory that all hosts share, ``pause_s`` slows its scripts."""

    name: str
    place: Path
    pause_s: float = 0.0

    def change(self, *, preferred: tuple[str, ...] = (), monitored: bool = False, text: str = "",
               files: tuple[str, ...] = ()) -> ResourceChange:
        """Give its configuration, as what differs from the template Generic_FS; ``text`` comes first in its load."""
        self.place.mkdir(parents=True, exist_ok=True)
        (self.place / f"{self.name}.body").write_text(BODY)
        scripts = {ScriptKind.LOAD: text + LOAD, ScriptKind.UNLOAD: UNLOAD, ScriptKind.MONITOR: MONITOR,
                   ScriptKind.HALT: UNLOAD.replace("sleep @PAUSE@", "")}
        every = MonitoringChange(enabled=monitored, interval_s=1.0, max_failures=1000, window_s=3600.0)
        return ResourceChange(scripts={kind: ScriptChange(text=self._filled(each)) for kind, each in scripts.items()},
                              monitoring=every, preferred=preferred, files=files)

    def lives(self) -> list[str]:
        """Give the node of each of its lives, with its process id."""
        return [line for line in self._log() if line.startswith("life ")]

    def second_copies(self) -> list[str]:
        """Give what its log says of copies that ran at the same time: must be empty, always."""
        return [line for line in self._log() if line.startswith("second copy ")]

    def processes(self) -> list[int]:
        """Give the processes that are this machine now, on whatever host of this test."""
        return [pid for pid in _named("sleeper:") if f"/{self.name}.alive" in _argument(pid)
                and _argument(pid).startswith(f"sleeper:{self.place.parent}")]

    def _log(self) -> list[str]:
        path = self.place / f"{self.name}.log"
        return path.read_text().splitlines() if path.exists() else []

    def _filled(self, text: str) -> str:
        return (text.replace("@NAME@", self.name).replace("@PLACE@", str(self.place))
                .replace("@PAUSE@", f"{self.pause_s:g}"))


def _argument(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode(errors="replace")
    except OSError:
        return ""


def _named(begin: str) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _argument(int(entry.name)).startswith(begin):
            yield int(entry.name)


@dataclass
class LoneNode:
    """One agent as on a single computer: nothing resets its host, nothing restarts it."""

    directory: Path
    port: int = field(default_factory=lambda: free_ports(1)[0])
    env: dict[str, str] = field(default_factory=dict)
    agent: subprocess.Popen[bytes] | None = None

    def init(self, *words: str | Path) -> Done:
        """Make its files."""
        given = {"--node": "solo", "--listen": f"127.0.0.1:{self.port}", "--profile": "fast"}
        return stanchion("init", "lab", "--dir", self.directory, *words,
                         *(each for option in given.items() if option[0] not in words for each in option))

    @property
    def settings(self) -> Path:
        """Where its settings stand."""
        return self.directory / "agent.toml"

    @property
    def operator(self) -> Operator:
        """Somebody who speaks to it."""
        return Operator({"STANCHION_URL": f"http://127.0.0.1:{self.port}",
                         "STANCHION_TOKEN_FILE": str(self.directory / "token")})

    @property
    def log(self) -> str:
        """What its agents have written so far."""
        path = self.directory / "agent.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self, *before: str) -> None:
        """Start its agent, behind the words of another command where there are some."""
        with (self.directory / "agent.log").open("ab") as log:
            self.agent = subprocess.Popen([*before, *PROGRAM, "agent", "--config", str(self.settings)],
                                          env=environment(**self.env), cwd=self.directory, stdin=subprocess.DEVNULL,
                                          stdout=log, stderr=log, start_new_session=True)

    def up(self, *before: str) -> None:
        """Start its agent and wait until it is a member and the master."""
        self.start(*before)
        try:
            until(lambda: self.operator.status().cluster.master == "solo", "the agent is the master")
        except StanchionError as late:
            raise AssertionError(f"{late}; its log: {self.log}") from None

    def kill(self, number: signal.Signals = signal.SIGKILL) -> int:
        """End its agent; give the exit code."""
        assert self.agent is not None
        self.agent.send_signal(number)
        return self.agent.wait(WITHIN_S)

    def ended(self) -> Done:
        """Wait until its agent has ended by itself; give how, with what it wrote since it was started last."""
        assert self.agent is not None
        code = self.agent.wait(WITHIN_S)
        return Done(code, "", self.log)

    def refuses(self, code: int, *words: str) -> None:
        """Start its agent and assert that it ends at once, in one sentence."""
        stanchion("agent", "--config", self.settings, env=self.env).refused(code, *words)

    def down(self) -> None:
        """End everything that runs below its directory."""
        if self.agent is not None and self.agent.poll() is None:
            self.kill()
        mark = str(self.directory)
        wait_until(lambda: not _end([pid for pid in _all() if mark in _words(pid)]), WITHIN_S, "something lives on")


def _all() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and int(entry.name) != _ME]


_ME = os.getpid()


def _words(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _end(found: list[int]) -> list[int]:
    left = [pid for pid in found if not processes.ended(pid)]
    processes.send(left, signal.SIGKILL)
    return left


@contextmanager
def lone_node(*words: str) -> Iterator[LoneNode]:
    """Lend a node of its own, its files made with these options of ``init``; nothing of it is left afterwards."""
    with TemporaryDirectory(prefix="lone-", dir="/tmp") as place:
        node = LoneNode(Path(place) / "n")
        try:
            done = node.init(*words)
            assert done.code == 0, done.err
            yield node
        finally:
            node.down()


class Cluster(Operator):
    """A process lab with real agents."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab.environment())
        self.lab = lab
        self.place = lab.directory / "shared"
        self.place.mkdir()

    def up(self) -> Status:
        """Start its hosts and wait until all are members."""
        self.lab.up()
        return self.all_up()

    def all_up(self) -> Status:
        """Wait until all hosts are members and there is a master."""
        seen: list[Status] = []

        def formed() -> bool:
            seen.append(self.status())
            return all(node.state == "up" for node in seen[-1].nodes) and bool(seen[-1].cluster.master)

        until(formed, f"the cluster forms, see {self.lab.directory}")
        return seen[-1]

    def host(self, name: str | None) -> LabHost:
        """Find a host."""
        return self.lab.host(str(name))

    def tracebacks(self) -> list[str]:
        """Give what agents wrote when they met something that nobody foresaw: must be empty, always."""
        found = []
        for host in self.lab.hosts:
            text = (host.directory / "agent.log").read_text(errors="replace")
            troubles = re.findall(r"Traceback.*?\n(?:\w[^\n]*)", text, re.DOTALL)
            found += [f"{host.name}: {trouble}" for trouble in troubles]
        return found


@contextmanager
def cluster(nodes: int = 3, profile: str = "fast") -> Iterator[Cluster]:
    """Lend a lab that is up; nothing of it is left afterwards."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = environment()["PYTHONPATH"]
    with TemporaryDirectory(prefix="real-", dir="/tmp") as place:
        lab = Lab.create(Path(place) / "lab", nodes, profile=profile, program=(sys.executable, "-m", "stanchion"))
        try:
            made = Cluster(lab)
            made.up()
            yield made
        finally:
            lab.down()
            os.environ.pop("PYTHONPATH")
            if before is not None:
                os.environ["PYTHONPATH"] = before
