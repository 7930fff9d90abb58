"""Answers that cost much: asked anew only after a rest that is many times as long as the last answer took.

Everybody who looks meanwhile gets the last one, and nobody waits long: what is not known yet is left out, and shown at
one of the next looks. So however many look, and however often the cluster changes, such questions take a small part of
the processor.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from stanchion.api.services import Services
from stanchion.model.ids import Revision

T = TypeVar("T")

REST = 20.0
"""So many times as long as it took, an answer is good although the cluster has changed."""
PATIENCE_S = 0.3
"""How long a page waits for a fresh answer."""


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    """``fresh_until_s``: an answer about an unchanged cluster is good until then, ``good_until_s``: any is."""

    revision: Revision
    answer: T
    good_until_s: float
    fresh_until_s: float


class Seldom(Generic[T]):
    """A question whose answer is kept, for each cluster that this process serves.

    ``fresh_s``: so long an answer is good where nothing changed in the store; for what the store does not know.
    """

    def __init__(self, ask: Callable[[Services], Awaitable[T]], fresh_s: float = math.inf) -> None:
        self._ask = ask
        self._fresh_s = fresh_s
        self._kept: WeakKeyDictionary[Any, _Kept[T]] = WeakKeyDictionary()
        self._asking: WeakKeyDictionary[Any, asyncio.Task[None]] = WeakKeyDictionary()

    async def answer(self, here: Services, patience_s: float = PATIENCE_S) -> T | None:
        """Give the answer as fresh as it is; None where there is none yet. Raises what the asking raised, if so."""
        if not self._good(here):
            task = self._asking.get(here.store)
            if task is None:
                task = self._asking[here.store] = asyncio.create_task(self._renew(here))
            await asyncio.wait({task}, timeout=patience_s)
            if task.done():
                self._asking.pop(here.store, None)
                if task.exception() is not None and here.store not in self._kept:
                    task.result()
        kept = self._kept.get(here.store)
        return None if kept is None else kept.answer

    def _good(self, here: Services) -> bool:
        kept, now_s = self._kept.get(here.store), here.clock.now().mono_s
        return kept is not None and (
            now_s < kept.good_until_s or (kept.revision == here.view().revision and now_s < kept.fresh_until_s))

    async def _renew(self, here: Services) -> None:
        began_s, revision = here.clock.now().mono_s, here.view().revision
        answer = await self._ask(here)
        now_s = here.clock.now().mono_s
        self._kept[here.store] = _Kept(revision, answer, now_s + REST * (now_s - began_s), now_s + self._fresh_s)
