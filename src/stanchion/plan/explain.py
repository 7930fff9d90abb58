"""Answers to the three questions that people ask about a resource, from the same judgement that decides.

Why is it here? Why is it not running? What happens if its node dies now? Every answer is made of reasons, the ones
that the decision itself used or would use; nothing is phrased for the occasion, so an explanation cannot drift away
from the behaviour that it explains.
"""

from dataclasses import dataclass

from stanchion.model.cluster import ClusterView, Held, Proof
from stanchion.model.events import AlertRaised, Event, HolderGone, NoNode, QuorumAwaited, Recovered
from stanchion.model.fencing import Attempt, Protection, Senses
from stanchion.model.ids import Moment, NodeName, ResourceName, SessionId
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.resource import ResourceSpec
from stanchion.model.state import AlertKind, ResourceState, State, holders
from stanchion.plan import failing, fencing, loss, placement, recovery, standing, strays, together
from stanchion.plan.membership import Fate, fate
from stanchion.plan.protection import protection


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One question and its answer, the most important reason first."""

    question: str
    reasons: tuple[Reason, ...]


HERE = "Why is it where it is?"
NOT_RUNNING = "Why is it not running?"
ELSEWHERE = "Why not on another node?"
IF_LOST = "What happens if its node dies now?"


def explain(view: ClusterView, name: ResourceName, now: Moment) -> tuple[Answer, ...]:
    """Answer the questions that make sense in the resource's state; none for an unknown one."""
    held, spec = view.states.get(name), view.specs.get(name)
    if held is None or spec is None:
        return ()
    state = held.value
    runs = state.state is State.RUNNING or state.alert is AlertKind.FAILBACK
    answers = [Answer(question=HERE if runs else NOT_RUNNING,
                      reasons=(state.reason, *_standing(view, held, spec.value, now)))]
    if runs and state.node is not None:
        others = placement.candidates(view, spec.value, without=(state.node,))
        free = tuple(reason(Why.NODE_READY, node) for node in others.nodes)
        refused = tuple(why for _, why in others.rejected if why.why is not Why.NODE_CURRENT)
        answers.append(Answer(question=ELSEWHERE, reasons=(*free, *refused)))
    answers.append(Answer(question=IF_LOST, reasons=_if_lost(view, held, spec.value, now)))
    return tuple(answers)


def standing_reasons(view: ClusterView, name: ResourceName, now: Moment) -> tuple[Reason, ...]:
    """Say what keeps a resource as it is, beside the reason that its record gives; nothing for an unknown one."""
    held, spec = view.states.get(name), view.specs.get(name)
    return () if held is None or spec is None else _standing(view, held, spec.value, now)


def _standing(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec, now: Moment) -> tuple[Reason, ...]:
    """Say what else keeps it as it is: a doubtful holder, missing quorum, nodes that cannot take it."""
    state = held.value
    told = [strays.stands(seen) for seen in strays.places(view, state.name)]
    pause = standing.paused(view)
    told += [] if pause is None else [reason(Why.PAUSE_STANDS, pause.by)]
    for node, session in _claims(state):
        if session is not None:
            told += _doubts(view, node, session)
    match state.state:
        case State.QUORUM_WAIT if view.settings is not None:
            told.append(reason(Why.QUORUM_MISSING, len(view.live), view.settings.value.quorum_nodes))
        case State.UNASSIGNED | State.OFFLINE:
            told += [why for _, why in placement.candidates(view, spec).rejected]
        case State.COMATOSE:
            told.append(reason(Why.COMATOSE_HOW))
            left_s = failing.left_s(state, spec, now)
            told += [] if left_s is None else [reason(Why.TRIED_AGAIN_IN, f"{left_s:.0f}")]
        case State.LOADING | State.UNLOADING | State.MIGRATING:
            told.append(reason(Why.UNDER_WAY, state.node))
        case State.RUNNING if state.node in (listed := placement.order(view, spec)):
            told.append(reason(Why.RANK, state.node, listed.index(state.node) + 1, len(listed)))
        case _:
            pass
    return (*told, *_ties(view, state))


