"""What an agent tells about fence agents and about trying a node's fence devices."""

from stanchion.model.fencing import Power
from stanchion.wire.replies import Reply


class FenceAgentInfo(Reply):
    """A fence agent that is installed on the answering node, and what it says of itself."""

    name: str
    description: str = ""


class FenceAgentList(Reply):
    """The installed fence agents of the answering node."""

    node: str
    agents: tuple[FenceAgentInfo, ...]


class DeviceTest(Reply):
    """What one device answered. ``steps`` are the power states in turn: one look, or after off and after on."""

    agent: str
    well: bool
    steps: tuple[Power, ...]
    text: str = ""


class FenceTest(Reply):
    """What a node's fence devices answered to the node ``by``; ``well`` when each did what it must."""

    node: str
    by: str
    really: bool
    well: bool
    devices: tuple[DeviceTest, ...]
