"""Carrying actions out: each in a task of its own, each result a happening, nothing begun past the local deadline.

The executor decides nothing. A script that cannot even be started is a run that was refused; a store that does not
answer is a report whose fate is unknown. When the node is cut off, everything else is dropped and only the halt goes
on: its scripts get what is left until the watchdog fires.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import structlog

from stanchion.agent import checking
from stanchion.agent.doors import Doors, Identity
from stanchion.agent.halting import HALT_GRACE_S, Halting, in_use
from stanchion.model import actions as a
from stanchion.model.cluster import Held, Key, Kind
from stanchion.model.errors import HostError, StanchionError, StoreUnavailable
from stanchion.model.history import Run, RunEnd
from stanchion.model.ids import OperationId, SessionId
from stanchion.model.orders import Intent, Outcome
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.resource import ResourceSpec, ScriptKind
from stanchion.model.state import Presence
from stanchion.model.storage import InUse
from stanchion.model.transaction import Committed, Guard, Put, Transaction
from stanchion.plan import storage
from stanchion.ports import Readiness, ScriptOrder

RUNS_KEPT = 10
"""So many runs of each script of a resource are kept in the store."""

STARTS = frozenset({ScriptKind.LOAD, ScriptKind.PREPARE})
"""The scripts that wait until the node has kept its promise to start nothing."""

RETRY_S = 0.5
"""How long after a lost answer the end of an order is written again."""

log = structlog.get_logger(__name__)


class Executor:
    """Carries out what the loop asks for. ``in_time`` tells whether the local deadline is still ahead.

    ``free`` returns when nothing is promised to others that forbids to start anything: whether that took any time.
    """

    def __init__(self, doors: Doors, identity: Identity, *, post: Callable[[a.Happening], None],
                 in_time: Callable[[], bool], master: Callable[[], str], halt_within_s: Callable[[], float],
                 give_back: Callable[[SessionId], Coroutine[Any, Any, None]],
                 free: Callable[[], Coroutine[Any, Any, bool]]) -> None:
        self._doors = doors
        self._identity = identity
        self._post = post
        self._in_time = in_time
        self._master = master
        self._halting = Halting(doors, run=lambda spec, kind, stage: self._run(spec, kind, stage, {}),
                                within_s=halt_within_s)
        self._give_back = give_back
        self._free = free
        self._tasks: dict[asyncio.Task[None], bool] = {}
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Live until cancelled; what was begun is cancelled with it. Scripts live on in their own processes."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            await asyncio.Event().wait()

    def begin(self, action: a.Action) -> None:
        """Begin an action."""
        match action:
            case a.DropAll():
                self._drop(halts=True)
            case a.HaltAll():
                self._drop()
                self._start(self._halt(action), lasting=True)
            case _:
                self._start(self._work(action))

    def _work(self, action: a.Action) -> Coroutine[Any, Any, None]:
        """Give what is to be done for an action."""
        match action:
            case a.RunScript():
                return self._script(action)
            case a.Look():
                return self._look(action)
            case a.CheckHost():
                return self._check(action)
            case a.Commit():
                return self._commit(action)
            case a.EndProcess():
                return self._end_process(action)
            case a.TestScript():
                return self._test(action)
            case a.ResetHost():
                return self._reset(action)
            case a.GiveBack():
                return self._leave(action)
            case _:
                raise AssertionError(f"the executor does not carry out {action}")

    def _start(self, work: Coroutine[Any, Any, None], *, lasting: bool = False) -> None:
        assert self._group is not None
        task = self._group.create_task(work)
        self._tasks[task] = lasting
        task.add_done_callback(lambda done: self._tasks.pop(done, None))

    def _drop(self, *, halts: bool = False) -> None:
        """Drop what is in the air: all but the halts, because this node may not act any more; or those too."""
        for task, lasting in list(self._tasks.items()):
            if halts or not lasting:
                task.cancel()

    # Scripts and looks.

    async def _script(self, action: a.RunScript) -> None:
        if action.script in STARTS and await self._free():
            self._post(a.PutOff(resource=action.spec.name))
            return
        if not self._in_time():
            return
        run = await self._run(action.spec, action.script, action.stage, dict(action.environment))
        if action.script is not ScriptKind.MONITOR or run.code != 0 or run.end is not RunEnd.EXITED:
            await self._record(run)
        self._post(a.ScriptEnded(resource=action.spec.name, step=action.step, stage=action.stage, run=run))

    async def _run(self, spec: ResourceSpec, kind: ScriptKind, stage: str, environment: dict[str, str]) -> Run:
        order = self._order_of(spec, kind, stage, environment)
        began = self._doors.clock.now()
        try:
            return await self._doors.runner.run(order)
        except (StanchionError, OSError) as problem:
            log.warning("a script could not be started", resource=spec.name, script=kind.value, problem=str(problem))
            return Run(resource=spec.name, script=kind, operation=OperationId(stage), node=self._identity.node,
                       started_at_s=began.wall_s, ended_at_s=self._doors.clock.now().wall_s, end=RunEnd.REFUSED,
                       code=1, command=str(problem), output=str(problem))

    def _order_of(self, spec: ResourceSpec, kind: ScriptKind, stage: str, environment: dict[str, str]) -> ScriptOrder:
        script = spec.scripts.of(kind)
        words = {
            "NCS_RESOURCE": spec.name,
            "NCS_NODE": self._identity.node,
            "NCS_MASTER": self._master(),
            "NCS_OPERATION": kind.value,
            "OCF_RESOURCE_INSTANCE": spec.machine.name or spec.name,
            "OCF_RESKEY_CRM_meta_timeout": str(round(script.timeout_s * 1000)),
            **environment,
        }
        return ScriptOrder(resource=spec.name, script=kind, operation=OperationId(stage), text=script.text,
                           timeout_s=script.timeout_s, environment=words)

    async def _record(self, run: Run) -> None:
        """Keep the run for people; a store that is away costs the record, never the operation."""
        kept = replace(run, node=self._identity.node)
        try:
            await self._doors.store.commit(Transaction(puts=(Put(kept),)))
            await self._doors.store.trim(Kind.RUN, prefix=f"{run.resource}/{run.script}/", keep=RUNS_KEPT)
        except StoreUnavailable as problem:
            log.warning("a run is not recorded", resource=run.resource, problem=str(problem))

    async def _look(self, action: a.Look) -> None:
        if action.step is a.Step.LOOK:
            # What is to be adopted must not be ended a moment later by the halt of a session that is past.
            await self._doors.runner.end(action.spec.name, grace_s=HALT_GRACE_S, script=ScriptKind.HALT)
        presence, text = await self._doors.hypervisor.look(action.spec)
        if action.after_unload and presence is Presence.UNKNOWN and action.spec.machine.kind.value == "script":
            # Where only the monitor script can tell, its failure after a good unload means that it is gone.
            presence = Presence.ABSENT
        here: InUse | None = None
        if action.after_unload and presence is Presence.ABSENT and storage.claimed(action.spec):
            try:
                here = await in_use(self._doors)
            except HostError as problem:
                presence, text = Presence.UNKNOWN, str(problem)
        self._post(a.Looked(resource=action.spec.name, step=action.step, stage=action.stage, presence=presence,
                            text=text, storage=here))

    async def _check(self, action: a.CheckHost) -> None:
        try:
            digests = await checking.digests_there(self._doors.colleagues, action, self._identity.node)
            found = await self._doors.host.readiness(action.spec, digests)
        except StanchionError as problem:
            found = Readiness(fault=str(problem), digests=action.digests)
        self._post(a.Checked(resource=action.spec.name, stage=action.stage, fault=found.fault,
                             digests=found.digests, size=found.size))

    async def _halt(self, action: a.HaltAll) -> None:
        self._post(a.Halted(presences=await self._halting.halt(action.specs, action.others)))

    # Reports and orders.

    async def _commit(self, action: a.Commit) -> None:
        written: bool | None
        try:
            written = isinstance(await self._doors.store.commit(action.transaction), Committed)
        except StoreUnavailable as problem:
            log.warning("a report is not written", resource=action.resource, problem=str(problem))
            written = None
        self._post(a.Reported(resource=action.resource, decided_on=action.state.revision, written=written))

    async def _end_process(self, action: a.EndProcess) -> None:
        ended = await self._doors.runner.end(action.resource)
        why = reason(Why.ENDED_PROCESS) if ended else reason(Why.NO_PROCESS, action.resource)
        await self._answer(action.intent, Outcome.DONE if ended else Outcome.REFUSED, why)

    async def _test(self, action: a.TestScript) -> None:
        """Try a script, really or dry, and keep the run."""
        intent, kind = action.intent.value, action.intent.value.script or ScriptKind.MONITOR
        if not self._in_time():
            return
        if intent.dry:
            run = await self._doors.runner.rehearse(self._order_of(action.spec, kind, f"dry-{intent.id}", {}))
        else:
            run = await self._run(action.spec, kind, f"test-{intent.id}", {})
        await self._record(run)
        match run.end:
            case RunEnd.OVERDUE:
                limit_s = action.spec.scripts.of(kind).timeout_s
                outcome, why = Outcome.FAILED, reason(Why.TEST_OVERDUE, kind, f"{limit_s:g}")
            case RunEnd.REFUSED:
                outcome, why = Outcome.FAILED, reason(Why.TEST_REFUSED, kind, " ".join(run.output.split()))
            case _:
                outcome, why = Outcome.DONE, reason(Why.TESTED, kind, run.code)
        await self._answer(action.intent, outcome, why, run.operation)

    async def _answer(self, held: Held[Intent], outcome: Outcome, why: Reason,
                      operation: OperationId | None = None) -> None:
        """Write how an order ended that was this node's alone."""
        now = self._doors.clock.now()
        after = replace(held.value, outcome=outcome, reason=why, operation=operation, ended_at_s=now.wall_s)
        guard = Guard(Key(Kind.INTENT, held.value.id), held.revision)
        while True:
            try:
                await self._doors.store.commit(Transaction(guards=(guard,), puts=(Put(after),)))
            except StoreUnavailable as problem:
                log.warning("the end of an order is not written", intent=held.value.id, problem=str(problem))
                await asyncio.sleep(RETRY_S)
            else:
                return

    async def _reset(self, action: a.ResetHost) -> None:
        log.critical("resetting this host", resource=action.resource)
        try:
            await self._doors.host.reset()
        except StanchionError as problem:
            log.critical("this host cannot be reset", problem=str(problem))

    async def _leave(self, action: a.GiveBack) -> None:
        try:
            await self._give_back(action.session)
        except StoreUnavailable as problem:
            log.warning("the session is not given back yet", problem=str(problem))
