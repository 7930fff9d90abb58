"""Making resources from templates, and the faults that a configuration can have."""

import subprocess
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanchion.model.errors import InvalidInput
from stanchion.model.ids import NodeName, TemplateName
from stanchion.model.resource import Machine, MachineKind, Monitoring, Policies, ResourceSpec, Script, Scripts
from stanchion.model.template import Parameter, Template
from stanchion.plan.making import faults, make

NODES = (NodeName("n1"), NodeName("n2"))
TEMPLATE = Template(
    name=TemplateName("Small_Template"), title="", description="",
    scripts=Scripts(load=Script(text="run @RESOURCE@ in @DIRECTORY@ as @TYPE@ with @EXTRA@\n", timeout_s=30.0),
                    unload=Script(text="stop @RESOURCE@\n"), monitor=Script(text="look @RESOURCE@\n", timeout_s=5.0)),
    parameters=(
        Parameter(name="DIRECTORY", label="Directory", default="/mnt/@RESOURCE@", required=True),
        Parameter(name="TYPE", label="Type", default="ext4", required=True, choices=("ext4", "xfs")),
        Parameter(name="EXTRA", label="More"),
    ),
    machine=Machine(kind=MachineKind.XEN, name="@RESOURCE@"),
    files=("@DIRECTORY@/@RESOURCE@",),
    policies=Policies(priority=7),
)


def made(**parameters: str) -> ResourceSpec:
    return make(TEMPLATE, "web", parameters, by="admin", at_s=5.0)


def test_blanks_are_filled_everywhere() -> None:
    """Scripts, the machine's name and files; timeouts and policies come along as they are."""
    spec = made(TYPE="xfs", EXTRA="a,b")
    assert spec.scripts.load == Script(text="run web in /mnt/web as xfs with a,b\n", timeout_s=30.0)
    assert spec.machine == Machine(kind=MachineKind.XEN, name="web")
    assert spec.files == ("/mnt/web/web",)
    assert spec.parameters == {"DIRECTORY": "/mnt/web", "TYPE": "xfs", "EXTRA": "a,b"}
    assert (spec.name, spec.template, spec.saved_by, spec.saved_at_s) == ("web", "Small_Template", "admin", 5.0)
    assert spec.policies == TEMPLATE.policies
    assert faults(spec, NODES) == ()


@pytest.mark.parametrize(("parameters", "sentence"), [
    ({"COLOUR": "red"}, "template Small_Template has no parameter COLOUR; it has: DIRECTORY, EXTRA, TYPE"),
    ({"DIRECTORY": ""}, "parameter DIRECTORY (Directory) must not be empty"),
    ({"DIRECTORY": "   "}, "parameter DIRECTORY (Directory) must not be empty"),
    ({"TYPE": "fat"}, "parameter TYPE (Type) cannot be 'fat'; choose one of: ext4, xfs"),
])
def test_an_answer_that_does_not_fit_the_form_is_refused(parameters: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        made(**parameters)
    assert str(refused.value) == sentence


@pytest.mark.parametrize("value", ["a b", "a\nrm -rf /", "$(reboot)", "`reboot`", "a;b", "a'b", 'a"b', "a\\b", "a|b",
                                   "-rf", "~root", "a*", "a\0b", "ä", "a>b", "#a", "!x", "{a,b}"])
def test_an_answer_that_could_break_out_of_the_script_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match="it becomes part of a script"):
        made(EXTRA=value)


@given(st.text(max_size=40))
def test_whatever_is_accepted_stays_one_word_however_often_a_shell_reads_it(value: str) -> None:
    try:
        spec = made(DIRECTORY=value)
    except InvalidInput:
        return
    word = spec.parameters["DIRECTORY"]
    assert word.isascii()
    assert not set(word) & set(" \t\n\"'\\`$;&|<>(){}[]*?!~#^")


