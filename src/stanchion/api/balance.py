"""Routes for the balance: how uneven the cluster is, which moves would help, and carrying them out.

The search is work for the processor and for nothing else, so it is done in a thread, and in one only; its answer is
kept for as long as nothing changes. What is asked for is written down as a list of moves, and the master begins one
after the other (``plan.balancing``), so that what is done is what was proposed, whoever is the master meanwhile.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from fastapi import APIRouter, status

from stanchion.api import held_back, telling
from stanchion.api.services import By, Here, Services
from stanchion.model.balance import Balancing
from stanchion.model.cluster import ClusterView, Key, Kind
from stanchion.model.errors import InvalidInput, NotNow
from stanchion.model.history import Entry
from stanchion.model.ids import NOTHING, Moment
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.standing import Standing
from stanchion.model.transaction import Conflict, Guard, Put, Transaction
from stanchion.plan import balance, balance_told, balancing, standing
from stanchion.plan.balance import Balance
from stanchion.wire import balance as wire
from stanchion.wire.standing import BalancingInfo

router = APIRouter(prefix="/balance", tags=["cluster"])

_THINKING = ThreadPoolExecutor(max_workers=1, thread_name_prefix="balance")
_KEPT: dict[bool, tuple[ClusterView, Balance]] = {}
"""The last search with and without cold moves, and the view that it is of. Only the one thread touches it."""


@router.get("")
async def show(here: Here, *, cold: bool = False) -> wire.BalanceInfo:
    """Tell how uneven the cluster is, and which moves would help. ``cold``: by machines that cannot move live too."""
    view, now = here.view(), here.clock.now()
    return _info(view, now, await _found(view, now, cold=cold))


@router.post("", status_code=status.HTTP_202_ACCEPTED)
async def apply(here: Here, by: By, order: wire.BalanceOrder | None = None) -> BalancingInfo:
    """Carry out what is proposed, one move after the other: all of it, or the first so many."""
    asked = order or wire.BalanceOrder()
    if asked.first is not None and asked.first < 1:
        raise InvalidInput(f"first is {asked.first}; it must be at least 1, or left out for all")
    view, now = here.view(), here.clock.now()
    _refuse(view)
    found = await _found(view, now, cold=asked.cold)
    # Whoever is kept together with the one that leads follows it by itself.
    moves = tuple(each.migrations[0] for each in found.proposals[:asked.first])
    if not moves:
        raise NotNow(f"nothing is proposed: {balance_told.summary(found)}")
    after = Balancing(by=by, since_s=now.wall_s, asked=len(moves), moves=moves)
    await _write(here, view, after, reason(Why.BALANCE_ASKED, by, len(moves)))
    return _told(view, after)


@router.delete("")
async def stop(here: Here, by: By) -> BalancingInfo:
    """Begin none of the moves that are left; the one that is under way goes on to its end."""
    view = here.view()
    stands = balancing.standing_order(view)
    if stands is None:
        raise NotNow("nobody has asked for moves that are still to begin")
    await _write(here, view, None, reason(Why.BALANCE_STOPPED, by, len(stands.moves)))
    return _told(view, stands)


async def _found(view: ClusterView, now: Moment, *, cold: bool) -> Balance:
    """Search, after whatever is being searched for already."""
    return await asyncio.get_running_loop().run_in_executor(_THINKING, partial(_searched, view, now, cold=cold))


def _searched(view: ClusterView, now: Moment, *, cold: bool) -> Balance:
    kept = _KEPT.get(cold)
    if kept is None or kept[0] is not view:
        kept = _KEPT[cold] = view, balance.proposals(view, now, cold=cold)
    return kept[1]


def _refuse(view: ClusterView) -> None:
    """Raise ``NotNow`` where nothing can be begun, or somebody has asked for moves already."""
    stands = balancing.standing_order(view)
    if stands is not None:
        raise NotNow(f"{stands.by} has asked for moves already, and {len(stands.moves)} of {stands.asked} are left; "
                     "wait, or stop them with `stanchion balance --stop`")
    if standing.down(view) is not None:
        raise NotNow("the whole cluster is stopped; `stanchion up` starts it")
    if standing.paused(view) is not None:
        raise NotNow("the cluster is paused and begins nothing; `stanchion resume` ends that")


async def _write(here: Services, view: ClusterView, after: Balancing | None, said: Reason) -> None:
    stands = view.standing.value if view.standing else Standing()
    guard = Guard(Key(Kind.STANDING), view.standing.revision if view.standing else NOTHING)
    entry = Entry(at_s=here.clock.now().wall_s, reason=said, by=here.node)
    answer = await here.store.commit(Transaction(
        guards=(guard,), puts=(Put(replace(stands, balancing=after)),), history=(entry,)))
    if isinstance(answer, Conflict):
        raise NotNow("something changed just now; look at it again (`stanchion balance`), then repeat")
    await here.catch_up(answer.revision)


def _told(view: ClusterView, of: Balancing) -> BalancingInfo:
    told = held_back.balancing_info(view, of)
    assert told is not None
    return told


def _info(view: ClusterView, now: Moment, of: Balance) -> wire.BalanceInfo:
    return wire.BalanceInfo(
        revision=view.revision, now=_measure(of.now), then=_measure(of.then), more=of.more,
        nodes=tuple(wire.LevelInfo(node=node, before=level, after=of.after[node]) for node, level in of.levels.items()),
        proposals=tuple(map(_proposal, of.proposals)), held_back=tuple(map(telling.reason_info, of.held_back)),
        schedule=view.settings.value.balance if view.settings else "off", due=balancing.within(view, now),
        text=balance_told.summary(of), under_way=held_back.balancing_info(view))


def _measure(of: balance.Measure) -> wire.MeasureInfo:
    return wire.MeasureInfo(highest=of.highest, lowest=of.lowest, spread=of.spread)


def _proposal(of: balance.Proposal) -> wire.ProposalInfo:
    return wire.ProposalInfo(migrations=tuple(map(held_back.migration_info, of.migrations)), gain=of.gain,
                             reason=telling.reason_info(of.why), left=of.left, reached=of.reached,
                             before=_measure(of.before), after=_measure(of.after))
