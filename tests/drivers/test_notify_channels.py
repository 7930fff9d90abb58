"""The channels of notification against real servers and programs: what they are given, what is said when it fails."""

import hashlib
import hmac
import json
import ssl
import time
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.post_offices import MailServer, WebServer, opened
from stanchion.drivers.notify import Channels
from stanchion.model.errors import HostError
from stanchion.model.history import Entry, Line, Severity
from stanchion.model.ids import NodeName
from stanchion.model.notification import Apprise, Command, Mail, Message, Security, Webhook
from stanchion.model.reasons import Why, reason
from stanchion.model.state import State
from stanchion.trust import contexts, papers
from stanchion.trust.authority import Signer

ENTRY = Entry(at_s=1_790_000_000.0, reason=reason(Why.LOAD_FAILED, 1, "virsh start wéb"), severity=Severity.CRITICAL,
              resource="web", node="node2", before=State.LOADING, after=State.COMATOSE, operation="web@7")
MESSAGE = Message(id="mail-1-2", cluster="lab", severity=Severity.CRITICAL, subject="[lab] critical: wéb is comatose",
                  text=f"First line.\n.\n{'long ' * 300}wéb\n", lines=(Line("0000000000000001-0000", ENTRY),), more=3)
TO = ("ops@example.org", "boss@example.org")
CHANNELS = Channels(timeout_s=5.0)


async def test_a_mail_arrives_as_it_was_written() -> None:
    server = MailServer()
    async with opened(server):
        said = await CHANNELS.send(Mail(to=TO, host="127.0.0.1", port=server.port, sender="ha@example.org"), MESSAGE)

    ((to, mail),) = server.mails
    assert said == f"127.0.0.1:{server.port} answered 250 taken as number 7"
    assert tuple(to) == TO
    assert (mail["Subject"], mail["From"], mail["To"]) == (MESSAGE.subject, "ha@example.org", ", ".join(TO))
    assert (mail["Auto-Submitted"], mail["Importance"]) == ("auto-generated", "high")
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().replace("\r\n", "\n") == MESSAGE.text


async def test_a_long_plain_subject_stays_on_one_line() -> None:
    server, subject = MailServer(), "[lab] critical: " + "long " * 34 + "tail"
    async with opened(server):
        await CHANNELS.send(Mail(to=TO, host="127.0.0.1", port=server.port), replace(MESSAGE, subject=subject))

    assert server.mails[0][1]["Subject"] == subject


async def test_the_same_message_has_the_same_message_id() -> None:
    server = MailServer()
    async with opened(server):
        way = Mail(to=TO, host="127.0.0.1", port=server.port, sender="ha@example.org")
        await CHANNELS.send(way, MESSAGE)
        await CHANNELS.send(way, MESSAGE)

    first, second = (mail["Message-ID"] for _, mail in server.mails)
    assert first == second


