"""Files that must be the same on every host, and what a host is like: what agents tell each other before a move.

A machine's configuration must stand at the same path with the same content on every node that is to hold it (seed
14.2.3). What is compared is a ``FileFact``: whatever one host knows of one file. Files above ``LARGEST_FILE_BYTES`` are
never read: only their sizes are compared, and nobody copies them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

LARGEST_FILE_BYTES = 1024 * 1024
"""So large a file is read, compared and copied; a configuration is kilobytes."""

ASKED_WITHIN_S = 5.0
"""How long another agent, or a file system, may take to answer about files."""


class Standing(StrEnum):
    """How a file on one node stands beside the one that it is compared with."""

    SAME = "same"
    DIFFERS = "differs"
    MISSING = "missing"
    UNASKED = "cannot be asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFact:
    """One file, as one host sees it. ``sha256`` is empty where it was not read; ``fault`` says why it cannot be.

    ``owner`` is ``user:group`` by name, ``mode`` are the permission bits.
    """

    path: str
    is_missing: bool = False
    size: int = 0
    sha256: str = ""
    owner: str = ""
    mode: int = 0
    modified_s: float = 0.0
    fault: str = ""

    @property
    def digest(self) -> str:
        """Give what content is compared by: its hash, the size of a large file; empty: nothing is known."""
        if self.is_missing or self.fault:
            return ""
        return self.sha256 or f"size:{self.size}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCopy:
    """A file with its content, on its way to another host."""

    fact: FileFact
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What became of one file on the host that was to take it.

    ``changed``: it was written, or would be. ``kept`` is where its old version stands now; ``fault`` says why nothing
    was done.
    """

    path: str
    changed: bool = False
    kept: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """What a host is like, as far as a live migration depends on it. Empty: it could not be found out.

    ``hypervisor`` is the version of the one that a resource's machine needs. ``networks`` are all network devices,
    bridges among them. ``bridges`` and ``storage`` are what this host's copy of the machine's configuration names, the
    latter each with why it cannot be reached, empty: it can.
    """

    architecture: str = ""
    processor: str = ""
    flags: tuple[str, ...] = ()
    hypervisor: str = ""
    networks: tuple[str, ...] = ()
    bridges: tuple[str, ...] = ()
    storage: Mapping[str, str] = field(default_factory=dict)


class Verdict(StrEnum):
    """What a check before a live migration comes to. Only ``REFUSED`` means that it would surely fail."""

    WELL = "well"
    DOUBTFUL = "doubtful"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One check before a live migration: of what, how it came out, and why, in one sentence."""

    of: str
    verdict: Verdict
    text: str
