"""The templates that come with the product, read from ``share/templates``.

One directory for each template: ``template.toml`` holds everything but the scripts, which stand beside it as plain
bash files named after their kind, so that they can be read, checked and compared like any script. Two of them
(``Xen_Template``, ``XenLive_Template``) do the work of the original's templates in the same order; the others do the
same for libvirt and for plain QEMU. The data is our own, so a fault in it is a programming error and simply raises.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stanchion.model.ids import TemplateName
from stanchion.model.resource import Machine, MachineKind, Script, ScriptKind, Scripts
from stanchion.model.template import Parameter, ParameterKind, Template

SHARE = Path(__file__).resolve().parent.parent / "share"
"""Where the product keeps what is not Python: templates, the function library, the OCF agent."""


def shipped() -> tuple[Template, ...]:
    """Give the shipped templates in the order of their names."""
    return tuple(_read(directory) for directory in sorted((SHARE / "templates").iterdir()) if directory.is_dir())


def _read(directory: Path) -> Template:
    data: dict[str, Any] = tomllib.loads((directory / "template.toml").read_text(encoding="utf-8"))
    machine = data["machine"]
    return Template(
        name=TemplateName(data["name"]),
        title=data["title"],
        description=data["description"],
        scripts=_scripts(directory, data["timeouts_s"]),
        parameters=tuple(
            Parameter(**{**blank, "choices": tuple(blank.get("choices", ())),
                         "kind": ParameterKind(blank.get("kind", ParameterKind.TEXT))})
            for blank in data["parameters"]
        ),
        machine=Machine(kind=MachineKind(machine["kind"]), name=machine.get("name", "")),
        live=data["live"],
        files=tuple(data.get("files", ())),
    )


def _scripts(directory: Path, timeouts_s: Mapping[str, float]) -> Scripts:
    present = {
        kind.value: Script(
            text=(directory / kind).read_text(encoding="utf-8"), timeout_s=float(timeouts_s[kind])
        )
        for kind in ScriptKind
        if (directory / kind).exists()
    }
    return Scripts(**present)
