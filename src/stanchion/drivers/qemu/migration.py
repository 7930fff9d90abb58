"""Sending a running machine to another node's waiting process, and letting it run there.

The rule of both halves: whoever does not *know* that the machine has left keeps it, and whoever does not *know* that
it has arrived whole never lets it run.
"""

import os
import time

from stanchion.drivers.qemu import qmp
from stanchion.drivers.qemu.config import Wrong
from stanchion.drivers.qemu.process import Place

BANDWIDTH = 10 * 2**30
"""Bytes a second that a migration may use: more than any network has, so the network decides."""

DOWNTIME_MS = 100

CAPABILITIES = ("events", "return-path")
"""``return-path``: the source has only sent the machine when the target says that it has taken all of it. Without it,
a source counts what lies in a network buffer as sent, and ends, whatever then becomes of the target."""

_CANCEL_WITHIN_S = 10.0
_CONNECT_WITHIN_S = 5.0
_LOOK_AGAIN_S = 0.05
_FAILED = 1
_OVER = ("completed", "failed", "cancelled")


def send(of: Place, door: str, within_s: float) -> float:
    """Send the machine; give the instant at which it stopped executing here (seconds since 1970).

    Raises ``Wrong`` when it was not sent; the machine then runs here, as far as that can be brought about.
    """
    deadline = time.monotonic() + within_s
    with qmp.Line(of.directory, of.acting, _CONNECT_WITHIN_S) as line:
        line.order("migrate-set-capabilities", capabilities=[{"capability": it, "state": True} for it in CAPABILITIES])
        line.order("migrate-set-parameters", max_bandwidth=BANDWIDTH, downtime_limit=DOWNTIME_MS)
        line.order("migrate", uri=door, within_s=_CONNECT_WITHIN_S)
        end = _end_of_migration(line, deadline)
        if not end:
            line.order("migrate_cancel")
            end = _end_of_migration(line, time.monotonic() + _CANCEL_WITHIN_S)
        if end != "completed":
            why = line.order("query-migrate").get("error-desc") or end or "it could not be cancelled"
            _keep(line)
            raise Wrong(_FAILED, f"the migration to {door} did not succeed: {why}")
        stopped = [event.at_s for event in line.events if event.name == "STOP"]
        line.order("quit")
        return stopped[-1] if stopped else time.time()


def _end_of_migration(line: qmp.Line, deadline: float) -> str:
    while True:
        event = line.wait_for(("MIGRATION",), max(deadline - time.monotonic(), 0.0))
        if event is None:
            return ""
        if event.data["status"] in _OVER:
            return str(event.data["status"])


def _keep(line: qmp.Line) -> None:
    """Make sure that the machine runs on here. Only called when the migration is known not to have completed."""
    left = line.order("query-migrate").get("status") not in {"failed", "cancelled"}
    if not left and not line.order("query-status")["running"]:
        line.order("cont")


def take(of: Place, within_s: float) -> float:
    """Wait until the machine has arrived whole and let it run; give the instant at which it ran (seconds since 1970).

    ``cont`` before the arrival would let it run by itself as soon as it has arrived, so it is never sent early.
    """
    deadline = time.monotonic() + within_s
    with qmp.Line(of.directory, of.acting, _CONNECT_WITHIN_S) as line:
        while not _arrived(line):
            if time.monotonic() > deadline:
                raise Wrong(_FAILED, f"the machine did not arrive within {within_s:.0f} s")
            time.sleep(_LOOK_AGAIN_S)
        line.order("cont", within_s=_CONNECT_WITHIN_S)
        resumed = line.wait_for(("RESUME",), _CONNECT_WITHIN_S)
        if not line.order("query-status")["running"]:
            raise Wrong(_FAILED, "the machine arrived, but does not run")
    os.utime(of.pid_file)
    os.unlink(of.incoming)
    return resumed.at_s if resumed else time.time()


def _arrived(line: qmp.Line) -> bool:
    migrated = line.order("query-migrate").get("status")
    if migrated in {"failed", "cancelled"}:
        raise Wrong(_FAILED, "the machine did not arrive: the migration broke off")
    return bool(migrated == "completed" and line.order("query-status")["status"] == "paused")
