"""A host that is not set up as it must be: the agent says so in one sentence, and what ran before runs on."""

import os
import re
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from realhosts import LoneNode, Sleeper, lone_node, stanchion, until
from stanchion.model.state import State

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def node() -> Iterator[LoneNode]:
    """A node whose agent was never started."""
    with lone_node() as made:
        yield made


@pytest.fixture(scope="module")
def living() -> Iterator[tuple[LoneNode, Sleeper]]:
    """A node whose agent runs, with a machine; a restart may take its time."""
    with lone_node("--profile", "tolerant") as made:
        made.up()
        sleeper = Sleeper("web", made.directory / "shared")
        made.operator.make("web", sleeper.change())
        yield made, sleeper
        assert len(sleeper.lives()) == 1, "its machine was started anew"
        assert len(sleeper.processes()) == 1
        assert "Traceback" not in made.log


def records(directory: Path) -> dict[str, bytes]:
    """Everything below a directory that is worth keeping, but what SQLite keeps beside its file."""
    return {path.name: path.read_bytes() for path in directory.rglob("*")
            if path.is_file() and not path.name.endswith(("-wal", "-shm", ".log", "lock"))}


@pytest.mark.parametrize(("line", "with_what", "sentence"), [
    (r"^log_json = .*", "log_jsen = false", "unknown setting 'log_jsen'; did you mean 'log_json'? known are node,"),
    (r"^listen_port = .*", 'listen_port = "7423"', 'listen_port = "7423" does not fit: input should be a valid int'),
    (r"^node = .*", 'node = "other"', "the store knows no node other; run `stanchion init` with its name"),
    (r"^listen_host = .*", 'listen_host = "no.such.host.invalid"', "the API cannot listen on no.such.host.invalid"),
    (r"^self_fence = .*", 'self_fence = "hope"', 'self_fence = "hope" does not fit'),
    (r"^cluster = .*", 'cluster = "other"', "belongs to the cluster lab, not to other"),
], ids=lambda value: value if " = " in value and "." not in value else "")
def test_settings_that_make_no_sense_are_refused(node: LoneNode, line: str, with_what: str, sentence: str) -> None:
    good = node.settings.read_text()
    before = records(node.directory)
    try:
        node.settings.write_text(re.sub(line, with_what, good, flags=re.MULTILINE))
        done = stanchion("agent", "--config", node.settings)
    finally:
        node.settings.write_text(good)
    assert done.code in {1, 2}
    done.refused(done.code, sentence)
    assert records(node.directory) == before


def test_settings_that_are_not_there_or_not_text_are_refused(node: LoneNode, tmp_path: Path) -> None:
    stanchion("agent", "--config", tmp_path / "none.toml").refused(2, "there is no settings file", "`stanchion init`")
    stanchion("agent", "--config", node.directory).refused(2, "cannot be read: ")
    (tmp_path / "agent.toml").write_bytes(b"\xff\xfe\x00")
    stanchion("agent", "--config", tmp_path / "agent.toml").refused(2, "cannot be read: ")


@pytest.mark.parametrize("fault", ["missing", "not text", "empty"])
def test_an_agent_without_its_token_does_not_begin(node: LoneNode, fault: str) -> None:
    token = node.directory / "token"
    good = token.read_bytes()
    token.unlink()
    try:
        match fault:
            case "not text":
                token.write_bytes(b"\xff\xff\n")
            case "empty":
                token.write_bytes(b"\n")
        node.refuses(1, f"the token file {token} ", "`stanchion init` makes one")
    finally:
        token.write_bytes(good)


def test_a_port_in_use_is_told_before_anything_begins() -> None:
    with lone_node() as fresh, socket.socket() as taken:
        taken.bind(("127.0.0.1", fresh.port))
        taken.listen()
        fresh.refuses(1, f"the API cannot listen on 127.0.0.1 port {fresh.port} (Address already in use)",
                      "end what uses it, or set another listen_port")
        taken.close()
        fresh.up()
        assert fresh.kill(signal.SIGTERM) == 0
        with socket.socket() as later:
            later.bind(("127.0.0.1", fresh.port))
            fresh.refuses(1, "the API cannot listen on")


def test_a_restarted_agent_keeps_its_machine_while_its_port_is_taken(living: tuple[LoneNode, Sleeper]) -> None:
    node, sleeper = living
    session = node.operator.status().nodes[0].since
    node.kill()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", node.port))
        taken.listen()
        node.start()
        until(lambda: "the API does not answer yet" in node.log, "the agent says that its port is taken")
        assert "(Address already in use)" in node.log
    until(lambda: node.operator.resource("web").state is State.RUNNING, "the API answers once the port is free")
    assert node.operator.status().nodes[0].since == session, "it opened a session anew"
    assert len(sleeper.lives()) == 1