async def test_a_password_is_read_on_the_host_and_sent_after_starttls_alone(tmp_path: Path,
                                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    context = _certified(tmp_path, monkeypatch)
    (tmp_path / "password").write_text("s3cret\n")
    server = MailServer(tls=context)
    async with opened(server):
        way = Mail(to=TO, host="localhost", port=server.port, security=Security.STARTTLS, user="ha",
                   password_file=str(tmp_path / "password"))
        await CHANNELS.send(way, MESSAGE)

    words = [command.split()[0].upper() for command in server.commands]
    assert words.index("STARTTLS") < words.index("AUTH") < words.index("MAIL")
    assert len(server.mails) == 1


async def test_tls_from_the_first_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = MailServer()
    async with opened(server, _certified(tmp_path, monkeypatch)):
        await CHANNELS.send(Mail(to=TO, host="localhost", port=server.port, security=Security.TLS), MESSAGE)

    assert len(server.mails) == 1


async def test_a_mail_server_that_nobody_vouches_for_gets_no_mail(tmp_path: Path,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    context = _certified(tmp_path, monkeypatch)
    monkeypatch.delenv("SSL_CERT_FILE")
    server = MailServer(tls=context)
    async with opened(server):
        with pytest.raises(HostError, match="certificate"):
            await CHANNELS.send(Mail(to=TO, host="localhost", port=server.port, security=Security.STARTTLS), MESSAGE)

    assert server.mails == []


@pytest.mark.parametrize(("refuses", "told"), [
    ({"RCPT": "550 who is that?"}, r"takes none of the addresses: ops@example.org \(550 who is that\?\)"),
    ({"MAIL": "451 come back later"}, "refuses: 451 come back later"),
    ({"EHLO": "421 too busy", "HELO": "421 too busy"}, "too busy"),
    ({"DATA": "452 no room"}, "refuses: 452 no room"),
])
async def test_what_the_mail_server_says_is_told(refuses: dict[str, str], told: str) -> None:
    server = MailServer(refuses=refuses)
    async with opened(server):
        with pytest.raises(HostError, match=told):
            await CHANNELS.send(Mail(to=TO, host="127.0.0.1", port=server.port), MESSAGE)


async def test_one_wrong_address_does_not_keep_the_mail_from_the_others() -> None:
    server = MailServer(refuses={"boss@example.org": "550 left the company"})
    async with opened(server):
        said = await CHANNELS.send(Mail(to=TO, host="127.0.0.1", port=server.port), MESSAGE)

    assert said.endswith("refused boss@example.org (550 left the company)")
    assert server.mails[0][0] == ["ops@example.org"]


async def test_a_server_that_takes_its_leave_badly_has_the_mail_all_the_same() -> None:
    server = MailServer(refuses={"QUIT": "500 what?"})
    async with opened(server):
        await CHANNELS.send(Mail(to=TO, host="127.0.0.1", port=server.port), MESSAGE)

    assert len(server.mails) == 1


async def test_a_post_carries_the_event_and_is_signed(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("shared key\n")
    server = WebServer()
    async with opened(server):
        way = Webhook(url=f"http://user@127.0.0.1:{server.port}/hook?room=7", secret_file=str(tmp_path / "key"))
        said = await CHANNELS.send(way, MESSAGE)

    ((line, headers, body),) = server.posts
    told = json.loads(body)
    assert said == f"http://127.0.0.1:{server.port} answered 204 No Content"
    assert line == "POST /hook?room=7 HTTP/1.1"
    assert headers["stanchion-signature"] == f"sha256={hmac.new(b'shared key', body, hashlib.sha256).hexdigest()}"
    assert headers["idempotency-key"] == MESSAGE.id
    assert (told["cluster"], told["severity"], told["more"]) == ("lab", "critical", 3)
    assert told["events"][0]["after"] == "Comatose"
    assert told["events"][0]["reason"]["code"] == "load_failed"


@pytest.mark.parametrize("status", ["500 Oh No", "302 Elsewhere", "404 Not Found"])
async def test_an_answer_that_is_not_well_is_a_failure_and_a_redirect_is_not_followed(status: str) -> None:
    server = WebServer(status=status, headers="Location: http://127.0.0.1:1/\r\n")
    async with opened(server):
        with pytest.raises(HostError, match=f"answered {status}"):
            await CHANNELS.send(Webhook(url=f"http://127.0.0.1:{server.port}/"), MESSAGE)

    assert len(server.posts) == 1


async def test_a_program_is_told_in_both_ways(tmp_path: Path) -> None:
    program = _program(tmp_path, f"cat > {tmp_path}/in; env > {tmp_path}/env; echo done well")

    said = await CHANNELS.send(Command(path=program), MESSAGE)

    environment = (tmp_path / "env").read_text()
    assert said == "the command ended well: done well"
    assert json.loads((tmp_path / "in").read_bytes())["id"] == MESSAGE.id
    for wanted in ("STANCHION_RESOURCE=web", "STANCHION_NODE=node2", "STANCHION_STATE=Comatose",
                   "STANCHION_SEVERITY=critical", "STANCHION_REASON=load_failed", "STANCHION_MORE=3"):
        assert f"{wanted}\n" in environment


async def test_a_program_that_fails_or_reads_nothing(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="ended with code 3: no line"):
        await CHANNELS.send(Command(path=_program(tmp_path, "echo no line >&2; exit 3")), MESSAGE)
    assert await CHANNELS.send(Command(path=_program(tmp_path, "exec <&-; exit 0")), MESSAGE)


async def test_a_program_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    program = _program(tmp_path, f"sleep 300 & echo $! > {tmp_path}/pid; wait")

    with pytest.raises(HostError, match=r"did not end within 0\.5 s and was ended"):
        await CHANNELS.send(Command(path=program, timeout_s=0.5), MESSAGE)

    child = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/stat")
    deadline = time.monotonic() + 10
    while child.exists() and child.read_text().split()[2] != "Z":
        assert time.monotonic() < deadline


@pytest.mark.parametrize("way", [
    Mail(to=TO, host="127.0.0.1", port=1), Mail(to=TO, host="nowhere.invalid"),
    Mail(to=TO, user="u", password_file="/nowhere/password"), Webhook(url="http://127.0.0.1:1/"),
    Webhook(url="https://127.0.0.1:1/"), Webhook(url="http://127.0.0.1:1/", secret_file="/nowhere/key"),
    Command(path="/nowhere/tell"), Command(path="/etc"), Apprise(urls_file="/nowhere/urls"),
])
async def test_whatever_cannot_be_reached_is_one_sentence(way: Mail | Webhook | Command | Apprise) -> None:
    """The contract of the port: delivered, or ``HostError`` with what is wrong."""
    with pytest.raises(HostError) as problem:
        await CHANNELS.send(way, MESSAGE)
    assert "\n" not in str(problem.value)


async def test_a_server_that_says_nothing_costs_the_time_that_was_set() -> None:
    hasty = Channels(timeout_s=0.3)
    for server, way in ((mail := MailServer(silent=True), Mail), (web := WebServer(silent=True), Webhook)):
        async with opened(server):
            port = (mail if way is Mail else web).port
            made = Mail(to=TO, host="127.0.0.1", port=port) if way is Mail else Webhook(url=f"http://127.0.0.1:{port}/")
            with pytest.raises(HostError, match="timed out"):
                await hasty.send(made, MESSAGE)


async def test_a_delivery_ends_in_time_even_if_its_library_does_not() -> None:
    """A server that drips a letter now and then never times out by itself."""
    server = MailServer(silent=True)
    async with opened(server):
        with pytest.raises(HostError, match=r"no answer within 0\.2 s"):
            await Channels(timeout_s=60.0, longest_s=0.2).send(Mail(to=TO, host="127.0.0.1", port=server.port), MESSAGE)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # its own imports
async def test_apprise_tells_its_services(tmp_path: Path) -> None:
    pytest.importorskip("apprise", reason="the optional package apprise is not installed")
    server = WebServer(status="200 OK")
    async with opened(server):
        (tmp_path / "urls").write_text(f"# ours\njson://127.0.0.1:{server.port}/\n")
        said = await CHANNELS.send(Apprise(urls_file=str(tmp_path / "urls")), MESSAGE)

    assert said == "apprise told 1 service"
    assert json.loads(server.posts[0][2])["title"] == MESSAGE.subject


async def test_without_apprise_the_sentence_says_how_to_get_it(tmp_path: Path) -> None:
    try:
        import apprise  # noqa: F401 - only asked whether it is there
    except ImportError:
        (tmp_path / "urls").write_text("json://127.0.0.1:1/\n")
        with pytest.raises(HostError, match="pip install"):
            await CHANNELS.send(Apprise(urls_file=str(tmp_path / "urls")), MESSAGE)
    else:
        pytest.skip("the optional package apprise is installed")


def _program(directory: Path, text: str) -> str:
    program = directory / "tell"
    program.write_text(f"#!/bin/bash\n{text}\n")
    program.chmod(0o755)
    return str(program)


def _certified(directory: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Make a certificate for localhost, and let this process believe its authority."""
    now_s = time.time()
    signer = Signer.make("mail", now_s)
    key, cert, ca = directory / "key.pem", directory / "cert.pem", directory / "ca.pem"
    papers.make_key(key)
    cert.write_text(signer.sign(papers.request(key, NodeName("localhost")), NodeName("localhost"), "localhost", now_s))
    ca.write_text(signer.certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(ca))
    return contexts.server(cert, key)
