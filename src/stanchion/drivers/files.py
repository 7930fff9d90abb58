"""The configuration files of this host: told of, read, and replaced in one step.

Whoever fetches a file from another host writes as root, so there are bounds here whatever was asked: regular files
alone, at most ``LARGEST_FILE_BYTES``, never below ``/proc``, ``/sys`` or ``/dev``, never through a symbolic link at the
end of the path, and never into a directory from which hosts start machines by themselves. A file is there as it was or
as it is to be, never half; its last versions stand beside it as ``NAME.stanchion-TIME``.
"""

import asyncio
import grp
import hashlib
import os
import pwd
import secrets
import stat
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from stanchion.drivers.facts import host_facts
from stanchion.model.errors import HostError
from stanchion.model.files import ASKED_WITHIN_S, LARGEST_FILE_BYTES, FileCopy, FileFact, HostFacts, Placed
from stanchion.model.resource import MachineKind

KEPT = 3
"""So many old versions of a file are kept."""

NEVER_BELOW = tuple(map(Path, ("proc", "sys", "dev")))
STARTS_BY_ITSELF = frozenset({"auto", "autostart"})
"""Directories whose files hypervisors start with the host (``/etc/xen/auto``): an old version there would be a twin."""

Answer = TypeVar("Answer")


class HostFiles:
    """Port ``Files``. ``root`` is the directory that paths count from: hosts of a test have their own."""

    def __init__(self, root: Path = Path("/"), within_s: float = ASKED_WITHIN_S) -> None:
        self._root = root.resolve()
        self._within_s = within_s

    async def look(self, paths: Sequence[str]) -> tuple[FileFact, ...]:
        """Tell of each file what it is. Raises ``HostError`` where the file system does not answer in time."""
        return await self._aside(lambda: tuple(map(self._look, paths)))

    async def texts(self, paths: Sequence[str]) -> Mapping[str, str]:
        """Give what those of these files say that can be read. Raises ``HostError`` like ``look``."""
        found = await self._aside(lambda: {path: self._content(path) for path in paths})
        return {path: content.decode(errors="replace") for path, content in found.items() if content is not None}

    async def read(self, path: str) -> FileCopy:
        """Read a file to be copied. Raises ``HostError``."""
        return await self._aside(lambda: self._read(path))

    async def place(self, copy: FileCopy, *, dry: bool = False) -> Placed:
        """Write a file in one step, with its owner and mode; the old version is kept. ``dry``: only tell."""
        def work() -> Placed:
            try:
                return self._place(copy, dry=dry)
            except HostError as problem:
                return Placed(path=copy.fact.path, fault=str(problem))
            except OSError as problem:
                return Placed(path=copy.fact.path, fault=problem.strerror or str(problem))

        return await self._aside(work)

    async def facts(self, kind: MachineKind, storage: Sequence[str]) -> HostFacts:
        """Tell what this host is like for machines of that kind, and whether these paths can be reached."""
        return await self._aside(lambda: host_facts(kind, storage, self._root))

    async def _aside(self, work: Callable[[], Answer]) -> Answer:
        """Work in a thread: a file system of another host may hang, and nothing may hang with it."""
        try:
            async with asyncio.timeout(self._within_s):
                return await asyncio.to_thread(work)
        except TimeoutError:
            raise HostError(f"the file system does not answer within {self._within_s:g} s") from None

    def _content(self, path: str) -> bytes | None:
        try:
            return self._followed(path)[1]
        except (HostError, OSError):
            return None

    def _followed(self, path: str) -> tuple[os.stat_result, bytes | None]:
        """Give what the file is and holds to which a path leads, through links."""
        directory, name = self._place_of(path)
        true = _true(directory / name)
        self._check(path, true)
        return _taken(true)

    def _look(self, path: str) -> FileFact:
        try:
            held, content = self._followed(path)
        except FileNotFoundError:
            return FileFact(path=path, is_missing=True)
        except HostError as problem:
            return FileFact(path=path, fault=str(problem))
        except OSError as problem:
            return FileFact(path=path, fault=problem.strerror or str(problem))
        return _fact(path, held, content)

    def _read(self, path: str) -> FileCopy:
        try:
            directory, name = self._place_of(path)
            held, content = _taken(directory / name, follow=False)
        except FileNotFoundError:
            raise HostError("it is missing there") from None
        except OSError as problem:
            raise HostError(problem.strerror or str(problem)) from None
        if content is None:
            raise HostError(f"it is too large to be copied ({held.st_size} bytes, at most {LARGEST_FILE_BYTES}); "
                            "copy it by hand")
        return FileCopy(fact=_fact(path, held, content), content=content)

    def _place_of(self, path: str) -> tuple[Path, str]:
        """Give the true directory of a path, and the name in it. Raises ``HostError`` where nothing may be done."""
        if not path.startswith("/") or os.path.normpath(path) != path or path == "/":
            raise HostError(f"{path} is no whole path of a file")
        full = self._root / path[1:]
        directory = _true(full.parent)
        self._check(path, directory / full.name)
        return directory, full.name

    def _check(self, path: str, true: Path) -> None:
        """Refuse what is not where configuration files are, whatever its path says. Raises ``HostError``."""
        if not true.is_relative_to(self._root):
            raise HostError(f"{path} leads out of {self._root}")
        inside = true.relative_to(self._root)
        if any(inside.is_relative_to(each) for each in NEVER_BELOW):
            raise HostError(f"{path} stands below /{inside.parts[0]}, where there are no configuration files")

    def _place(self, copy: FileCopy, *, dry: bool) -> Placed:
        fact = copy.fact
        if len(copy.content) > LARGEST_FILE_BYTES or hashlib.sha256(copy.content).hexdigest() != fact.sha256:
            raise HostError("it did not arrive as it was sent")
        try:
            directory, name = self._place_of(fact.path)
        except FileNotFoundError:
            raise HostError(f"there is no directory {Path(fact.path).parent} on this host; make it first") from None
        if directory.name in STARTS_BY_ITSELF:
            raise HostError(f"hosts start by themselves what stands in {directory}; a machine of the cluster must "
                            "not be there")
        try:
            held, content = _taken(directory / name, follow=False)
        except FileNotFoundError:
            old = None
        else:
            old = _fact(fact.path, held, content)
        if old is not None and (old.sha256, old.owner, old.mode) == (fact.sha256, fact.owner, fact.mode):
            return Placed(path=fact.path)
        owner = _owner_ids(fact.owner)
        if dry:
            return Placed(path=fact.path, changed=True)
        kept = _replace(directory, name, copy, owner, keep=old is not None)
        return Placed(path=fact.path, changed=True,
                      kept="" if kept is None else str(Path(fact.path).with_name(kept)))


