"""The agent's memory across its own restart: a few bytes in one small file.

The file is replaced as a whole (written beside, flushed to the disk, renamed), so a reader finds the old text or the
new one, never half of either. What cannot be read is treated as absent: the agent then opens a new session, which
costs a moment and is always safe, whereas trusting damaged bytes is not. A journal that was copied into another
directory counts as absent too: it tells of a session of the agent that it was copied from, which may live.
"""

import json
import os
from dataclasses import asdict
from pathlib import Path

from stanchion.model.errors import HostError
from stanchion.model.ids import BootId, LeaseId, SessionId
from stanchion.model.journal import JournalEntry


class FileJournal:
    """Port ``Journal``, in one JSON file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> JournalEntry | None:
        """Give what was written last; None when there is nothing or it is damaged."""
        try:
            data = json.loads(self._path.read_bytes())
            if data["directory"] != self._directory():
                return None
            return JournalEntry(
                session=SessionId(_text(data, "session")),
                lease=LeaseId(_text(data, "lease")),
                boot=BootId(_text(data, "boot")),
                renewed_at=float(data["renewed_at"]),
                former=None if data["former"] is None else SessionId(_text(data, "former")),
                promised_s=float(data.get("promised_s", 0.0)),
            )
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, entry: JournalEntry) -> None:
        """Replace what was written. A full disk raises ``HostError``; the caller goes on without."""
        fresh = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with fresh.open("w", encoding="utf-8") as file:
                json.dump(asdict(entry) | {"directory": self._directory()}, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
            self._flush_directory()
        except OSError as problem:
            raise HostError(f"cannot write the journal {self._path}: {problem.strerror}") from problem

    def _flush_directory(self) -> None:
        """Make the renaming itself survive a power cut: a promise that was noted may not be forgotten."""
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _directory(self) -> int:
        """Identify the journal's own directory: a copy of it has another number."""
        return self._path.parent.stat().st_ino


def _text(data: dict[str, object], key: str) -> str:
    value = data[key]
    if not isinstance(value, str):
        raise TypeError(key)
    return value
