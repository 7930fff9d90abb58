"""The calm after a storm: everything is made whole, and within a bound the cluster must be whole too.

What a cluster does not do by itself is done here as an operator would: hosts are switched on, nodes released from
quarantine, machines that were given up for good reasons are ordered offline and online again. Then every node must be
a member, every machine must be executed, once, where the cluster says, and its serial line must go on.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from stanchion.client import Client
from stanchion.lab.demo.machines import DemoMachine
from stanchion.lab.fencing import device
from stanchion.lab.nemesis.history import History
from stanchion.lab.rack import Rack
from stanchion.lab.witness import Witness
from stanchion.model.errors import NotNow, StanchionError
from stanchion.model.state import State
from stanchion.wire.replies import ResourceInfo, Status
from stanchion.wire.requests import NodeChange

SETTLE_S = 120.0
"""The liveness bound: so long after everything is whole, everything must run."""

LOOK_S = 0.3
MOVING = frozenset({State.LOADING, State.UNLOADING, State.MIGRATING})
GIVEN_UP = frozenset({State.OFFLINE, State.COMATOSE, State.UNASSIGNED, State.ALERT})

Seen = TypeVar("Seen")


class NotCalm(Exception):
    """The cluster did not become whole in time; the text says what is still wrong."""


class Calm:
    """Makes a rack whole and waits for its cluster."""

    def __init__(self, rack: Rack, client: Client, witness: Witness, machines: Sequence[DemoMachine],
                 history: History) -> None:
        self._rack = rack
        self._client = client
        self._witness = witness
        self._machines = tuple(machines)
        self._history = history

    async def mend(self) -> None:
        """Make everything whole that a strike may have left broken."""
        self._rack.network.mend_all()
        for host in self._rack.lab.hosts:
            for words in ("thaw", "resume agent", "resume etcd"):
                with suppress(NotNow):
                    await asyncio.to_thread(host.command, words)

    async def settle(self) -> None:
        """Wait until all is well. Raises ``NotCalm``."""
        await self._within(time.monotonic() + SETTLE_S, self._well)

    async def equip(self, devices: Sequence[str]) -> None:
        """Give these hosts a fence device, and take it from the others."""
        deadline = time.monotonic() + SETTLE_S
        for host in self._rack.lab.hosts:
            wanted = (device(host),) if host.name in devices else ()

            async def given(name: str = host.name, wanted: object = wanted) -> object:
                node = await self._client.node(name)
                if bool(node.fence) is not bool(wanted):
                    await self._client.edit_node(name, NodeChange.model_validate({"fence": wanted}),
                                                 seen=node.revision)
                return True

            await self._within(deadline, given)

    async def _within(self, deadline: float, look: Callable[[], Awaitable[Seen | None]]) -> Seen:
        """Look until there is something; ``NotCalm`` and ``StanchionError`` mean: not yet."""
        while True:
            try:
                if (seen := await look()) is not None:
                    return seen
                fault = "the cluster does not come to rest"
            except (StanchionError, NotCalm) as problem:
                fault = str(problem)
            if time.monotonic() > deadline:
                raise NotCalm(f"liveness: after {SETTLE_S:g} s of calm: {fault}")
            await asyncio.sleep(LOOK_S)

    async def _well(self) -> bool:
        """Do what an operator would, and see whether more is to be done. Raises ``NotCalm`` with what it is."""
        for host in self._rack.lab.hosts:
            # One that was silent when the storm ended may be switched off for it a moment later.
            if (await asyncio.to_thread(host.command, "status"))["power"] == "off":
                await asyncio.to_thread(host.command, "power on")
        self._members(status := await self._client.status())
        for node in status.nodes:
            if node.quarantine is not None:
                self._history.tell("released", f"{node.name}: {node.quarantine.text}: released")
                await self._client.order_node(node.name, "release")
        for resource in status.resources:
            if resource.state in MOVING:
                raise NotCalm(f"{resource.name} is {resource.state} ({resource.reason.text})")
        if given_up := [each for each in status.resources if each.state in GIVEN_UP]:
            for resource in given_up:
                await self._again(resource)
            raise NotCalm(", ".join(f"{each.name} is {each.state} ({each.reason.text})" for each in given_up))
        return await self._all_run()

    def _members(self, status: Status) -> None:
        missing = [f"{node.name} is {node.state}" for node in status.nodes if node.state != "up"]
        if missing or not status.cluster.master:
            raise NotCalm(", ".join(missing) or "there is no master")

    async def _again(self, resource: ResourceInfo) -> None:
        """Order a machine that was given up offline, and one that is offline online."""
        self._history.tell("given up", f"{resource.name} is {resource.state}: {resource.reason.text}")
        if resource.state is State.OFFLINE:
            await self._client.online(resource.name)
        else:
            await self._client.offline(resource.name)

    async def _all_run(self) -> bool:
        """See every machine executed once, where the cluster says, and hear it go on."""
        said = {each.name: each for each in (await self._client.resources()).resources}
        for machine in self._machines:
            now = said[machine.name]
            if now.state is not State.RUNNING:
                raise NotCalm(f"{machine.name} is {now.state} on {now.node} ({now.reason.text})")
            there = [span.node for span in self._witness.executing() if span.machine == machine.name]
            if there != [now.node]:
                raise NotCalm(f"{machine.name} is said to run on {now.node}, but executes on {there or 'no host'}")
        before = {machine.name: machine.last() for machine in self._machines}
        await asyncio.sleep(1.0)
        silent = [machine.name for machine in self._machines if machine.last() == before[machine.name]]
        if silent:
            raise NotCalm(f"{', '.join(silent)} stand still")
        return True
