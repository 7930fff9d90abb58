"""Damaged and hostile import files, scripts that are no scripts: each refused with one sentence, nothing lost."""

import json
import os
from pathlib import Path

import pytest

from cli.shell import Shell
from stanchion.cli.ncs.directory import LARGEST_BYTES, MOST_ENTRIES
from stanchion.plan.making import MOST_SCRIPT_BYTES

GOOD = """\
format: stanchion/1
resources:
  - {name: NAME, scripts: {load: {text: a}, unload: {text: b}, monitor: {text: c}}}
"""


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("COLUMNS", "80")
    return Shell()


BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<resourceInfo><name>&b;</name></resourceInfo>"""
ALIASES = "a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n"

FILES = [
    ("nothing at all", b"", "holds no document"),
    ("binary", b"\x00\x01\x02", "is not a text; import reads XML, YAML and JSON"),
    ("another encoding", "format: stanchion/1 # ü".encode("latin-1"), "is not a text in UTF-8 (byte 23)"),
    ("an XML bomb", BOMB.encode(), "declares a document type or entities"),
    ("an XML file that reads others", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
     "declares a document type or entities"),
    ("broken XML", b"<resourceInfo><name>web</resourceInfo>", "the XML file cannot be read: mismatched tag"),
    ("deep XML", b"<a>" * 60 + b"</a>" * 60, "in each other"),
    ("XML of something else", b"<html><body/></html>", "the XML file names no resource"),
    ("XML in an unknown encoding", b'<?xml version="1.0" encoding="klingon"?><a/>', "the XML file cannot be read"),
    ("broken JSON", b'{"format": "stanchion/1", "resources": [', "is neither valid YAML nor JSON"),
    ("deep JSON", b"[" * 100_000, "is neither valid YAML nor JSON"),
    ("broken YAML", b"resources: [}\n", "is neither valid YAML nor JSON"),
    ("YAML aliases", ALIASES.encode(), "uses aliases"),
    ("deep YAML", b"[" * 1, "is neither valid YAML nor JSON"),
    ("deeper YAML", b"a: " + b"[" * 50 + b"]" * 50, "more than 20 deep"),
    ("YAML that makes objects", b"!!python/object/apply:os.system ['true']\n", "is neither valid YAML nor JSON"),
    ("a list", b"- a\n- b\n", "holds no document"),
    ("another format", b"format: stanchion/9\n", "format: input should be 'stanchion/1'"),
    ("an unknown field", b"format: stanchion/1\nresorces: []\n", "resorces: is not known here"),
    ("a field of the wrong kind", b"resources: [{name: [1]}]\n", "resources.0.name"),
]


@pytest.mark.parametrize(("data", "says"), [case[1:] for case in FILES], ids=[case[0] for case in FILES])
def test_a_bad_file_is_refused_in_one_sentence(shell: Shell, tmp_path: Path, data: bytes, says: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(data)
    before = shell.world.engine.snapshot().changes
    assert shell("import", str(file)) == 2
    assert says in shell.err
    assert shell.err.count("\n") == 1
    assert shell.world.engine.snapshot().changes == before


def test_a_file_that_is_not_there_and_one_that_is_too_large_are_told(shell: Shell, tmp_path: Path) -> None:
    assert shell("import", str(tmp_path / "nothing")) == 2
    assert "cannot be read: No such file" in shell.err
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(10 * 1024 * 1024 * 1024)
    assert shell("import", str(big)) == 2
    assert "has more than 16 MiB" in shell.err


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "", "x" * 64, "bad name", "naïve"])
def test_a_name_that_is_a_path_or_no_name_is_refused_and_the_others_are_made(shell: Shell, tmp_path: Path,
                                                                           name: str) -> None:
    file = tmp_path / "file.yaml"
    other = "  - {name: good, scripts: {load: {text: a}, unload: {text: b}, monitor: {text: c}}}\n"
    file.write_text(GOOD.replace("NAME", f'"{name}"') + other)
    assert shell("import", str(file)) == 1
    assert "the name" in shell.out
    assert "resource good: made" in shell.out
    assert list(shell.world.view().specs) == ["good"]


def test_names_that_clash_in_case_are_told(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    both = GOOD.replace("NAME", "web") + GOOD.splitlines()[2].replace("NAME", "WEB") + "\n"
    file.write_text(both)
    assert shell("import", str(file), "--dry-run") == 1
    assert "resource WEB: refused: the same import has a resource web" in shell.out
    place = tmp_path / "ncs"
    place.mkdir()
    for name in ("db", "DB"):
        for end in ("load", "unload", "monitor"):
            (place / f"{name}.{end}").write_text("exit 0\n")
    assert shell("import", str(place)) == 0
    assert "not taken over: db: its name differs from DB only in case" in shell.out


def test_files_that_are_no_scripts_are_told_one_by_one(shell: Shell, tmp_path: Path) -> None:
    for end in ("load", "unload", "monitor"):
        (tmp_path / f"web.{end}").write_text("exit 0\r\n", newline="")
    (tmp_path / "bin.load").write_bytes(b"\x7fELF\0")
    (tmp_path / "old.load").write_bytes("# für\n".encode("latin-1"))
    (tmp_path / "big.load").write_bytes(b"#" * (LARGEST_BYTES + 1))
    (tmp_path / "link.load").symlink_to("/etc/passwd")
    (tmp_path / "dir.load").mkdir()
    os.mkfifo(tmp_path / "pipe.load")
    (tmp_path / "bad name.load").write_text("exit 0\n")
    assert shell("import", str(tmp_path)) == 0
    for line in ("bin.load: it is not a text", "old.load: it is not UTF-8 (byte 4)", "big.load: it has more than",
                 "link.load: it is a link", "dir.load: it is not a plain file", "pipe.load: it is not a plain file",
                 "bad name.load: this name is not possible"):
        assert f"not taken over: {line}" in shell.out
    assert "root:" not in shell.out
    spec = next(iter(shell.world.view().specs.values())).value
    assert spec.scripts.load.text == "exit 0\n"


def test_a_directory_without_scripts_and_one_with_too_many_files_are_refused(shell: Shell, tmp_path: Path) -> None:
    assert shell("import", str(tmp_path)) == 2
    assert "holds no scripts that could be taken over" in shell.err
    place = tmp_path / "many"
    place.mkdir()
    first = place / "0"
    first.write_text("")
    for number in range(1, MOST_ENTRIES + 2):
        os.link(first, place / str(number))
    assert shell("import", str(place)) == 2
    assert f"holds more than {MOST_ENTRIES} files" in shell.err


@pytest.mark.parametrize("size", [MOST_SCRIPT_BYTES + 1, 1024 * 1024])
def test_a_script_that_is_too_large_is_refused_wherever_it_comes_in(shell: Shell, tmp_path: Path, size: int) -> None:
    assert shell("resource", "create", "web", "Generic_FS") == 0
    script = tmp_path / "load.sh"
    script.write_text("#" * (size - 8) + "\nexit 0\n")
    before = shell.world.engine.snapshot().changes
    assert shell("script", "edit", "web", "load", "--file", str(script)) == 2
    assert "bytes" in shell.err
    assert shell.err.count("\n") == 1
    assert shell.world.engine.snapshot().changes == before
    file = tmp_path / "file.json"
    scripts = {"load": {"text": "#" * size}, "unload": {"text": "b"}, "monitor": {"text": "c"}}
    file.write_text(json.dumps({"resources": [{"name": "big", "scripts": scripts}]}))
    assert shell("import", str(file)) == 1
    assert "resource big: refused:" in shell.out
    assert "bytes" in shell.out
    assert shell.world.engine.snapshot().changes == before


def test_an_edit_whose_text_is_not_utf_8_is_kept(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shell("resource", "create", "web", "Generic_FS") == 0
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nprintf '\\374\\n' > $1\n")
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    assert shell("script", "edit", "web", "load") == 2
    assert "is not UTF-8; what you typed is in /tmp/" in shell.err
