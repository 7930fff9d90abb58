"""Signs of life over real UDP on the loopback interface."""

import asyncio

import pytest

from stanchion.drivers.pulse import UdpPulse
from stanchion.model.errors import HostError
from stanchion.model.ids import NodeName, SessionId
from stanchion.ports import Plea, Promise, Sign, Word

SIGN = Sign(node=NodeName("a"), session=SessionId("a-1"), silent=(SessionId("c-1"),))


async def _open(key: str = "secret", port: int = 0) -> tuple[UdpPulse, str]:
    pulse = UdpPulse("127.0.0.1", port, key)
    await pulse.open()
    return pulse, pulse.address


async def test_a_sign_is_heard_by_who_has_the_same_secret_only() -> None:
    one, _ = await _open()
    two, there = await _open()
    stranger, _ = await _open(key="another")
    stranger.send(there, Sign(node=NodeName("b"), session=SessionId("b-1")))
    one.send(there, SIGN)
    async with asyncio.timeout(5):
        assert await two.hear() == SIGN
    for pulse in (one, two, stranger):
        pulse.close()


@pytest.mark.parametrize("word", [
    Sign(node=NodeName("a"), session=SessionId("a-1")),
    Plea(node=NodeName("a"), session=SessionId("a-1"), token="t", lease_s=8.0, reply="[::1]:7"),
    Promise(sessions=(SessionId("a-1"), SessionId("a-2")), token="t"),
])
async def test_every_word_arrives_as_it_was_sent(word: Word) -> None:
    one, _ = await _open()
    two, there = await _open()
    one.send(there, word)
    async with asyncio.timeout(5):
        assert await two.hear() == word
    one.close()
    two.close()


async def test_words_that_are_none_are_dropped_though_they_are_signed_rightly() -> None:
    one, _ = await _open()
    two, there = await _open()
    for lease_s in (float("inf"), float("nan"), "8", None):
        one.send(there, Plea(node=NodeName("a"), session=SessionId("a-1"), token="t", reply="",
                             lease_s=lease_s))  # type: ignore[arg-type]  # what another version might send
    one.send(there, SIGN)
    async with asyncio.timeout(5):
        assert await two.hear() == SIGN
    one.close()
    two.close()


async def test_nonsense_is_dropped_and_a_bad_address_harms_nobody() -> None:
    one, _ = await _open()
    two, there = await _open()
    host, _, port = there.rpartition(":")
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=(host, int(port)))
    for rubbish in (b"", b"x", b"y" * 9000):
        transport.sendto(rubbish)
    one.send("nowhere", SIGN)
    one.send(there, SIGN)
    async with asyncio.timeout(5):
        assert await two.hear() == SIGN
    transport.close()
    one.close()
    two.close()


async def test_a_port_in_use_is_said_clearly() -> None:
    one, there = await _open()
    with pytest.raises(HostError, match="signs of life cannot be received"):
        await _open(port=int(there.rpartition(":")[2]))
    one.close()
