"""Fence devices for pretend hosts: each host's supervisor, reached past the host's own agent.

A supervisor outlives whatever happens inside its host, as a server's management board does, so its word that the power
is off is worth something. The devices are given through the API, as an operator would give them.
"""

import asyncio
import time

from stanchion.client import Client
from stanchion.lab.cluster import Lab, LabHost
from stanchion.model.errors import HostError, NoAnswer, NotFound, NotNow, StoreUnavailable
from stanchion.wire.requests import FenceDeviceChange, NodeChange

AGENT = "fence_stanchion_lab"
ANSWERS_WITHIN_S = 20.0
"""How long the agents may take to answer after their hosts were started, in seconds."""


async def equip(client: Client, lab: Lab) -> None:
    """Give every node without a device its supervisor as one. Raises ``HostError`` when no agent answers in time."""
    deadline = time.monotonic() + ANSWERS_WITHIN_S
    for host in lab.hosts:
        while True:
            try:
                await _equip(client, host)
                break
            except (NoAnswer, NotFound, NotNow, StoreUnavailable) as fault:  # agents that have just begun
                if time.monotonic() > deadline:
                    raise HostError(f"{host.name} has no fence device yet: {fault}") from None
                await asyncio.sleep(0.1)


def device(host: LabHost) -> FenceDeviceChange:
    """Describe the device that switches this host off."""
    return FenceDeviceChange(agent=AGENT, parameters={"socket": str(host.directory / "control.sock")}, timeout_s=10)


async def _equip(client: Client, host: LabHost) -> None:
    node = await client.node(host.name)
    if not node.fence:
        await client.edit_node(host.name, NodeChange(fence=(device(host),)), seen=node.revision)
