"""Runs a resource's scripts so that the agent may die at any moment and nothing is run twice.

Every run has a directory, named by resource, script and operation; ``rundir`` reads it, ``keeper`` fills it. An order
whose directory exists is joined, never repeated: still running, it is waited for with the time that it has used
already; ended, its result is given at once. What serves this one purpose:

- One at a time. A run begins when every earlier process of the resource has ended, also one that another life of this
  agent began, and one that is long overdue (seed, "Configuring the Monitor Script", on the timeout).
- A script past its timeout is reported at that instant and left alone; ``end`` is the operator's word, not ours.
- Whatever the script prints costs 96 KiB of disk. Its trace stands between the output that it led to, as in the logs
  of the original, and never reaches the script's own pipes.
- Nothing here waits for a disk on the event loop: the lease is renewed there.
"""

import asyncio
import contextlib
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from stanchion.drivers import keeper, rehearsal
from stanchion.drivers.rundir import CODE_REFUSED, RunDirectory, file_name, runs_in
from stanchion.model.history import Run, RunEnd
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.resource import ScriptKind
from stanchion.model.running import Running
from stanchion.ports import Clock, ScriptOrder

RUNS_KEPT = 20
"""Run directories kept for each resource and script."""

GRACE_S = 5.0
"""How long a script may take to obey TERM before it is killed."""

_CLAIM_LOOK_S = 0.005
_INHERITED = frozenset({"HOME", "USER", "LOGNAME", "SHELL", "TZ", "TMPDIR", "XDG_RUNTIME_DIR"})
_SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


