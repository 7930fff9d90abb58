"""The move budget: a brake on what the cluster does with a resource by itself.

Only moves that nobody ordered count, and a loss of the host is never held back by it (``docs/semantics.md``, Modes).
"""

from stanchion.model.ids import Moment
from stanchion.model.resource import ResourceSpec
from stanchion.model.state import ResourceState

HOUR_S = 3600.0


def spent(state: ResourceState, spec: ResourceSpec, now: Moment) -> bool:
    """Tell whether the resource has used up its automatic moves of the last hour."""
    recent = [at for at in state.moves if abs(now.wall_s - at) < HOUR_S]
    return len(recent) >= spec.policies.moves_per_hour
