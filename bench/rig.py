"""What every measurement needs: the machine in a sentence, a cluster on a rack, and waiting for it."""

import asyncio
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from stanchion.client import Client, find
from stanchion.lab import processes, witness
from stanchion.lab.cluster import short_directory
from stanchion.lab.rack import Rack, rack
from stanchion.model.errors import HostError, StanchionError
from stanchion.wire.replies import Status

LOOK_S = 0.05
WITHIN_S = 120.0
QUIET_LOAD = 1.5

Seen = TypeVar("Seen")


def machine() -> str:
    """Describe this computer without its name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    etcd = subprocess.run(["etcd", "--version"], capture_output=True, text=True, check=False).stdout.split("\n")[0]
    return (f"{os.cpu_count()} cores, {memory:.0f} GiB, {system}, Linux {platform.release().partition('-')[0]}, "
            f"Python {platform.python_version()}, {etcd.lower().replace('version: ', '')}, machines under TCG")


def load() -> float:
    """Give the load of the last minute."""
    return os.getloadavg()[0]


def be_quiet(patience_s: float) -> float:
    """Wait until the computer is quiet, as long as that may take; give its load."""
    until = time.monotonic() + patience_s
    while load() > QUIET_LOAD and time.monotonic() < until:
        time.sleep(1.0)
    return load()


@contextmanager
def cluster(profile: str) -> Iterator[Rack]:
    """Lend a rack of three hosts, made but without power; one after the other in a process."""
    with place() as directory, rack(directory, 3, profile) as made:
        yield made


@contextmanager
def place() -> Iterator[Path]:
    """Lend a directory; it stays where something went wrong, because of what each part logged there."""
    directory = short_directory()
    try:
        yield directory
    except StanchionError:
        print(f"What each part logged is kept in {directory}.", file=sys.stderr)
        raise
    except KeyboardInterrupt:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    shutil.rmtree(directory, ignore_errors=True)


def enter(directory: Path | None = None) -> None:
    """Take this process into a network of its own, and let hosts' machines be witnessed where a directory is given."""
    processes.leave_network()
    if directory is not None:
        os.environ.update(witness.install(directory))


def client(made: Rack) -> Client:
    """Give somebody who speaks to the cluster."""
    return Client(find(env=os.environ | made.lab.environment()))


async def until(look: Callable[[], Awaitable[Seen | None]], otherwise: str, within_s: float = WITHIN_S) -> Seen:
    """Look until there is something; an agent that does not answer is no fault yet. Raises ``HostError``."""
    deadline = time.monotonic() + within_s
    while True:
        fault = ""
        try:
            if (seen := await look()) is not None:
                return seen
        except StanchionError as problem:
            fault = f": {problem}"
        if time.monotonic() > deadline:
            raise HostError(f"{otherwise} within {within_s:g} s{fault}")
        await asyncio.sleep(LOOK_S)


async def all_up(speaker: Client) -> Status:
    """Wait until all nodes are members, free of quarantine, and there is a master."""
    async def look() -> Status | None:
        now = await speaker.status()
        for node in now.nodes:
            if node.quarantine is not None:
                await speaker.order_node(node.name, "release")
        whole = all(node.state == "up" and node.quarantine is None for node in now.nodes)
        return now if whole and now.cluster.master else None

    return await until(look, "the cluster did not become whole")


def run(act: Callable[[], None]) -> int:
    """Run a measurement; give its exit code, 3 where something is missing."""
    try:
        act()
    except (StanchionError, OSError) as fault:
        print(f"Not measured: {fault}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        print("Interrupted; everything that was started has been ended.", file=sys.stderr)
        return 130
    return 0
