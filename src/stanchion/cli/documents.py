"""Export files: read from the disk, within bounds. What stands in them is the business of ``wire.written``."""

from pathlib import Path

from stanchion.model.errors import InvalidInput

LARGEST_BYTES = 16 * 1024 * 1024


def content(file: Path) -> bytes:
    """Read a file. Raises ``InvalidInput`` when it cannot be read, or is too large."""
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST_BYTES + 1)
    except OSError as problem:
        raise InvalidInput(f"the file {file} cannot be read: {problem.strerror}") from None
    if len(data) > LARGEST_BYTES:
        raise InvalidInput(f"the file {file} has more than {LARGEST_BYTES // 1024 // 1024} MiB; no export is so large")
    return data
