"""How well an agent hears the others and reaches the store: counts since it began, or since somebody cleared them.

They decide nothing. An operator reads in them that a network drops packets long before anybody is suspected.
"""

from dataclasses import dataclass

from stanchion.model.ids import NodeName


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """What was heard of one node. ``missed`` counts the signs of life that were due and did not come.

    ``ago_s`` is the time since the last one, ``longest_s`` the longest silence between two; ``member``: more are due.
    """

    node: NodeName
    member: bool
    heard: int
    missed: int
    ago_s: float
    longest_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """The calls to the store that the agent's life depends on: answered, failed, and the longest that one took."""

    answered: int = 0
    failed: int = 0
    longest_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Everything that was counted since that wall time."""

    since_s: float
    voices: tuple[Voice, ...] = ()
    calls: Calls = Calls()
