"""Templates of one's own from the command line: make, edit, clone, export, import, delete."""

from pathlib import Path

import pytest
from shell import Shell

from stanchion.model.template import Parameter, ParameterKind, Template

DOCUMENT = """\
name: Web_Template
title: A web machine
description: For the web team.
machine: {kind: libvirt, name: "@RESOURCE@"}
parameters:
  - {name: VOLUME, label: Logical volume, default: "@RESOURCE@", required: true, kind: name, help: Without its group.}
  - {name: WAIT, label: Seconds to wait, default: "5", kind: number}
scripts:
  load: {text: "vgchange -a ey @VOLUME@\\nsleep @WAIT@\\nvirsh start @RESOURCE@\\nexit 0\\n", timeout_s: 90}
  unload: {text: "virsh shutdown @RESOURCE@\\nexit 0\\n"}
monitoring: {enabled: false, interval_s: 30}
policies: {priority: 7}
"""


def _template(shell: Shell, name: str) -> Template:
    return shell.world.view().templates[name].value  # type: ignore[index]  # a name


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "web.yaml"
    path.write_text(DOCUMENT)
    return path


def test_a_template_is_made_of_a_file_and_resources_of_it(shell: Shell, file: Path) -> None:
    assert shell("template", "create", "Web_Template", "--file", str(file)) == 0
    made = _template(shell, "Web_Template")
    assert made.parameters[0] == Parameter(name="VOLUME", label="Logical volume", default="@RESOURCE@", required=True,
                                           kind=ParameterKind.NAME, help="Without its group.")
    assert (made.scripts.load.timeout_s, made.policies.priority, made.monitoring.interval_s) == (90, 7, 30)
    assert shell("resource", "create", "shop", "web_template", "WAIT=9") == 0
    spec = next(iter(shell.world.view().specs.values())).value
    assert spec.scripts.load.text == "vgchange -a ey shop\nsleep 9\nvirsh start shop\nexit 0\n"
    assert shell("resource", "create", "shop2", "Web_Template", "WAIT=soon") == 2
    assert "WAIT (Seconds to wait) cannot be 'soon': it must be a whole number" in shell.err


def test_a_template_in_use_is_not_deleted(shell: Shell, file: Path) -> None:
    assert shell("template", "create", "Web_Template", "--file", str(file)) == 0
    for name in ("a", "b", "c", "d"):
        assert shell("resource", "create", name, "Web_Template") == 0
    assert shell("template", "delete", "Web_Template", "--yes") == 5
    assert "Web_Template is in use: a, b, c and 1 more came from it" in shell.err
    for name in ("a", "b", "c", "d"):
        assert shell("resource", "delete", name, "--yes") == 0
    assert shell("template", "delete", "web_template", typed="no\n") == 1
    assert shell("template", "delete", "web_template", "--yes") == 0
    assert "Web_Template" not in shell.world.view().templates


