"""Rehearsing a script: which commands would it run? Nothing of it is done.

The script is given to bash as ``share/rehearsal`` prepares it: every command that could do something is told instead of
run. What ``[ -e FILE ]`` finds, and what loops do, is real; what a command would have printed is empty. So this shows
the way of a script when all goes well, with its variables filled in, and finds the blank that was never filled.
"""

import asyncio
import contextlib
import os
import re
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path

from stanchion.drivers.rundir import CODE_OVERDUE, CODE_REFUSED
from stanchion.model.history import RunEnd

LASTS_S = 10.0
"""How long a rehearsal may take: a script that only thinks is done at once, but a loop may wait for ever."""

OUTPUT_BYTES = 64 * 1024
TELL_FD = 9

_REFUSED_WRITE = re.compile(r"^\S*script: line (\d+): (.*): restricted: cannot redirect output$", re.MULTILINE)
_PLACE = re.compile(r"^\S*/script: ", re.MULTILINE)


async def rehearse(text: str, environment: Mapping[str, str], share: Path) -> tuple[RunEnd, int, str]:
    """Give how the rehearsal ended, its code, and what it told."""
    try:
        with tempfile.TemporaryDirectory(prefix="rehearsal-") as place:
            script = Path(place) / "script"
            script.touch(mode=0o600)
            script.write_bytes(text.encode("utf-8", "surrogateescape"))
            words = {**environment, "PATH": place, "STANCHION_LIBRARY": str(share / "ncsfuncs")}
            words.pop("BASH_ENV", None)
            return await _told(words, share / "rehearsal")
    except OSError as problem:
        return RunEnd.REFUSED, CODE_REFUSED, f"The script could not be rehearsed: {problem.strerror}\n"


async def _told(words: Mapping[str, str], prelude: Path) -> tuple[RunEnd, int, str]:
    bash = await asyncio.create_subprocess_exec(
        "/bin/bash", "-c", f'exec {TELL_FD}>&1; . "$0"', str(prelude), env=words, cwd="/",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        start_new_session=True)
    assert bash.stdout is not None
    kept, late = bytearray(), ""
    try:
        async with asyncio.timeout(LASTS_S):
            while len(kept) <= OUTPUT_BYTES and (part := await bash.stdout.read(OUTPUT_BYTES)):
                kept += part
            if len(kept) <= OUTPUT_BYTES:
                await bash.wait()
        if len(kept) > OUTPUT_BYTES:
            late = "\n[... it tells more than is kept, and was ended]\n"
    except TimeoutError:
        late = f"\n[... it did not end within {LASTS_S:g} s: it may wait for what does not happen here]\n"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(bash.pid, signal.SIGKILL)
        await bash.communicate()
    text = kept[:OUTPUT_BYTES].decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    text = _REFUSED_WRITE.sub(r"line \1: would write to \2; what stands in that block is not told", text)
    text = _PLACE.sub("", text)
    if late:
        return RunEnd.OVERDUE, CODE_OVERDUE, text + late
    return RunEnd.EXITED, bash.returncode or 0, text
