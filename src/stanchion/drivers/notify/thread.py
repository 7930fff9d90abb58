"""Work that blocks, in a thread that nobody waits for when the program ends."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from stanchion.model.errors import HostError

T = TypeVar("T")


async def in_thread(work: Callable[[], T], longest_s: float) -> T:
    """Run it in a daemon thread. Past its time the thread is left to itself, and ``HostError`` says so."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def settle(done: Callable[[], None]) -> None:
        if not result.done():
            done()

    def run() -> None:
        try:
            value = work()
        except BaseException as problem:  # noqa: BLE001 - whatever it is, it belongs to the one who waits
            told, fault = problem, True
        else:
            fault = False
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            if fault:
                loop.call_soon_threadsafe(settle, lambda: result.set_exception(told))
            else:
                loop.call_soon_threadsafe(settle, lambda: result.set_result(value))

    threading.Thread(target=run, name="notify", daemon=True).start()
    try:
        async with asyncio.timeout(longest_s):
            return await result
    except TimeoutError:
        raise HostError(f"no answer within {longest_s:g} s") from None
