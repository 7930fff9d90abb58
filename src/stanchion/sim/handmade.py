"""Machines that somebody starts by hand: what the product answers for then, and what it does not.

Nobody can keep a person from starting a machine on another host. So a start by hand is no breach, and neither is what
follows before an agent could see it. But once a stray is on record no load may begin elsewhere, and whatever a proof
says must be true of the stray as well.
"""

import asyncio

from stanchion.model.cluster import Change, Kind
from stanchion.model.cluster import Record as Written
from stanchion.model.ids import NodeName
from stanchion.model.state import ResourceState, State, holders
from stanchion.model.stray import Stray
from stanchion.sim.court import Court, Judge
from stanchion.sim.host import Record

UNDER_WAY_S = 15.0
"""A load that began before a stray was on record may end so much later."""


def blameless(court: Court, record: Record, there: tuple[NodeName, ...]) -> bool:
    """Tell whether a second copy is a person's doing: started by hand, or loaded when nobody could know of it."""
    by_hand = court.world.nature.by_hand
    if (record.machine, record.host) in by_hand:
        return True
    now_s = asyncio.get_running_loop().time()
    others = [by_hand.get((record.machine, other), -UNDER_WAY_S) for other in there if other != record.host]
    return all(seen_s is None or now_s - seen_s < UNDER_WAY_S for seen_s in others)


class Strays(Judge):
    """No load and no live move begins while the machine is on record as a stray elsewhere."""

    invariant = "strays"

    def written(self, change: Change, before: Written | None) -> None:
        """Note in which instant a start by hand came to be known, and that it is forgotten with its resource."""
        if isinstance(before, Stray) and self.court.read(Kind.SPEC, before.resource) is None:
            for seen in before.sightings:
                if (str(before.resource), seen.node) in self.world.nature.by_hand:
                    self.world.nature.by_hand[str(before.resource), seen.node] = None
        if isinstance(change.value, Stray):
            known = before.sightings if isinstance(before, Stray) else ()
            for seen in set(change.value.sightings) - set(known):
                key = (str(change.value.resource), seen.node)
                if key in self.world.nature.by_hand:
                    self.world.nature.by_hand[key] = asyncio.get_running_loop().time()

    def state_written(self, before: ResourceState | None, after: ResourceState | None) -> None:
        """Look for strays when a load or a move begins; what the record names as a holder is nobody's stray."""
        if before is None or after is None:
            return
        for node in holders(after):
            # Who claims it looks first; a load that nobody claimed has seen nothing yet.
            if after.state in {State.LOADING, State.RUNNING} and after.session is not None:
                self.world.nature.by_hand.pop((str(after.name), node), None)
        loads = after.state is State.LOADING and after.session is not None and (
            before.state is not State.LOADING or before.session is None)
        moves = after.state is State.MIGRATING and before.state is not State.MIGRATING
        record = self.court.read(Kind.STRAY, after.name)
        if not (loads or moves) or not isinstance(record, Stray):
            return
        elsewhere = [seen.node for seen in record.sightings if seen.node not in holders(before)
                     and seen.node != (after.node if loads else None)]
        if elsewhere:
            self.find(f"{after.name} begins to {'load' if loads else 'move'} on {after.node} while it is a stray on "
                      f"{', '.join(elsewhere)}")
