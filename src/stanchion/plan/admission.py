"""Admission: what orders would do to the guarantee, before they are taken.

The orders are played to their end (``playing``), and the guarantee is asked for in both worlds, with them and without.
An order breaks it only if it holds without the order; what is broken already does not keep anybody from mending it.
"""

from collections.abc import Sequence

from stanchion.model.cluster import ClusterView, Session
from stanchion.model.ids import Moment
from stanchion.model.orders import Intent, Verb
from stanchion.model.reasons import Reason, Why, reason, sentence
from stanchion.plan import playing
from stanchion.plan.guarantee import Fallout, guarantee

ASKED_OF = frozenset({Verb.ONLINE, Verb.MIGRATE, Verb.DRAIN, Verb.LEAVE})
"""The orders that may take up room, or take room away."""

NAMED = 4
"""So many resources are named in a sentence; the rest are counted."""


def broken_by(view: ClusterView, me: Session | None, intents: Sequence[Intent], now: Moment) -> Reason | None:
    """Say how these orders, taken together, would break the guarantee of the cluster; None: they would not."""
    nodes = view.settings.value.survives if view.settings else 0
    asked = [intent for intent in intents if intent.verb in ASKED_OF]
    if not nodes or not asked or me is None:
        return None
    after = guarantee(playing.play(playing.written(view, *asked), me, now).view, nodes)
    if after.holds or after.worst is None or not guarantee(view, nodes).holds:
        return None
    return told(nodes, after.worst)


def told(nodes: int, worst: Fallout) -> Reason:
    """Say what loss the cluster would not survive."""
    names = [name for name, _ in worst.stranded]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return reason(Why.GUARANTEE_BROKEN, nodes, " and ".join(worst.lost), ", ".join(names[:NAMED]) + more,
                  sentence(worst.stranded[0][1]))