def test_a_template_is_edited_as_one_document_and_a_stale_edit_is_refused(
        shell: Shell, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shell("template", "create", "Web_Template", "--file", str(file)) == 0
    revision = shell.world.view().templates["Web_Template"].revision  # type: ignore[index]  # a name
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/timeout_s: 90.*/timeout_s: 120/' $1\n")
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    assert shell("template", "edit", "web_template") == 0
    assert _template(shell, "Web_Template").scripts.load.timeout_s == 120
    assert _template(shell, "Web_Template").parameters[1].default == "5"
    assert shell("template", "edit", "web_template") == 0
    assert shell.out == "nothing was changed\n"
    assert shell("template", "edit", "web_template", "--file", str(file), "--revision", str(revision)) == 5
    assert "was saved by somebody after you had read it" in shell.err


def test_a_template_is_cloned_and_one_is_made_of_a_resource(shell: Shell) -> None:
    assert shell("template", "clone", "qemu_template", "Mine_Template", "--title", "Mine") == 0
    assert _template(shell, "Mine_Template").scripts == _template(shell, "Qemu_Template").scripts
    assert shell("resource", "create", "shop", "Mine_Template", "SHUTDOWN_TIMEOUT=5") == 0
    assert shell("template", "create", "Shop_Template", "--from", "shop") == 0
    made = _template(shell, "Shop_Template")
    assert made.scripts == _template(shell, "Mine_Template").scripts
    assert {each.name: each.default for each in made.parameters} == {
        "VM": "@RESOURCE@", "CONFIG": "/etc/stanchion/machines/@RESOURCE@.conf", "SHUTDOWN_TIMEOUT": "5",
        "HUNG_AFTER": "0"}


def test_a_resource_whose_scripts_were_edited_gives_a_template_with_its_name_as_the_blank(
        shell: Shell, tmp_path: Path) -> None:
    assert shell("resource", "create", "shop", "Qemu_Template") == 0
    script = tmp_path / "load.sh"
    script.write_text("start shop --log /var/log/shop.log --shopping\nexit 0\n")
    assert shell("script", "edit", "shop", "load", "--file", str(script)) == 0
    assert shell("template", "create", "Shop_Template", "--from", "shop") == 0
    made = _template(shell, "Shop_Template")
    assert made.scripts.load.text == "start @RESOURCE@ --log /var/log/@RESOURCE@.log --shopping\nexit 0\n"
    assert (made.parameters, made.machine.name) == ((), "@RESOURCE@")
    assert shell("resource", "create", "mail", "Shop_Template") == 0


def test_what_is_exported_is_what_is_imported(shell: Shell, tmp_path: Path) -> None:
    out = tmp_path / "out.yaml"
    assert shell("template", "export", "KVM_Template", "--file", str(out)) == 0
    before = _template(shell, "KVM_Template")
    assert shell("template", "delete", "KVM_Template", "--yes") == 0
    assert shell("template", "create", "KVM_Template", "--file", str(out)) == 0
    assert _template(shell, "KVM_Template") == before
    assert shell("template", "export", "KVM_Template", "--file", str(out)) == 5
    assert "exists; name another" in shell.err


def test_the_fields_of_a_form_stand_whole(shell: Shell) -> None:
    assert shell("template", "form", "Qemu_Template") == 0
    fields = {line.split()[0] for line in shell.out.splitlines() if line.strip()}
    assert {"parameters.SHUTDOWN_TIMEOUT", "scripts.monitor.timeout_s",
            "policies.restart_after_failed_migration"} <= fields


def test_one_template_that_was_exported_is_imported_by_itself(shell: Shell, file: Path, tmp_path: Path) -> None:
    assert shell("template", "create", "Web_Template", "--file", str(file)) == 0
    alone = tmp_path / "alone.yaml"
    assert shell("template", "export", "Web_Template", "--file", str(alone)) == 0
    assert shell("template", "import", str(alone)) == 0
    assert "template Web_Template: is here already, just like this" in shell.out
    alone.write_text(alone.read_text().replace("name: Web_Template", "name: Second_Template"))
    assert shell("template", "import", str(alone)) == 0
    assert _template(shell, "Second_Template").parameters == _template(shell, "Web_Template").parameters
    (tmp_path / "empty.yaml").write_text("{}")
    assert shell("import", str(tmp_path / "empty.yaml")) == 2
    assert "holds neither resources nor templates" in shell.err


def test_the_form_has_all_pages_of_the_wizard(shell: Shell) -> None:
    assert shell("template", "form", "XenLive_Template", "-o", "json") == 0
    pages = {page["title"]: page for page in shell.json["pages"]}
    assert list(pages) == ["Resource", "Load Script", "Unload Script", "Monitor Script", "Halt Script",
                           "Prepare Script", "Policies", "Preferred Nodes", "Monitoring"]
    assert [page["title"] for page in shell.json["pages"] if not page["additional"]] == ["Resource"]
    fields = {field["name"]: field for page in pages.values() for field in page["fields"]}
    assert fields["parameters.CONFIG"]["kind"] == "path"
    assert fields["overrides.policies.failback"]["choices"] == ["AUTO", "MANUAL", "DISABLE"]
    assert fields["overrides.preferred"]["choices"] == ["node1", "node2", "node3"]
    assert fields["overrides.scripts.load.text"]["default"].startswith("#!/bin/bash")
    assert (fields["overrides.monitoring.max_failures"]["least"], fields["overrides.monitoring.enabled"]["kind"]) == (
        1, "flag")
    assert shell("template", "form", "XenLive_Template") == 0


BAD = [
    ("an unknown blank", "virsh start @RESOURCE@", "virsh start @DOMAIN@", "has a blank @DOMAIN@ that its form does"),
    ("a bad name of a parameter", "name: WAIT", "name: wait", "the parameter's name 'wait' is not possible"),
    ("a parameter asked for twice", "name: WAIT", "name: VOLUME", "the parameter VOLUME is asked for twice"),
    ("a default that is none", 'default: "5"', 'default: "soon"', "it must be a whole number"),
    ("no unload script", 'unload: {text: "virsh shutdown @RESOURCE@\\nexit 0\\n"}', "unload: {}",
     "the unload script is empty"),
    ("a script that is not bash", "exit 0", "if", "the load script is not valid"),
    ("a field that there is not", "title:", "titel:", "titel: is not known here"),
    ("a kind that there is not", "kind: number", "kind: colour", "parameters.1.kind"),
    ("a timeout without sense", "timeout_s: 90", "timeout_s: -1", "the timeout of the load script is -1 s"),
    ("a name that is a path", "name: Web_Template", "name: ../../etc/passwd", "is not possible"),
]


@pytest.mark.parametrize(("old", "new", "says"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_bad_template_is_refused_in_one_sentence(shell: Shell, file: Path, old: str, new: str, says: str) -> None:
    file.write_text(DOCUMENT.replace(old, new, 1))
    before = shell.world.engine.revision
    name = "../../etc/passwd" if "etc" in new else "Web_Template"
    assert shell("template", "create", name, "--file", str(file)) == 2
    assert says in shell.err, shell.err
    assert shell.err.count("\n") == 1
    assert shell.world.engine.revision == before
