"""An agent's heartbeat statistics on the wire."""

from datetime import datetime

from stanchion.wire.replies import Reply


class VoiceInfo(Reply):
    """What the answering node heard of another one: signs of life that came, that were due, and the silences."""

    node: str
    member: bool
    heard: int
    missed: int
    ago_s: float
    longest_s: float


class CallsInfo(Reply):
    """The answering node's calls to the store on which its membership rests."""

    answered: int
    failed: int
    longest_s: float


class StatisticsInfo(Reply):
    """What the answering node counted since it began, or since somebody cleared it."""

    node: str
    since: datetime | None
    voices: tuple[VoiceInfo, ...]
    calls: CallsInfo
