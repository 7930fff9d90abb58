"""What numbers of runs mean, in words."""

import signal
from datetime import datetime

from stanchion.model.history import RunEnd
from stanchion.wire.replies import RunInfo

OVERDUE_GOES_ON = "it was not ended, and may still run"

CODES = {
    1: "an error of any kind", 2: "wrong arguments", 3: "not implemented", 4: "not permitted", 5: "not installed",
    6: "not configured", 7: "not running", 126: "the command cannot be run", 127: "there is no such command",
}
"""What exit codes mean by the shell's convention, and below 8 by that of OCF agents, which scripts pass on."""

SHELL_SIGNALS = 128


def ended(of: RunInfo) -> str:
    """Say how a run ended."""
    match of.end:
        case RunEnd.EXITED if of.code == 0:
            return "ended well"
        case RunEnd.EXITED:
            return f"failed with code {of.code}{_meaning(of.code)}"
        case RunEnd.KILLED:
            return f"was ended by a signal{_meaning(of.code)}"
        case RunEnd.OVERDUE:
            return f"did not end within its timeout; {OVERDUE_GOES_ON}"
        case RunEnd.REFUSED:
            return "was not run"


def tone(of: RunInfo) -> str:
    """Give the colour's name of a run's end."""
    if of.end is RunEnd.OVERDUE:
        return "warning"
    return "good" if of.end is RunEnd.EXITED and of.code == 0 else "bad"


def took_s(of: RunInfo) -> float | None:
    """Give how long a run took, in seconds."""
    return _between(of.started_at, of.ended_at)


def _between(began: datetime | None, end: datetime | None) -> float | None:
    return None if began is None or end is None else max(0.0, (end - began).total_seconds())


def _meaning(code: int) -> str:
    if code > SHELL_SIGNALS:
        try:
            return f" ({signal.Signals(code - SHELL_SIGNALS).name})"
        except ValueError:
            return ""
    return f" ({CODES[code]})" if code in CODES else ""