def _true(path: Path) -> Path:
    """Follow all symbolic links. Raises ``OSError``, also where they lead in a circle."""
    return Path(os.path.realpath(path, strict=True))


def _taken(path: Path, *, follow: bool = True) -> tuple[os.stat_result, bytes | None]:
    """Give what a regular file is and holds; None: it is too large to be read. Opens nothing else, not for a moment."""
    seen = path.stat(follow_symlinks=follow)
    if stat.S_ISLNK(seen.st_mode):
        raise HostError(f"{path} is a symbolic link; copy what it leads to by hand, or name that file instead")
    if stat.S_ISDIR(seen.st_mode):
        raise HostError("Is a directory")
    if not stat.S_ISREG(seen.st_mode):
        raise HostError("it is not a regular file")
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW))
    with os.fdopen(descriptor, "rb") as file:
        held = os.fstat(descriptor)
        if not stat.S_ISREG(held.st_mode):
            raise HostError("it is not a regular file")
        content = file.read(LARGEST_FILE_BYTES + 1) if held.st_size <= LARGEST_FILE_BYTES else None
    return held, None if content is None or len(content) > LARGEST_FILE_BYTES else content


def _fact(path: str, held: os.stat_result, content: bytes | None) -> FileFact:
    return FileFact(path=path, size=held.st_size, sha256="" if content is None else hashlib.sha256(content).hexdigest(),
                    owner=_owner_names(held), mode=stat.S_IMODE(held.st_mode), modified_s=held.st_mtime)


def _replace(directory: Path, name: str, copy: FileCopy, owner: tuple[int, int], *, keep: bool) -> str | None:
    """Put the new file in the place of the old one; give the name under which that stands now."""
    at = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    draft = f".{name}.stanchion-{secrets.token_hex(8)}"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(draft, flags, 0o600, dir_fd=at), "wb") as file:
                file.write(copy.content)
                file.flush()
                os.fchown(file.fileno(), *owner)
                os.fchmod(file.fileno(), copy.fact.mode)
                os.fsync(file.fileno())
            kept = f"{name}.stanchion-{_stamp()}" if keep else None
            if kept is not None:
                os.link(name, kept, src_dir_fd=at, dst_dir_fd=at, follow_symlinks=False)
            os.rename(draft, name, src_dir_fd=at, dst_dir_fd=at)
        except OSError:
            os.unlink(draft, dir_fd=at)
            raise
        os.fsync(at)
        old = sorted(each.name for each in directory.iterdir() if each.name.startswith(f"{name}.stanchion-"))
        for each in old[:-KEPT]:
            os.unlink(each, dir_fd=at)
    finally:
        os.close(at)
    return kept


def _stamp() -> str:
    now_ns = time.time_ns()
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(now_ns // 10**9))}.{now_ns // 1000 % 10**6:06d}Z"


def _owner_names(held: os.stat_result) -> str:
    try:
        user = pwd.getpwuid(held.st_uid).pw_name
    except KeyError:
        user = str(held.st_uid)
    try:
        group = grp.getgrgid(held.st_gid).gr_name
    except KeyError:
        group = str(held.st_gid)
    return f"{user}:{group}"


def _owner_ids(owner: str) -> tuple[int, int]:
    """Give the numbers of ``user:group`` on this host. Raises ``HostError`` for one that is not known here."""
    user, _, group = owner.partition(":")
    try:
        return (int(user) if user.isdecimal() else pwd.getpwnam(user).pw_uid,
                int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid)
    except KeyError:
        raise HostError(f"this host has no {owner} (user:group), to whom the file belongs") from None
