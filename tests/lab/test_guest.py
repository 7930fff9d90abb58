"""The guest's program and disk, without running it; ``tests/drivers`` runs it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from stanchion.lab import guest


def test_the_disk_boots() -> None:
    """The program fits its sector, and the BIOS finds the mark of a bootable disk."""
    image = guest.image()
    assert len(image) == guest.IMAGE_SIZE
    assert image[510:512] == b"\x55\xAA"
    assert not any(image[512:])


def test_labels_become_addresses_and_distances() -> None:
    listing = "start: EB >end ; forward\n E8 >>start ; back\n BE =text\nend: C3\ntext: 'a b' 00\n"
    assert guest.assemble(listing) == bytes.fromhex("EB 06 E8 FB FF BE 09 7C C3 61 20 62 00")
    with pytest.raises(KeyError):
        guest.assemble("a: EB >nowhere")


@pytest.mark.skipif(shutil.which("objdump") is None, reason="objdump is not installed (binutils)")
def test_the_bytes_are_the_instructions_that_stand_beside_them(tmp_path: Path) -> None:
    """A disassembler reads the same operations, in the same order, as the listing says."""
    said = [line.partition(";")[2].split()[0] for line in guest.LISTING.splitlines() if ";" in line]
    program = tmp_path / "program"
    program.write_bytes(guest.assemble(guest.LISTING))
    listed = subprocess.run(["objdump", "-D", "-b", "binary", "-m", "i8086", "-M", "intel", str(program)],
                            capture_output=True, text=True, check=True).stdout
    read = re.findall(r"^ +[0-9a-f]+:\t(?:[0-9a-f]{2} )+ *\t(\w+)", listed, re.MULTILINE)
    same = {"jz": "je", "jnz": "jne", "jc": "jb", "lodsb": "lods"}
    assert read[:len(said)] == [same.get(word, word) for word in said]


def test_a_serial_log_is_read_line_by_line() -> None:
    """Half a line, another boot's lines, and other words do no harm."""
    log = "tick 0 boot 0000002a\nSeaBIOS\ntick 1 boot 0000002a\nsecond copy 00000001\ntick 0 boot ffffffff\ntick 1 bo"
    assert guest.parse(log) == [guest.Tick(0, "0000002a"), guest.Tick(1, "0000002a"), guest.Tick(0, "ffffffff")]


def test_a_fresh_disk_holds_no_state_and_can_be_told_to_hang(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    guest.write_image(disk)
    assert guest.read_state(disk) is None
    guest.hang(disk, 3)
    assert disk.read_bytes()[1024:1029] == b"HANG\x03"
    assert disk.stat().st_size == guest.IMAGE_SIZE