def test_a_shell_reads_an_accepted_answer_as_it_is() -> None:
    """Also the second time, as exit_on_error makes it read its words."""
    word = made(DIRECTORY="/srv/a_b@1%2+3=4:5,6.7-8").parameters["DIRECTORY"]
    said = subprocess.run(["bash", "-c", f"eval echo {word}"], capture_output=True, text=True, check=True)
    assert said.stdout == f"{word}\n"


@pytest.mark.parametrize("name", ["", "a" * 64, "web-1", "web 1", "web/1", "wéb", "web\n"])
def test_a_name_that_the_original_could_not_have_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="1 to 63 letters"):
        make(TEMPLATE, name, {}, by="", at_s=0.0)


def test_a_blank_that_nobody_asks_for_is_a_fault_of_the_template() -> None:
    template = replace(TEMPLATE, parameters=TEMPLATE.parameters[:2])
    with pytest.raises(InvalidInput, match="has a blank @EXTRA@ that its form does not ask for"):
        make(template, "web", {}, by="", at_s=0.0)


SPEC = made()


def with_scripts(**changes: Script) -> ResourceSpec:
    return replace(SPEC, scripts=replace(SPEC.scripts, **changes))


@pytest.mark.parametrize(("spec", "part"), [
    (replace(SPEC, name="no-dash"), "the name 'no-dash' is not possible"),
    (with_scripts(load=Script(text=" \n")), "the load script is empty"),
    (with_scripts(unload=Script()), "the unload script is empty"),
    (with_scripts(load=Script(text="true\r\n")), "carriage returns"),
    (with_scripts(load=Script(text="true", timeout_s=0.0)), "the timeout of the load script is 0 s"),
    (with_scripts(monitor=Script(text="true", timeout_s=-5.0)), "the timeout of the monitor script is -5 s"),
    (with_scripts(halt=Script(text="true", timeout_s=1e9)), "at most 86400 s (a day)"),
    (with_scripts(halt=Script(text="true", timeout_s=float("nan"))), "the timeout of the halt script is nan s"),
    (replace(with_scripts(monitor=Script()), monitoring=Monitoring(enabled=True)), "but the monitor script is empty"),
    (replace(with_scripts(monitor=Script()), machine=Machine()), "the monitor script must tell whether it runs"),
    (replace(SPEC, machine=Machine(kind=MachineKind.XEN)), "the machine's name '' is not possible"),
    (replace(SPEC, machine=Machine(kind=MachineKind.QEMU, name="web"), live=True), "only with a prepare script"),
    (replace(SPEC, files=("web.conf",)), "the file 'web.conf' must be named by its whole path"),
    (replace(SPEC, monitoring=Monitoring(interval_s=0.0)), "the polling interval is 0 s"),
    (replace(SPEC, monitoring=Monitoring(window_s=-1.0)), "the time interval for local failures is -1 s"),
    (replace(SPEC, monitoring=Monitoring(max_failures=0)), "the maximum of local failures is 0"),
    (replace(SPEC, policies=Policies(priority=70_000)), "the priority is 70000; it must be 0 to 65535"),
    (replace(SPEC, policies=Policies(moves_per_hour=-1)), "cannot be fewer than 0"),
    (replace(SPEC, policies=Policies(failback_live=True)), "failback cannot be live"),
    (replace(SPEC, preferred=(NodeName("n1"), NodeName("n9"))), "node n9 is unknown; known nodes: n1, n2"),
    (replace(SPEC, preferred=(NodeName("n2"), NodeName("n2"))), "node n2 is listed twice"),
])
def test_every_fault_is_one_clear_sentence(spec: ResourceSpec, part: str) -> None:
    found: tuple[Any, ...] = faults(spec, NODES)
    assert len(found) == 1
    assert part in found[0]
    assert "\n" not in found[0]


def test_all_faults_are_given_at_once() -> None:
    broken = replace(SPEC, scripts=Scripts(), preferred=(NodeName("n9"),), monitoring=Monitoring(max_failures=0))
    assert len(faults(broken, NODES)) == 4
