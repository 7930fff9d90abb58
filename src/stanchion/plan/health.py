"""The health of a cluster at a glance: what is amiss, the worst first, each in a sentence with what can be answered.

One judgement serves the console's overview, the command line, and the clusters that look in from outside. What runs
where it should, and what somebody took offline, is not amiss; nor is a node that is drained or has left.
"""

from collections.abc import Iterable, Iterator

from stanchion.model.cluster import ClusterView
from stanchion.model.fencing import Attempt, Protection
from stanchion.model.health import GRAVITY, Answer, Finding, Health
from stanchion.model.ids import NodeName, SessionId
from stanchion.model.reasons import Why, reason, sentence
from stanchion.model.state import AlertKind, ResourceState, State, holders
from stanchion.plan import quarantine, standing, strays
from stanchion.plan.protection import protection

NAMED = 6
"""So many names stand in one sentence; the rest are counted."""

Silent = frozenset[SessionId]
"""The sessions of members that nobody hears, as far as the answering node knows."""


def findings(view: ClusterView, silent: Silent = frozenset(), *, store_away: bool = False) -> tuple[Finding, ...]:
    """Give all that is amiss, the worst first; within that, the cluster, then nodes, then resources by name."""
    found = (*_of_cluster(view, store_away=store_away), *_of_nodes(view, silent), *_of_resources(view))
    return tuple(sorted(found, key=lambda one: GRAVITY.index(one.health)))


def health_of(found: Iterable[Finding]) -> Health:
    """Give the health that these findings leave: that of the worst."""
    return min((one.health for one in found), key=GRAVITY.index, default=Health.NORMAL)


def reasons(found: Iterable[Finding]) -> tuple[str, ...]:
    """Say why the health is what it is: a sentence for each finding, or one for many of a kind."""
    kinds: dict[tuple[Health, str], list[Finding]] = {}
    for one in found:
        kinds.setdefault((one.health, one.kind), []).append(one)
    return tuple(same[0].text if len(same) == 1 else f"{len(same)} {kind}: {_named(same)}."
                 for (_, kind), same in kinds.items())


def summary(view: ClusterView, found: Iterable[Finding]) -> str:
    """Say the health of the cluster in one sentence."""
    states = [held.value.state for name, held in view.states.items() if name in view.specs]
    runs, wanted = states.count(State.RUNNING), sum(state is not State.OFFLINE for state in states)
    nodes = len(view.live)
    on = f"{nodes} node{'' if nodes == 1 else 's'}"
    state = f"{runs} of {wanted} resources run, on {on}." if wanted else f"{on} up, and nothing is to run."
    match health_of(found):
        case Health.NORMAL:
            return f"All is well: {state}"
        case Health.ATTENTION:
            return f"Something needs a look: {state}"
        case _ if runs < wanted:
            return f"Not everything that should run does: {runs} of {wanted} resources, on {on}."
        case _:
            return f"Not all is as it should be: {state}"


def protection_text(view: ClusterView, node: NodeName) -> str:
    """Say what protects a node: what would prove that it stopped, should it be lost."""
    known = view.nodes.get(node)
    if known is not None and known.value.witness:
        return f"{node} is a witness: it holds nothing, so nothing has to protect it."
    devices = ", then ".join(device.agent for device in known.value.fence) if known is not None else ""
    match protection(view, node):
        case Protection.BOTH:
            return (f"{node} is switched off by its fence device ({devices}), and stops itself by its "
                    f"{view.sessions[node].value.self_fence}.")
        case Protection.DEVICE:
            return f"{node} is switched off by its fence device ({devices})."
        case Protection.SELF_FENCE:
            return f"{node} stops itself by its {view.sessions[node].value.self_fence}."
        case Protection.NOTHING:
            told = sentence(reason(Why.UNPROTECTED_MEANS, node))
            return f"{told[0].upper()}{told[1:]}."


def silent_text(node: NodeName, view: ClusterView) -> str:
    """Say what it means that nobody hears a member."""
    paused = standing.paused(view) is not None
    return (f"{node} is silent: no member hears it, though its lease has not run out"
            + ("; the cluster is paused, so nothing is done about that." if paused else "."))


