"""The original's six sample scripts, edited where they tell the administrator to edit, and nowhere else.

They are no part of this source tree: they are read from ``STANCHION_SEED_SCRIPTS``, or from a directory beside the
checkout. What may be edited is what the original's text names: the machine's name, the volume group, and the type of
the file system; directory, configuration file and device follow from the name.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from stanchion.lab.xen.image import TREE
from stanchion.model.errors import HostError

KINDS = ("load", "unload", "monitor")
NAME_LINE, GROUP_LINE, TYPE_LINE = ("OCF_RESOURCE_INSTANCE=xen_vm_name", "CONTAINER_NAME=name",
                                    "export OCF_RESKEY_fstype=ext3")


def directory() -> Path:
    """Say where the samples are."""
    return Path(os.environ.get("STANCHION_SEED_SCRIPTS") or TREE.parent / "shared/seed/scripts")


def edited(text: str, *, name: str, group: str = "", fstype: str = "ext3") -> str:
    """Edit one sample: line for line, each of them once. Raises ``HostError`` where a line to edit is not there."""
    changes = {NAME_LINE: f"OCF_RESOURCE_INSTANCE={name}"}
    if group:
        changes |= {GROUP_LINE: f"CONTAINER_NAME={group}", TYPE_LINE: f"export OCF_RESKEY_fstype={fstype}"}
    lines = text.splitlines()
    for line in changes:
        if lines.count(line) != 1:
            raise HostError(f"the sample script has not just one line `{line}`; is it the original's?")
    return "\n".join(changes.get(line, line) for line in lines) + "\n"


def scripts(template: str, *, name: str, group: str = "", fstype: str = "ext3") -> Mapping[str, str]:
    """Give a sample's load, unload and monitor script for one resource. Raises ``HostError``."""
    found = {}
    for kind in KINDS:
        file = directory() / f"{template}.{kind}"
        try:
            text = file.read_text(encoding="utf-8")
        except OSError as problem:
            raise HostError(f"the original's sample script {file} is not there ({problem.strerror}); "
                            "STANCHION_SEED_SCRIPTS names the directory with all six") from None
        found[kind] = edited(text, name=name, group=group, fstype=fstype)
    return found
