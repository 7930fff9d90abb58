"""Is the guest well? Real sockets, real pages, a guest agent's protocol; each check in a real script."""

import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from script_benches import LIBRARY, Play, order, runner_in

from stanchion.drivers import checks
from stanchion.model.history import Run

SOURCE = "#!/bin/bash\n. /opt/novell/ncs/lib/ncsfuncs\n"


@pytest.fixture
def monitor(tmp_path: Path) -> Callable[..., object]:
    """Give a function that runs one line of a monitor script, with the library sourced."""
    runner, lines = runner_in(tmp_path), []

    async def monitor(line: str, source: str = SOURCE, **environment: str) -> Run:
        lines.append(line)
        return await runner.run(order(f"{source}exit_on_error {line}\nexit 0\n", operation=f"check-{len(lines)}",
                                      **environment))

    return monitor


class Page(BaseHTTPRequestHandler):
    """A guest's web page: well, sick, elsewhere, or silent."""

    def do_GET(self) -> None:
        """Answer by the path."""
        if self.path == "/silent":
            self.server.quiet.wait(10)  # type: ignore[attr-defined]  # set below
            return
        self.send_response({"/sick": 503, "/moved": 302}.get(self.path, 200))
        if self.path == "/moved":
            self.send_header("Location", "/")
        self.end_headers()
        self.wfile.write(b"all is well")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def web() -> Iterator[str]:
    """Serve the page; give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.quiet = threading.Event()  # type: ignore[attr-defined]  # the page waits for it
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.quiet.set()  # type: ignore[attr-defined]  # as above
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def agent(place: Path, talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """Listen as a guest agent does, for one client."""
    path = place / "agent.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.bind(str(path))
        door.listen(1)

        def serve() -> None:
            line, _ = door.accept()
            with line:
                talk(line)

        thread = threading.Thread(target=serve)
        thread.start()
        yield str(path)
        thread.join()


def well(line: socket.socket) -> None:
    """Answer like qemu-ga, after what is left of somebody else's question."""
    asked = json.loads(line.recv(4096).lstrip(b"\xff"))
    assert asked["execute"] == "guest-sync-delimited"
    line.sendall(b'{"return": 99}\n\xff' + json.dumps({"return": asked["arguments"]["id"]}).encode() + b"\n")
    assert json.loads(line.recv(4096)) == {"execute": "guest-ping"}
    line.sendall(b'{"return": {}}\n')


def sick(line: socket.socket) -> None:
    """Agree, then complain."""
    asked = json.loads(line.recv(4096).lstrip(b"\xff"))
    line.sendall(b"\xff" + json.dumps({"return": asked["arguments"]["id"]}).encode() + b"\n")
    line.recv(4096)
    line.sendall(b'{"error": {"class": "CommandNotFound", "desc": "disabled"}}\n')


def silent(line: socket.socket) -> None:
    """Listen, and say nothing until the other one leaves."""
    while line.recv(4096):
        pass


def stranger(line: socket.socket) -> None:
    """Speak another language."""
    line.recv(4096)
    line.sendall(b"\xffSSH-2.0\n")


def gone(_: socket.socket) -> None:
    """Hang up at once."""


async def test_a_port_that_answers_is_well_and_one_that_does_not_is_not(monitor: Play) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        assert (await monitor(f"check_tcp 127.0.0.1 {port}")).code == 0
    run = await monitor(f"check_tcp 127.0.0.1 {port} 2")
    assert run.code == 1
    assert f"nobody answers at 127.0.0.1:{port}: Connection refused" in run.output
    assert run.command.startswith(f"check_tcp 127.0.0.1 {port} 2: nobody answers")


@pytest.mark.parametrize(("asked", "code", "says"), [
    ("/", 0, ""), ("/ 5 \"'is well'\"", 0, ""), ("/moved", 0, ""), ("/sick", 1, "answers 503"),
    ("/ 5 \"'is bad'\"", 1, "'is bad' is not on the page"), ("/silent 0.2", 1, "no answer in time"),
])
async def test_a_page_is_got_and_read(monitor: Play, web: str, asked: str, code: int, says: str) -> None:
    run = await monitor(f"check_http {web}{asked}")

    assert run.code == code, run.output
    assert says in run.output


