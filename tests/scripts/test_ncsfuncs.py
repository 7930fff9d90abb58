"""The function library: one test for each function of the original (reference, 5.4) and each of its quirks (5.6)."""

import shutil
from pathlib import Path

import pytest
from script_benches import LIBRARY, Play, order, runner_in

from stanchion.model.history import Run, RunEnd

needs_ip = pytest.mark.skipif(shutil.which("ip", path="/usr/sbin:/usr/bin:/sbin:/bin") is None,
                              reason="ip is not installed (iproute2)")
SOURCE = "#!/bin/bash\n. /opt/novell/ncs/lib/ncsfuncs\n"


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """Give a directory of fake tools that stands first on the script's PATH."""
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


@pytest.fixture
def play(tmp_path: Path, tools: Path) -> Play:
    """Give a function that runs a text with the library sourced, the fake tools first, and agents below ``ocf``."""
    runner = runner_in(tmp_path, PATH=f"{tools}:/usr/sbin:/usr/bin:/sbin:/bin", OCF_ROOT=str(tmp_path / "ocf"))
    played: list[str] = []

    async def play(text: str, **environment: str) -> Run:
        played.append(text)
        return await runner.run(order(SOURCE + text, operation=f"play-{len(played)}", **environment))

    return play


def make(path: Path, text: str) -> None:
    """Write a program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/bash\n" + text)
    path.chmod(0o755)


def tool(tools: Path, name: str, text: str = "") -> None:
    """Write a fake tool that records its words."""
    make(tools / name, f'echo "{name} $*" >> "{tools}/../calls"\n{text}')


def agent(tmp_path: Path, name: str, text: str, provider: str = "heartbeat") -> None:
    """Write a fake agent."""
    make(tmp_path / "ocf/resource.d" / provider / name, text)


def calls(tmp_path: Path) -> list[str]:
    """Give what the fake tools were called with."""
    path = tmp_path / "calls"
    return path.read_text().splitlines() if path.exists() else []


def said(output: str) -> list[str]:
    """Give the output without the trace."""
    return [line for line in output.splitlines() if not line.startswith("+")]


# --- exit_on_error and ignore_error -----------------------------------------------------------------------------------

async def test_exit_on_error_ends_the_script_with_the_commands_own_code(play: Play) -> None:
    run = await play("f() { return 42; }\nexit_on_error true\nexit_on_error f\necho reached\nexit 0\n")
    assert run.code == 42
    assert "reached" not in said(run.output)


@pytest.mark.parametrize("words", [r"""'"<%s>"' "'a b'" """, r"""'"<%s>"' \"a b\" """, r"""'"<%s>"' a\\ b """])
async def test_exit_on_error_evaluates_its_words_again_as_users_are_told_to_quote(play: Play, words: str) -> None:
    run = await play(f"exit_on_error printf {words}\nexit 0\n")
    assert "<a b>" in said(run.output)[0]


async def test_a_variable_inside_nested_quotes_is_expanded(play: Play) -> None:
    run = await play("""DIR='x  y'\nexit_on_error printf "'%s|'" "'$DIR'"\nexit 0\n""")
    assert "x  y|" in run.output


async def test_exit_on_error_works_in_the_scripts_own_shell(play: Play) -> None:
    run = await play('f() { FOUND=here; cd /usr; }\nexit_on_error f\n[ "$FOUND$PWD" = here/usr ]\nexit $?\n')
    assert run.code == 0


async def test_ignore_error_tells_the_failure_and_goes_on(play: Play) -> None:
    run = await play("ignore_error not_a_command at all\nignore_error false || exit 1\nexit 0\n")
    assert run.code == 0
    assert "ignore_error: code 127 from: not_a_command at all" in said(run.output)


async def test_a_vendors_missing_command_fails_as_bash_has_it(play: Play) -> None:
    run = await play("exit_on_error rcnovell-smdrd start\nexit 0\n")
    assert (run.code, run.command) == (127, "rcnovell-smdrd start")


@needs_ip
async def test_the_library_bears_the_options_and_separators_of_any_script(play: Play, tmp_path: Path) -> None:
    agent(tmp_path, "Fake", "exit 0")
    run = await play(
        "set -euo pipefail\nIFS=:\nexit_on_error printf %s ok\nignore_error false\nexit_on_error ocf_start Fake\n"
        "exit_on_error ocf_status Fake\nstatus_fs proc /proc\nstatus_secondary_ipaddress 127.0.0.1\n"
        "add_secondary_ipaddress 127.0.0.1/8\ncode=0; vgchange -a ey || code=$?\n"
        "[[ $- == *e* && $- == *u* && $IFS == : && $code == 1 ]]\nexit 0\n",
    )
    assert run.code == 0, run.output


# --- OCF agents -------------------------------------------------------------------------------------------------------

