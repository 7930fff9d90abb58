"""Editing scripts in the operator's own editor, without losing what was typed when it cannot be saved."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from stanchion.model.errors import HostError, InvalidInput
from stanchion.model.resource import ScriptKind

KINDS = (ScriptKind.LOAD, ScriptKind.UNLOAD, ScriptKind.MONITOR)
"""The scripts that the editor is opened with."""


def edit(name: str, texts: Mapping[ScriptKind, str]) -> tuple[Path, dict[ScriptKind, str]]:
    """Open these scripts in ``$VISUAL`` or ``$EDITOR``; give their directory and those that were changed.

    Raises ``HostError`` when there is no editor or it failed, ``InvalidInput`` when what it left is no text. The
    directory is the caller's to remove.
    """
    place = Path(tempfile.mkdtemp(prefix=f"stanchion-{name}-"))
    files = {kind: place / f"{kind.value}.sh" for kind in texts}
    for kind, file in files.items():
        file.write_text(texts[kind], encoding="utf-8")
    run_editor(place, list(files.values()))
    try:
        edited = {kind: file.read_text(encoding="utf-8") for kind, file in files.items()}
    except UnicodeDecodeError:
        raise InvalidInput(f"the edited text is not UTF-8; what you typed is in {place}") from None
    return place, {kind: text for kind, text in edited.items() if text != texts[kind]}


def run_editor(place: Path, files: Sequence[Path]) -> None:
    """Open files in the operator's editor and wait. Raises ``HostError`` when there is none or it failed."""
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    try:
        code = subprocess.run([*command, *map(str, files)], check=False).returncode
    except OSError as error:
        raise HostError(f"the editor {command[0]} cannot be started ({error.strerror}); set EDITOR") from None
    if code:
        raise HostError(f"the editor ended with code {code}, so nothing was saved; what you typed is in {place}")
