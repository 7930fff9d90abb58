"""Halting: when the node has lost the cluster, ending all that runs here, at once, and looking whether it is gone.

A machine counts as gone only when it was seen to be, and when the storage that its resource takes for itself is
released as well: whoever starts it elsewhere uses the same storage. What cannot be seen in time may still be there, and
the watchdog has the last word.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from stanchion.agent.doors import Doors
from stanchion.model.errors import HostError
from stanchion.model.history import Run
from stanchion.model.ids import ResourceName
from stanchion.model.resource import ResourceSpec, ScriptKind
from stanchion.model.state import Presence
from stanchion.model.storage import InUse
from stanchion.plan import storage

HALT_GRACE_S = 0.2
"""How long a script may go on after TERM when its node was cut off: the watchdog waits for nobody."""

Presences = dict[ResourceName, Presence]

log = structlog.get_logger(__name__)


class Halting:
    """The halt of one node. ``run`` runs a script of a resource under that name; ``within_s`` is the time for it."""

    def __init__(self, doors: Doors, *, run: Callable[[ResourceSpec, ScriptKind, str], Awaitable[Run]],
                 within_s: Callable[[], float]) -> None:
        self._doors = doors
        self._run = run
        self._within_s = within_s

    async def halt(self, specs: tuple[ResourceSpec, ...], others: tuple[ResourceSpec, ...]) -> Presences:
        """Halt what is held here, and what is found of ``others`` although nobody sent it here; say what is left."""
        ours, strays = await asyncio.gather(asyncio.gather(*(self._halt(spec) for spec in specs)), self._stop(others))
        return {**dict(ours), **strays}

    async def _stop(self, others: tuple[ResourceSpec, ...]) -> Presences:
        """Halt those of these whose machine runs here, or whose storage is in use, although nobody sent them."""
        try:
            async with asyncio.timeout(self._within_s()):
                found = await self._doors.hypervisor.sweep(others) if others else {}
                here = await in_use(self._doors) if others else InUse()
        except (TimeoutError, HostError) as problem:
            log.warning("whether strays are here is not known", problem=str(problem) or "no answer in time")
            return {spec.name: Presence.UNKNOWN for spec in others}
        astray = [spec for spec in others if found.get(spec.name, (Presence.ABSENT, ""))[0] is Presence.RUNNING
                  or storage.in_use(storage.claimed(spec), here)]
        return dict(await asyncio.gather(*(self._halt(spec) for spec in astray)))

    async def _halt(self, spec: ResourceSpec) -> tuple[ResourceName, Presence]:
        """End the resource's script, run its halt, and look; what cannot be seen in time may still run."""
        try:
            async with asyncio.timeout(self._within_s()):
                presence, text = await self._ended(spec)
        except HostError as problem:
            presence, text = Presence.UNKNOWN, str(problem)
        except TimeoutError:
            presence, text = Presence.UNKNOWN, "no answer in time"
        log.warning("halted", resource=spec.name, presence=presence.value, seen=text)
        return spec.name, presence

    async def _ended(self, spec: ResourceSpec) -> tuple[Presence, str]:
        await self._doors.runner.end(spec.name, grace_s=HALT_GRACE_S)
        code = 0
        if spec.scripts.halt.text.strip():
            # By chance, not by a clock: a clock that began anew with the host could name an old run.
            code = (await self._run(spec, ScriptKind.HALT, f"halt-{self._doors.chance.token()}")).code
        presence, text = await self._doors.hypervisor.look(spec)
        if presence is not Presence.ABSENT:
            return presence, text
        if code != 0:
            return Presence.UNKNOWN, f"its halt script failed with code {code}; {text}"
        claim = storage.claimed(spec)
        left = storage.in_use(claim, await in_use(self._doors)) if claim else frozenset()
        return (Presence.UNKNOWN, f"{text}; but {storage.told(left)}") if left else (presence, text)


async def in_use(doors: Doors) -> InUse:
    """Tell what storage is in use on this host. Raises ``HostError``."""
    return InUse() if doors.storage is None else await doors.storage.look()
