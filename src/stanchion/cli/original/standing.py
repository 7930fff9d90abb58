"""The words for the whole cluster for the time being: maintenance, down, restart."""

import asyncio
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from stanchion.cli import standing
from stanchion.cli.original import host
from stanchion.cli.session import Session
from stanchion.model.errors import HostError, InvalidInput, StanchionError

if TYPE_CHECKING:
    from stanchion.wire.standing import StandingInfo


async def maintenance(what: Literal["on", "off"], /, *expiry: str) -> None:
    """Hold the cluster back while somebody works on its network: no fencing, no failover, no failback.

    Nothing is stopped or moved by it. Safety is not held back: a host that loses the store still stops its machines.

    Parameters
    ----------
    what
        on or off.
    expiry
        With on: when it ends by itself, in any form that date(1) reads, like '2026-12-01 14:30' or '2 hours'.
    """
    from stanchion.wire.standing import PauseOrder

    if what == "off" and expiry:
        raise InvalidInput("`cluster maintenance off` takes no time: it ends the maintenance now")
    until = _instant(" ".join(expiry)) if expiry else None
    async with host.anywhere() as session:
        told = await (session.client.resume() if what == "off" else session.client.pause(PauseOrder(until=until)))
        session.terminal.write(f"Maintenance mode: {_mode(told)}")


async def down() -> None:
    """Stop the whole cluster: unload everything, and let every node leave. At a terminal it asks first."""
    async with host.anywhere() as session:
        await _down(session)
        session.terminal.write("Every node has left; `stanchion up` starts the cluster, and so does the first host "
                               "that is started anew")


async def restart(seconds: int = 0, /) -> None:
    """Stop the whole cluster, and start it again. At a terminal it asks first.

    Parameters
    ----------
    seconds
        How long to wait between the two.
    """
    if seconds < 0:
        raise InvalidInput(f"{seconds} seconds cannot be waited")
    async with host.anywhere() as session:
        await _down(session)
        session.terminal.write(f"Every node has left; the cluster starts in {seconds} seconds")
        await asyncio.sleep(seconds)
        await session.client.up()
        session.terminal.write("The cluster starts: its nodes join, and everything loads by its start mode")


async def _down(session: Session) -> None:
    """Stop the cluster and wait for it. Where nobody can be asked it is done at once, as scripts expect."""
    from stanchion.wire.standing import DownOrder

    cluster = (await session.client.status()).cluster.name
    answer = session.terminal.ask(f"This stops every machine of the cluster. Type {cluster} to do it: ")
    if answer not in {None, cluster}:
        raise StanchionError("nothing was stopped")
    await session.client.down(DownOrder())
    try:
        await standing.stopped(session)
    except StanchionError as fault:
        raise StanchionError(f"{fault}; the order stands, and `stanchion up` takes it back") from None


def _mode(of: "StandingInfo") -> str:
    if of.pause is None:
        return "off"
    return f"on until {of.pause.until:%Y-%m-%d %H:%M:%S} UTC" if of.pause.until else "on until it is switched off"


def _instant(text: str) -> datetime:
    """Read an instant as date(1) does, in this host's time. Raises ``InvalidInput``, ``HostError``."""
    try:
        read = subprocess.run(["date", f"--date={text}", "+%s"], capture_output=True, text=True, check=False)
    except OSError as problem:
        raise HostError(f"date(1) cannot be run ({problem.strerror}); say `stanchion pause --for 2h`") from None
    if read.returncode or not text.strip():
        raise InvalidInput(f"{text!r} is not a time that date(1) reads; write it like '2026-12-01 14:30' or '2 hours'")
    return datetime.fromtimestamp(int(read.stdout), UTC)
