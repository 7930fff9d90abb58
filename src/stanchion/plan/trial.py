"""Trying one script of a resource on one node: what may be tried, and what must wait meanwhile.

*Dry*, nothing runs and every state will do. For real, a resource must be offline, and only scripts that end or watch
things are run: what starts a machine goes through the cluster, which knows of every other place where it may run.
"""

from stanchion.model.cluster import ClusterView
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.orders import ENDED, Intent, Verb
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.resource import ScriptKind
from stanchion.model.state import State
from stanchion.plan.case import has

STARTING = frozenset({ScriptKind.LOAD, ScriptKind.PREPARE})
"""The scripts that start something."""


def refusal(view: ClusterView, intent: Intent) -> Reason | None:
    """Say why the script cannot be tried now, or None. The resource and its configuration are known to exist."""
    assert intent.resource is not None
    name, script, node = intent.resource, intent.script or ScriptKind.MONITOR, intent.node or NodeName("")
    if node not in view.nodes:
        return reason(Why.UNKNOWN_NODE, node)
    if not view.is_live(node):
        return reason(Why.NODE_DOWN, node)
    if not has(view.specs[name].value.scripts.of(script)):
        return reason(Why.NO_SCRIPT, script)
    if intent.dry:
        return None
    if script in STARTING:
        return reason(Why.TEST_STARTS, script)
    state = view.states[name].value.state
    if state is not State.OFFLINE:
        return reason(Why.ILLEGAL_NOW, "a real test", state, "a dry one (--dry)")
    return None


def under_way(view: ClusterView, name: ResourceName) -> Reason | None:
    """Say which script of the resource is being tried for real; as long as that goes on, nothing starts it."""
    for held in view.intents.values():
        of = held.value
        if of.verb is Verb.TEST and of.resource == name and not of.dry and of.outcome not in ENDED:
            return reason(Why.TEST_UNDER_WAY, of.script, of.node)
    return None
