"""What the master does for one resource by itself: fail over, start, place again, fail back, empty a node.

``judge`` asks one question after the other and gives the first event that something calls for, with what else the
decision rests on. It looks at levels, never at edges: whoever becomes master, at whatever moment, finds the same
answer in the same view. Manual orders are judged before, in ``planner``.
"""

from stanchion.model import events as e
from stanchion.model.cluster import ClusterView, Held, Key, Kind, ProofKind
from stanchion.model.ids import Moment, NodeName
from stanchion.model.reasons import Reason, Why, reason, sentence
from stanchion.model.resource import FailbackMode, FailoverMode, ResourceSpec, StartMode
from stanchion.model.state import AlertKind, Mark, Phase, ResourceState, State, holders, next_operation
from stanchion.model.transaction import Guard
from stanchion.plan import emptying, failing, placement, standing, strays, together
from stanchion.plan.budget import spent
from stanchion.plan.change import alive
from stanchion.plan.membership import Fate, covering, fate, proof_of
from stanchion.plan.verdict import Verdict

EARLY_S = 60.0
"""A host lost within this time after a resource started there counts against the resource."""

EARLY_LOSSES_MAX = 2
"""So many hosts may be lost just after a start; then the resource is not started again by itself ("poisonous")."""


def judge(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec, now: Moment) -> Verdict | None:
    """Give what the cluster should do for this resource by itself, or None."""
    if standing.paused(view) is not None:
        return _by_order(view, held, spec)
    match held.value.state:
        case State.OFFLINE:
            return None
        case State.COMATOSE if not holders(held.value):
            return _again(view, held, spec, now)
        case State.UNASSIGNED | State.QUORUM_WAIT:
            return _waiting(view, held, spec)
        case State.MIGRATING:
            return _migrating(view, held, spec, now)
        case State.ALERT if held.value.alert is not AlertKind.FAILBACK:
            return _proposal(view, held, spec)
        case _:
            return _held(view, held, spec, now)


def _waiting(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec) -> Verdict | None:
    """Start what waits for quorum or for a node, as soon as it may.

    What was unassigned before the whole cluster stopped starts with it, by its start mode, like everything else.
    """
    state, membership = held.value, view.membership.value if view.membership else None
    if membership is None or not (membership.quorum or spec.policies.ignore_quorum) or standing.down(view) is not None:
        return None
    starting = state.state is State.QUORUM_WAIT or state.since_s < membership.formed_at_s
    first = _expected(view, state, spec)
    home = placement.home_session(view, spec)
    if first is None:
        nowhere = state.state is State.QUORUM_WAIT
        return Verdict(event=e.NoNode(why=placement.candidates(view, spec).why_none())) if nowhere else None
    guards = (alive(view, first),)
    if starting and spec.policies.start is StartMode.MANUAL:
        return Verdict(event=e.AlertRaised(kind=AlertKind.START, node=first, settled_for=home,
                                           why=reason(Why.START_MANUAL, first)), guards=guards)
    why = reason(Why.CLUSTER_START) if starting else reason(Why.NODE_CAME, first)
    return Verdict(event=e.Placed(node=first, operation=next_operation(state.name, held.revision), why=why,
                                  settled_for=home), guards=guards)


def _expected(view: ClusterView, state: ResourceState, spec: ResourceSpec) -> NodeName | None:
    """Name the node on which what waits is to load now.

    What was frozen when its host shut down waits for that host alone, as long as the cluster knows it; but when the
    host is back and has no room for it any more, nobody is helped by waiting on.
    """
    fit = placement.fit(view, spec)
    if state.awaits is not None and state.awaits in view.nodes and state.awaits not in fit:
        fault = placement.rejection(view, spec, state.awaits)
        if fault is None or fault.why is not Why.NODE_FULL:
            return None
    return state.awaits if state.awaits in fit else next(iter(fit), None)


def _proposal(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec) -> Verdict | None:
    """Keep an alert's proposal on a node that can still hold the resource."""
    state = held.value
    fit = placement.fit(view, spec)
    if state.node in fit or not fit or state.alert is None:
        return None
    why = reason(state.reason.why, *state.reason.operands[:-1], fit[0])
    return Verdict(event=e.AlertRaised(kind=state.alert, node=fit[0], why=why))


def _held(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec, now: Moment) -> Verdict | None:
    """Judge a resource that one node holds."""
    state = held.value
    if state.node is None or not holders(state):
        return None
    match fate(view, state.node, state.session):
        case Fate.PROVEN:
            return _lost(view, held, spec, state.node, now)
        case Fate.LIVE if state.state is State.LOADING and state.session is None:
            return emptying.unbegun(view, held, spec, state.node)
        case Fate.LIVE if state.state in {State.RUNNING, State.ALERT}:
            return _settled(view, held, spec, state.node, now)
        case Fate.LIVE if state.state is State.COMATOSE:
            return _again(view, held, spec, now)
        case _:
            return None


