"""What a client asks and orders for much at once: how well all is, what would happen, many orders, the balance."""

from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from stanchion.model.foresight import Case
from stanchion.wire.balance import BalanceInfo, BalanceOrder
from stanchion.wire.guarantee import GuaranteeInfo
from stanchion.wire.monitoring import MonitoringDraft, MonitoringText
from stanchion.wire.neighbours import NeighbourHealthList, NeighbourInfo, NeighbourList, NeighbourOrder
from stanchion.wire.orders import ManyOrders, ManyResults
from stanchion.wire.overview import Overview
from stanchion.wire.standing import BalancingInfo
from stanchion.wire.what_if import LossList, WhatIfInfo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Shape = TypeVar("Shape", bound=BaseModel)

THINKING_S = 30.0
"""How long an answer about a large cluster may take."""


class _Asking(Protocol):
    """What this part needs of the whole client."""

    async def _get(self, shape: type[Shape], path: str, params: "Mapping[str, Any] | None" = None, *,
                   patience_s: float = 0.0) -> Shape: ...

    async def _send(self, shape: type[Shape], method: str, path: str, asked: BaseModel | None = None,
                    headers: "Mapping[str, str] | None" = None) -> Shape: ...


    async def _ask(self, method: str, path: str) -> object: ...


class Foreseeing:
    """The part of ``Client`` about the whole cluster at a glance, what would happen, and many orders at once."""

    async def overview(self: _Asking) -> Overview:
        """Ask how well the cluster is, what needs a person, and who holds what."""
        return await self._get(Overview, "overview")

    async def what_if(self: _Asking, case: Case, subject: str, *, node: str | None = None) -> WhatIfInfo:
        """Ask what would happen; ``node`` is where a resource would be moved to. Of several nodes, one that is lost."""
        if case is Case.NODES:
            return await self._get(WhatIfInfo, "what-if/nodes", {"lost": [subject]}, patience_s=THINKING_S)
        return await self._get(WhatIfInfo, f"what-if/{case}/{quote(subject, safe='') or '-'}",
                               {"node": node} if node else {}, patience_s=THINKING_S)

    async def losses(self: _Asking) -> LossList:
        """Ask what the loss of any one node would mean."""
        return await self._get(LossList, "what-if", patience_s=THINKING_S)

    async def what_if_nodes(self: _Asking, *, lost: "Sequence[str]" = (), drained: "Sequence[str]" = (),
                            added: "Sequence[str]" = ()) -> WhatIfInfo:
        """Ask what would happen if all these nodes were lost, drained and added at once."""
        return await self._get(WhatIfInfo, "what-if/nodes", {"lost": lost, "drained": drained, "added": added},
                               patience_s=THINKING_S)

    async def guarantee(self: _Asking) -> GuaranteeInfo:
        """Ask how many nodes the cluster can lose at once, whichever they are."""
        return await self._get(GuaranteeInfo, "guarantee", patience_s=THINKING_S)

    async def order_many(self: _Asking, asked: ManyOrders) -> ManyResults:
        """Give many orders at once; each ends in an order that was taken, or in a problem of its own."""
        return await self._send(ManyResults, "POST", "orders", asked)

    async def balance(self: _Asking, *, cold: bool = False) -> BalanceInfo:
        """Ask how evenly the nodes are filled, and which moves would help."""
        return await self._get(BalanceInfo, "balance", {"cold": True} if cold else {}, patience_s=THINKING_S)

    async def apply_balance(self: _Asking, order: BalanceOrder) -> BalancingInfo:
        """Let the proposed moves be made, one after the other."""
        return await self._send(BalancingInfo, "POST", "balance", order)

    async def stop_balance(self: _Asking) -> BalancingInfo:
        """Begin none of the moves that are left."""
        return await self._send(BalancingInfo, "DELETE", "balance")

    async def neighbours(self: _Asking) -> NeighbourList:
        """List the other clusters."""
        return await self._get(NeighbourList, "neighbours")

    async def neighbours_health(self: _Asking) -> NeighbourHealthList:
        """Ask how well each of the other clusters is."""
        return await self._get(NeighbourHealthList, "neighbours/health")

    async def add_neighbour(self: _Asking, order: NeighbourOrder) -> NeighbourInfo:
        """Add another cluster."""
        return await self._send(NeighbourInfo, "POST", "neighbours", order)

    async def remove_neighbour(self: _Asking, name: str) -> None:
        """Forget another cluster."""
        await self._ask("DELETE", f"neighbours/{quote(name, safe='') or '-'}")

    async def describe_monitoring(self: _Asking, draft: MonitoringDraft) -> MonitoringText:
        """Ask what a monitor configuration would do, in words; nothing is saved."""
        return await self._send(MonitoringText, "POST", "monitoring/describe", draft)