def _of_cluster(view: ClusterView, *, store_away: bool) -> Iterator[Finding]:
    if store_away:
        yield Finding(health=Health.CRITICAL, kind="stores out of reach", about="cluster",
                      text="The answering node does not reach the store: this is what it saw last, and nothing can be "
                           "ordered.")
    if (stopped := standing.down(view)) is not None:
        yield Finding(health=Health.ATTENTION, kind="stops", about="cluster", since_s=stopped.at_s,
                      answers=(Answer.UP,), text=f"The whole cluster is stopped, by {stopped.by}.")
    elif view.master is None:
        yield Finding(health=Health.ATTENTION, kind="masters missing", about="cluster",
                      text="No node is the master, so nothing is decided until one is.")
    if (pause := standing.paused(view)) is not None:
        yield Finding(health=Health.ATTENTION, kind="pauses", about="cluster", since_s=pause.since_s,
                      answers=(Answer.RESUME,),
                      text=f"The cluster is paused, by {pause.by}: it begins nothing by itself.")


def _of_nodes(view: ClusterView, silent: Silent) -> Iterator[Finding]:
    holding = [node for node, held in view.nodes.items() if not held.value.witness]
    for node, held in sorted(view.nodes.items()):
        if view.session_of(node) in silent:
            yield Finding(health=Health.ATTENTION, kind="nodes are silent", about="node", node=node,
                          text=silent_text(node, view))
        if node in view.sessions and not view.is_live(node) and held.value.wanted and standing.down(view) is None:
            yield _gone(view, node)
        if quarantine.told(view, node) is not None:
            yield Finding(health=Health.ATTENTION, kind="nodes are in quarantine", about="node", node=node,
                          since_s=held.value.quarantined_at_s, answers=(Answer.RELEASE,),
                          text=f"{node} is in quarantine, because it left uncleanly again and again.")
        if view.is_live(node) and node in holding and len(holding) > 1 and (
                protection(view, node) is Protection.NOTHING):
            yield Finding(health=Health.ATTENTION, kind="nodes have no protection", about="node", node=node,
                          text=protection_text(view, node))


def _gone(view: ClusterView, node: NodeName) -> Finding:
    """Tell of a node that is not a member and should be one."""
    session = view.sessions[node].value
    proof = view.proofs.get(session.id)
    if proof is not None:
        return Finding(health=Health.ATTENTION, kind="nodes are down", about="node", node=node,
                       since_s=proof.value.at_s, text=f"{node} is down, and proven to have stopped.")
    waiting = [held.value.name for held in view.states.values() if node in holders(held.value)]
    fencing = view.fencings.get(session.id)
    doing = "" if fencing is None else (
        " It is being switched off by its fence device." if fencing.value.attempt is Attempt.ASKED else
        f" It could not be switched off: {fencing.value.text}.")
    what = f" What it may still run waits: {', '.join(sorted(waiting)[:NAMED])}." if waiting else ""
    return Finding(health=Health.CRITICAL if waiting else Health.ATTENTION, kind="nodes are lost without a proof",
                   about="node", node=node, answers=(Answer.CONFIRM_DOWN,),
                   text=f"{node} is lost, and nothing proves yet that it has stopped.{doing}{what}")


def _of_resources(view: ClusterView) -> Iterator[Finding]:
    for name, held in sorted(view.states.items()):
        if name not in view.specs:
            continue
        for seen in strays.places(view, name):
            kind = "machines run astray" if seen.machine else "storage is in use astray"
            yield Finding(health=Health.CRITICAL, kind=kind, about="resource", resource=name, node=seen.node,
                          since_s=seen.since_s, text=f"{name}: {sentence(strays.stands(seen))}.")
        if (found := _of_state(held.value)) is not None:
            yield found


def _of_state(state: ResourceState) -> Finding | None:
    told = sentence(state.reason)
    word, health = "", Health.CRITICAL
    answers: tuple[Answer, ...] = (Answer.OFFLINE,)
    match state.state:
        case State.ALERT:
            kind = f"resources ask ({state.alert})"
            health = Health.CRITICAL if state.alert is AlertKind.FAILOVER else Health.ATTENTION
            answers = (Answer.YES, Answer.NO, Answer.OFFLINE)
            word = f"asks: {told}"
        case State.COMATOSE:
            kind, word = "resources are comatose", f"comatose: {told}"
        case State.UNASSIGNED:
            kind, word = "resources have no node", f"not running: {told}"
            health = Health.ATTENTION if state.awaits else Health.CRITICAL
        case State.QUORUM_WAIT:
            kind, word = "resources wait for the quorum", f"not running yet: {told}"
            health = Health.ATTENTION
        case _:
            return None
    verb = "" if state.state is State.ALERT else "is "
    return Finding(health=health, kind=kind, about="resource", resource=state.name, node=state.node, answers=answers,
                   text=f"{state.name} {verb}{word}.", since_s=state.since_s)


def _named(same: list[Finding]) -> str:
    names = [str(one.resource or one.node or "the cluster") for one in same]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