REPORTER = """echo "$1 $OCF_RESOURCE_INSTANCE $OCF_RESOURCE_PROVIDER:$OCF_RESOURCE_TYPE $OCF_RESKEY_CRM_meta_interval"
exit "${WANTED:-0}"
"""


@pytest.mark.parametrize(
    ("call", "seen"),
    [
        ("ocf_start Fake", "start vm1 heartbeat:Fake "),
        ("ocf_stop Fake", "stop vm1 heartbeat:Fake "),
        ("ocf_status Fake", "monitor vm1 heartbeat:Fake 10000"),
        ("ocf_prepare Fake", "prepare vm1 heartbeat:Fake "),
        ("ocf_halt Fake", "halt vm1 heartbeat:Fake "),
        ("ocf_start stanchion:Fake", "start vm1 stanchion:Fake "),
        ("ocf_start ocf:heartbeat:Fake", "start vm1 heartbeat:Fake "),
    ],
)
async def test_each_function_calls_its_agents_action_and_gives_its_code(
    play: Play, tmp_path: Path, call: str, seen: str,
) -> None:
    agent(tmp_path, "Fake", REPORTER)
    agent(tmp_path, "Fake", REPORTER, "stanchion")
    run = await play(f"{call}\nexit $?\n", WANTED="6")
    assert (run.code, said(run.output)) == (6, [seen])


async def test_an_agent_of_ours_needs_no_place_below_usr_lib_ocf(tmp_path: Path, play: Play) -> None:
    make(tmp_path / "own/stanchion/Fake", REPORTER)
    run = await play("exit_on_error ocf_start stanchion:Fake\nexit 0\n", STANCHION_OCF_PATH=f"/none:{tmp_path}/own")
    assert said(run.output) == ["start vm1 stanchion:Fake "]


async def test_a_missing_agent_is_code_5_with_its_name(play: Play) -> None:
    run = await play("exit_on_error ocf_start Nowhere\nexit 0\n")
    assert (run.code, run.command) == (5, "ocf_start Nowhere: there is no agent heartbeat:Nowhere on this node")


async def test_an_instance_that_is_only_assigned_reaches_the_agent(play: Play, tmp_path: Path) -> None:
    agent(tmp_path, "Fake", REPORTER)
    run = await play("unset OCF_RESOURCE_INSTANCE\nOCF_RESOURCE_INSTANCE=my_vm\nocf_start Fake\nexit 0\n")
    assert said(run.output) == ["start my_vm heartbeat:Fake "]


async def test_a_recurring_monitor_passes_the_interval_on_and_zero_is_no_probe(play: Play, tmp_path: Path) -> None:
    agent(tmp_path, "Fake", REPORTER)
    text = "ocf_status Fake\nOCF_RESKEY_CRM_meta_interval=0\nocf_status Fake\nexit 0\n"
    run = await play(text, OCF_RESKEY_CRM_meta_interval="60000")
    assert said(run.output) == ["monitor vm1 heartbeat:Fake 60000", "monitor vm1 heartbeat:Fake 10000"]


async def test_ocf_migrate_to_prints_its_code_once_and_returns_it(play: Play, tmp_path: Path) -> None:
    agent(tmp_path, "Fake", "echo chatter\nexit 3")
    run = await play('RC=`ocf_migrate_to Fake`\necho "$? [$RC]"\nexit $RC\n', NCS_TOFROM="node-b")
    assert run.code == 3
    assert said(run.output) == ["chatter", "3 [3]"]


@pytest.mark.parametrize("target", ["", "  "])
async def test_a_migration_to_nowhere_is_refused_before_the_agent_is_called(
    play: Play, tmp_path: Path, target: str,
) -> None:
    agent(tmp_path, "Fake", f"touch {tmp_path}/called")
    run = await play("RC=`ocf_migrate_to Fake`\nexit $RC\n", NCS_TOFROM=target)
    assert run.code == 2
    assert run.command == "ocf_migrate_to Fake: no node is named to migrate to (NCS_TOFROM is empty)"
    assert not (tmp_path / "called").exists()


async def test_an_agent_keeps_neither_the_trace_nor_our_way_of_sourcing(play: Play, tmp_path: Path) -> None:
    agent(tmp_path, "Fake", 'echo "fds: $(echo /proc/self/fd/*)"; echo "BASH_ENV=$BASH_ENV"')
    run = await play("ocf_start Fake\nexit 0\n")
    assert "BASH_ENV=" in said(run.output)
    assert "199" not in said(run.output)[0]