class ScriptRunner:
    """Runs scripts with bash, one at a time for each resource; behind the port ``Runner``.

    ``library`` is the function library ``ncsfuncs``; beside it stand ``bin`` with the stand-ins for commands that
    agents expect, and ``resource.d`` with our own agents. ``environment`` holds what every script of this node gets.
    """

    def __init__(
        self, *, node: NodeName, runs_dir: Path, clock: Clock, environment: Mapping[str, str], library: Path,
    ) -> None:
        """Keep runs below ``runs_dir``, which belongs to this node alone."""
        self._node = node
        self._runs_dir = runs_dir.absolute()
        self._clock = clock
        self._environment = dict(environment)
        self._library = library.resolve()
        self._turns: dict[ResourceName, asyncio.Lock] = {}
        self._keepers: set[int] = set()
        self._launches: dict[ResourceName, set[asyncio.Task[int]]] = {}

    async def run(self, order: ScriptOrder) -> Run:
        """Run a script to its end or its timeout, after every earlier process of the resource has ended."""
        if not order.text.strip():
            return self._refused(order, f"There is no {order.script} script.")
        directory = self._directory_of(order)
        async with self._turns.setdefault(order.resource, asyncio.Lock()):
            try:
                if not await self._claimed(directory) and not await self._begin(order, directory):
                    return self._refused(order, "The script could not be started: its keeper ended at once.")
            except OSError as fault:
                return self._refused(order, f"The script could not be started: {fault}")
            left_s = await asyncio.to_thread(directory.deadline_s) - self._clock.now().mono_s
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(directory.ended(), max(left_s, 0.0))
            self._reap()
            return await asyncio.to_thread(directory.result, order, self._node)

    async def rehearse(self, order: ScriptOrder) -> Run:
        """Tell what a script would do, as the output of a run, without doing any of it."""
        began = self._clock.now()
        end, code, told = await rehearsal.rehearse(order.text, self._environment_of(order), self._library.parent)
        return Run(resource=order.resource, script=order.script, operation=order.operation, node=self._node,
                   started_at_s=began.wall_s, ended_at_s=self._clock.now().wall_s, end=end, code=code, output=told)

    def process_of(self, resource: ResourceName) -> int | None:
        """Give the process id of the resource's script that runs now, if any."""
        return next((directory.pid for directory in self._living(resource) if directory.pid), None)

    def running(self, resource: ResourceName) -> Running | None:
        """Tell the resource's script that runs now, with what it has printed so far. Reads files: not for the loop."""
        return next(filter(None, (directory.running() for directory in self._living(resource))), None)

    async def end(self, resource: ResourceName, *, grace_s: float = GRACE_S, script: ScriptKind | None = None) -> bool:
        """End the process group of the resource's running script: TERM, then KILL. False: nothing ran."""
        unbegun = await self._settle(resource)
        living = [directory for directory in await asyncio.to_thread(self._living, resource)
                  if script is None or directory.path.parent.name == script]
        await asyncio.gather(*(directory.end(grace_s) for directory in living))
        return bool(living) or unbegun > 0

    async def forget(self, resource: ResourceName) -> None:
        """Remove what is kept of a deleted resource's runs, but of one that still runs."""
        if not await asyncio.to_thread(self._living, resource):
            self._turns.pop(resource, None)
            await asyncio.to_thread(shutil.rmtree, self._home_of(resource), ignore_errors=True)

    async def _begin(self, order: ScriptOrder, directory: RunDirectory) -> bool:
        """Wait for the resource's turn, then start a keeper; give whether a keeper claimed the run."""
        await self._settle(order.resource)
        for earlier in await asyncio.to_thread(self._living, order.resource):
            await earlier.ended()
        if await self._claimed(directory):  # by a keeper that an earlier life of the agent started
            return True
        launch = asyncio.create_task(asyncio.to_thread(self._launch, order, directory))
        launches = self._launches.setdefault(order.resource, set())
        launches.add(launch)
        launch.add_done_callback(launches.discard)
        starter = await asyncio.shield(launch)
        while starter in self._keepers and not await self._claimed(directory):
            await asyncio.sleep(_CLAIM_LOOK_S)
            self._reap()
        return await self._claimed(directory)

    async def _settle(self, resource: ResourceName) -> int:
        """Let no launch be under way: afterwards no keeper but those of claimed runs can begin a script.

        Who gave an order may be gone before its launch, which a slow disk can delay for seconds, comes to its end.
        """
        launches = self._launches.get(resource)
        if launches:
            await asyncio.wait(set(launches))
        return await asyncio.to_thread(self._take_back_unclaimed, resource)

    async def _claimed(self, directory: RunDirectory) -> bool:
        return await asyncio.to_thread(lambda: directory.claimed)

    def _reap(self) -> None:
        """Let go of keepers that have ended; those of an earlier life belong to the host's first process."""
        for pid in tuple(self._keepers):
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG) == (0, 0):
                    continue
            self._keepers.discard(pid)

    def _launch(self, order: ScriptOrder, directory: RunDirectory) -> int:
        """Prepare the run and start its keeper; give the keeper's pid."""
        new = RunDirectory(self._home_of(order.resource) / f"new-{uuid4().hex}")
        directory.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new.prepare(order, self._clock.now())
        environment = self._environment_of(order)
        with contextlib.suppress(KeyError):
            Path(environment["HA_RSCTMP"]).mkdir(parents=True, exist_ok=True)
        for old in runs_in(directory.path.parent)[: 1 - RUNS_KEPT]:
            if old.over:
                shutil.rmtree(old.path, ignore_errors=True)
        null = os.open(os.devnull, os.O_RDWR)
        try:
            pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-I", "-S", "-B", keeper.__file__, str(new.path), str(directory.path)],
                environment,
                file_actions=[(os.POSIX_SPAWN_DUP2, null, number) for number in (0, 1, 2)],
                setsid=True,
            )
        finally:
            os.close(null)
        self._keepers.add(pid)
        return pid

    def _environment_of(self, order: ScriptOrder) -> dict[str, str]:
        """Compose a script's environment; what the order says wins over the node's, and that over the agent's own."""
        own = {key: value for key, value in os.environ.items() if key in _INHERITED or key.startswith("STANCHION_")}
        share = self._library.parent
        path = self._environment.get("PATH") or os.environ.get("PATH", "")
        places = [str(share / "bin"), *path.split(":"), *_SYSTEM_PATH]
        return own | {
            "LANG": "C.UTF-8",
            "BASH_ENV": str(share / "bash_env"),
            "STANCHION_LIBRARY": str(self._library),
            "STANCHION_PYTHON": sys.executable,
            "STANCHION_OCF_PATH": str(share / "resource.d"),
            "NCS_RESOURCE": order.resource,
            "NCS_NODE": self._node,
            "NCS_OPERATION": order.script,
            "OCF_RESOURCE_INSTANCE": order.resource,
        } | self._environment | {"PATH": ":".join(dict.fromkeys(filter(None, places)))} | dict(order.environment)

    def _home_of(self, resource: ResourceName) -> Path:
        return self._runs_dir / file_name(resource)

    def _directory_of(self, order: ScriptOrder) -> RunDirectory:
        return RunDirectory(self._home_of(order.resource) / order.script / file_name(order.operation))

    def _take_back_unclaimed(self, resource: ResourceName) -> int:
        """Take back runs whose keeper has not claimed them, and give how many.

        An earlier life of the agent prepared them, then died; or their order was taken back in the last moment.
        """
        taken_back = 0
        for new in self._home_of(resource).glob("new-*"):
            taken = new.with_name(f"old-{uuid4().hex}")
            with contextlib.suppress(FileNotFoundError):
                new.rename(taken)
                taken_back += 1
        for taken in self._home_of(resource).glob("old-*"):
            shutil.rmtree(taken, ignore_errors=True)
        return taken_back

    def _living(self, resource: ResourceName) -> list[RunDirectory]:
        """Give the resource's runs of which something still lives."""
        scripts = [path for path in self._home_of(resource).glob("*") if not path.name.startswith(("new-", "old-"))]
        return [directory for script in scripts for directory in runs_in(script) if not directory.over]

    def _refused(self, order: ScriptOrder, why: str) -> Run:
        at_s = self._clock.now().wall_s
        return Run(
            resource=order.resource, script=order.script, operation=order.operation, node=self._node,
            started_at_s=at_s, ended_at_s=at_s, end=RunEnd.REFUSED, code=CODE_REFUSED, output=why + "\n",
        )