async def test_a_proxy_of_the_host_is_not_asked(monitor: Play, web: str) -> None:
    assert (await monitor(f"check_http {web}/", http_proxy="http://127.0.0.1:9")).code == 0


@pytest.mark.parametrize(("talk", "code", "says"), [
    (well, 0, ""), (sick, 1, "is not well"), (silent, 1, "no answer in time"), (stranger, 1, "is no guest agent"),
    (gone, 1, "does not answer"),
])
async def test_a_guest_agent_is_pinged_by_its_socket(monitor: Play, tmp_path: Path, code: int, says: str,
                                                     talk: Callable[[socket.socket], None]) -> None:
    with agent(tmp_path, talk) as path:
        run = await monitor(f"check_guest_agent {path} 0.5")

    assert run.code == code, run.output
    assert says in run.output


async def test_no_socket_is_no_guest_agent(monitor: Play) -> None:
    run = await monitor("check_guest_agent /nowhere/agent.sock")

    assert run.code == 1
    assert "the guest agent at /nowhere/agent.sock does not answer: No such file or directory" in run.output


async def test_a_domain_s_guest_agent_is_asked_through_libvirt(monitor: Play, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "virsh").write_text('#!/bin/bash\necho "$*" >>"$0.calls"\n[ "$2" = web ] || '
                                 '{ echo "error: Guest agent is not responding" >&2; exit 1; }\n')
    (tools / "virsh").chmod(0o755)
    path = f"{tools}:/usr/bin:/bin"

    assert (await monitor("check_guest_agent web 3", PATH=path)).code == 0
    run = await monitor("check_guest_agent gone", PATH=path)

    assert run.code == 1
    assert "the guest agent of gone does not answer: error: Guest agent is not responding" in run.output
    asked = (tools / "virsh.calls").read_text().splitlines()[0]
    assert asked == 'qemu-agent-command web --timeout 3 {"execute":"guest-ping"}'


@pytest.mark.skipif(shutil.which("virsh") is not None, reason="virsh is installed")
async def test_without_libvirt_a_domain_cannot_be_asked(monitor: Play) -> None:
    run = await monitor("check_guest_agent web")

    assert run.code == 2
    assert "virsh is not installed; name the socket" in run.output


@pytest.mark.parametrize(("line", "says"), [
    ("check_tcp", "write check_tcp HOST PORT [SECONDS]"), ("check_tcp 127.0.0.1", "write check_tcp HOST PORT"),
    ("check_tcp 127.0.0.1 http", "'http' is not a port"), ("check_tcp 127.0.0.1 70000", "'70000' is not a port"),
    ("check_tcp 127.0.0.1 22 soon", "'soon' is not a number of seconds"),
    ("check_tcp 127.0.0.1 22 0", "0 seconds are not possible"), ("check_tcp 127.0.0.1 22 nan", "are not possible"),
    ("check_http", "write check_http URL"), ("check_http ftp://x", "it must begin with http:// or https://"),
    ("check_http http://x 1 a b", "write check_http URL"),
    ("check_guest_agent", "write check_guest_agent DOMAIN|SOCKET"),
    ("check_guest_agent '\"\"'", "write check_guest_agent"),
])
async def test_a_check_that_is_asked_wrongly_says_how(monitor: Play, line: str, says: str) -> None:
    run = await monitor(line)

    assert run.code == 2
    assert says in run.output
    assert "Traceback" not in run.output


def test_no_check_ever_says_that_the_machine_is_gone() -> None:
    """Code 7 would be a proof to whoever has nothing but the monitor script to look with."""
    assert {checks.run(["check_tcp", "127.0.0.1", "1"]), checks.run(["check_http", "x"]),
            checks.run(["check_guest_agent", "/nowhere"])} <= {1, 2}


async def test_the_checks_can_be_had_beside_the_vendor_s_library(monitor: Play) -> None:
    run = await monitor("check_tcp 127.0.0.1 none", source='#!/bin/bash\n. "${STANCHION_LIBRARY%/*}/checks"\n'
                        'exit_on_error() { "$@" || exit; }\n')

    assert run.code == 2
    assert (LIBRARY.parent / "checks").exists()
