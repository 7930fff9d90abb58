"""A program of the host, told by its standard input (JSON) and its environment; ended when it takes too long."""

import asyncio
import os
import signal
from contextlib import suppress

from stanchion.drivers.notify.shape import as_json
from stanchion.model.errors import HostError
from stanchion.model.notification import Command, Message

SAID_LETTERS = 300


async def send(way: Command, message: Message) -> str:
    """Run the program and give the end of what it wrote. Raises ``HostError`` unless it ends with code 0 in time."""
    try:
        process = await asyncio.create_subprocess_exec(
            way.path, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env=_environment(message), start_new_session=True)
    except OSError as problem:
        raise HostError(f"the command {way.path} cannot be started ({problem.strerror})") from None
    try:
        async with asyncio.timeout(way.timeout_s):
            output, _ = await process.communicate(as_json(message))
    except TimeoutError:
        await _end(process)
        raise HostError(f"the command {way.path} did not end within {way.timeout_s:g} s and was ended") from None
    except asyncio.CancelledError:
        await _end(process)
        raise
    said = " ".join(output.decode(errors="replace").split())[-SAID_LETTERS:]
    if process.returncode:
        raise HostError(f"the command {way.path} ended with code {process.returncode}: {said}".rstrip(": "))
    return f"the command ended well{': ' + said if said else ''}"


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the program with all that it started; its group lives as long as any of them holds our pipe."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _environment(message: Message) -> dict[str, str]:
    """Give the gravest event in the environment, for scripts that do not read JSON."""
    gravest = max(message.lines, key=lambda line: (line.entry.severity is message.severity, line.id), default=None)
    entry = gravest.entry if gravest else None
    return {
        "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), "LANG": "C.UTF-8",
        "STANCHION_CLUSTER": message.cluster, "STANCHION_MESSAGE": message.id,
        "STANCHION_SEVERITY": message.severity.value, "STANCHION_SUBJECT": message.subject,
        "STANCHION_MORE": str(message.more), "STANCHION_EVENT": gravest.id if gravest else "",
        "STANCHION_RESOURCE": (entry and entry.resource) or "", "STANCHION_NODE": (entry and entry.node) or "",
        "STANCHION_STATE": entry.after.value if entry and entry.after else "",
        "STANCHION_REASON": entry.reason.why.value if entry else "test",
    }
