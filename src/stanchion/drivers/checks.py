"""Is the guest well? Checks that look into a machine from outside, for monitor scripts (``share/checks``).

That a machine runs says nothing about what runs in it. Each check asks one question within a bounded time and answers
with an exit code: 0 well, 1 not well or no answer, 2 asked wrongly. It never answers 7, "not running": a guest that is
not well is no proof that its machine is gone, and where there is no hypervisor to ask, 7 would be read as one.

This module is run by scripts, without the site's packages: nothing but the standard library may be used here.
"""

import json
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence

WITHIN_S = 5.0
LONGEST_S = 3600.0
READ_BYTES = 1024 * 1024
"""So much of a page is read to look for a text."""

MARK = b"\xff"
"""What a guest agent puts before its answer when it is asked to: all before it belongs to somebody else's question."""

PING = '{"execute":"guest-ping"}'


class Unwell(Exception):
    """The guest is not well, or does not answer; the text says which."""


class Wrong(Exception):
    """The check was asked wrongly."""


def tcp(host: str, port: str, seconds: str = "") -> None:
    """Connect to a TCP port; whoever listens there is well enough."""
    if not port.isdecimal() or not 0 < int(port) <= 65_535:  # noqa: PLR2004 - the highest port there is
        raise Wrong(f"{port!r} is not a port: 1 to 65535")
    try:
        socket.create_connection((host, int(port)), _seconds(seconds)).close()
    except OSError as problem:
        raise Unwell(f"nobody answers at {host}:{port}: {_told(problem)}") from None


def http(url: str, seconds: str = "", text: str = "") -> None:
    """Get a page; it must be answered with 2xx in time and hold the text. Redirections are followed."""
    if not url.startswith(("http://", "https://")):
        raise Wrong(f"{url!r} is not an address: it must begin with http:// or https://")
    # No proxy: what is asked for is the guest itself.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_seconds(seconds)) as answer:
            page = answer.read(READ_BYTES).decode(errors="replace")
    except urllib.error.HTTPError as problem:
        raise Unwell(f"{url} answers {problem.code} {problem.reason}") from None
    except (OSError, ValueError) as problem:
        raise Unwell(f"{url} does not answer: {_told(problem)}") from None
    if text not in page:
        raise Unwell(f"{url} answers, but {text!r} is not on the page")


def guest_agent(where: str, seconds: str = "") -> None:
    """Ping the QEMU guest agent: by the path of its socket, or in a libvirt domain by the domain's name."""
    within_s = _seconds(seconds)
    if where.startswith("/"):
        _ping(where, within_s)
        return
    try:
        done = subprocess.run(["virsh", "qemu-agent-command", where, "--timeout", str(max(1, round(within_s))), PING],
                              capture_output=True, text=True, timeout=within_s + 2.0, check=False)
    except FileNotFoundError:
        raise Wrong("virsh is not installed; name the socket of the guest agent by its whole path") from None
    except subprocess.TimeoutExpired:
        raise Unwell(f"virsh does not answer within {within_s:g} s") from None
    if done.returncode != 0:
        raise Unwell(f"the guest agent of {where} does not answer: {' '.join(done.stderr.split())}")


def _ping(path: str, within_s: float) -> None:
    """Agree with the agent on where its answers begin, then ping it."""
    deadline, token = time.monotonic() + within_s, secrets.randbelow(2**31)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(within_s)
            line.connect(path)
            sync = {"execute": "guest-sync-delimited", "arguments": {"id": token}}
            line.sendall(MARK + json.dumps(sync).encode() + b"\n")
            rest = b""
            while MARK not in rest or json.loads(rest[rest.rindex(MARK) + 1:].split(b"\n")[0]) != {"return": token}:
                rest += _more(line, deadline)
                rest = rest[rest.rindex(MARK):] if MARK in rest and rest.endswith(b"\n") else rest
            line.sendall(PING.encode() + b"\n")
            answer = b""
            while not answer.endswith(b"\n"):
                answer += _more(line, deadline)
    except OSError as problem:
        raise Unwell(f"the guest agent at {path} does not answer: {_told(problem)}") from None
    except ValueError:
        raise Unwell(f"what answers at {path} is no guest agent") from None
    if b'"error"' in answer:
        raise Unwell(f"the guest agent at {path} is not well: {answer.decode(errors='replace').strip()}")


def _more(line: socket.socket, deadline: float) -> bytes:
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("no answer in time")
    line.settimeout(left_s)
    some = line.recv(4096)
    if not some:
        raise ConnectionResetError("it hung up")
    return some


def _seconds(text: str) -> float:
    try:
        number = float(text or WITHIN_S)
    except ValueError:
        raise Wrong(f"{text!r} is not a number of seconds") from None
    if not 0 < number <= LONGEST_S:
        raise Wrong(f"{text} seconds are not possible: more than 0 and at most {LONGEST_S:g}")
    return number


def _told(problem: BaseException) -> str:
    inner = getattr(problem, "reason", problem)
    if isinstance(inner, TimeoutError):
        return "no answer in time"
    return str(getattr(inner, "strerror", None) or inner)


CHECKS: Mapping[str, Callable[..., None]] = {"check_tcp": tcp, "check_http": http, "check_guest_agent": guest_agent}
USAGE = {"check_tcp": "HOST PORT [SECONDS]", "check_http": "URL [SECONDS [TEXT]]",
         "check_guest_agent": "DOMAIN|SOCKET [SECONDS]"}
WORDS = {"check_tcp": (2, 3), "check_http": (1, 3), "check_guest_agent": (1, 2)}


def run(argv: Sequence[str] | None = None) -> int:
    """Make one check, named by its first word; say on standard error what is wrong, as an OCF agent would."""
    name, *words = sys.argv[1:] if argv is None else argv
    least, most = WORDS[name]
    if not least <= len(words) <= most or not words[0]:
        return _said(f"write {name} {USAGE[name]}", 2)
    try:
        CHECKS[name](*words)
    except Unwell as unwell:
        return _said(str(unwell), 1)
    except Wrong as wrong:
        return _said(str(wrong), 2)
    return 0


def _said(text: str, code: int) -> int:
    sys.stderr.write(f"ocf-exit-reason:{text}\n")
    return code
