"""How much room machines take and hosts have, on the wire. A size of 0 is one that nobody knows.

What an operator sets is kept beside what was measured, and counts before it; 0 gives the measured value back its say.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from stanchion.model.capacity import LARGEST_CPUS, LARGEST_MIB
from stanchion.wire.bounds import LARGEST, LAST_REVISION, counted

GIB = 1024
"""So many MiB are a GiB."""

Mib = Annotated[int, Field(ge=-LAST_REVISION, le=LAST_REVISION, json_schema_extra={
    "minimum": 0, "maximum": LARGEST_MIB}), BeforeValidator(counted)]
"""Memory in MiB."""

Processors = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-LARGEST, le=LARGEST, json_schema_extra={
    "minimum": 0, "maximum": LARGEST_CPUS})]
"""Processors, or shares of them."""


class SizeInfo(BaseModel):
    """Memory and processors; 0: not known."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    memory_mib: int = 0
    cpus: float = 0.0


class SizeChange(BaseModel):
    """What to set of a size; what is left out stays, and 0 means that the measured value counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    memory_mib: Mib | None = None
    cpus: Processors | None = None


class SizeDocument(BaseModel):
    """The size that an operator gave a machine; 0, or left out: what was measured counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    memory_mib: Mib = 0
    cpus: Processors = 0.0


SizeFrom = Literal["operator", "configuration", "unknown"]
"""Who says how large a machine is: its operator, its configuration where it was loaded last, or nobody."""


class Measured(BaseModel):
    """How large a resource's machine is, and by whose word.

    ``size`` is what an operator set, ``measured`` what its configuration said where it was loaded last, ``needs_from``
    who says how much memory it needs.
    """

    size: SizeInfo = SizeInfo()
    measured: SizeInfo = SizeInfo()
    needs_from: SizeFrom = "unknown"


class Room(BaseModel):
    """What a node's host has, and what becomes of it.

    ``capacity`` and ``reserve`` are what an operator set, ``measured`` is what the host was found to have. ``usable``
    is what machines may have of it, ``promised`` what those take that may execute there or are awaited, ``free`` the
    rest: less than 0 where more is promised than there is, left out where nobody knows what the host has.
    """

    capacity: SizeInfo = SizeInfo()
    reserve: SizeInfo = SizeInfo()
    measured: SizeInfo = SizeInfo()
    usable: SizeInfo = SizeInfo()
    promised: SizeInfo = SizeInfo()
    free: SizeInfo | None = None


def mib(of: int) -> str:
    """Say an amount of memory, in GiB where it is that much, else in MiB."""
    return f"{of / GIB:.1f} GiB".replace(".0 ", " ") if abs(of) >= GIB else f"{of} MiB"


def said(of: SizeInfo) -> str:
    """Say what is known of a size."""
    parts = [mib(of.memory_mib)] if of.memory_mib else []
    parts += [f"{of.cpus:g} processor{'' if of.cpus == 1 else 's'}"] if of.cpus else []
    return ", ".join(parts) or "not known"


def memory(of: Room) -> str:
    """Say in few words how much of a node's memory is promised; empty: nothing is known."""
    if of.usable.memory_mib:
        return f"{mib(of.promised.memory_mib)} of {mib(of.usable.memory_mib)}"
    return mib(of.promised.memory_mib) if of.promised.memory_mib else ""
