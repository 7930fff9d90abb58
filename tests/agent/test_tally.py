"""Heartbeat statistics: what is counted as missed, and what is not; and that whole agents count."""

from dataclasses import replace

from stanchion.agent.tally import Tally
from stanchion.model.cluster import SelfFence, Session
from stanchion.model.ids import BootId, LeaseId, Moment, NodeName, SessionId
from stanchion.model.statistics import Calls
from stanchion.model.timing import TIMINGS, Profile

B = Session(node=NodeName("b"), id=SessionId("b1"), boot=BootId("x"), lease=LeaseId("y"), opened_at_s=0.0,
            self_fence=SelfFence.NONE, timing=TIMINGS[Profile.DEFAULT], url="", version="")


class Hand:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.at_s = 100.0

    def now(self) -> Moment:
        """Read it."""
        return Moment(mono_s=self.at_s, wall_s=1_000 + self.at_s)


def test_a_gap_of_more_than_a_beat_counts_what_did_not_come_in_it() -> None:
    """The beat of the default profile is half a second; a sign that is a little late is not missed."""
    clock = Hand()
    tally = Tally(clock)
    for gap_s in (0.0, 0.5, 0.7, 0.5, 2.0):
        clock.at_s += gap_s
        tally.heard(B)
    (voice,) = tally.told({B.id: B}).voices

    assert (voice.heard, voice.missed, voice.longest_s, voice.ago_s) == (5, 3, 2.0, 0.0)


def test_a_silence_that_lasts_counts_as_long_as_more_is_due() -> None:
    clock = Hand()
    tally = Tally(clock)
    tally.heard(B)
    clock.at_s += 5.0
    (member,), (gone,) = tally.told({B.id: B}).voices, tally.told({}).voices

    assert (member.member, member.missed, member.longest_s) == (True, 9, 5.0)
    assert (gone.member, gone.missed, gone.longest_s) == (False, 0, 0.0)


def test_a_new_session_of_a_node_is_no_silence() -> None:
    clock = Hand()
    tally = Tally(clock)
    tally.heard(B)
    clock.at_s += 60.0
    again = replace(B, id=SessionId("b2"))
    tally.heard(again)
    (voice,) = tally.told({again.id: again}).voices

    assert (voice.heard, voice.missed, voice.longest_s) == (2, 0, 0.0)


def test_calls_to_the_store_are_counted_until_they_are_cleared() -> None:
    clock = Hand()
    tally = Tally(clock)
    tally.called(0.2, answered=True)
    tally.called(3.0, answered=False)

    assert tally.told({}).calls == Calls(answered=1, failed=1, longest_s=3.0)
    tally.heard(B)
    clock.at_s += 1.0
    tally.clear()
    told = tally.told({B.id: B})
    assert (told.calls, told.voices, told.since_s) == (Calls(), (), 1_101.0)
