"""The derivation of a cluster's timers, told line by line with its own numbers.

The inequality itself is asserted where a ``Timing`` is made; here it is explained, for ``stanchion explain-timing``
and for the documentation.
"""

from stanchion.model.timing import CLOCK_RATE_ERROR, Timing


def derivation(timing: Timing) -> tuple[str, ...]:
    """Explain how the timers follow from each other, and what is left as margin, in seconds."""
    drift_s = CLOCK_RATE_ERROR * timing.lease_s
    worst_s = timing.fence_s + timing.granularity_s + drift_s
    return (
        (f"every {timing.beat_s:g} s members send each other a sign of life; {timing.suspect_s:g} s without one make a "
         "member suspect, and its fence device, where it has one, begins at once"),
        f"every {timing.renew_s:g} s the agent renews its lease; all times count from before the last success was sent",
        f"at {timing.halt_s:g} s without success it halts every machine and looks whether each is gone",
        f"at {timing.fence_s:g} s its watchdog stops the host, unless every machine was seen gone",
        f"a watchdog may fire {timing.granularity_s:g} s late, and two clocks may drift by {drift_s:g} s in that time",
        f"so at {worst_s:g} s at the latest nothing runs there; the lease ends at {timing.lease_s:g} s",
        (f"{timing.renew_s:g} < {timing.halt_s:g} < {timing.fence_s:g} and {worst_s:g} < {timing.lease_s:g}: "
         f"the margin is {timing.lease_s - worst_s:g} s"),
    )
