"""Fence devices over the API: saving them, and trying whether they do what they must.

What is saved names the revision of the node that it was made from. A secret is told masked, and a masked value that
comes back means the one that stands already, so that a device can be edited without anybody seeing its password.

A look asks every device at once. A real test lets each device in turn switch the host off and on again, and takes its
word for neither: what counts is the power state that it reports afterwards.
"""

import asyncio
from dataclasses import replace

from stanchion.api import finding
from stanchion.api.services import Services
from stanchion.api.telling import device_info
from stanchion.model.cluster import ClusterView, Key, Kind, Node
from stanchion.model.errors import InvalidInput, NotNow
from stanchion.model.fencing import FenceDevice, Power, Protection
from stanchion.model.history import Entry, Severity
from stanchion.model.ids import NodeName
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.state import holders
from stanchion.model.transaction import Conflict, Guard, Put, Transaction
from stanchion.plan import quarantine, strays
from stanchion.plan.protection import faults, protection
from stanchion.wire.fencing import DeviceTest, FenceTest
from stanchion.wire.requests import MASK, FenceDeviceChange


def saved(view: ClusterView, of: Node, asked: tuple[FenceDeviceChange, ...],
          by: str) -> tuple[Node, tuple[tuple[Reason, Severity], ...]]:
    """Give the node with these devices, in the order in which they are tried, and what is told of it.

    Raises ``InvalidInput`` for any fault.
    """
    devices = tuple(_device(each, of.fence) for each in asked)
    if found := faults(devices):
        raise InvalidInput(", and ".join(found))
    why = reason(Why.FENCE_SAVED, by, of.name, ", ".join(device.agent for device in devices) or "none")
    told = [(why, Severity.INFO)]
    if not devices and protection(view, of.name) is Protection.DEVICE:
        told.append((reason(Why.UNPROTECTED_MEANS, of.name), Severity.WARNING))
    return replace(of, fence=devices), tuple(told)


async def try_out(here: Services, name: NodeName, by: str, *, really: bool) -> FenceTest:
    """Ask a node's devices for its power state; ``really``: let each switch it off and on again, if all answer well.

    Raises ``NotNow`` where there is no device, or where a real test would hurt.
    """
    devices = finding.record(here.view(), name).value.fence
    if not devices:
        raise NotNow(f"{name} has no fence device; give it one: stanchion node fence {name} --agent NAME KEY=VALUE")
    if really and (fault := _harm(here, name)):
        raise NotNow(fault)
    tested = tuple(await asyncio.gather(*(_look(here, name, device) for device in devices)))
    if really and all(each.well for each in tested):
        entry = Entry(at_s=here.clock.now().wall_s, reason=reason(Why.FENCE_TESTED, by, name),
                      severity=Severity.WARNING, by=here.node, node=name)
        view = here.view()
        answer = await here.store.commit(Transaction(
            guards=(Guard(Key(Kind.NODE, name), view.nodes[name].revision),),
            puts=(Put(quarantine.ordered_off(view, name)),), history=(entry,)))
        if isinstance(answer, Conflict):
            raise finding.changed(name)
        tested = tuple([await _cycle(here, device) for device in devices])
    return FenceTest(node=name, by=here.node, really=really, well=all(each.well for each in tested), devices=tested)


async def _look(here: Services, name: NodeName, device: FenceDevice) -> DeviceTest:
    power, text = await here.fencer.status(device)
    if power is Power.OFF and here.view().is_live(name):
        # The most dangerous mistake of all: this device would "prove" at any time that the node is off.
        return DeviceTest(agent=device.agent, well=False, steps=(power,),
                          text=f"it reports off, yet {name} is a member: this is another host's device")
    return DeviceTest(agent=device.agent, well=power is not Power.UNKNOWN, steps=(power,), text=text)


async def _cycle(here: Services, device: FenceDevice) -> DeviceTest:
    """Switch off, then on; on even when off did not succeed, so that the host is not left in between."""
    off, said_off = await here.fencer.off(device)
    on, said_on = await here.fencer.on(device)
    well = (off, on) == (Power.OFF, Power.ON)
    return DeviceTest(agent=device.agent, well=well, steps=(off, on), text=said_on if off is Power.OFF else said_off)


def _harm(here: Services, name: NodeName) -> str:
    """Say why a host must not be switched off for a test; empty: it may."""
    view = here.view()
    held = sorted(state.value.name for state in view.states.values() if name in holders(state.value))
    if held:
        return (f"{name} holds {', '.join(held)}, and a real test switches the host off; "
                f"empty it first: stanchion node leave {name}")
    if astray := strays.astray_on(view, name):
        return f"{', '.join(astray)} run on {name} as strays, and a real test switches the host off; stop them first"
    if name == here.node:
        return f"{name} answers this itself and could not switch itself on again; ask another node with --url"
    if view.master is not None and view.master.value.node == name:
        return (f"{name} is the master, whom the others switch off when it is silent; "
                f"let another be the master first: stanchion node leave {name}")
    return ""


def _device(asked: FenceDeviceChange, before: tuple[FenceDevice, ...]) -> FenceDevice:
    """Make a device; what is masked is taken from the device that it was told of."""
    hidden = {parameter for parameter, value in asked.parameters.items() if value == MASK}
    parameters = dict(asked.parameters)
    if hidden:
        same = [old for old in before if old.agent == asked.agent and hidden <= old.parameters.keys()]
        exact = [old for old in same if device_info(old).parameters == asked.parameters]
        found = exact[:1] or same
        if len(found) != 1:
            raise InvalidInput(f"{asked.agent}: what {MASK} stands for is not known; "
                               f"give the value of {', '.join(sorted(hidden))} itself")
        parameters |= {parameter: found[0].parameters[parameter] for parameter in hidden}
    return FenceDevice(agent=asked.agent, parameters=parameters, timeout_s=asked.timeout_s)
