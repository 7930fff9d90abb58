"""What protects a node, and what is wrong with fence devices before they are saved.

A node is protected when something can prove that it stopped although it says nothing any more: the self-fence that its
session declared, a fence device, or both. The faults are judged here once, for every way in which devices are given.
"""

import re
from collections.abc import Iterator, Sequence

from stanchion.model.cluster import ClusterView, SelfFence
from stanchion.model.fencing import FenceDevice, Protection
from stanchion.model.ids import NodeName

DEVICES_MAX = 8
TIMEOUT_MAX_S = 600.0
OURS = frozenset({"action", "option"})
"""Parameters that say what the agent shall do (the second is the older word): that is never the operator's to fix."""

_AGENT = re.compile(r"fence_[a-z0-9_]+")
_PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def protection(view: ClusterView, node: NodeName) -> Protection:
    """Say what protects a node now, or protected it when it was lost."""
    session, known = view.sessions.get(node), view.nodes.get(node)
    fences_itself = session is not None and session.value.self_fence is not SelfFence.NONE
    has_device = known is not None and bool(known.value.fence)
    if fences_itself and has_device:
        return Protection.BOTH
    if fences_itself:
        return Protection.SELF_FENCE
    return Protection.DEVICE if has_device else Protection.NOTHING


def faults(devices: Sequence[FenceDevice]) -> tuple[str, ...]:
    """Give one clause for everything that forbids saving these devices; values are never repeated, they may be secret.

    Parameters reach the agent as ``name=value`` lines, so a line break in a value would smuggle in another parameter.
    """
    found = [fault for device in devices for fault in _faults(device)]
    if len(devices) > DEVICES_MAX:
        found.append(f"a node can have {DEVICES_MAX} fence devices, not {len(devices)}")
    return tuple(found)


def _faults(device: FenceDevice) -> Iterator[str]:
    if not _AGENT.fullmatch(device.agent):
        yield f"{device.agent!r} is not the name of a fence agent: fence_ and small letters, digits or underscores"
    if not 0 < device.timeout_s <= TIMEOUT_MAX_S:
        yield f"the timeout of {device.agent} must be more than 0 and at most {TIMEOUT_MAX_S:g} seconds"
    for name, value in device.parameters.items():
        if name in OURS:
            yield f"{device.agent}: `{name}` cannot be set, it is said with every call"
        elif not _PARAMETER.fullmatch(name):
            yield f"{device.agent}: {name!r} is not the name of a parameter: letters, digits, dashes and underscores"
        elif not value.isprintable():
            yield f"{device.agent}: the value of `{name}` has a line break or another character that cannot be printed"
