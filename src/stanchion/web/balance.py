"""Balance: how full the nodes are, which moves would leave fewer of them hot, and letting these moves be made.

The cluster proposes, a person decides: nothing is begun by looking. What is asked for here the master carries out, one
move after the other, and the page shows how far it has come.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from stanchion.api import balance as api
from stanchion.api.access.principal import Principal
from stanchion.api.services import Here, Services
from stanchion.model.errors import InvalidInput, StanchionError
from stanchion.web import confirm, forms, screen, visit
from stanchion.web.pictures.levels import levels
from stanchion.wire.balance import BalanceInfo, BalanceOrder, LevelInfo, ProposalInfo

router = APIRouter()

PATH = "/console/balance"
DRAWN = 30
"""So many nodes are drawn: the fullest and the emptiest."""
LISTED = 100
"""So many proposals are listed."""
NAMED = 20
"""So many moves are named before they are asked for."""


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at the balance, and ask for proposals."""
    del who
    cold = screen.queried(request, "cold")["cold"] == "yes"
    told = await api.show(here, cold=cold)
    drawn = chosen(told.nodes)
    return {"balance": told, "cold": cold, "drawn": drawn, "proposals": told.proposals[:LISTED],
            "picture": levels([(each.node, each.before, each.after) for each in drawn])}


page = screen.show(router, "/balance", "balance.html", look)


def chosen(nodes: Sequence[LevelInfo]) -> tuple[LevelInfo, ...]:
    """Give the nodes that are drawn, the fullest first; of many, those at both ends."""
    ordered = sorted(nodes, key=lambda each: (-each.before, each.node))
    return tuple(ordered if len(ordered) <= DRAWN else (*ordered[:DRAWN // 2], *ordered[-DRAWN // 2:]))


@router.post("/balance")
async def apply(here: Here, request: Request) -> Response:
    """Let the proposed moves be made, after a question."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    cold, back = entered["cold"] == "yes", f"{PATH}?cold=yes" if entered["cold"] == "yes" else PATH
    try:
        order = forms.shaped(BalanceOrder, first=_number(entered["first"]), cold=cold)
        if not confirm.given(entered):
            told = await api.show(here, cold=cold)
            wanted = told.proposals[:order.first]
            if wanted:
                return await confirm.ask(here, request, entered, title="Even the nodes out?", back=back,
                                         happens=tuple(_happens(told, wanted)), button="Let these moves be made")
        asked = await api.apply(here, who.name, order)
    except StanchionError as problem:
        text = str(problem)
        return forms.refused(back, f"{text[:1].upper()}{text[1:]}.")
    moves = "1 move" if asked.asked == 1 else f"{asked.asked} moves"
    return forms.done(back, f"Asked for: {moves}, one after the other.")


@router.post("/balance/stop")
async def stop(here: Here, request: Request) -> Response:
    """Begin none of the moves that are left."""
    who = await visit.visitor(here, request)
    try:
        told = await api.stop(here, who.name)
    except StanchionError as problem:
        text = str(problem)
        return forms.refused(PATH, f"{text[:1].upper()}{text[1:]}.")
    return forms.done(PATH, f"Stopped: {len(told.left)} of {told.asked} moves will not begin.")


def _number(text: str) -> int | None:
    """Read how many; empty: all. Raises ``InvalidInput``."""
    said = text.strip()
    if not said:
        return None
    if not said.isascii() or not said.isdigit() or len(said) > 9:  # noqa: PLR2004 - more letters than any number has
        raise InvalidInput(f"{said[:40]} is no number of proposals; leave it empty for all")
    return int(said)


def _happens(told: BalanceInfo, wanted: Sequence[ProposalInfo]) -> Iterator[str]:
    """Say what will happen, move by move."""
    for each in wanted[:NAMED]:
        for move in each.migrations:
            how = "live" if move.live else "unloaded there, then loaded here: that interrupts it"
            yield f"{move.resource} goes from {move.source} to {move.target}, {how}."
    if len(wanted) > NAMED:
        yield f"And {len(wanted) - NAMED} more."
    last = wanted[-1].after
    yield "Each move begins when the one before it has ended, if it is still possible then; you can stop that."
    yield (f"The fullest node is {100 * told.now.highest:.0f} % full now, and {100 * last.highest:.0f} % after it; "
           f"the emptiest {100 * told.now.lowest:.0f} % and {100 * last.lowest:.0f} %.")
