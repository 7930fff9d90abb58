"""Direct signs of life between agents: one small signed datagram, sent often, answered never.

A datagram needs no connection that could hang and no answer that could be late; what is lost is replaced by the next.
Each is signed with the cluster's secret (HMAC-SHA-256), so that nobody else can keep a dead host looking alive. A
replayed one names a session: it can only vouch for that session, and only while the store agrees that it lives. A
replayed promise answers a plea whose token is either forgotten or still in force.
"""

import asyncio
import hashlib
import hmac
import json
import math
from collections.abc import Callable

from stanchion.model.errors import HostError
from stanchion.model.ids import NodeName, SessionId
from stanchion.ports import Plea, Promise, Sign, Word

_MARK = 32
_LONGEST = 8192
_WAITING_MAX = 1000


class UdpPulse:
    """Port ``Pulse`` over UDP. ``host`` and ``port`` are where this agent listens; ``key`` is the cluster's secret."""

    def __init__(self, host: str, port: int, key: str) -> None:
        self._host = host
        self._port = port
        self._key = hashlib.sha256(b"stanchion pulse " + key.encode()).digest()
        self._heard: asyncio.Queue[Word] = asyncio.Queue(_WAITING_MAX)
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self) -> None:
        """Begin to listen. Raises ``HostError`` where the address cannot be had."""
        try:
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Receiver(self._take), local_addr=(self._host, self._port))
        except OSError as problem:
            raise HostError(f"signs of life cannot be received on {self._host} port {self._port} (UDP): "
                            f"{problem.strerror}; end what uses it, or configure another port") from problem
        self._transport = transport

    @property
    def address(self) -> str:
        """Where this agent hears; call it only when open."""
        assert self._transport is not None
        host, port = self._transport.get_extra_info("sockname")[:2]
        return f"{host}:{port}"

    def send(self, to: str, word: Word) -> None:
        """Send one word to ``HOST:PORT``; what cannot go now is not worth waiting for."""
        host, _, port = to.rpartition(":")
        if self._transport is None or not port.isdecimal():
            return
        text = json.dumps(_written(word)).encode()
        self._transport.sendto(self._sign(text) + text, (host.strip("[]"), int(port)))

    async def hear(self) -> Word:
        """Wait for the next word that is signed rightly."""
        return await self._heard.get()

    def close(self) -> None:
        """Stop listening."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def _sign(self, text: bytes) -> bytes:
        return hmac.digest(self._key, text, "sha256")

    def _take(self, data: bytes) -> None:
        mark, text = data[:_MARK], data[_MARK:]
        if len(data) > _LONGEST or not hmac.compare_digest(mark, self._sign(text)) or self._heard.full():
            return
        try:
            word = _read(json.loads(text))
        except (ValueError, TypeError):
            return
        self._heard.put_nowait(word)


class DeafPulse:
    """The pulse of an agent that can neither be heard nor hear: it suspects nobody, and is judged by its lease."""

    def send(self, to: str, word: Word) -> None:
        """Send nothing."""

    async def hear(self) -> Word:
        """Wait for ever."""
        await asyncio.Event().wait()
        raise AssertionError("nothing is ever heard")


def _written(word: Word) -> list[object]:
    """Give a word as JSON has it.

    A sign of life is what it always was, and the other words begin with nobody's name and nobody's session: so agents
    of before there were any hear a stranger, and nothing else.
    """
    match word:
        case Sign():
            return [word.node, word.session, *word.silent]
        case Plea():
            return ["", "", "plea", word.node, word.session, word.token, word.lease_s, word.reply]
        case Promise():
            return ["", "", "promise", word.token, *word.sessions]


def _read(fields: list[object]) -> Word:
    """Read it back. Raises ``ValueError`` or ``TypeError`` for what is none."""
    match fields:
        case ["", "", "plea", node, session, token, float() | int() as lease_s, reply] if math.isfinite(lease_s):
            return Plea(node=NodeName(str(node)), session=SessionId(str(session)), token=str(token),
                        lease_s=float(lease_s), reply=str(reply))
        case ["", "", "promise", token, *sessions]:
            return Promise(token=str(token), sessions=tuple(SessionId(str(each)) for each in sessions))
        case [str() as node, str() as session, *silent] if node:
            return Sign(node=NodeName(node), session=SessionId(session),
                        silent=tuple(SessionId(str(each)) for each in silent))
        case _:
            raise ValueError(fields)


class _Receiver(asyncio.DatagramProtocol):
    """Hands every datagram on. Errors of the network are no news: silence is what tells."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002 - asyncio's signature
        """Take one datagram."""
        self._take(data)
