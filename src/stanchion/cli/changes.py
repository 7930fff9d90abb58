"""The options that configure a resource, for ``resource create`` and ``resource edit`` alike."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from stanchion.model.errors import InvalidInput
from stanchion.model.resource import (
    FailbackMode,
    FailoverMode,
    FailureAction,
    LoadFailure,
    RetryComatose,
    ScriptKind,
    StartMode,
)

if TYPE_CHECKING:
    from stanchion.wire.requests import ResourceChange

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}

_SCRIPTS = Group("Scripts", sort_key=10)
_MODES = Group("Modes and policies", sort_key=11)
_ROOM = Group("Memory and processors", sort_key=13)
_MONITORING = Group("Monitoring", sort_key=12)


def seconds(text: str) -> float:
    """Read a duration: 90, 90s, 10m, 1.5h. Raises ``InvalidInput`` for anything else."""
    found = re.fullmatch(r"\s*(-?\d+(?:\.\d+)?)\s*([a-z]*)\s*", text.lower())
    if found is None or found[2] not in _UNITS:
        raise InvalidInput(f"{text!r} is not a duration; write seconds, or add a unit: 90, 90s, 10m, 1h")
    return float(found[1]) * _UNITS[found[2]]


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What can be configured; what is left out stays as it is."""

    load: Annotated[Path | None, Parameter(group=_SCRIPTS)] = None
    """File with the load script."""
    unload: Annotated[Path | None, Parameter(group=_SCRIPTS)] = None
    """File with the unload script."""
    monitor: Annotated[Path | None, Parameter(group=_SCRIPTS)] = None
    """File with the monitor script."""
    halt: Annotated[Path | None, Parameter(group=_SCRIPTS)] = None
    """File with the halt script, which ends the machine at once when its node lost the cluster."""
    prepare: Annotated[Path | None, Parameter(group=_SCRIPTS)] = None
    """File with the prepare script, which opens the door for a live migration on the target."""
    load_timeout: Annotated[str | None, Parameter(group=_SCRIPTS)] = None
    """How long the load script may take: 90, 90s, 10m, 1h."""
    unload_timeout: Annotated[str | None, Parameter(group=_SCRIPTS)] = None
    """How long the unload script may take."""
    monitor_timeout: Annotated[str | None, Parameter(group=_SCRIPTS)] = None
    """How long the monitor script may take."""
    halt_timeout: Annotated[str | None, Parameter(group=_SCRIPTS)] = None
    """How long the halt script may take."""
    prepare_timeout: Annotated[str | None, Parameter(group=_SCRIPTS)] = None
    """How long the prepare script may take."""
    why: Annotated[str, Parameter(group=_SCRIPTS)] = ""
    """Why this is saved, for the list of revisions."""
    config_file: Annotated[tuple[str, ...], Parameter(group=_SCRIPTS, negative="")] = ()
    """A configuration file of the machine that must be the same on every node; give it again for more."""

    memory_mib: Annotated[int | None, Parameter(group=_ROOM)] = None
    """Memory that the machine takes, in MiB; 0: as its configuration says."""
    cpus: Annotated[float | None, Parameter(group=_ROOM)] = None
    """Processors that it takes; 0: as its configuration says."""

    preferred: Annotated[str | None, Parameter(group=_MODES)] = None
    """Preferred nodes in order, separated by commas; `all` means all nodes."""
    start: Annotated[StartMode | None, Parameter(group=_MODES)] = None
    """Start mode: whether it loads by itself when the cluster comes up."""
    failover: Annotated[FailoverMode | None, Parameter(group=_MODES)] = None
    """Failover mode: whether it moves by itself when its node is lost."""
    failback: Annotated[FailbackMode | None, Parameter(group=_MODES)] = None
    """Failback mode: whether it returns when its first preferred node is back."""
    failback_live: Annotated[bool | None, Parameter(group=_MODES)] = None
    """Let it return live."""
    follows_master: Annotated[bool | None, Parameter(group=_MODES)] = None
    """Let it run only on the master."""
    ignore_quorum: Annotated[bool | None, Parameter(group=_MODES)] = None
    """Start it without waiting for the start-up quorum."""
    priority: Annotated[int | None, Parameter(group=_MODES)] = None
    """0 to 65535; higher ones load first."""
    moves_per_hour: Annotated[int | None, Parameter(group=_MODES)] = None
    """How often it may move by itself within an hour."""
    gives_way: Annotated[bool | None, Parameter(group=_MODES)] = None
    """Let it be moved or unloaded when one of a higher priority finds no memory."""
    restart_after_failed_migration: Annotated[bool | None, Parameter(group=_MODES)] = None
    """Start it again when a live migration failed and stopped it; else it stays comatose."""
    load_failure: Annotated[LoadFailure | None, Parameter(group=_MODES)] = None
    """When its load fails: stay comatose, or clean up there and try the next preferred node."""
    retry_comatose: Annotated[RetryComatose | None, Parameter(group=_MODES)] = None
    """When it is comatose because its load failed: never, or again and again with longer and longer pauses."""

    monitoring: Annotated[bool | None, Parameter(group=_MONITORING)] = None
    """Run the monitor script regularly."""
    interval: Annotated[str | None, Parameter(group=_MONITORING)] = None
    """Polling interval: 90, 90s, 10m, 1h."""
    max_failures: Annotated[int | None, Parameter(group=_MONITORING)] = None
    """Maximum Local Failures: when it is reached within the window, the action starts."""
    window: Annotated[str | None, Parameter(group=_MONITORING)] = None
    """Time Interval in which failures are counted."""
    action: Annotated[FailureAction | None, Parameter(group=_MONITORING)] = None
    """What happens then."""

    def change(self, texts: dict[ScriptKind, str] | None = None) -> "ResourceChange":
        """Make the request; ``texts`` are scripts that come from elsewhere. Raises ``InvalidInput``."""
        from stanchion.wire.requests import ResourceChange

        monitoring = _said(enabled=self.monitoring, interval_s=_seconds(self.interval), window_s=_seconds(self.window),
                           max_failures=self.max_failures, action=self.action)
        policies = _said(**{name: getattr(self, name) for name in (
            "start", "failover", "failback", "failback_live", "follows_master", "ignore_quorum", "priority",
            "moves_per_hour", "gives_way", "restart_after_failed_migration", "load_failure", "retry_comatose")})
        return ResourceChange.model_validate(_said(
            scripts=self._scripts(texts or {}) or None, monitoring=monitoring or None, policies=policies or None,
            preferred=_names(self.preferred),
            size=_said(memory_mib=self.memory_mib, cpus=self.cpus) or None,
            files=self.config_file or None, why=self.why or None))

    def _scripts(self, texts: dict[ScriptKind, str]) -> dict[ScriptKind, dict[str, Any]]:
        changes = {}
        for kind in ScriptKind:
            file: Path | None = getattr(self, kind.value)
            timeout: str | None = getattr(self, f"{kind.value}_timeout")
            change = _said(text=texts.get(kind) if file is None else text_of(file), timeout_s=_seconds(timeout))
            if change:
                changes[kind] = change
        return changes


def _said(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _seconds(text: str | None) -> float | None:
    return None if text is None else seconds(text)


def _names(text: str | None) -> list[str] | None:
    if text is None:
        return None
    return [] if text.strip().lower() == "all" else [name.strip() for name in text.split(",")]


def text_of(file: Path) -> str:
    """Read a script file. Raises ``InvalidInput`` when that cannot be done."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"the script file {file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InvalidInput(f"the script file {file} is not a text in UTF-8 (byte {error.start + 1})") from None