async def test_agents_find_our_stand_ins_first_and_they_answer_at_once(play: Play) -> None:
    run = await play(
        "type -P crm_resource crm_attribute crm_node crm_master attrd_updater\ncrm_node -n\n"
        "crm_resource -Q -r vm -z -g cpu; echo $?\ncrm_resource -r vm -z -p cpu -v 2 && echo set\n"
        "crm_attribute --type nodes --node b -n ip -G -q; echo $?\nexit 0\n",
    )
    # The fake tools come before the system's, ours before both: the order that agents are to find them in.
    lines = said(run.output)
    assert lines[:5] == [
        str(LIBRARY.parent / "bin" / name)
        for name in ("crm_resource", "crm_attribute", "crm_node", "crm_master", "attrd_updater")
    ]
    assert lines[5:] == ["node-a", "Error: not connected", "102", "set", "Error: no such attribute", "105"]


# --- volumes ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("vgchange -a ey vg0", ["vgchange -a ey vg0"]),
        ("vgchange -a ey $VOLGROUP_NAME", []),
        ("vgchange -aey", []),
        ("vgchange --activate ey --addtag owner", []),
        ("vgchange -a n ''", []),
        ("CONTAINER_NAME=cont\nvgchange -a n $VOLGROUP_NAME", ["vgchange -a n cont"]),
        ("CONTAINER_NAME=cont VOLGROUP_NAME=vg\nvgchange --config x/y=1 -a n", ["vgchange --config x/y=1 -a n vg"]),
        ("vgchange -a n -- vg0", ["vgchange -a n -- vg0"]),
        ("vgchange --version", ["vgchange --version"]),
    ],
)
async def test_vgchange_never_takes_every_volume_group(
    play: Play, tools: Path, tmp_path: Path, text: str, called: list[str],
) -> None:
    tool(tools, "vgchange")
    assignment, _, command = text.rpartition("\n")
    run = await play(f"{assignment}\nexit_on_error {command}\nexit 0\n")
    assert calls(tmp_path) == called
    assert run.code == (0 if called else 1)
    assert called or "would act on every one" in run.command


@pytest.mark.parametrize(("listed", "said"), [
    ("  node2,        ", "the volume group vg0 belongs to the host node2 (its system ID)"),
    ("  ,sanlock", "the lock manager (sanlock) refuses the volume group vg0: another host uses it"),
    ("  node1,", ""), ("  ,", ""), ("  ,none", ""),
])
async def test_a_volume_group_that_belongs_to_another_host_is_refused_in_one_sentence(
    play: Play, tools: Path, listed: str, said: str,
) -> None:
    """The words of LVM 2.03: what vgchange says when it refuses, and how vgs and lvm tell the owner."""
    refusal = "  Cannot access VG vg0 with system ID node2 with local system ID node1."
    tool(tools, "vgchange", f'echo "{refusal}" >&2; exit 5')
    tool(tools, "vgs", f'echo "{listed}"')
    tool(tools, "lvm", 'echo "  system ID: node1"')
    run = await play("CONTAINER_NAME=vg0\nexit_on_error vgchange -a ey $VOLGROUP_NAME\nexit 0\n")
    assert (run.code, run.command) == (5, f"vgchange -a ey: {said}" if said else "vgchange -a ey")
    run = await play("exit_on_error vgchange -a ey vg0\nexit 0\n")
    assert (run.code, said in run.command) == (5, True)


@pytest.mark.parametrize(("attributes", "code"), [("-wi-a-----", 0), ("-wi-ao----", 0), ("-wi-------", 7)])
async def test_status_lv_tells_whether_the_volume_is_active(
    play: Play, tools: Path, attributes: str, code: int,
) -> None:
    tool(tools, "lvs", f'echo "  {attributes}"')
    assert (await play("status_lv /dev/vg0/lv0\nexit $?\n")).code == code


async def test_status_lv_that_cannot_be_told_is_not_a_certain_no(play: Play, tools: Path) -> None:
    tool(tools, "lvs", "exit 5")
    assert (await play("status_lv /dev/vg0/lv0\nexit $?\n")).code == 1


# --- file systems -----------------------------------------------------------------------------------------------------

async def test_status_fs_knows_that_device_another_device_and_nothing(play: Play) -> None:
    run = await play(
        "status_fs proc /proc ext3; echo $?\nstatus_fs /dev/null /proc; echo $?\nstatus_fs proc /nowhere; echo $?\n"
        "status_fs proc; echo $?\nexit 0\n",
    )
    assert [line for line in said(run.output) if line.isdigit()] == ["0", "1", "7", "2"]


async def test_mount_fs_makes_the_mount_point_and_mounts(play: Play, tools: Path, tmp_path: Path) -> None:
    tool(tools, "mount")
    run = await play(f"exit_on_error mount_fs /dev/vg0/lv0 {tmp_path}/mnt/vm ext3\nexit 0\n")
    assert run.code == 0
    assert calls(tmp_path) == [f"mount -t ext3 -- /dev/vg0/lv0 {tmp_path}/mnt/vm"]
    assert (tmp_path / "mnt/vm").is_dir()


