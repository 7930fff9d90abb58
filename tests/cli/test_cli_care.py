"""The command line is careful: it replaces no file unasked, warns in time, and says what it took somebody to mean."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from shell import Shell

from stanchion.model.errors import plainly
from stanchion.model.reasons import Why, reason, sentence
from stanchion.model.state import State


@pytest.mark.parametrize("words", [("events", "--export"), ("report", "--file")])
def test_a_file_that_is_there_is_replaced_only_by_force(shell: Shell, tmp_path: Path, words: tuple[str, str]) -> None:
    file = tmp_path / "kept.jsonl"
    file.write_text("precious")

    assert shell(*words, str(file)) == 5
    assert f"the file {file} exists; name another, or add --force to replace it" in shell.err
    assert file.read_text() == "precious"
    assert shell(*words, str(file), "--force") == 0
    assert file.read_text() != "precious"


def test_a_fence_agent_that_is_not_installed_is_warned_of(shell: Shell) -> None:
    assert shell("node", "fence", "node3", "--agent", "fence_ipmilan", "ip=10.0.0.7") == 0
    assert shell.err == ""

    assert shell("node", "fence", "node3", "--agent", "fence_nonesuch", "ip=10.0.0.7") == 0
    assert "warning: fence_nonesuch is not installed on node1" in shell.err


def test_a_time_of_day_that_is_past_means_tomorrow_and_that_is_said(shell: Shell) -> None:
    now = datetime.now().astimezone()
    shell.world.clock.wall_s = now.timestamp()
    past, coming = now - timedelta(minutes=2), now + timedelta(minutes=2)

    if past.date() == now.date():
        assert shell("pause", "--until", f"{past:%H:%M}") == 0
        assert f"it lasts until another day: {past + timedelta(days=1):%A, %Y-%m-%d %H:%M}" in shell.err
        assert shell("resume") == 0
    if coming.date() == now.date():
        assert shell("pause", "--until", f"{coming:%H:%M}") == 0
        assert shell.err == ""


def test_groups_that_are_there_or_are_not_have_the_exit_codes_of_that(shell: Shell) -> None:
    for name in ("web", "db", "mail"):
        shell.prepare(shell.world.resource(name, State.OFFLINE))
    assert shell("group", "create", "pair", "apart", "web", "db") == 0

    assert shell("group", "create", "PAIR", "apart", "web", "db") == 5
    assert shell("group", "edit", "pair", "--remove", "mail") == 4
    assert shell("group", "edit", "none", "--add", "mail") == 4
    assert shell("group", "delete", "none") == 4


def test_what_is_imported_can_be_renamed(shell: Shell, tmp_path: Path) -> None:
    shell.prepare(shell.world.resource("web", State.OFFLINE))
    file = tmp_path / "web.yaml"
    assert shell("export", "web", "Generic_FS", "--file", str(file)) == 0
    text = file.read_text().replace("timeout_s: 60", "timeout_s: 61")
    file.write_text(text.replace("title: ", "title: Another ", 1))

    assert shell("import", str(file), "--dry-run") == 1
    assert "can be imported under another one: --rename OLD=NEW" in shell.out
    assert shell("import", str(file), "--rename", "WEB=web2", "--rename", "generic_fs=Mine") == 0, shell.out
    assert "web2" in shell.world.view().specs
    assert shell.world.view().specs["web2"].value.template == "Mine"
    assert "Mine" in shell.world.view().templates
    assert shell("import", str(file), "--rename", "nope=x") == 4
    assert shell("import", str(file), "--rename", "web") == 2


def test_one_of_a_thing_is_one(shell: Shell) -> None:
    del shell
    assert sentence(reason(Why.MONITOR_COMATOSE, 1, 600, "x")).startswith("1 monitor failure within 600 s")
    assert sentence(reason(Why.MONITOR_COMATOSE, 2, 600, "x")).startswith("2 monitor failures within 600 s")
    assert sentence(reason(Why.MOVE_BUDGET, 1)).startswith("moved by itself 1 time within")


def test_trouble_with_a_file_is_said_without_numbers_and_names_of_classes(tmp_path: Path, shell: Shell) -> None:
    (tmp_path / "latin").write_bytes(b"\xe9")
    with pytest.raises(UnicodeDecodeError) as caught:
        (tmp_path / "latin").read_text(encoding="utf-8")
    assert plainly(caught.value) == "it is not a text in UTF-8 (byte 1)"
    assert plainly(PermissionError(13, "Permission denied", "/x")) == "Permission denied"
    assert plainly(TimeoutError("timed out")) == "timed out"

    assert shell("status", "--token-file", str(tmp_path)) == 2
    assert shell.err.strip().endswith("cannot be read: Is a directory")
