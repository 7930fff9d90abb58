"""What if? Nodes die, are drained or join, a resource is moved: the cluster's own judgement, played to its end.

Nothing here decides. The frozen view is altered as the event would alter it; then ``planner.decide`` and each node's
own procedure (``duty.next_step``) take turns until neither has anything to do, every script ending well and every look
finding what it should. So an answer cannot drift away from what would happen. What is under way without the event goes
on in both worlds: only what the event makes different is told.

No time passes meanwhile. Whoever becomes the master if the master dies is a matter of chance; the first member by name
is taken for it, and named.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from stanchion.model.cluster import ClusterView, ProofKind, Session
from stanchion.model.foresight import CALM, RUNS, Case, How, Upheaval
from stanchion.model.ids import IntentId, Moment, NodeName, ResourceName
from stanchion.model.orders import Intent, Verb
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.state import AlertKind, ResourceState, State, holders
from stanchion.plan import explain, orders, playing, standing, upheavals
from stanchion.plan.emptying import remaining
from stanchion.plan.playing import Play, Turn

NO_OBSTACLE = frozenset({Why.RANK, Why.LEADS, Why.LED_BY, Why.UNDER_WAY})
"""What an explanation says of a resource that holds nothing back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """What would become of one resource. ``held_back`` says what keeps it from more; ``turn`` 0: nothing is decided.

    Those of one ``turn`` are decided at once.
    """

    resource: ResourceName
    before: State
    source: NodeName | None
    after: State
    node: NodeName | None
    how: How
    reason: Reason
    held_back: tuple[Reason, ...] = ()
    turn: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What would happen. ``refused``: it would not, because the order is refused.

    ``proof`` is what would prove that a node which died has stopped, ``unproven`` why nothing would for one; ``heir``
    is who is taken for the master then. ``upheaval`` is what is asked about where it is several nodes. ``settled``
    False: it does not come to rest, and is told as far as it was followed.
    """

    case: Case
    node: NodeName | None = None
    upheaval: Upheaval = CALM
    resource: ResourceName | None = None
    refused: Reason | None = None
    proof: ProofKind | None = None
    unproven: Reason | None = None
    heir: NodeName | None = None
    prospects: tuple[Prospect, ...] = ()
    turns: tuple[Turn, ...] = ()
    settled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What the loss of one node would mean: what runs on after it, what does not, and how many each node then runs."""

    node: NodeName
    proof: ProofKind | None
    prospects: tuple[Prospect, ...]
    numbers: dict[NodeName, int] = field(default_factory=dict)


def node_dies(view: ClusterView, node: NodeName, now: Moment) -> Answer:
    """Say what would happen if this member were lost now."""
    return _node_dies(view, _played(view, now).view, node, now)[0]


def drain(view: ClusterView, node: NodeName, by: str, now: Moment) -> Answer:
    """Say what would happen if this node were drained now."""
    return _ordered(view, Answer(case=Case.DRAIN, node=node), _intent(Verb.DRAIN, by, now, node=node), now)


def migrate(view: ClusterView, resource: ResourceName, node: NodeName | None, by: str, now: Moment) -> Answer:
    """Say what would happen if this resource were moved now; without a node, to the best one."""
    intent = _intent(Verb.MIGRATE, by, now, resource=resource, node=node)
    return _ordered(view, Answer(case=Case.MIGRATE, resource=resource, node=node), intent, now)


def losses(view: ClusterView, now: Moment) -> tuple[Loss, ...]:
    """Say what the loss of each member alone would mean, also of one that holds nothing; witnesses are left out."""
    plain = _played(view, now).view
    found = []
    for node in sorted(view.live):
        if node in view.nodes and not view.nodes[node].value.witness:
            answer, after = _node_dies(view, plain, node, now)
            found.append(Loss(node=node, proof=answer.proof, numbers=numbers(after),
                              prospects=tuple(one for one in answer.prospects if one.source == node)))
    return tuple(found)


def _node_dies(view: ClusterView, plain: ClusterView, node: NodeName, now: Moment) -> tuple[Answer, ClusterView]:
    return _upset(view, plain, Answer(case=Case.NODE_DIES, node=node, upheaval=Upheaval(lost=(node,))), "", now)


def nodes(view: ClusterView, of: Upheaval, by: str, now: Moment) -> Answer:
    """Say what would happen if all these nodes were lost, drained and added at once."""
    return _upset(view, _played(view, now).view, Answer(case=Case.NODES, upheaval=of), by, now)[0]


def _upset(view: ClusterView, plain: ClusterView, answer: Answer, by: str, now: Moment) -> tuple[Answer, ClusterView]:
    of = answer.upheaval
    fault = upheavals.refusal(view, of)
    if fault is not None:
        return replace(answer, refused=fault), plain
    after = upheavals.after(view, of, by, now)
    play = _played(after.view, now)
    touched = {*of.lost, *of.drained}
    found = [one if (why := _unproven(play.view, one.resource, after.unproven)) is None
             else replace(one, reason=why, held_back=(why,))
             for one in _prospects(view, plain, play, now, lambda state: not touched.isdisjoint(holders(state)))]
    return replace(answer, proof=after.proof, unproven=next(iter(after.unproven.values()), None), heir=after.heir,
                   turns=play.turns, settled=play.settled, prospects=tuple(found)), play.view


