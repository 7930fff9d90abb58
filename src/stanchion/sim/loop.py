"""An asyncio event loop on virtual time: an hour passes in milliseconds, and the same run happens twice the same way.

A real loop waits until the next timer is due. This one moves the clock there, so code under it - ``sleep``,
``timeout``, ``call_later`` - is the product's own, unmodified. Three things follow:

- Nothing outside can ever wake the loop. If no callback is ready and no timer is set, it would sleep for ever:
  that is a deadlock in the simulated code and raises ``StandStill`` naming every task. So does a loop that spins
  without letting time pass.
- Real input and output is refused (sockets, pipes, subprocesses, threads): it takes time that is not virtual.
- Order is a function of the program alone: callbacks in the order in which they were asked for, timers by their
  instant and then in that order. asyncio keeps tasks in sets, whose order depends on memory addresses; tasks here are
  hashed by the order in which they were made instead.

Tasks that were begun for a ``Process`` can be stopped and continued together, as SIGSTOP and SIGCONT do: while the
process is stopped its steps and timers pile up, and when it goes on they all happen at once, late. A process has a
``rate`` too: on a host whose clock runs fast its timers are early.

Times are rounded to nanoseconds, so a timer fires *at* its instant and not one rounding error before it. The loop
does what asyncio's own does and nothing that virtual time has no use for: it is what a simulated hour costs.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextvars import Context, ContextVar, copy_context
from heapq import heappop, heappush
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
    """Tasks that are stopped and continued together. What they begin belongs to it too, unless begun with ``apart``.

    ``rate`` is how fast the clock runs by which its timers wait: 1.01 is a host whose clock is 1 % fast.
    """

    def __init__(self, *, rate: float = 1.0) -> None:
        self.rate = rate
        self.stopped = False
        self.waiting: list[_Due] = []

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
        waiting, self.waiting = self.waiting, []
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.again(waiting)

    def cancel(self) -> None:
        """Cancel every task of it: none takes another step of its own, stopped or not."""
        for task in sorted(asyncio.all_tasks(), key=hash):
            if isinstance(task, _Task) and task.process is self:
                task.cancel()
        self.go_on()


_PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


def apart() -> Context:
    """Give a context for what belongs to no process: the host's own timers, the store's leases, scripts."""
    context = copy_context()
    context.run(_PROCESS.set, None)
    return context


class _Due(asyncio.TimerHandle):
    """A callback that is asked for, at an instant or in the next round."""

    __slots__ = ("args", "at_s", "call", "context", "gone")

    def __init__(self, at_s: float, call: Callable[..., object], args: tuple[Any, ...], context: Context) -> None:
        self.at_s = at_s
        self.call = call
        self.args = args
        self.context = context
        self.gone = False

    def cancel(self) -> None:
        """Let it never happen."""
        self.gone = True
        self.args = ()

    def cancelled(self) -> bool:
        """Tell whether it will never happen."""
        return self.gone

    def when(self) -> float:
        """Give the instant."""
        return self.at_s

    def __repr__(self) -> str:
        return f"<{self.call!r} at {self.at_s:.6f} s>"


class _Task(asyncio.Task[Any]):
    """A task whose place in sets does not depend on where in memory it lies."""

    def __init__(self, coro: Coroutine[Any, Any, Any], *, serial: int, **options: Any) -> None:
        self._serial = serial
        self.process = (options.get("context") or copy_context()).get(_PROCESS)
        super().__init__(coro, **options)

    def __hash__(self) -> int:
        return self._serial


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop that begins at ``start_s`` of virtual time. ``run`` is the usual way to use it."""

    def __init__(self, start_s: float = 0.0) -> None:
        super().__init__()
        self._now_s = start_s
        self._soon: deque[_Due] = deque()
        self._later: list[tuple[float, int, _Due]] = []
        self._serials = count(1)
        self._tasks_made = count(1)
        self.set_task_factory(self._make_task)

    def time(self) -> float:
        """Give the virtual time, in seconds."""
        return self._now_s

    def call_soon(self, callback: Callable[[Unpack[Ts]], object], *args: *Ts,
                  context: Context | None = None) -> asyncio.Handle:
        """Call back in the next round."""
        due = _Due(self._now_s, callback, args, context or copy_context())
        self._soon.append(due)
        return due

    def call_soon_threadsafe(self, callback: Callable[[Unpack[Ts]], object], *args: *Ts,
                             context: Context | None = None) -> asyncio.Handle:
        """Call back in the next round: there are no other threads."""
        return self.call_soon(callback, *args, context=context)

    def call_later(self, delay: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts,
                   context: Context | None = None) -> asyncio.TimerHandle:
        """Call back after so many seconds."""
        return self.call_at(self._now_s + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts,
                context: Context | None = None) -> asyncio.TimerHandle:
        """Call back at that instant, rounded to nanoseconds; a process waits by its own clock."""
        context = context or copy_context()
        process = context.get(_PROCESS)
        if process is not None and process.rate != 1.0:
            when = self._now_s + (when - self._now_s) / process.rate
        when = round(when, DIGITS)
        due = _Due(when, callback, args, context)
        heappush(self._later, (when, next(self._serials), due))
        return due

    def again(self, dues: list[_Due]) -> None:
        """Let happen in the next round what was kept back."""
        self._soon.extend(dues)

    def run_in_executor(self, executor: Executor | None, func: Callable[[Unpack[Ts]], T],
                        *args: *Ts) -> NoReturn:
        """Refuse: a thread takes real time."""
        raise RealWorld(f"{func!r}{args!r} in a thread ({executor}) is not possible on virtual time")

    async def sock_recv(self, sock: object, nbytes: int) -> NoReturn:  # noqa: ARG002 - asyncio's
        """Refuse: a socket is real input and output; every other way to one is unknown to this loop anyway."""
        raise RealWorld("real input and output is not possible on virtual time")

    def close(self) -> None:
        """Forget everything that is still to happen."""
        super().close()
        self._soon.clear()
        self._later.clear()

    def _run_once(self) -> None:
        """Do everything of one round, moving the clock first where nothing is ready; asyncio calls this for ever."""
        soon, later, spins = self._soon, self._later, 0
        while not self._stopping:  # type: ignore[attr-defined]  # asyncio's own
            if soon:
                spins += 1
            else:
                while later and later[0][2].gone:
                    heappop(later)
                if not later:
                    self._stuck("nothing is left that could ever happen")
                if later[0][0] > self._now_s:
                    self._now_s, spins = later[0][0], 0
            if spins > SPINS_ALLOWED:
                self._stuck("it spins without letting time pass")
            while later and later[0][0] <= self._now_s:
                soon.append(heappop(later)[2])
            for _ in range(len(soon)):
                self._do(soon.popleft())

    def _do(self, due: _Due) -> None:
        """Call back, or keep it for later while its process is stopped."""
        if due.gone:
            return
        process = due.context.get(_PROCESS)
        if process is not None and process.stopped:
            process.waiting.append(due)
            return
        try:
            due.context.run(due.call, *due.args)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as fault:  # noqa: BLE001 - as asyncio does
            self.call_exception_handler({"message": f"exception in {due!r}", "exception": fault})

    def _make_task(self, loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> "_Task":
        return _Task(coro, serial=next(self._tasks_made), loop=loop, **options)

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