def test_a_restarted_agent_keeps_its_machine_while_its_token_is_gone(living: tuple[LoneNode, Sleeper]) -> None:
    node, sleeper = living
    session, token = node.operator.status().nodes[0].since, node.directory / "token"
    node.kill()
    hidden = token.rename(token.with_name("hidden"))
    node.start()
    until(lambda: f"the token file {token} cannot be read" in node.log, "the agent says that its token is gone")
    assert node.agent is not None
    assert node.agent.poll() is None
    hidden.rename(token)
    until(lambda: node.operator.resource("web").state is State.RUNNING, "the API answers once the token is back")
    assert node.operator.status().nodes[0].since == session, "it opened a session anew"
    assert len(sleeper.lives()) == 1


def test_a_second_agent_with_the_same_settings_is_refused_at_once(living: tuple[LoneNode, Sleeper]) -> None:
    node, _ = living
    node.refuses(1, f"another agent runs with the directory {node.directory / 'state'}; stop it first")
    assert node.operator.resource("web").state is State.RUNNING


def test_a_second_agent_with_the_same_name_gives_up() -> None:
    with lone_node() as node:
        node.up()
        sleeper = Sleeper("web", node.directory / "shared")
        node.operator.make("web", sleeper.change())
        before = node.operator.status()
        twin = LoneNode(node.directory.parent / "twin")
        twin.directory.mkdir()
        text = node.settings.read_text().replace(f"listen_port = {node.port}", f"listen_port = {twin.port}")
        twin.settings.write_text(text.replace(str(node.directory / "state"), str(twin.directory / "state")))

        twin.refuses(1, "another agent is a member as solo (at http://127.0.0.1:", "give this one another node name")

        after = node.operator.status()
        assert (after.nodes[0].since, after.resources) == (before.nodes[0].since, before.resources)
        assert node.agent is not None
        assert node.agent.poll() is None
        assert len(sleeper.lives()) == 1


def test_a_wall_clock_that_jumps_back_an_hour_moves_nothing(tmp_path: Path) -> None:
    """The agent's interpreter reads a wall clock that a file sets back; the machine's own is left alone."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, time\n"
        "real = time.time\n"
        f"time.time = lambda: real() - 3600 * os.path.exists({str(tmp_path / 'jump')!r})\n")
    with lone_node() as node:
        node.env["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{Path(__file__).parents[2] / 'src'}"
        node.up()
        sleeper = Sleeper("web", node.directory / "shared")
        node.operator.make("web", sleeper.change(monitored=True))
        before = node.operator.status()

        (tmp_path / "jump").touch()
        node.operator.make("later", Sleeper("later", node.directory / "shared").change())

        after = node.operator.status()
        made = node.operator.resource("later").since
        assert made is not None
        assert made < before.resources[0].since, "the clock did not jump"
        assert after.nodes[0].since == before.nodes[0].since
        assert (after.resources[1].state, after.resources[1].lives) == (State.RUNNING, 1)
        (tmp_path / "jump").unlink()
        until(lambda: node.operator.ask(lambda client: client.runs("later")), "it still answers")
        assert len(sleeper.lives()) == 1
        assert "cut off" not in node.log


def test_a_host_without_qemu_says_which_package_is_missing(tmp_path: Path) -> None:
    """The agent runs where the program cannot be started: in a mount namespace that hides it."""
    qemu = shutil.which("qemu-system-x86_64")
    hide = f"mount --bind /dev/null {qemu} && " if qemu else ""
    before = ("unshare", "-rm" if os.getuid() else "-m", "sh", "-c", hide + 'exec "$0" "$@"')
    with lone_node() as node:
        if os.spawnvp(os.P_WAIT, before[0], [*before, "true"]) != 0:
            pytest.skip("this host does not allow mount namespaces: `unshare -m` failed")
        node.up(*before)
        (tmp_path / "vm.conf").write_text("memory = 32\naccel = tcg\ndisk = vm.img\n")
        (tmp_path / "vm.img").touch()
        done = stanchion("resource", "create", "vm1", "Qemu_Template", f"CONFIG={tmp_path / 'vm.conf'}", "--online",
                         env=node.operator.said)
        assert done.code == 1
        assert "vm1: there is no QEMU on this host: install qemu-system-x86" in done.err
        found = node.operator.resource("vm1")
        assert found.state is State.COMATOSE
        assert "qemu-system-x86" in found.reason.text
        assert "Traceback" not in node.log
