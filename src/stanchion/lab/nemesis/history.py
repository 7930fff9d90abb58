"""What happened in one run, line by line: on the terminal for people, and in a file for whoever must find out why."""

import json
import time
from dataclasses import asdict, is_dataclass
from pathlib import Path


class History:
    """One run's file: a JSON object a line, each with ``at`` (seconds since 1970) and ``kind``."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.began_at = time.time()
        self._file = path.open("w", encoding="utf-8")

    @staticmethod
    def now() -> float:
        """Give the instant, on the clock that all instants of a run are read from."""
        return time.time()

    def note(self, kind: str, *, at: float | None = None, **words: object) -> None:
        """Write a line."""
        line = {"at": round(time.time() if at is None else at, 6), "kind": kind} | words
        self._file.write(json.dumps(line, default=_plain) + "\n")
        self._file.flush()

    def tell(self, kind: str, text: str, **words: object) -> None:
        """Write a line, and say it."""
        self.note(kind, at=None, text=text, **words)
        since_s = time.time() - self.began_at
        print(f"{int(since_s // 3600)}:{int(since_s // 60) % 60:02}:{since_s % 60:04.1f}  {text}", flush=True)

    def close(self) -> None:
        """End the file."""
        self._file.close()


def _plain(value: object) -> object:
    """Give what JSON has no form for as what it has."""
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)
