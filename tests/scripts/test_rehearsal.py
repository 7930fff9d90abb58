"""Rehearsing a script tells what it would run and runs nothing, however the script tries."""

from pathlib import Path

import pytest
from script_benches import order, runner_in

from stanchion.model.history import Run, RunEnd

SEED = {
    "load": """\
#!/bin/bash
. /opt/novell/ncs/lib/ncsfuncs
CONTAINER_NAME=vg1
MOUNT_DEV=/dev/$CONTAINER_NAME/web
export OCF_RESKEY_device=$MOUNT_DEV
exit_on_error vgchange -a ey $VOLGROUP_NAME
exit_on_error ocf_start Filesystem
if [ -n "$NCS_TOFROM" ]; then exit_on_error ocf_migrate_from Xen; else exit_on_error ocf_start Xen; fi
exit 0
""",
}

TRIES = {
    "plainly": "touch MARK",
    "by its path": "/usr/bin/touch MARK",
    "by a redirection": "echo x > MARK",
    "by an empty redirection": "> MARK",
    "by a redirected block": "{ echo x; } > MARK",
    "by a redirected loop": "for x in 1; do echo $x; done >> MARK",
    "in a subshell": "( touch MARK )",
    "in the background": "touch MARK & wait",
    "in a substitution": "x=$(touch MARK)",
    "in a process substitution": "cat <(touch MARK)",
    "in a function": "f() { touch MARK; }; f",
    "by eval": "eval 'touch MARK'",
    "by exec": "exec touch MARK",
    "by command": "command touch MARK",
    "by builtin": "builtin eval 'touch MARK'",
    "with another path": "PATH=/usr/bin:/bin; touch MARK",
    "with a path from printf": "printf -v PATH /usr/bin; touch MARK",
    "with its own environment": "A=1 B='x y' PATH=/usr/bin touch MARK",
    "after taking the trap away": "trap - DEBUG; touch MARK",
    "after taking debugging away": "shopt -u extdebug; set +T; touch MARK",
    "after taking the watch away": "unset -f _stanchion_look command_not_found_handle; /usr/bin/touch MARK",
    "through a pipe": "echo x | tee MARK",
    "by a file that it sources": "echo 'touch MARK' | . /dev/stdin",
    "through a condition": "if ! touch MARK; then touch MARK; fi; [[ -n $(touch MARK) ]]",
}


async def _rehearsed(tmp_path: Path, text: str, **environment: str) -> Run:
    return await runner_in(tmp_path).rehearse(order(text, **environment))


async def test_the_sample_script_tells_its_way_with_its_variables_filled_in(tmp_path: Path) -> None:
    run = await _rehearsed(tmp_path, SEED["load"])
    assert run.output.splitlines() == [
        "would run: vgchange -a ey vg1", "would run: ocf_start Filesystem", "would run: ocf_start Xen"]
    assert (run.end, run.code) == (RunEnd.EXITED, 0)


async def test_what_the_environment_says_decides_the_way(tmp_path: Path) -> None:
    run = await _rehearsed(tmp_path, SEED["load"], NCS_TOFROM="node2")
    assert run.output.splitlines()[-1] == "would run: ocf_migrate_from Xen"


@pytest.mark.parametrize("text", TRIES.values(), ids=TRIES.keys())
async def test_nothing_is_done(tmp_path: Path, text: str) -> None:
    mark = tmp_path / "mark"
    run = await _rehearsed(tmp_path, f"{text.replace('MARK', str(mark))}\n")
    assert not mark.exists(), run.output
    assert "would" in run.output


async def test_nobody_is_ended(tmp_path: Path) -> None:
    run = await _rehearsed(tmp_path, "kill -9 $PPID\nsleep 1000\nexit 3\n")
    assert "would run: sleep 1000" in run.output
    assert (run.end, run.code) == (RunEnd.EXITED, 3)


async def test_a_vgchange_that_would_act_on_every_group_is_told_to_be_refused(tmp_path: Path) -> None:
    run = await _rehearsed(tmp_path, ". /opt/novell/ncs/lib/ncsfuncs\nexit_on_error vgchange -a n\nsync\n")
    assert "would be refused" in run.output
    assert "sync" not in run.output
    assert run.code == 1


async def test_a_script_that_talks_without_end_is_cut(tmp_path: Path) -> None:
    run = await _rehearsed(tmp_path, f"while :; do echo {'and on ' * 500}; done\n")
    assert run.end is RunEnd.OVERDUE
    assert len(run.output) < 80_000
    assert run.output.endswith("[... it tells more than is kept, and was ended]\n")


async def test_a_text_that_is_none_is_rehearsed_as_far_as_bash_can_read_it(tmp_path: Path) -> None:
    run = await _rehearsed(tmp_path, "touch a\nif\n")
    assert run.code != 0
    assert "syntax error" in run.output
