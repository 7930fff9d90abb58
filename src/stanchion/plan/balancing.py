"""Evening the nodes out, one move after the other: what the master begins when it has nothing else to do.

There are two reasons for it. An operator asked for certain moves (``Standing.balancing``): they are begun in his order,
and one that is not possible any more is left out, and told. Or the setting ``balance`` names a daily window, and it is
that time where the master's host is: then the master begins the first of its own proposals, live moves only, each
counted against the hourly moves of its resource.

Nothing is begun while the cluster is paused or stopped, or while anything is under way; and nothing by itself while a
node is lost. Whatever else there is to decide comes first.
"""

from dataclasses import replace

from stanchion.model import events as e
from stanchion.model.actions import Decision
from stanchion.model.balance import Balancing, Migration, window
from stanchion.model.cluster import ClusterView, Key, Kind, Session
from stanchion.model.history import Entry
from stanchion.model.ids import Moment, NodeName
from stanchion.model.orders import ENDED
from stanchion.model.reasons import Reason, Why, reason, sentence
from stanchion.model.state import State, next_operation
from stanchion.model.transaction import Guard, Put, Transaction
from stanchion.plan import balance, capacity, ends, placement, standing, strays
from stanchion.plan.change import alive, step

UNDER_WAY = frozenset({State.LOADING, State.UNLOADING, State.MIGRATING, State.QUORUM_WAIT})


def judge(view: ClusterView, me: Session, now: Moment, *, thorough: bool) -> tuple[Decision, ...]:
    """Begin one move, if one is due. ``thorough``: there is time to think about the whole cluster."""
    asked = standing_order(view)
    if (asked is None and not (thorough and within(view, now))) or waits(view) is not None:
        return ()
    if asked is not None:
        return (_asked(view, asked, me, now),)
    if lost(view):
        return ()
    found = balance.proposals(view, now, most=1).proposals
    return tuple(_begun(view, each.migrations[0], each.why, me, now, counts=True) for each in found[:1])


def standing_order(view: ClusterView) -> Balancing | None:
    """Give the moves that an operator asked for and that are not begun yet; None: there are none."""
    asked = view.standing.value.balancing if view.standing else None
    return asked if asked is not None and asked.moves else None


def within(view: ClusterView, now: Moment) -> bool:
    """Tell whether it is the time of day at which the cluster may even itself out."""
    daily = window(view.settings.value.balance) if view.settings else None
    return daily is not None and daily.holds(now.wall_s + now.zone_s)


def waits(view: ClusterView) -> str | None:
    """Say what a move has to wait for, or None."""
    if standing.paused(view) is not None:
        return "the cluster is paused"
    if standing.down(view) is not None:
        return "the whole cluster is stopped"
    busy = sorted(name for name in view.index.unsettled if view.states[name].value.state in UNDER_WAY)
    if busy:
        return f"something is under way: {busy[0]} is {view.states[busy[0]].value.state}"
    if any(held.value.outcome not in ENDED and held.value.resource for held in view.intents.values()):
        return "an order is under way"
    return None


def lost(view: ClusterView) -> tuple[NodeName, ...]:
    """Name the nodes that ought to be members and are not: lost, and not away by an operator's word."""
    return tuple(node for node in sorted(view.nodes) if node in view.sessions and node not in view.live
                 and standing.emptying(view, node) is None)


def _asked(view: ClusterView, asked: Balancing, me: Session, now: Moment) -> Decision:
    """Begin the next of the moves that an operator asked for, or leave it out."""
    assert view.standing is not None
    move, rest = asked.moves[0], asked.moves[1:]
    after = replace(view.standing.value, balancing=replace(asked, moves=rest) if rest else None)
    noted = Decision(why=reason(Why.BALANCE_ASKED, asked.by, asked.asked), transaction=Transaction(
        guards=(Guard(Key(Kind.STANDING), view.standing.revision),), puts=(Put(after),)))
    fault = _fault(view, move)
    if fault is None:
        return ends.joined(_begun(view, move, _why(view, move), me, now, counts=False), noted)
    why = reason(Why.BALANCE_SKIPPED, move.target, sentence(fault))
    entry = Entry(at_s=now.wall_s, reason=why, by=me.node, resource=move.resource, node=move.source)
    return replace(noted, why=why, transaction=replace(noted.transaction, history=(entry,)))


def _fault(view: ClusterView, move: Migration) -> Reason | None:
    """Say why a move that was asked for is not possible any more."""
    held, spec = view.states.get(move.resource), view.specs.get(move.resource)
    if held is None or spec is None:
        return reason(Why.UNKNOWN_RESOURCE, move.resource)
    if held.value.state is not State.RUNNING or held.value.node != move.source:
        return reason(Why.ILLEGAL_NOW, "move", held.value.state, f"it is not running on {move.source}")
    if move.live and not spec.value.live:
        return reason(Why.NOT_LIVE)
    return placement.rejection(view, spec.value, move.target)


def _why(view: ClusterView, move: Migration) -> Reason:
    """Say what a move brings as things are now."""
    spec = view.specs[move.resource].value
    wished = spec.preferred
    here = wished.index(move.source) if move.source in wished else len(wished)
    kind = Why.BALANCE_EVENS if not wished else (
        Why.BALANCE_RETURNS if wished.index(move.target) < here else Why.BALANCE_RELIEVES)
    return reason(kind, move.source, balance.percent(capacity.level(view, move.source)), move.target,
                  balance.percent(capacity.fullness(view, spec, move.target)))


def _begun(view: ClusterView, move: Migration, why: Reason, me: Session, now: Moment, *, counts: bool) -> Decision:
    """Begin a move. Those that are kept together with its resource follow by themselves."""
    held, spec = view.states[move.resource], view.specs[move.resource].value
    event = e.MoveOrdered(target=move.target, live=move.live, operation=next_operation(move.resource, held.revision),
                          why=why, moved_at_s=now.wall_s if counts else None,
                          settled_for=placement.home_session(view, spec))
    return step(held, event, now, by=me.node, guards=(
        alive(view, move.target), strays.guard(view, move.resource), *placement.apart(view, move.resource)))
