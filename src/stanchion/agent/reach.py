"""Whether this agent reaches the store: told by the calls that its life depends on, and by nothing else.

A call that failed says *no*, and so does one that is not answered for longer than the timers have patience. A member
that came back is lenient for a while (``lenient``): the others find their way back at moments of their own.
"""

from stanchion.agent.tally import Tally
from stanchion.model.timing import TIMINGS, Profile, Timing
from stanchion.ports import Clock


class Reach:
    """Keeps note of calls: each is ``asked``, then ``answered`` or ``failed``. ``tally`` counts them."""

    def __init__(self, clock: Clock, tally: Tally) -> None:
        self._clock = clock
        self._tally = tally
        self.timing: Timing = TIMINGS[Profile.DEFAULT]
        self._asked_s: float | None = None
        self._failed = False
        self._back_s: float | None = None

    def asked(self) -> None:
        """A call goes out."""
        self._asked_s = self._clock.now().mono_s

    def answered(self) -> None:
        """The store answered."""
        if self.away:
            self._back_s = self._clock.now().mono_s
        self._count(answered=True)
        self._asked_s, self._failed = None, False

    def failed(self) -> None:
        """It did not."""
        self._count(answered=False)
        self._asked_s, self._failed = None, True

    def _count(self, *, answered: bool) -> None:
        now_s = self._clock.now().mono_s
        self._tally.called(now_s - (now_s if self._asked_s is None else self._asked_s), answered=answered)

    @property
    def away(self) -> bool:
        """Whether the store is out of reach now."""
        waited_s = 0.0 if self._asked_s is None else self._clock.now().mono_s - self._asked_s
        return self._failed or waited_s > self.timing.patience_s

    @property
    def lenient(self) -> bool:
        """Whether the store is out of reach, or was a moment ago."""
        return self.away or (self._back_s is not None
                             and self._clock.now().mono_s < self._back_s + self.timing.halt_s)
