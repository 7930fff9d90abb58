"""Thinking that takes the processor a while: in a thread, and in one only, however many people ask.

The agent's own deadlines do not wait for it.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

T = TypeVar("T")
Words = ParamSpec("Words")

_THINKING = ThreadPoolExecutor(max_workers=1, thread_name_prefix="thinking")


async def thought(work: Callable[Words, T], *words: Words.args, **named: Words.kwargs) -> T:
    """Have it worked out, after whatever is being worked out already."""
    return await asyncio.get_running_loop().run_in_executor(_THINKING, partial(work, *words, **named))
