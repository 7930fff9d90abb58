"""What is held back for the time being, told to people: a pause, the cluster's stop, and nodes that are emptied."""

from datetime import UTC, datetime

from stanchion.model.balance import Balancing, Migration
from stanchion.model.cluster import ClusterView
from stanchion.model.ids import NodeName
from stanchion.model.reasons import Why, reason, sentence
from stanchion.model.standing import Pause
from stanchion.plan import balancing, emptying, standing, strays
from stanchion.wire import standing as wire
from stanchion.wire.replies import instant


def standing_info(view: ClusterView) -> wire.StandingInfo:
    """Tell what stands for the whole cluster."""
    return wire.StandingInfo(pause=pause_info(view), down=down_info(view), balancing=balancing_info(view))


def pause_info(view: ClusterView) -> wire.PauseInfo | None:
    """Tell the pause that stands."""
    of = standing.paused(view)
    if of is None:
        return None
    return wire.PauseInfo(by=of.by, since=instant(of.since_s), until=instant(of.until_s), why=of.why,
                          text=sentence(reason(Why.PAUSE_STANDS, of.by)))


def down_info(view: ClusterView) -> wire.DownInfo | None:
    """Tell the stop of the whole cluster, and what is loaded still."""
    of = standing.down(view)
    if of is None:
        return None
    left = tuple(each for node in sorted(view.nodes) for each in _left(view, node))
    return wire.DownInfo(by=of.by, at=instant(of.at_s), why=of.why, left=left, text=sentence(reason(Why.CLUSTER_DOWN)))


def balancing_info(view: ClusterView, of: Balancing | None = None) -> wire.BalancingInfo | None:
    """Tell the moves that are to even the nodes out: those, or the ones that are left to begin."""
    of = of or balancing.standing_order(view)
    if of is None:
        return None
    return wire.BalancingInfo(by=of.by, since=instant(of.since_s), asked=of.asked,
                              left=tuple(map(migration_info, of.moves)),
                              waits=balancing.waits(view) or "")


def migration_info(of: Migration) -> wire.MigrationInfo:
    """Tell one move."""
    return wire.MigrationInfo(resource=of.resource, source=of.source, target=of.target, live=of.live)


def emptying_info(view: ClusterView, node: NodeName) -> wire.EmptyingInfo | None:
    """Tell how far the emptying of a node has come; None: it is not emptied."""
    because, known = standing.emptying(view, node), view.nodes.get(node)
    if because is None or known is None:
        return None
    drained = known.value.drained if because is standing.Emptying.DRAIN else None
    left = _left(view, node)
    safe = not left and not strays.astray_on(view, node)
    total = None if drained is None else max(drained.held, len(left))
    return wire.EmptyingInfo(
        because=because.value, by=drained.by if drained else "", since=instant(drained.at_s) if drained else None,
        held=total, left=left, safe=safe,
        text=sentence(standing.cause_of(view, node)) + ": " + _progress(node, left, total, safe=safe))


def _progress(node: NodeName, left: tuple[wire.LeftInfo, ...], total: int | None, *, safe: bool) -> str:
    if safe:
        return sentence(reason(Why.EMPTY, node))
    told = "; ".join(f"{each.resource} cannot go, because {each.obstacle}" if each.obstacle else
                     f"{each.resource} is on its way" for each in left) or "only a stray is left"
    return told if total is None else f"{total - len(left)} of {total} gone; {told}"


def _left(view: ClusterView, node: NodeName) -> tuple[wire.LeftInfo, ...]:
    return tuple(wire.LeftInfo(resource=name, node=node, obstacle=sentence(why) if why else None)
                 for name, why in emptying.remaining(view, node).items())


def until_text(of: Pause) -> str:
    """Show the end of a pause in the history: in UTC, because that is read anywhere."""
    return f"{datetime.fromtimestamp(of.until_s, UTC):%Y-%m-%d %H:%M:%S} UTC"
