"""An asyncio event loop on virtual time: an hour passes in milliseconds, and the same run happens twice the same way.

A real loop asks its selector to wait until the next timer is due. This one asks a selector that does not wait but
moves the clock there, so code under it - ``sleep``, ``timeout``, ``call_later`` - is the product's own, unmodified.
Three things follow:

- Nothing outside can ever wake the loop. If no callback is ready and no timer is set, it would sleep for ever:
  that is a deadlock in the simulated code and raises ``StandStill`` naming every task. So does a loop that spins
  without letting time pass.
- Real input and output is refused (sockets, pipes, subprocesses, threads): it takes time that is not virtual.
- Order is a function of the program alone. asyncio keeps tasks in sets, whose order depends on memory addresses;
  tasks here are hashed by the order in which they were made instead.

Tasks that were begun for a ``Process`` can be stopped and continued together, as SIGSTOP and SIGCONT do: while the
process is stopped its steps and timers pile up, and when it goes on they all happen at once, late.

Times are rounded to nanoseconds, so a timer fires *at* its instant and not one rounding error before it.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from itertools import count
from typing import Any, NoReturn, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

DIGITS = 9
SPINS_ALLOWED = 100_000
"""How many rounds of the loop may pass at one instant before it counts as spinning."""


class StandStill(RuntimeError):
    """The simulated program can never go on: everything waits for something else, or spins at one instant."""


class RealWorld(RuntimeError):
    """The simulated program reached for a socket, a process or a thread: these do not live on virtual time."""


class Process:
    """Tasks that are stopped and continued together. What they begin belongs to it too, unless begun with ``apart``."""

    def __init__(self) -> None:
        self.stopped = False
        self._waiting: list[_Call] = []

    def begin(self, work: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
        """Begin the process's first task."""
        context = copy_context()
        context.run(_PROCESS.set, self)
        return asyncio.get_running_loop().create_task(work, name=name, context=context)

    def stop(self) -> None:
        """Let nothing of it happen from now on."""
        self.stopped = True

    def go_on(self) -> None:
        """Let happen what has waited, in its order, then go on as usual."""
        self.stopped = False
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            asyncio.get_running_loop().call_soon(call.make, context=call.context)

    def cancel(self) -> None:
        """Cancel every task of it: none takes another step of its own, stopped or not."""
        for task in sorted(asyncio.all_tasks(), key=hash):
            if isinstance(task, _Task) and task.process is self:
                task.cancel()
        self.go_on()

    def take(self, call: "_Call") -> None:
        """Call back, or keep the call for later while stopped."""
        if self.stopped:
            self._waiting.append(call)
        else:
            call.make()


@dataclass(slots=True)
class _Call:
    """A call back to a process, and the handle by which it can be cancelled: also while it waits."""

    context: Context
    callback: Callable[..., object]
    args: tuple[Any, ...]
    handle: asyncio.Handle | None = None

    def make(self) -> None:
        """Call back, unless that was cancelled meanwhile."""
        if self.handle is None or not self.handle.cancelled():
            self.callback(*self.args)


_PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


def apart() -> Context:
    """Give a context for what belongs to no process: the host's own timers, the store's leases, scripts."""
    context = copy_context()
    context.run(_PROCESS.set, None)
    return context


class _Task(asyncio.Task[Any]):
    """A task whose place in sets does not depend on where in memory it lies."""

    def __init__(self, coro: Coroutine[Any, Any, Any], *, serial: int, **options: Any) -> None:
        self._serial = serial
        self.process = (options.get("context") or copy_context()).get(_PROCESS)
        super().__init__(coro, **options)

    def __hash__(self) -> int:
        return self._serial


class _TimeSelector(selectors.BaseSelector):
    """Moves the clock instead of waiting. The loop's own wake-up socket is the only file that it takes."""

    def __init__(self, start_s: float, stuck: Callable[[str], NoReturn]) -> None:
        self.now_s = start_s
        self._stuck = stuck
        self._spins = 0
        self._files: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Take the loop's wake-up socket, refuse every other file."""
        if self._files:
            raise RealWorld("real input and output is not possible on virtual time")
        key = selectors.SelectorKey(fileobj, fileobj if isinstance(fileobj, int) else fileobj.fileno(), events, data)
        self._files[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Let go of the wake-up socket, when the loop closes."""
        return self._files.pop(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """Give what is registered."""
        return self._files

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Move the clock by ``timeout`` seconds; nothing is ever found ready."""
        if timeout is None:
            self._stuck("nothing is left that could ever happen")
        if timeout <= 0:
            self._spins += 1
            if self._spins > SPINS_ALLOWED:
                self._spins = 0
                self._stuck("it spins without letting time pass")
            return []
        self._spins = 0
        self.now_s = round(self.now_s + timeout, DIGITS)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that begins at ``start_s`` of virtual time. ``run`` is the usual way to use it."""

    def __init__(self, start_s: float = 0.0) -> None:
        self._virtual = _TimeSelector(start_s, self._stuck)
        self._serials = count(1)
        super().__init__(self._virtual)
        self.set_task_factory(self._make_task)

    def time(self) -> float:
        """Give the virtual time, in seconds."""
        return self._virtual.now_s

    def call_at(self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts,
                context: Context | None = None) -> asyncio.TimerHandle:
        """Call back at that instant, rounded to nanoseconds."""
        context = context or copy_context()
        process = context.get(_PROCESS)
        if process is None:
            return super().call_at(round(when, DIGITS), callback, *args, context=context)
        call = _Call(context, callback, args)
        call.handle = handle = super().call_at(round(when, DIGITS), process.take, call, context=context)
        return handle

    def call_soon(self, callback: Callable[[Unpack[Ts]], object], *args: *Ts,
                  context: Context | None = None) -> asyncio.Handle:
        """Call back in the next round."""
        context = context or copy_context()
        process = context.get(_PROCESS)
        if process is None:
            return super().call_soon(callback, *args, context=context)
        call = _Call(context, callback, args)
        call.handle = handle = super().call_soon(process.take, call, context=context)
        return handle

    def run_in_executor(self, executor: Executor | None, func: Callable[[Unpack[Ts]], T],
                        *args: *Ts) -> NoReturn:
        """Refuse: a thread takes real time."""
        raise RealWorld(f"{func!r}{args!r} in a thread ({executor}) is not possible on virtual time")

    def _make_task(self, loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> "_Task":
        return _Task(coro, serial=next(self._serials), loop=loop, **options)

    def _stuck(self, why: str) -> NoReturn:
        waiting = sorted((task for task in asyncio.all_tasks(self) if not task.done()), key=hash)
        names = "; ".join(_where(task) for task in waiting) or "none"
        raise StandStill(f"the simulation stands still at {self.time():.6f} s: {why}. Tasks that wait: {names}")


def run(main: Callable[[], Coroutine[Any, Any, T]], *, start_s: float = 0.0) -> T:
    """Run ``main()`` to its end on a fresh virtual loop and give its result; every task left over is cancelled.

    Raises what ``main`` raises, ``StandStill`` when it can never end, ``RealWorld`` when it reaches outside.
    """
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(start_s)) as runner:
        return runner.run(main())


def _where(task: asyncio.Task[Any]) -> str:
    """Name a task and the place where it waits."""
    frames = task.get_stack(limit=1)
    coroutine = getattr(task.get_coro(), "__qualname__", "?")
    place = f" at {frames[-1].f_code.co_filename}:{frames[-1].f_lineno}" if frames else ""
    return f"{task.get_name()} ({coroutine}{place})"