def _by_order(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec) -> Verdict | None:
    """Judge in a pause: the cluster begins nothing by itself, but a node that operators have emptied is emptied."""
    state = held.value
    if state.node is None or not holders(state) or fate(view, state.node, state.session) is not Fate.LIVE:
        return None
    if state.state is State.LOADING and state.session is None:
        return emptying.unbegun(view, held, spec, state.node)
    if state.state in {State.RUNNING, State.ALERT} and standing.emptying(view, state.node) is not None:
        return emptying.judge(view, held, spec, state.node)
    return None


def _again(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec, now: Moment) -> Verdict | None:
    event = failing.again(view, held, spec, now)
    node = getattr(event, "target", None) or getattr(event, "node", None)
    return None if event is None or node is None else Verdict(event=event, guards=(alive(view, node),))


def _lost(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec, node: NodeName,
          now: Moment) -> Verdict | None:
    """Judge a resource whose holder provably runs nothing any more."""
    state = held.value
    guards = _proof_guard(view, held)
    proof = proof_of(view, node, state.session)
    lost = reason(Why.HOLDER_LOST, node, sentence(proof))
    if state.state is State.COMATOSE:
        astray = state.move is not None and fate(view, state.move.target, state.move.session) is not Fate.PROVEN
        return None if astray else Verdict(event=e.HolderGone(why=state.reason), guards=guards)
    if state.state is State.UNLOADING and state.move is None:
        return Verdict(event=e.HolderGone(why=lost), guards=guards)
    if view.membership is not None and state.session in view.membership.value.before:
        return Verdict(event=e.QuorumAwaited(why=reason(Why.CLUSTER_START)), guards=guards)
    losses = state.early_losses + 1 if _early(view, state, now) else 0
    if losses >= EARLY_LOSSES_MAX:
        return Verdict(event=e.HolderGone(why=reason(Why.POISONOUS, losses)), guards=guards)
    return _fail_over(view, held, spec, node, proof, losses=losses, guards=guards, now=now)


def _fail_over(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec, node: NodeName, proof: Reason, *,
               losses: int, guards: tuple[Guard, ...], now: Moment) -> Verdict:
    state = held.value
    fit = placement.fit(view, spec)
    if not fit:
        return Verdict(event=e.NoNode(why=placement.candidates(view, spec).why_none()), guards=guards)
    # The node that was lost comes last, even if it is back already: what happened there may happen again.
    chosen = next((candidate for candidate in fit if candidate != node), fit[0])
    home = placement.home_session(view, spec)
    guards = (*guards, alive(view, chosen))
    condemned = state.reason.why is Why.MONITOR_REBOOT
    if spec.policies.failover is FailoverMode.MANUAL and state.session is not None and not condemned:
        return Verdict(event=e.AlertRaised(kind=AlertKind.FAILOVER, node=chosen, settled_for=home,
                                           why=reason(Why.FAILOVER_MANUAL, node, chosen)), guards=guards)
    why = reason(Why.FAILOVER, node, sentence(proof))
    return Verdict(event=e.Recovered(node=chosen, operation=next_operation(state.name, held.revision), why=why,
                                     early_losses=losses, moved_at_s=now.wall_s, settled_for=home), guards=guards)


def _early(view: ClusterView, state: ResourceState, now: Moment) -> bool:
    """Tell whether the host was lost while the resource started there, or just after.

    A node that halted its machines in good order because it lost the cluster was not killed by any of them.
    """
    if state.session is None or state.node is None:
        return False
    proof = covering(view, state.node, state.session)
    if proof is not None and proof.value.kind is ProofKind.CLEAN:
        return False
    if state.state is State.LOADING:
        return True
    return state.state is State.RUNNING and 0 <= now.wall_s - state.since_s < EARLY_S


def _proof_guard(view: ClusterView, held: Held[ResourceState]) -> tuple[Guard, ...]:
    node = held.value.node
    proof = None if node is None else covering(view, node, held.value.session)
    return () if proof is None else (Guard(Key(Kind.PROOF, proof.value.session), proof.revision),)