def _ties(view: ClusterView, state: ResourceState) -> tuple[Reason, ...]:
    """Say by whom a resource goes, or who goes by it."""
    leader = together.leader(view, state.name)
    if leader is None or together.place(view, state.name) is None:
        return ()
    if leader != state.name:
        return (reason(Why.LED_BY, leader),)
    led = [member for member in together.members(view, leader) if member != leader and together.place(view, member)]
    return (reason(Why.LEADS, ", ".join(led)),) if led else ()


def _claims(state: ResourceState) -> tuple[tuple[NodeName, SessionId | None], ...]:
    if state.node is None or not holders(state):
        return ()
    second = ((state.move.target, state.move.session),) if state.state is State.MIGRATING and state.move else ()
    return ((state.node, state.session), *second)


def _doubts(view: ClusterView, node: NodeName, session: SessionId) -> tuple[Reason, ...]:
    """Say what is in doubt about a holder and which proof is awaited; a member may be silent before its lease ends."""
    held = view.fencings.get(session)
    doubtful = fate(view, node, session) is Fate.DOUBTFUL
    if held is not None and held.value.attempt is Attempt.ASKED and session not in view.proofs:
        return (reason(Why.NODE_LOST, node), reason(Why.FENCE_UNDER_WAY, node))
    if not doubtful:
        return ()
    told = [reason(Why.NODE_LOST, node)]
    if held is not None:
        told.append(reason(Why.FENCE_FAILED, node, held.value.text))
    match protection(view, node):
        case Protection.NOTHING:
            told.append(reason(Why.UNPROTECTED, node))
        case Protection.DEVICE:
            braked = fencing.braked(view, fencing.suspect(view, Senses()))
            told.append(reason(Why.FENCE_BRAKED) if braked else reason(Why.FENCE_AWAITED, node))
        case Protection.SELF_FENCE | Protection.BOTH:
            stranger = node not in view.live and loss.orphaned(view, node)
            told.append(reason(Why.NOBODY_MAY_EXPIRE if stranger else Why.PROOF_AWAITED, node))
    return tuple(told)


def _if_lost(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec, now: Moment) -> tuple[Reason, ...]:
    """Ask the planner what it would do, in a view in which the node is gone and proven so."""
    state = held.value
    node = state.node
    if node is None or not holders(state):
        return (reason(Why.HELD_BY_NONE),)
    proof = None
    if state.session is not None and fate(view, node, state.session) is not Fate.PROVEN:
        kind = loss.proof_to_come(view, node)
        if kind is None:
            return (loss.why_unproven(view, node), reason(Why.STAYS_UNTIL_PROOF, node))
        proof = Proof(node=node, session=state.session, kind=kind, at_s=0.0)
    after = loss.without(view, node, proof)
    if spec.policies.follows_master and view.master is not None and view.master.value.node == node:
        return (reason(Why.WOULD_FOLLOW, node),)
    if (pause := standing.paused(view)) is not None:
        return (reason(Why.STAYS, state.state), reason(Why.PAUSE_STANDS, pause.by))
    verdict = recovery.judge(after, held, spec, now)
    return (reason(Why.STAYS, state.state),) if verdict is None else _told(verdict.event, node)


def _told(event: Event, node: NodeName) -> tuple[Reason, ...]:
    match event:
        case Recovered():
            return (reason(Why.WOULD_LOAD, event.node), event.why)
        case AlertRaised():
            return (reason(Why.WOULD_ASK, event.node), event.why)
        case NoNode():
            return (reason(Why.WOULD_WAIT), event.why)
        case HolderGone(why=Reason(why=Why.POISONOUS, operands=(losses,))):
            return (reason(Why.WOULD_REST, node), reason(Why.WOULD_BE_POISONOUS, losses))
        case HolderGone():
            return (reason(Why.WOULD_REST, node), event.why)
        case QuorumAwaited():
            return (reason(Why.WOULD_START),)
        case _:
            return (event.why,)
