"""The route that tells how many nodes the cluster can lose at once, whichever; kept until something changes."""

from fastapi import APIRouter

from stanchion.api import telling
from stanchion.api.services import Here
from stanchion.api.thinking import thought
from stanchion.model.cluster import ClusterView
from stanchion.plan import capacity, guarantee, guarantee_told
from stanchion.wire.guarantee import FullnessInfo, GuaranteeInfo, StrandedInfo, SurvivalInfo

router = APIRouter(prefix="/guarantee", tags=["cluster"])

_KEPT: dict[str, tuple[ClusterView, GuaranteeInfo]] = {}
"""The last answer, and the view that it is of. Only the one thread touches it."""


@router.get("")
async def survives(here: Here) -> GuaranteeInfo:
    """Tell for one lost node, for any two at once and so on, whether everything would find a place."""
    return await thought(_worked_out, here.view())


def _worked_out(view: ClusterView) -> GuaranteeInfo:
    kept = _KEPT.get("last")
    if kept is None or kept[0] is not view:
        kept = _KEPT["last"] = (view, _told(view))
    return kept[1]


def _told(view: ClusterView) -> GuaranteeInfo:
    asked = view.settings.value.survives if view.settings else 0
    found = guarantee.survives(view, most=max(asked, guarantee.MOST))
    levels = {node: capacity.level(view, node) for node in guarantee.takers(view)}
    return GuaranteeInfo(
        revision=view.revision, asked=asked, survives=sum(each.holds for each in found),
        kept=all(each.holds for each in found if each.nodes <= asked), sentences=guarantee_told.told(asked, found),
        levels=tuple(FullnessInfo(node=node, level=level) for node, level in levels.items()),
        answers=tuple(map(_answer, found)))


def _answer(of: guarantee.Guarantee) -> SurvivalInfo:
    worst = of.worst
    return SurvivalInfo(
        nodes=of.nodes, holds=of.holds, tried=of.tried, sets=of.sets, lost=worst.lost if worst else (),
        stranded=tuple(StrandedInfo(resource=name, reason=telling.reason_info(why))
                       for name, why in (worst.stranded if worst else ())),
        levels=tuple(FullnessInfo(node=node, level=level) for node, level in (worst.levels if worst else {}).items()))
