"""What the master wants to happen to a resource by itself, before it is made a guarded write."""

from dataclasses import dataclass

from stanchion.model.events import Event
from stanchion.model.transaction import Guard


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to happen to a resource, and what else that rests on."""

    event: Event
    guards: tuple[Guard, ...] = ()
