"""A host's configuration files: what is told of them, and what may be written in their place."""

import hashlib
import os
from pathlib import Path

import pytest

from stanchion.drivers.facts import host_facts
from stanchion.drivers.files import KEPT, HostFiles
from stanchion.model.errors import HostError
from stanchion.model.files import LARGEST_FILE_BYTES, FileCopy, FileFact
from stanchion.model.resource import MachineKind

PATH = "/etc/xen/web.cfg"


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """The root of a host with a configuration."""
    root = tmp_path / "host"
    (root / "etc/xen").mkdir(parents=True)
    (root / "etc/xen/web.cfg").write_text("memory = 32\n")
    (root / "etc/xen/web.cfg").chmod(0o640)
    return root


async def copy_of(host: Path, content: bytes, **changes: object) -> FileCopy:
    """Give a copy as another host would send it, of the same owner."""
    fact = (await HostFiles(host).look([PATH]))[0]
    known = {"owner": fact.owner, "mode": 0o600} | changes
    return FileCopy(content=content, fact=FileFact(
        path=str(known.pop("path", PATH)), size=len(content), sha256=hashlib.sha256(content).hexdigest(),
        **known))  # type: ignore[arg-type]  # a test's own words


async def test_a_file_is_told_with_hash_size_owner_mode_and_time(host: Path) -> None:
    fact, missing = await HostFiles(host).look([PATH, "/etc/xen/none.cfg"])
    assert fact.sha256 == hashlib.sha256(b"memory = 32\n").hexdigest() == fact.digest
    assert (fact.size, fact.mode, fact.fault) == (12, 0o640, "")
    assert fact.owner.count(":") == 1
    assert fact.modified_s > 0
    assert missing.is_missing
    assert missing.digest == ""


async def test_a_large_file_is_told_by_its_size_and_not_copied(host: Path) -> None:
    (host / "etc/xen/web.cfg").write_bytes(b"x" * (LARGEST_FILE_BYTES + 1))
    fact, = await HostFiles(host).look([PATH])
    assert (fact.sha256, fact.digest) == ("", f"size:{LARGEST_FILE_BYTES + 1}")
    with pytest.raises(HostError, match="too large"):
        await HostFiles(host).read(PATH)


async def test_what_is_no_file_of_a_configuration_is_neither_told_nor_read(host: Path) -> None:
    os.mkfifo(host / "etc/xen/pipe")
    (host / "proc").mkdir()
    (host / "proc/secret").write_text("s")
    (host / "etc/xen/into-proc").symlink_to("../../proc/secret")
    (host / "etc/xen/out").symlink_to("/etc/passwd")
    (host / "etc/p").symlink_to("../proc")
    wrong = ["/etc/xen/pipe", "/etc/xen", "/proc/secret", "/etc/xen/into-proc", "/etc/xen/out", "/etc/p/secret",
             "/etc/../etc/xen/web.cfg", "relative"]
    for fact in await HostFiles(host).look(wrong):
        assert fact.fault, fact.path
        assert not fact.digest
        with pytest.raises(HostError):
            await HostFiles(host).read(fact.path)


async def test_a_file_is_replaced_in_one_step_and_its_old_versions_are_kept(host: Path) -> None:
    files, place = HostFiles(host), host / "etc/xen"
    for number in range(KEPT + 2):
        placed = await files.place(await copy_of(host, f"memory = {number}\n".encode()))
        assert (placed.changed, placed.fault) == (True, "")
        assert (host / placed.kept[1:]).is_file()
    assert (place / "web.cfg").read_text() == f"memory = {KEPT + 1}\n"
    assert (place / "web.cfg").stat().st_mode & 0o777 == 0o600
    kept = sorted(each for each in place.iterdir() if ".stanchion-" in each.name)
    assert [each.read_text() for each in kept] == [f"memory = {number}\n" for number in range(1, KEPT + 1)]
    assert len(list(place.iterdir())) == 1 + KEPT
    again = await files.place(await copy_of(host, f"memory = {KEPT + 1}\n".encode()))
    assert (again.changed, again.kept) == (False, "")


async def test_a_dry_copy_writes_nothing(host: Path) -> None:
    placed = await HostFiles(host).place(await copy_of(host, b"new\n"), dry=True)
    assert placed.changed
    assert [each.name for each in (host / "etc/xen").iterdir()] == ["web.cfg"]
    assert (host / "etc/xen/web.cfg").read_text() == "memory = 32\n"


async def test_a_file_that_was_not_there_is_made(host: Path) -> None:
    placed = await HostFiles(host).place(await copy_of(host, b"new\n", path="/etc/xen/new.cfg"))
    assert (placed.changed, placed.kept) == (True, "")
    assert (host / "etc/xen/new.cfg").read_text() == "new\n"


async def test_nothing_is_written_where_it_could_do_harm(host: Path) -> None:
    for place in ("etc/xen/auto", "proc", "sys", "dev"):
        (host / place).mkdir()
    target = host / "etc/other"
    target.write_text("mine\n")
    (host / "etc/xen/link.cfg").symlink_to("../other")
    (host / "etc/xen/dangling.cfg").symlink_to("../nothing")
    (host / "etc/away").symlink_to("/tmp")
    paths = ("/proc/x", "/sys/x", "/dev/x", "/etc/xen/auto/x", "/etc/xen/link.cfg", "/etc/xen/dangling.cfg", "/etc/xen",
             "/etc/none/x", "/etc/away/x", "/etc/xen/../../x", "/")
    for path in paths:
        placed = await HostFiles(host).place(await copy_of(host, b"bad\n", path=path))
        assert placed.fault, path
        assert not placed.changed
    assert target.read_text() == "mine\n"
    assert not (host / "etc/nothing").exists()


async def test_what_did_not_arrive_whole_or_belongs_to_nobody_here_is_not_written(host: Path) -> None:
    copy = await copy_of(host, b"new\n")
    broken = await HostFiles(host).place(FileCopy(fact=copy.fact, content=b"ne"))
    assert broken.fault == "it did not arrive as it was sent"
    nobody = await HostFiles(host).place(await copy_of(host, b"new\n", owner="nobody-at-all:none"))
    assert "this host has no nobody-at-all:none" in nobody.fault
    assert [each.name for each in (host / "etc/xen").iterdir()] == ["web.cfg"]


def test_the_facts_of_a_host_come_from_its_own_files(host: Path) -> None:
    (host / "proc").mkdir()
    (host / "proc/cpuinfo").write_text("processor\t: 0\nmodel name\t: Example 9\nflags\t\t: sse avx\n\nprocessor: 1\n")
    for name in ("eth0", "xenbr0"):
        (host / "sys/class/net" / name).mkdir(parents=True)
    version = host / "sys/hypervisor/version"
    version.mkdir(parents=True)
    for part, text in (("major", "4"), ("minor", "17"), ("extra", ".3")):
        (version / part).write_text(f"{text}\n")
    facts = host_facts(MachineKind.XEN, ["/etc/xen/web.cfg", "/dev/vg/none"], host)
    assert (facts.processor, facts.flags, facts.hypervisor) == ("Example 9", ("avx", "sse"), "4.17.3")
    assert facts.networks == ("eth0", "xenbr0")
    assert facts.storage == {"/etc/xen/web.cfg": "", "/dev/vg/none": "No such file or directory"}


def test_a_host_that_tells_nothing_is_unknown_not_wrong(tmp_path: Path) -> None:
    facts = host_facts(MachineKind.XEN, [], tmp_path)
    assert (facts.processor, facts.flags, facts.hypervisor, facts.networks) == ("", (), "", ())
