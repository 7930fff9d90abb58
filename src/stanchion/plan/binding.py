"""Which configuration a resource goes by: the newest, but with the scripts that it was loaded with until its next load.

As in the original, the scripts of a resource that is loaded change only with the next load. It *binds* itself to a
revision when its node claims the load, before any script has run; whoever saves other scripts meanwhile leaves the
bound ones in the view (``Bound``). Modes, monitoring and preferred nodes are nothing that a script put up: they count
at once.
"""

from dataclasses import replace

from stanchion.model.cluster import ClusterView, Held
from stanchion.model.ids import ResourceName, Revision
from stanchion.model.past import Bound
from stanchion.model.resource import ResourceSpec
from stanchion.model.state import ResourceState, State, holders


def is_bound(state: ResourceState) -> bool:
    """Whether the resource goes by what it was loaded with: a node holds it, and began to load it."""
    return bool(holders(state)) and not (state.state is State.LOADING and state.session is None)


def bound(view: ClusterView, name: ResourceName) -> Bound | None:
    """Give what the resource was loaded with, where newer scripts wait for its next load."""
    state, kept = view.states.get(name), view.bounds.get(name)
    if state is None or kept is None or not is_bound(state.value):
        return None
    return kept.value if kept.value.revision == state.value.spec_revision else None


def effective(view: ClusterView, name: ResourceName) -> Held[ResourceSpec] | None:
    """Give the configuration that the resource goes by now."""
    newest, kept = view.specs.get(name), bound(view, name)
    if newest is None or kept is None:
        return newest
    return Held(replace(newest.value, scripts=kept.scripts, files=kept.files), Revision(kept.revision))
