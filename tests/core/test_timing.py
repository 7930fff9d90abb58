"""The inequality that makes a failover safe: timers that break it cannot exist."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stanchion.model.timing import CLOCK_RATE_ERROR, TIMINGS, Profile, Timing

DEFAULT = TIMINGS[Profile.DEFAULT]


def test_every_profile_has_timers() -> None:
    assert set(TIMINGS) == set(Profile)


@pytest.mark.parametrize(("profile", "renew", "halt", "fence", "lease"), [
    (Profile.FAST, 0.5, 2, 3, 4), (Profile.DEFAULT, 1, 4, 6, 8), (Profile.TOLERANT, 3, 20, 26, 32),
])
def test_the_profiles_are_those_of_the_safety_page(profile: Profile, renew: float, halt: float, fence: float,
                                                   lease: float) -> None:
    timing = TIMINGS[profile]

    assert (timing.renew_s, timing.halt_s, timing.fence_s, timing.lease_s) == (renew, halt, fence, lease)


@pytest.mark.parametrize("profile", Profile)
def test_two_renewals_may_be_lost_before_machines_are_halted(profile: Profile) -> None:
    """A lost packet or two must never cost a machine its life: the third renewal still comes in time."""
    assert 3 * TIMINGS[profile].renew_s < TIMINGS[profile].halt_s


@pytest.mark.parametrize("change", [
    {"renew_s": 0.0}, {"renew_s": -1.0}, {"renew_s": 4.0}, {"halt_s": 6.0}, {"fence_s": 4.0}, {"fence_s": 8.0},
    {"lease_s": 6.0},
])
def test_timers_that_do_not_grow_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"timers must grow: renew .* < halt .* < fence .* < lease"):
        replace(DEFAULT, **change)


@pytest.mark.parametrize("change", [{"fence_s": 7.7}, {"granularity_s": 2.0}, {"lease_s": 6.3}])
def test_a_self_fence_without_margin_before_the_lease_is_refused(change: dict[str, float]) -> None:
    """The watchdog may fire late by its granularity, and the two clocks may differ in rate."""
    with pytest.raises(ValueError, match="no margin"):
        replace(DEFAULT, **change)


TIMERS = st.floats(min_value=0, max_value=100)


@given(renew=TIMERS, halt=TIMERS, fence=TIMERS, lease=TIMERS, granularity=st.floats(min_value=0, max_value=10))
def test_whatever_timers_exist_stop_the_machines_before_the_lease_ends(
        renew: float, halt: float, fence: float, lease: float, granularity: float) -> None:
    """Self-fence at its latest, on a clock that is slow by 1 %, is still before the lease's end on the store's."""
    renew, halt, fence, lease = sorted((renew, halt, fence, lease))
    try:
        timing = Timing(renew_s=renew, halt_s=halt, fence_s=fence, lease_s=lease, granularity_s=granularity)
    except ValueError:
        assume(False)
        return
    assert timing.renew_s < timing.halt_s < timing.fence_s
    assert timing.fence_s + timing.granularity_s < timing.lease_s * (1 - CLOCK_RATE_ERROR)
