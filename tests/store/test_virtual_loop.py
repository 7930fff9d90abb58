"""Virtual time: hours in milliseconds, the same order every time, and a clear word where nothing can go on."""

import asyncio
import random
import socket
import time

import pytest

from stanchion.sim.loop import RealWorld, StandStill, VirtualLoop, run


def test_a_virtual_day_passes_without_waiting_and_ends_at_its_exact_instant() -> None:
    async def day() -> float:
        for _ in range(24 * 60):
            await asyncio.sleep(60.1)
        return asyncio.get_running_loop().time()

    began = time.monotonic()
    assert run(day, start_s=1000.0) == 1000.0 + 24 * 60 * 60.1
    assert time.monotonic() - began < 60, "a day took a minute: that is not virtual"


def test_a_timer_fires_at_its_instant_to_the_last_bit() -> None:
    """From here to there these sums are off by one bit in every few cases, unless somebody rounds."""
    chance = random.Random(3)

    async def main(instant: float) -> float:
        loop = asyncio.get_running_loop()
        fired = loop.create_future()
        loop.call_at(instant, lambda: fired.set_result(loop.time()))
        return await fired

    for _ in range(200):
        instant = round(chance.uniform(12, 16), 9)
        assert run(lambda: main(instant), start_s=round(chance.uniform(4, 8), 9)) == instant  # noqa: B023 - runs now


def test_timeouts_are_virtual_too() -> None:
    async def patient() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert run(patient) == 3600.0


def _story() -> list[str]:
    """Let twenty tasks race, half of them cancelled together, and write down who did what in which order."""
    lines: list[str] = []

    async def runner(name: int) -> None:
        try:
            for step in range(name % 3 + 1):
                await asyncio.sleep((name * 7919 % 5) / 10)
                lines.append(f"{name}.{step}")
            await asyncio.Event().wait()
        finally:
            lines.append(f"{name} ends")

    async def race() -> None:
        tasks = {asyncio.create_task(runner(name)) for name in range(20)}
        _, pending = await asyncio.wait(tasks, timeout=5)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    run(race)
    return lines


def test_the_same_program_runs_in_the_same_order_twice() -> None:
    padding = [object() for _ in range(1000)]
    first = _story()
    del padding
    assert len(first) > 40
    assert _story() == first


def test_a_deadlock_is_told_with_the_tasks_that_wait() -> None:
    async def waits_for_nobody() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        await asyncio.create_task(waits_for_nobody(), name="forlorn")

    with pytest.raises(StandStill, match=r"stands still at 7\.000000 s.*forlorn .*waits_for_nobody"):
        run(main, start_s=7.0)


def test_a_loop_that_never_lets_time_pass_is_told() -> None:
    async def spin() -> None:
        while True:
            await asyncio.sleep(0)

    with pytest.raises(StandStill, match="without letting time pass"):
        run(spin)


def test_sockets_and_threads_are_refused() -> None:
    async def read(sock: socket.socket) -> None:
        await asyncio.get_running_loop().sock_recv(sock, 1)

    async def thread() -> None:
        await asyncio.to_thread(time.monotonic)

    left, right = socket.socketpair()
    left.setblocking(False)
    with left, right:
        with pytest.raises(RealWorld, match="real input"):
            run(lambda: read(left))
        with pytest.raises(RealWorld, match="thread"):
            run(thread)


def test_left_over_tasks_are_cancelled_and_the_loop_closes() -> None:
    ended: list[str] = []

    async def stays() -> None:
        try:
            await asyncio.sleep(1e6)
        finally:
            ended.append("tidied up")

    async def main() -> asyncio.AbstractEventLoop:
        task = asyncio.create_task(stays())
        await asyncio.sleep(1)
        assert not task.done()
        return asyncio.get_running_loop()

    loop = run(main)
    assert isinstance(loop, VirtualLoop)
    assert loop.is_closed()
    assert ended == ["tidied up"]
