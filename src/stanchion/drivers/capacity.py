"""How much memory and how many processors this host has for machines.

On a Xen host the kernel is a guest itself and sees only its own share: there the hypervisor is asked, and where it does
not answer nothing is known, rather than something wrong.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from stanchion.drivers.facts import SBIN
from stanchion.model.capacity import NOTHING_KNOWN, Size

ANSWER_WITHIN_S = 1.0
"""How long Xen may take to say what its host has: a session waits for it."""

_MEMORY_KIB = re.compile(r"^MemTotal:\s*(\d{1,15}) kB$", re.MULTILINE)
_XEN_MIB = re.compile(r"^total_memory\s*:\s*(\d{1,12})$", re.MULTILINE)
_XEN_CPUS = re.compile(r"^nr_cpus\s*:\s*(\d{1,9})$", re.MULTILINE)


def host_capacity(root: Path = Path("/"), *, search_path: str | None = None) -> Size:
    """Say what this host has. ``root`` is where its ``/proc`` stands, ``search_path`` where ``xl`` is looked for."""
    if "control_d" in _text(root / "proc/xen/capabilities"):
        return _by_xen(_xl_info(search_path or f"{os.environ.get('PATH', '')}:{SBIN}"))
    memory = _MEMORY_KIB.search(_text(root / "proc/meminfo"))
    return Size(memory_mib=int(memory[1]) // 1024 if memory else 0, cpus=float(os.cpu_count() or 0))


def _by_xen(told: str) -> Size:
    memory, cpus = _XEN_MIB.search(told), _XEN_CPUS.search(told)
    return Size(memory_mib=int(memory[1]), cpus=float(cpus[1])) if memory and cpus else NOTHING_KNOWN


def _xl_info(search_path: str) -> str:
    tool = shutil.which("xl", path=search_path)
    try:
        return "" if tool is None else subprocess.run(
            [tool, "info"], capture_output=True, text=True, errors="replace", check=False, stdin=subprocess.DEVNULL,
            timeout=ANSWER_WITHIN_S).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
