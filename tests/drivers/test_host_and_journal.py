"""The small doors of a host: its files, its boot, its reset, its journal and its clock."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from stanchion.drivers.clock import HostChance, HostClock
from stanchion.drivers.host import LinuxHost, read_boot_id, refuse_reset
from stanchion.drivers.journal import FileJournal
from stanchion.model.errors import HostError
from stanchion.model.ids import BootId, LeaseId, ResourceName, SessionId, TemplateName
from stanchion.model.journal import JournalEntry
from stanchion.model.resource import ResourceSpec, Scripts

ENTRY = JournalEntry(session=SessionId("s1"), lease=LeaseId("l1"), boot=BootId("b1"), renewed_at=12.5)


def spec(*files: Path) -> ResourceSpec:
    return ResourceSpec(name=ResourceName("web"), template=TemplateName("T"), scripts=Scripts(),
                        files=tuple(map(str, files)))


async def test_a_host_is_ready_when_the_files_are_here_and_the_same(tmp_path: Path) -> None:
    config = tmp_path / "web.conf"
    config.write_bytes(b"memory = 32\n")
    digest = hashlib.sha256(b"memory = 32\n").hexdigest()
    host = LinuxHost(BootId("b"))
    ready = await host.readiness(spec(config), {})
    assert ready.fault == ""
    assert ready.digests == {str(config): digest}
    assert (await host.readiness(spec(config), ready.digests)).fault == ""
    assert (await host.readiness(spec(), {})).fault == ""


async def test_every_file_that_is_not_as_it_should_be_is_named(tmp_path: Path) -> None:
    """All of them at once; each says which and why."""
    changed, missing, directory = tmp_path / "changed", tmp_path / "missing", tmp_path / "directory"
    changed.write_bytes(b"new")
    directory.mkdir()
    ready = await LinuxHost(BootId("b")).readiness(spec(changed, missing, directory), {str(changed): "0" * 64})
    assert ready.fault == (f"the file {changed} differs from the one on the node that runs the machine; "
                           f"the file {missing} is missing; the file {directory} cannot be read: Is a directory; "
                           "`stanchion resource distribute web` copies such files")


async def test_a_reset_goes_the_way_it_was_given() -> None:
    fired = []

    async def fire() -> None:
        fired.append("reset")

    await LinuxHost(BootId("b"), fire).reset()
    assert fired == ["reset"]
    with pytest.raises(HostError, match="not allowed to reset itself"):
        await LinuxHost(BootId("b"), refuse_reset).reset()


def test_a_pretend_host_has_a_boot_of_its_own() -> None:
    assert read_boot_id({"STANCHION_BOOT_ID": "boot-7"}) == "boot-7"
    kernel = read_boot_id({})
    assert kernel == read_boot_id({})
    assert len(kernel) == 36
    assert LinuxHost(BootId("boot-7")).boot() == "boot-7"


def test_a_journal_gives_back_what_was_written_last(tmp_path: Path) -> None:
    path = tmp_path / "state" / "journal.json"
    assert FileJournal(path).read() is None
    FileJournal(path).write(ENTRY)
    assert FileJournal(path).read() == ENTRY
    assert [file.name for file in path.parent.iterdir()] == ["journal.json"]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"session": 1}', b"\xff\xfe", b'"text"', b"null"])
def test_a_damaged_journal_is_no_journal(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "journal.json"
    path.write_bytes(damage)
    assert FileJournal(path).read() is None


def test_a_journal_cut_short_anywhere_is_no_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.json"
    FileJournal(path).write(ENTRY)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert FileJournal(path).read() is None


def test_a_journal_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(HostError, match="cannot write the journal"):
        FileJournal(tmp_path / "file" / "journal.json").write(ENTRY)


def test_the_clock_measures_forward_and_tokens_differ() -> None:
    clock, chance = HostClock(), HostChance()
    first, second = clock.now(), clock.now()
    assert second.mono_s >= first.mono_s
    assert first.wall_s > 1.6e9
    tokens = {chance.token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(token) == 16 and token.isalnum() and token == token.lower() for token in tokens)


def test_a_promise_is_remembered_and_a_journal_of_before_there_were_any_has_none(tmp_path: Path) -> None:
    path = tmp_path / "journal.json"
    FileJournal(path).write(replace(ENTRY, promised_s=8.0))
    assert FileJournal(path).read() == replace(ENTRY, promised_s=8.0)
    written = json.loads(path.read_text())
    del written["promised_s"]
    path.write_text(json.dumps(written))
    assert FileJournal(path).read() == ENTRY


def test_a_journal_that_was_copied_elsewhere_is_no_journal_there(tmp_path: Path) -> None:
    """A copied state directory must not make a second agent live in the first one's session."""
    FileJournal(tmp_path / "one" / "journal.json").write(ENTRY)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    assert FileJournal(tmp_path / "two" / "journal.json").read() is None
    assert FileJournal(tmp_path / "one" / "journal.json").read() == ENTRY
