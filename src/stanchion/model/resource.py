"""What an administrator configures: a resource's scripts, timeouts, modes, monitoring and preferred nodes.

A resource is a whole virtual machine (seed 14.2). It is never described by fields of a hypervisor but by the scripts
that load, unload and monitor it; ``machine`` tells the agent only how to look for the machine itself, because an exit
code proves nothing (``docs/safety.md``). Defaults are those of the original where known, and ours where
not; the numbers stand here and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from stanchion.model.capacity import NOTHING_KNOWN, Size
from stanchion.model.ids import NodeName, ResourceName, TemplateName


class StartMode(StrEnum):
    """Whether a resource loads by itself when the cluster comes up."""

    AUTO = "AUTO"
    MANUAL = "MANUAL"


class FailoverMode(StrEnum):
    """Whether a resource moves by itself when its node is lost."""

    AUTO = "AUTO"
    MANUAL = "MANUAL"


class FailbackMode(StrEnum):
    """Whether a resource returns when the first of its preferred nodes joins again."""

    AUTO = "AUTO"
    MANUAL = "MANUAL"
    DISABLE = "DISABLE"


class FailureAction(StrEnum):
    """What happens when monitor failures reach the maximum (seed, "Enabling Resource Monitoring", step 7)."""

    COMATOSE = "comatose"
    MIGRATE = "migrate"
    REBOOT = "reboot"


class LoadFailure(StrEnum):
    """What happens when the load script fails. ``NEXT_NODE`` is ours: clean up there, then try the next node."""

    COMATOSE = "comatose"
    NEXT_NODE = "next_node"


class RetryComatose(StrEnum):
    """Whether a resource that is comatose because its load failed is tried again by itself (ours)."""

    NEVER = "never"
    BACKOFF = "backoff"


class ScriptKind(StrEnum):
    """The scripts of a resource. ``halt`` and ``prepare`` are ours: see ``Scripts``."""

    LOAD = "load"
    UNLOAD = "unload"
    MONITOR = "monitor"
    HALT = "halt"
    PREPARE = "prepare"


class MachineKind(StrEnum):
    """How to look for the machine itself: which hypervisor to ask, or the monitor script where there is none."""

    XEN = "xen"
    LIBVIRT = "libvirt"
    QEMU = "qemu"
    SCRIPT = "script"


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One bash script and the seconds that it may take. An empty text means that there is no such script."""

    text: str = ""
    timeout_s: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripts:
    """The scripts of one resource.

    ``halt`` ends the machine at once, without grace; it runs when the node lost the cluster, and cleans up the
    target of a failed live migration. ``prepare`` runs on the target before a live migration begins and opens the
    door for the incoming machine; hypervisors with a daemon on every host do not need it.
    """

    load: Script = field(default_factory=Script)
    unload: Script = field(default_factory=Script)
    monitor: Script = field(default_factory=lambda: Script(timeout_s=60.0))
    halt: Script = field(default_factory=lambda: Script(timeout_s=10.0))
    prepare: Script = field(default_factory=lambda: Script(timeout_s=60.0))

    def of(self, kind: ScriptKind) -> Script:
        """Give the script of that kind."""
        match kind:
            case ScriptKind.LOAD:
                return self.load
            case ScriptKind.UNLOAD:
                return self.unload
            case ScriptKind.MONITOR:
                return self.monitor
            case ScriptKind.HALT:
                return self.halt
            case ScriptKind.PREPARE:
                return self.prepare


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """When the monitor script runs, and what failures lead to (seed, "Enabling Resource Monitoring").

    The failure action starts when ``max_failures`` is *reached* within ``window_s``; each failure before that
    restarts the resource on its node.
    """

    enabled: bool = False
    interval_s: float = 60.0
    max_failures: int = 3
    window_s: float = 600.0
    action: FailureAction = FailureAction.COMATOSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The modes of a resource and its policy boxes (seed 14.2.2; the guide's sections 10.9 and 10.10).

    ``gives_way``: it may be moved or unloaded to make room for one of a higher priority (ours).
    """

    start: StartMode = StartMode.AUTO
    failover: FailoverMode = FailoverMode.AUTO
    failback: FailbackMode = FailbackMode.DISABLE
    failback_live: bool = False
    follows_master: bool = False
    ignore_quorum: bool = False
    priority: int = 0
    restart_after_failed_migration: bool = True
    load_failure: LoadFailure = LoadFailure.COMATOSE
    retry_comatose: RetryComatose = RetryComatose.NEVER
    moves_per_hour: int = 6
    gives_way: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """How to find the machine on a host: the hypervisor's kind and the machine's name there."""

    kind: MachineKind = MachineKind.SCRIPT
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSpec:
    """The whole configuration of one resource, as the operator saved it.

    ``preferred`` empty means: all nodes, also those that join later, in the order of their names. ``files`` are the
    machine's configuration files, which must stand at the same path with the same content on every node that is to
    hold it (seed 14.2.3). ``live`` says that the scripts can migrate a running machine. ``size`` is the room that it
    takes as the operator says; what he leaves out is measured. ``saved_why`` is what the operator who saved it said.
    """

    name: ResourceName
    template: TemplateName
    scripts: Scripts
    machine: Machine = field(default_factory=Machine)
    live: bool = False
    files: tuple[str, ...] = ()
    monitoring: Monitoring = field(default_factory=Monitoring)
    policies: Policies = field(default_factory=Policies)
    preferred: tuple[NodeName, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    size: Size = NOTHING_KNOWN
    saved_by: str = ""
    saved_at_s: float = 0.0
    saved_why: str = ""

    @property
    def descriptions(self) -> tuple[str, ...]:
        """Name the files that say how large the machine is: those above, else the one on the machine's own storage."""
        file = self.parameters.get("CONFIG", "")
        if self.files or not file or self.machine.kind is MachineKind.SCRIPT:
            return self.files
        return (file if file.startswith("/") else f"{self.parameters.get('DIRECTORY', '')}/{file}",)