def _settled(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec, node: NodeName,
             now: Moment) -> Verdict | None:
    """Judge a resource that runs where it may: it may belong elsewhere by now."""
    if standing.emptying(view, node) is not None:
        return emptying.judge(view, held, spec, node)
    if held.value.reason.why is Why.MONITOR_REBOOT:
        return None
    operation = next_operation(held.value.name, held.revision)
    master = view.master.value.node if view.master else None
    if spec.policies.follows_master and master is not None and master != node:
        if placement.rejection(view, spec, master) is not None:
            return None
        return Verdict(event=e.Sent(target=master, operation=operation, why=reason(Why.FOLLOWS_MASTER, master),
                                    moved_at_s=now.wall_s, settled_for=placement.home_session(view, spec)),
                       guards=(alive(view, master),))
    return _followed(view, held, spec, node, now) or _failback(view, held, spec, node, now)


def _followed(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec, node: NodeName,
              now: Moment) -> Verdict | None:
    """Go where the leader of those that it is kept together with runs; the target is asked first.

    A target that would not take it is not asked again: then an operator decides.
    """
    state, leader = held.value, together.leader(view, held.value.name)
    there = together.place(view, leader) if leader is not None else None
    if leader is None or there is None or leader == state.name or there == node:
        return None
    if view.states[leader].value.state is not State.RUNNING or placement.rejection(view, spec, there) is not None:
        return None
    if state.reason.why in {Why.MIGRATE_FAILED, Why.PREFLIGHT_FAILED} or spent(state, spec, now):
        return None
    return Verdict(event=e.MoveOrdered(target=there, live=spec.live, why=reason(Why.FOLLOWS_GROUP, leader, there),
                                       operation=next_operation(state.name, held.revision), moved_at_s=now.wall_s,
                                       settled_for=placement.home_session(view, spec)),
                   guards=(alive(view, there), Guard(Key(Kind.STATE, leader), view.states[leader].revision)))


def _failback(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec, node: NodeName,
              now: Moment) -> Verdict | None:
    """Return to the first preferred node when it has joined anew since the resource was placed."""
    state, policies = held.value, spec.policies
    if policies.failback is FailbackMode.DISABLE or Mark.MOVED_BY_MONITOR in state.marks:
        return None
    first = placement.order(view, spec)[0]
    home = placement.home_session(view, spec)
    if first == node or home is None or home == state.settled_for:
        return None
    if placement.rejection(view, spec, first) is not None or spent(state, spec, now):
        return None
    operation = next_operation(state.name, held.revision)
    guards = (alive(view, first),)
    if policies.failback is FailbackMode.MANUAL:
        return Verdict(event=e.AlertRaised(kind=AlertKind.FAILBACK, node=node, settled_for=home,
                                           why=reason(Why.FAILBACK_MANUAL, first)), guards=guards)
    why = reason(Why.FAILBACK, first)
    if policies.failback_live and spec.live:
        return Verdict(event=e.MoveOrdered(target=first, live=True, operation=operation, why=why,
                                           moved_at_s=now.wall_s, settled_for=home), guards=guards)
    return Verdict(event=e.Sent(target=first, operation=operation, why=why, moved_at_s=now.wall_s, settled_for=home),
                   guards=guards)


def _migrating(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec, now: Moment) -> Verdict | None:
    """Judge a move of which a node was lost; never starts a second copy, whatever died at whatever moment."""
    state, move = held.value, held.value.move
    assert move is not None
    assert state.node is not None
    source = fate(view, state.node, state.session)
    target = fate(view, move.target, move.session)
    arriving = move.phase is Phase.IN
    if source is Fate.PROVEN and (move.phase is Phase.PREPARE or target is Fate.PROVEN):
        return _lost(view, held, spec, state.node, now)
    if source is Fate.PROVEN and target in {Fate.LIVE, Fate.RETURNED} and not arriving and (
            strays.bar(view, state.name, move.target) is None):
        # The machine may have gone over in full: the target looks before it loads, and adopts what runs there.
        return Verdict(event=e.Recovered(node=move.target, operation=next_operation(state.name, held.revision),
                                         session=move.session, why=reason(Why.SOURCE_LOST, state.node),
                                         moved_at_s=now.wall_s,
                                         settled_for=placement.home_session(view, spec)),
                       guards=(*_proof_guard(view, held), alive(view, move.target)))
    if target is Fate.PROVEN and arriving and source is not Fate.PROVEN:
        return emptying.elsewhere(view, held, spec, reason(Why.TARGET_LOST, move.target), without=move.target)
    if target is Fate.PROVEN and move.phase in {Phase.PREPARE, Phase.ABORT} and source is Fate.LIVE:
        return Verdict(event=e.Stayed(operation=next_operation(state.name, held.revision),
                                      why=reason(Why.TARGET_LOST, move.target)))
    return None
