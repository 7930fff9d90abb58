"""The doors that an agent needs, and what it is told about itself."""

from dataclasses import dataclass

from stanchion.between import Colleagues
from stanchion.lookout import Bell, Storage
from stanchion.model.cluster import SelfFence
from stanchion.model.ids import NodeName
from stanchion.ports import Chance, Clock, Fencer, Host, Hypervisor, Journal, Pulse, Runner, Store, Watchdog


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Everything behind which the world stands.

    Without ``colleagues`` a move goes by what was noted at the load; without ``bell`` machines that begin or end are
    found by looking alone; without ``storage`` nothing is known of what is active or mounted here.
    """

    store: Store
    runner: Runner
    hypervisor: Hypervisor
    host: Host
    watchdog: Watchdog
    journal: Journal
    clock: Clock
    chance: Chance
    fencer: Fencer
    pulse: Pulse
    colleagues: Colleagues | None = None
    bell: Bell | None = None
    storage: Storage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who this agent is: its node's name, where its API answers and it hears signs of life, what its watchdog is."""

    node: NodeName
    url: str = ""
    pulse: str = ""
    version: str = ""
    door: str = ""
    self_fence: SelfFence = SelfFence.NONE