async def test_mount_fs_and_umount_fs_have_nothing_to_do_twice(play: Play, tools: Path, tmp_path: Path) -> None:
    tool(tools, "mount")
    tool(tools, "umount")
    run = await play("mount_fs proc /proc proc || exit 1\numount_fs /dev/vg0/lv0 /nowhere ext3 || exit 2\nexit 0\n")
    assert (run.code, calls(tmp_path)) == (0, [])


async def test_umount_fs_asks_then_ends_whoever_uses_it_and_leaves_others_devices(
    play: Play, tools: Path, tmp_path: Path,
) -> None:
    tool(tools, "umount", f"[ $(grep -c umount {tmp_path}/calls) -gt 3 ]")
    tool(tools, "fuser")
    tool(tools, "sleep")
    run = await play("umount_fs proc /proc || exit 1\numount_fs /dev/null /proc || exit 2\nexit 0\n")
    assert run.code == 2
    assert [call.split(" -- ")[0] for call in calls(tmp_path) if not call.startswith("sleep")] == [
        "umount", "fuser -k -M -m -TERM", "umount", "fuser -k -M -m -TERM", "umount", "fuser -k -M -m -KILL", "umount",
    ]


# --- addresses --------------------------------------------------------------------------------------------------------

IP = """state={state}
case "$*" in
*"address show to 10.0.0.9") cat "$state" 2>/dev/null ;;
*"route get 10.0.0.9") echo "{route}" ;;
*"address add"*) echo "2: eth0    inet 10.0.0.9/24 scope global eth0" > "$state" ;;
*"address del"*) rm -f "$state" ;;
esac
exit 0
"""


async def test_an_address_is_bound_to_the_interface_of_its_subnet_announced_and_taken_away(
    play: Play, tools: Path, tmp_path: Path,
) -> None:
    tool(tools, "ip", IP.format(state=tmp_path / "bound", route="10.0.0.9 dev eth0 src 10.0.0.1 uid 0"))
    tool(tools, "arping")
    run = await play(
        "status_secondary_ipaddress 10.0.0.9; echo $?\nexit_on_error add_secondary_ipaddress 10.0.0.9/24\n"
        "exit_on_error add_secondary_ipaddress 10.0.0.9\nstatus_secondary_ipaddress 10.0.0.9; echo $?\n"
        "exit_on_error del_secondary_ipaddress 10.0.0.9\nexit_on_error del_secondary_ipaddress 10.0.0.9\nexit 0\n",
    )
    assert (run.code, said(run.output)) == (0, ["7", "0"])
    assert [call for call in calls(tmp_path) if "show" not in call] == [
        "ip -oneline route get 10.0.0.9", "ip address add 10.0.0.9/24 dev eth0", "arping -q -U -c 2 -I eth0 10.0.0.9",
        "ip address del 10.0.0.9/24 dev eth0",
    ]


async def test_an_address_of_no_subnet_here_is_refused(play: Play, tools: Path, tmp_path: Path) -> None:
    tool(tools, "ip", IP.format(state=tmp_path / "bound", route="10.0.0.9 via 192.168.0.1 dev eth0 src 192.168.0.2"))
    run = await play("exit_on_error add_secondary_ipaddress 10.0.0.9\nexit 0\n")
    assert run.code == 1
    assert "no interface of this node is in the subnet of 10.0.0.9" in run.command


@needs_ip
async def test_the_real_ip_tool_knows_a_bound_address_from_an_absent_and_a_senseless_one(play: Play) -> None:
    run = await play(
        "for address in 127.0.0.1 127.99.0.1 nonsense ''; do\n"
        "    status_secondary_ipaddress $address; echo $?\ndone\nexit 0\n",
    )
    assert [line for line in said(run.output) if line.isdigit()] == ["0", "7", "1", "1"]


# --- where the library is found ---------------------------------------------------------------------------------------

@pytest.mark.skipif(Path("/opt/novell/ncs/lib/ncsfuncs").exists(), reason="a library is installed on this host")
async def test_other_files_are_sourced_as_they_are_and_programs_of_the_script_find_the_library_too(
    play: Play, tmp_path: Path,
) -> None:
    (tmp_path / "words").write_text("typeset -i NUMBER=3\nset -- one two\n")
    make(tmp_path / "child", "source /opt/novell/ncs/lib/ncsfuncs || exit 1\nexit_on_error true\necho child has it\n")
    text = f'. {tmp_path}/words\necho "$NUMBER $*"\ntype -t . source\nexit_on_error {tmp_path}/child\nexit 0\n'
    run = await play(text)
    assert said(run.output) == ["3 one two", "builtin", "builtin", "child has it"]
    assert (run.end, run.code) == (RunEnd.EXITED, 0)
