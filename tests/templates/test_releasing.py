"""What a shipped load script takes is let go of by unload and halt, backwards, and the machine is gone before that."""

import pytest

from stanchion.drivers.templates import shipped
from stanchion.model.plain_words import commands
from stanchion.model.resource import MachineKind, ResourceSpec, ScriptKind
from stanchion.model.template import Template
from stanchion.plan import making, storage

TEMPLATES = [pytest.param(template, id=template.name) for template in shipped()]
ENDS_A_MACHINE = frozenset({"Xen", "VirtualDomain", "stanchion:Qemu"})


def made(template: Template) -> ResourceSpec:
    answers = {"ADDRESS": "10.0.0.1"} if "ADDRESS" in {each.name for each in template.parameters} else {}
    return making.make(template, "web", answers, by="operator", at_s=0.0)


def steps(spec: ResourceSpec, kind: ScriptKind) -> list[str]:
    """Give what a script does to the machine and to storage, in its order."""
    done = []
    for words, said in commands(spec.scripts.of(kind).text):
        line = " ".join(words)
        if (words[0] in {"ocf_stop", "ocf_halt"} and words[-1] in ENDS_A_MACHINE) or "destroy" in words:
            done.append("ends the machine")
        elif words[0] in {"pgrep", "grep"} or line.startswith("xl list") or "$(xl list)" in line:
            done.append("sees that it is gone")
        elif line == "ocf_stop Filesystem":
            done.append(f"unmounts {said['OCF_RESKEY_device']} from {said['OCF_RESKEY_directory']}")
        elif line.startswith("vgchange -a n"):
            done.append(f"deactivates {words[-1]}")
    return list(dict.fromkeys(done))


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_has_a_halt_script(template: Template) -> None:
    assert made(template).scripts.halt.text.strip()


@pytest.mark.parametrize("kind", [ScriptKind.UNLOAD, ScriptKind.HALT])
@pytest.mark.parametrize("template", TEMPLATES)
def test_what_load_took_is_released_backwards(template: Template, kind: ScriptKind) -> None:
    spec = made(template)
    claim = storage.claimed(spec)
    released = [*(f"unmounts {mount.device} from {mount.directory}" for mount in claim.mounts),
                *(f"deactivates {group}" for group in claim.groups)]
    done = steps(spec, kind)
    assert done[len(done) - len(released):] == released
    before = done[:len(done) - len(released)]
    ends = [] if spec.machine.kind is MachineKind.SCRIPT else ["ends the machine"]
    assert before[:1] == ends
    if kind is ScriptKind.HALT and released and ends:
        assert before == ["ends the machine", "sees that it is gone"], "nothing is released under a living machine"
