"""A resource's configuration files on every host, their distribution, and the checks before a live migration.

The second half is what agents tell each other: facts of one host, a file's content, and the order to fetch files.
"""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field

from stanchion.model.errors import HostError
from stanchion.model.files import FileCopy, FileFact, HostFacts, Placed, Standing, Verdict
from stanchion.wire.bounds import MOST_ITEMS, Flag, Name
from stanchion.wire.replies import Reply
from stanchion.wire.requests import Request


class FileInfo(Reply):
    """One file on one node, beside the first node that has it. ``text`` says what is not right; empty: nothing.

    ``sha256`` is empty for a file above 1 MiB, of which only the size is compared.
    """

    node: str
    path: str
    standing: Standing
    text: str = ""
    size: int | None = None
    sha256: str = ""
    owner: str = ""
    mode: str = ""
    modified_at: datetime | None = None


class FileReport(Reply):
    """All files on all nodes that are to hold the resource. ``same``: every one of them is the same everywhere."""

    resource: str
    same: bool
    text: str
    nodes: tuple[str, ...]
    files: tuple[FileInfo, ...]


class DistributeOrder(Request):
    """Copy the files from one node to others; left out: from where it runs, else its first node, to all its others.

    ``dry``: nothing is written, only told.
    """

    source: Name | None = None
    targets: Annotated[tuple[Name, ...], Field(max_length=MOST_ITEMS)] = ()
    dry: Flag = False


class DistributedInfo(Reply):
    """What became of one file on one node. ``kept`` is where its old version stands now."""

    node: str
    path: str
    outcome: Literal["written", "would be written", "same", "failed"]
    text: str
    kept: str = ""


class DistributeReport(Reply):
    """What became of every file on every node. ``done``: nothing failed."""

    resource: str
    source: str
    dry: bool
    done: bool
    results: tuple[DistributedInfo, ...]


class CheckInfo(Reply):
    """One check before a live migration, with one sentence."""

    check: str
    verdict: Verdict
    text: str


class Preflight(Reply):
    """What is known before a live migration. Only ``refused`` means that it would surely fail."""

    resource: str
    source: str
    target: str
    verdict: Verdict
    checks: tuple[CheckInfo, ...]


class FactInfo(Reply):
    """One file, as the host that tells sees it."""

    path: str
    is_missing: bool = False
    size: int = 0
    sha256: str = ""
    owner: str = ""
    mode: int = 0
    modified_s: float = 0.0
    fault: str = ""

    def fact(self) -> FileFact:
        """Give it as the model has it."""
        return FileFact(**self.model_dump())

    @classmethod
    def of(cls, fact: FileFact) -> Self:
        """Make it of the model's."""
        return cls(path=fact.path, is_missing=fact.is_missing, size=fact.size, sha256=fact.sha256, owner=fact.owner,
                   mode=fact.mode, modified_s=fact.modified_s, fault=fact.fault)


class FilesHere(Reply):
    """The files of a resource on the node that answers."""

    node: str
    files: tuple[FactInfo, ...]


class FileContent(Reply):
    """A file with its content, in base64."""

    node: str
    file: FactInfo
    content: str

    def copied(self) -> FileCopy:
        """Give it as the model has it. Raises ``HostError`` for what is no base64."""
        try:
            return FileCopy(fact=self.file.fact(), content=base64.b64decode(self.content, validate=True))
        except binascii.Error:
            raise HostError(f"{self.file.path} did not arrive as it was sent") from None


class FetchOrder(Request):
    """Fetch the files of a resource from the agent of another node. ``dry``: only tell what would be written."""

    source: Name
    dry: Flag = False


class PlacedInfo(Reply):
    """What became of one file on the node that answers."""

    path: str
    changed: bool = False
    kept: str = ""
    fault: str = ""

    def placed(self) -> Placed:
        """Give it as the model has it."""
        return Placed(**self.model_dump())


class Fetched(Reply):
    """What became of the files on the node that answers."""

    node: str
    files: tuple[PlacedInfo, ...]


class HostInfo(Reply):
    """What the host of the node that answers is like, as far as a live migration depends on it."""

    node: str
    architecture: str = ""
    processor: str = ""
    flags: tuple[str, ...] = ()
    hypervisor: str = ""
    networks: tuple[str, ...] = ()
    bridges: tuple[str, ...] = ()
    storage: dict[str, str] = Field(default_factory=dict)

    def facts(self) -> HostFacts:
        """Give it as the model has it."""
        return HostFacts(**self.model_dump(exclude={"node"}))
