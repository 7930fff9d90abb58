"""Signs of life over real UDP on the loopback interface."""

import asyncio

import pytest

from stanchion.drivers.pulse import UdpPulse
from stanchion.model.errors import HostError
from stanchion.model.ids import NodeName, SessionId
from stanchion.ports import Sign

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
