"""This host: its files, its life, and the last resort.

``reset`` is the failure action "reboot" of the original: hard, without sync or unmount (seed, "Enabling Resource
Monitoring", step 7). On a real host it asks the kernel through ``/proc/sysrq-trigger``, where the configuration
allows it; a pretend host of the process lab has a supervisor that cuts its power instead.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import reduce
from pathlib import Path

from stanchion.between import Files
from stanchion.drivers.capacity import host_capacity
from stanchion.drivers.files import HostFiles
from stanchion.drivers.sizes import size_in
from stanchion.model.capacity import NOTHING_KNOWN, Size
from stanchion.model.errors import HostError
from stanchion.model.ids import BootId
from stanchion.model.resource import ResourceSpec
from stanchion.ports import Readiness

BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")
SYSRQ = Path("/proc/sysrq-trigger")


def read_boot_id(environment: Mapping[str, str]) -> BootId:
    """Give the identity of this life of the host; a pretend host gets its own in ``STANCHION_BOOT_ID``."""
    return BootId(environment.get("STANCHION_BOOT_ID") or BOOT_ID_FILE.read_text(encoding="ascii").strip())


async def reset_by_sysrq() -> None:
    """Reset the host at once through the kernel. Raises ``HostError`` where that is not possible."""
    try:
        SYSRQ.write_text("b", encoding="ascii")  # noqa: ASYNC240 - nothing is left to be delayed
    except OSError as problem:
        raise HostError(f"cannot reset this host through {SYSRQ}: {problem.strerror}; the agent must run as root "
                        "and sysrq be allowed (sysctl kernel.sysrq)") from problem
    await asyncio.Event().wait()


async def refuse_reset() -> None:
    """Stand in where the configuration does not allow a reset: always raises ``HostError``."""
    raise HostError("this host is not allowed to reset itself; allow it in its configuration file (reset)")


class LinuxHost:
    """Port ``Host``. ``reset`` is the way to reset: ``reset_by_sysrq``, ``refuse_reset``, or the lab's."""

    def __init__(self, boot: BootId, reset: Callable[[], Awaitable[None]] = refuse_reset,
                 files: Files | None = None) -> None:
        self._boot = boot
        self._reset = reset
        self._files = files or HostFiles()

    def boot(self) -> BootId:
        """Identify this life of the host: another value means that it was restarted in between."""
        return self._boot

    async def capacity(self) -> Size:
        """Say how much memory and how many processors this host has for machines, as far as that can be found out."""
        return await asyncio.to_thread(host_capacity)

    async def readiness(self, spec: ResourceSpec, digests: Mapping[str, str]) -> Readiness:
        """Check that the machine's files are here and, where ``digests`` names them, the same as there.

        Raises ``HostError`` where the file system does not answer in time.
        """
        faults, found = [], {}
        for fact in await self._files.look(spec.files):
            if fact.is_missing:
                faults.append(f"the file {fact.path} is missing")
            elif fact.fault:
                faults.append(f"the file {fact.path} cannot be read: {fact.fault}")
            else:
                found[fact.path] = fact.digest
                if digests.get(fact.path, fact.digest) != fact.digest:
                    faults.append(f"the file {fact.path} differs from the one on the node that runs the machine")
        if faults:
            faults.append(f"`stanchion resource distribute {spec.name}` copies such files")
        return Readiness(fault="; ".join(faults), digests=found, size=await self._size(spec))

    async def _size(self, spec: ResourceSpec) -> Size:
        """Say how large the machine is by the first of its files that tells."""
        texts = await self._files.texts(spec.descriptions)
        return reduce(Size.over, (size_in(spec.machine.kind, text) for text in texts.values()), NOTHING_KNOWN)

    async def reset(self) -> None:
        """Reset the host hard: no sync, no unmount. Does not return; raises ``HostError`` when it cannot."""
        await self._reset()