def _unproven(end: ClusterView, name: ResourceName, unproven: Mapping[NodeName, Reason]) -> Reason | None:
    """Say why nothing would prove that a resource's holder has stopped, if nothing would."""
    return next((unproven[node] for node in holders(end.states[name].value) if node in unproven), None)


def _ordered(view: ClusterView, answer: Answer, intent: Intent, now: Moment) -> Answer:
    fault = orders.refusal(view, intent)
    if fault is not None:
        return replace(answer, refused=fault)
    play = _played(playing.written(view, intent), now)

    def meant(state: ResourceState) -> bool:
        return state.name == intent.resource if intent.resource else intent.node in holders(state)

    return replace(answer, prospects=_prospects(view, _played(view, now).view, play, now, meant),
                   turns=play.turns, settled=play.settled)


def _intent(verb: Verb, by: str, now: Moment, *, resource: ResourceName | None = None,
            node: NodeName | None = None) -> Intent:
    return Intent(id=IntentId("what if"), verb=verb, by=by, at_s=now.wall_s, resource=resource, node=node)


def _played(view: ClusterView, now: Moment) -> Play:
    """Play on with whoever is the master; without one nothing happens."""
    me = _master(view)
    return Play(view=view) if me is None else playing.play(view, me, now)


def _master(view: ClusterView) -> Session | None:
    if view.master is None:
        return None
    held = view.sessions.get(view.master.value.node)
    return None if held is None or view.session_of(held.value.node) != held.value.id else held.value


def _prospects(view: ClusterView, plain: ClusterView, play: Play, now: Moment,
               meant: Callable[[ResourceState], bool]) -> tuple[Prospect, ...]:
    """Tell of what is meant, and of whatever else the event makes different, in the order in which it begins."""
    turns = {turn.resource: turn.number for turn in reversed(play.turns)}
    found = []
    for name in sorted(view.states):
        after, without = play.view.states.get(name), plain.states.get(name)
        if after is None or without is None or name not in view.specs:
            continue
        if meant(view.states[name].value) or _seen(after.value) != _seen(without.value):
            found.append(_prospect(view, play.view, name, turns.get(name, 0), now))
    return tuple(sorted(found, key=lambda one: (one.turn == 0, one.turn, one.resource)))


def _seen(state: ResourceState) -> tuple[State, NodeName | None, AlertKind | None, int]:
    return state.state, state.node, state.alert, state.lives


def _prospect(view: ClusterView, end: ClusterView, name: ResourceName, turn: int, now: Moment) -> Prospect:
    before, after = view.states[name].value, end.states[name].value
    how = _how(before, after, end)
    held_back = _held_back(end, name, how, now)
    named = after.node if how in RUNS or how is How.ASKS else next(iter(holders(after)), None)
    # Where the record is not changed, because nothing is decided about it, the record's reason is not the answer.
    why = held_back[-1] if held_back and _seen(before) == _seen(after) else after.reason
    return Prospect(resource=name, before=before.state, source=next(iter(holders(before)), None), after=after.state,
                    node=named, how=how, reason=why, held_back=held_back, turn=turn)


def _how(before: ResourceState, after: ResourceState, end: ClusterView) -> How:
    runs = after.state is State.RUNNING or after.alert is AlertKind.FAILBACK
    if runs and after.node is not None and end.is_live(after.node):
        if after.lives > before.lives:
            return How.RESTARTS
        return How.STAYS if after.node == before.node else How.LIVE
    if after.state is State.ALERT:
        return How.ASKS
    return How.RESTS if after.state in {State.COMATOSE, State.OFFLINE} else How.WAITS


def _held_back(end: ClusterView, name: ResourceName, how: How, now: Moment) -> tuple[Reason, ...]:
    """Say what keeps a resource from running, or on a node that is emptied."""
    state = end.states[name].value
    if how not in RUNS:
        return tuple(why for why in explain.standing_reasons(end, name, now) if why.why not in NO_OBSTACLE)
    if state.node is not None and standing.emptying(end, state.node) is not None:
        obstacle = remaining(end, state.node).get(name)
        pause = standing.paused(end)
        return (obstacle,) if obstacle else () if pause is None else (reason(Why.PAUSE_STANDS, pause.by),)
    return ()


def numbers(end: ClusterView) -> dict[NodeName, int]:
    """Count what each member runs."""
    found = dict.fromkeys(sorted(node for node in end.live if node in end.nodes), 0)
    for held in end.states.values():
        node = held.value.node
        if node in found and (held.value.state is State.RUNNING or held.value.alert is AlertKind.FAILBACK):
            found[node] += 1
    return found
