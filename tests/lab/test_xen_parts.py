"""The parts of the Xen lab that need no Xen: words for QEMU, edited samples, files of the image, what guests say."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from stanchion.lab.demo.machines import DemoMachine
from stanchion.lab.xen import furnish, place, samples
from stanchion.lab.xen.__main__ import STEPS, chosen
from stanchion.lab.xen.board import Ear, beside
from stanchion.lab.xen.guests import GUESTS, INIT, XenGuest
from stanchion.lab.xen.iron import DISKS, Machine
from stanchion.lab.xen.place import Place
from stanchion.lab.xen.scene import SAMPLES, ended_since
from stanchion.model.errors import HostError

LOAD = """\
#!/bin/bash
OCF_RESOURCE_INSTANCE=xen_vm_name
VOLUME_NAME=$OCF_RESOURCE_INSTANCE
CONTAINER_NAME=name
export OCF_RESKEY_fstype=ext3
exit_on_error vgchange -a ey $VOLGROUP_NAME
"""


def test_a_sample_is_edited_in_three_lines_and_nowhere_else() -> None:
    made = samples.edited(LOAD, name="rei", group="vg_rei", fstype="reiserfs")

    before, after = LOAD.splitlines(), made.splitlines()
    assert [(old, new) for old, new in zip(before, after, strict=True) if old != new] == [
        ("OCF_RESOURCE_INSTANCE=xen_vm_name", "OCF_RESOURCE_INSTANCE=rei"),
        ("CONTAINER_NAME=name", "CONTAINER_NAME=vg_rei"),
        ("export OCF_RESKEY_fstype=ext3", "export OCF_RESKEY_fstype=reiserfs")]


def test_a_live_sample_is_edited_in_its_name_alone() -> None:
    made = samples.edited("OCF_RESOURCE_INSTANCE=xen_vm_name\nexit 0\n", name="live")

    assert made == "OCF_RESOURCE_INSTANCE=live\nexit 0\n"


def test_a_sample_without_the_line_to_edit_is_refused() -> None:
    with pytest.raises(HostError, match="CONTAINER_NAME=name"):
        samples.edited("OCF_RESOURCE_INSTANCE=xen_vm_name\n", name="web", group="vg_web")


@pytest.mark.skipif(not samples.directory().is_dir(), reason="the original's sample scripts are not beside this tree")
def test_all_six_samples_can_be_edited() -> None:
    for sample in SAMPLES.values():
        made = samples.scripts(sample.template, name=sample.name, group=sample.group, fstype=sample.fstype)
        assert set(made) == {"load", "unload", "monitor"}
        assert all("xen_vm_name" not in text for text in made.values())


def test_samples_that_are_not_there_are_told_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STANCHION_SEED_SCRIPTS", str(tmp_path))

    with pytest.raises(HostError, match=r"Xen_Template\.load is not there"):
        samples.scripts("Xen_Template", name="web", group="vg_web")


def test_a_xen_host_boots_xen_with_its_shared_disks_and_a_watchdog() -> None:
    words = Machine("xen2", Place(Path("/lab"))).words()

    assert words[words.index("-kernel") + 1] == "/lab/xen.elf"
    assert "lab.number=2" in words[words.index("-initrd") + 1]
    assert words[words.index("-initrd") + 1].endswith(",/lab/initrd.img")
    for name in DISKS:
        drive = next(word for word in words if word.startswith(f"file=/lab/run/{name}.img"))
        assert "file.locking=off" in drive
        assert f"virtio-blk-pci,drive={name},serial={name},share-rw=on" in words
    assert "i6300esb" in words
    assert "watchdog=reset" in words


def test_the_witness_and_the_store_run_on_this_computer_itself() -> None:
    made = beside(Place(Path("/lab")))

    assert set(made) == {*furnish.ETCD, furnish.WITNESS}
    assert "/lab/run/witness/etc/agent.toml" in made[furnish.WITNESS]
    assert all("--initial-cluster" in made[name] for name in furnish.ETCD)


def test_machines_differ_in_card_wire_and_socket() -> None:
    made = [Machine(name, Place(Path("/lab"))) for name in furnish.XEN_HOSTS]

    assert len({machine.tap for machine in made}) == len(made)
    assert len({machine.monitor for machine in made}) == len(made)
    assert len({word for machine in made for word in machine.words() if "mac=52:54" in word}) == len(made)
    assert all(len(machine.tap) <= 15 for machine in made), "a network device's name may have 15 letters"


def test_a_guests_configuration_names_its_disk_only_where_it_has_one() -> None:
    plain, disked = (XenGuest(name="a", number=110).config(),
                     XenGuest(name="b", number=111, disk="/mnt/b/disk.img").config())

    assert "xvda" not in plain
    assert 'target=/mnt/b/disk.img"]' in disked
    assert "lab.ip=10.79.0.111 lab.disk" in disked
    assert "mac=00:16:3e:79:00:6f" in disked


def test_each_resource_of_the_lab_has_a_guest_with_an_address_of_its_own() -> None:
    assert set(SAMPLES) == set(GUESTS)
    assert len({guest.address for guest in GUESTS.values()}) == len(GUESTS)
    assert not {guest.number for guest in GUESTS.values()} & set(furnish.HOSTS.values())


def test_shell_scripts_of_the_image_can_be_read_by_bash() -> None:
    texts = [file.text for file in furnish.files("public", "private").values() if file.text.startswith("#!")]
    for text in [*texts, INIT]:
        done = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


def test_secrets_of_the_image_are_for_their_owner_alone() -> None:
    made = furnish.files("public", "private")

    assert made["root/.ssh/id_ed25519"].mode == 0o600
    assert made["root/.ssh/authorized_keys"].text == "public"


@pytest.mark.parametrize(("action", "power", "code"), [
    ("status", "on", 0), ("status", "off", 2), ("off", "off", 0), ("off", "on", 1), ("on", "on", 0),
    ("status", "unknown", 1)])
async def test_the_fence_agent_says_by_its_exit_code_what_the_rack_says(action: str, power: str, code: int,
                                                                       tmp_path: Path) -> None:
    asked: list[str] = []

    async def rack(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readline()).decode())
        writer.write(f"{power}\n".encode())
        writer.close()

    server = await asyncio.start_server(rack, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    agent = tmp_path / furnish.FENCE_AGENT
    agent.write_text(furnish.files("", "")[f"usr/sbin/{furnish.FENCE_AGENT}"].text, encoding="utf-8")
    async with server:
        process = await asyncio.create_subprocess_exec("bash", str(agent), stdin=subprocess.PIPE,
                                                       stdout=subprocess.PIPE)
        said, _ = await process.communicate(f"ip=127.0.0.1\nport={port}\nplug=xen1\naction={action}\n".encode())

    assert asked == [f"xen1 {action}\n"]
    assert process.returncode == code
    assert said.decode() == f"the rack says: xen1 is {power}\n"


async def test_what_a_guest_says_is_kept_as_every_labs_machines_say_it(tmp_path: Path) -> None:
    ear = await asyncio.start_server(Ear(tmp_path, {"127.0.0.1": "web"}).hear, "127.0.0.1", 0)
    async with ear:
        reader, guest = await asyncio.open_connection(*ear.sockets[0].getsockname())
        guest.write(b"disk boots 3\ntick 0 boot 0badcafe\ntick 1 boot 0badcafe\n")
        guest.write_eof()
        assert await reader.read() == b""
        guest.close()

    heard = DemoMachine("web", "Xen_Template", ("xen1",), tmp_path).heard()

    assert [(tick.counter, tick.nonce) for tick in heard] == [(0, "0badcafe"), (1, "0badcafe")]
    assert len((tmp_path / "web.times").read_text(encoding="ascii").splitlines()) == 3


def test_a_second_copy_of_a_guest_would_be_noticed(tmp_path: Path) -> None:
    ear = Ear(tmp_path, {})
    for word in ("tick 5 boot aaaaaaaa", "tick 0 boot bbbbbbbb", "tick 6 boot aaaaaaaa"):
        ear.note("web", word)

    assert "two copies" in DemoMachine("web", "Xen_Template", ("xen1",), tmp_path).fault()


def test_a_hosts_runs_are_read_from_what_its_agent_keeps() -> None:
    said = ('{"started_at_s": 99.5, "timeout_s": 300.0} 1 0 3.5\n'
            '{"started_at_s": 101.5, "timeout_s": 300.0} 0 0 19.102\n'
            " 137 9 1795459937.041\n")

    assert ended_since(said, 100.0) == [(0, 19.102)]


def test_steps_are_played_in_their_order_after_a_look_at_the_cluster() -> None:
    assert [step.name for step in chosen(["reboot", "ext3"])] == ["cluster", "ext3", "reboot"]
    assert len(chosen([])) == len(STEPS) + 1


def test_a_place_too_deep_for_sockets_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANCHION_LAB_DIR", "/" + "x" * 90)

    with pytest.raises(HostError, match="too long"):
        place.find()
