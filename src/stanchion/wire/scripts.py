"""Scripts as things of their own: revisions, lint, tests."""

from datetime import datetime

from stanchion.model.resource import ScriptKind
from stanchion.wire.bounds import Flag, Line, Name, ReadText, RevisionNumber
from stanchion.wire.capacity import SizeInfo
from stanchion.wire.replies import MachineInfo, MonitoringInfo, PoliciesInfo, Reply, ScriptInfo
from stanchion.wire.requests import Request


class RevisionInfo(Reply):
    """One revision of a resource's configuration.

    ``current``: the newest. ``loaded``: the resource goes by its scripts now. ``changed`` names the parts that differ
    from the revision before it.
    """

    revision: int
    saved_by: str = ""
    saved_at: datetime | None = None
    why: str = ""
    current: bool = False
    loaded: bool = False
    changed: tuple[str, ...] = ()


class RevisionList(Reply):
    """The revisions of a resource's configuration that are kept, the newest first."""

    resource: str
    revisions: tuple[RevisionInfo, ...]


class RevisionDetail(Reply):
    """One revision with everything in it."""

    resource: str
    revision: int
    saved_by: str = ""
    saved_at: datetime | None = None
    why: str = ""
    template: str
    live: bool
    files: tuple[str, ...] = ()
    machine: MachineInfo
    scripts: dict[ScriptKind, ScriptInfo]
    monitoring: MonitoringInfo
    policies: PoliciesInfo
    preferred: tuple[str, ...] = ()
    size: SizeInfo = SizeInfo()
    parameters: dict[str, str]


class Restore(Request):
    """Save a past revision anew: all of it, or one script."""

    revision: RevisionNumber
    script: ScriptKind | None = None
    why: Line = ""
    at_once: Flag = False


class LintOrder(Request):
    """A script to read before it is saved."""

    text: ReadText


class LintReport(Reply):
    """What the lint found: ``errors`` forbid saving, ``warnings`` do not."""

    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class TestOrder(Request):
    """Try a script on a node; without one, where the resource is, else on the node that answers.

    ``dry``: nothing runs, and the commands that would run are told. For real only while the resource is offline.
    """

    node: Name | None = None
    dry: Flag = True
