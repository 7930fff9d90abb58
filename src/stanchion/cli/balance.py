"""``stanchion balance``: which moves would leave fewer nodes hot, and carrying them out."""

import asyncio
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from stanchion.cli.session import COMMON, Common, Session
from stanchion.model.errors import InvalidInput, StanchionError
from stanchion.model.state import State

if TYPE_CHECKING:
    from stanchion.wire.balance import BalanceOrder
    from stanchion.wire.standing import BalancingInfo

STEP_S = 0.5
"""How often it is asked how far the moves have come."""

BETWEEN = frozenset({State.MIGRATING, State.UNLOADING, State.LOADING})

Flag = Annotated[bool, Parameter(negative="")]


async def balance(first: int | None = None, /, *, apply: Flag = False, stop: Flag = False, cold: Flag = False,
                  wait: bool = True, common: Common = COMMON) -> None:
    """Show how evenly the nodes are filled, and which moves would help; with --apply, let them be made.

    Parameters
    ----------
    first
        With --apply: so many of the proposals, the first ones; left out, all.
    apply
        Let the proposed moves be made, one after the other.
    stop
        Begin none of the moves that are left of an earlier --apply.
    cold
        Also move machines that cannot move live, which interrupts them.
    wait
        With --apply: wait until the last one is made.
    """
    if apply and stop:
        raise InvalidInput("say --apply or --stop, not both")
    if first is not None and not apply:
        raise InvalidInput("a number counts proposals to carry out; say --apply too")
    async with common.session() as session:
        from stanchion.cli import show_balance

        if stop:
            told = await session.client.stop_balance()
            session.tell(told, lambda of: f"{show_balance.counted(len(of.left), 'move')} will not begin.")
        elif apply:
            from stanchion.wire.balance import BalanceOrder

            await _apply(session, BalanceOrder(first=first, cold=cold), wait=wait)
        else:
            session.tell(await session.client.balance(cold=cold), show_balance.proposals)


async def _apply(session: Session, order: "BalanceOrder", *, wait: bool) -> None:
    """Ask for the moves and, where that is wanted, follow them to the end."""
    from stanchion.cli import show_balance

    asked = await session.client.apply_balance(order)
    session.tell(asked, show_balance.asked)
    if not wait:
        return
    await _follow(session, asked)
    now = {each.name: each for each in (await session.client.status()).resources}
    astray = [move for move in asked.left if move.resource not in now or now[move.resource].node != move.target]
    for move in astray:
        why = now[move.resource].reason.text if move.resource in now else "it was deleted"
        session.terminal.complain(f"{move.resource} is not on {move.target}: {why}")
    session.say(f"{asked.asked - len(astray)} of {show_balance.counted(asked.asked, 'move')} made.")
    if astray:
        raise StanchionError(f"{len(astray)} of {show_balance.counted(asked.asked, 'move')} did not take place")


async def _follow(session: Session, asked: "BalancingInfo") -> None:
    """Return when nothing is left to begin and the last move has ended, with a line of progress for people."""
    side = session.terminal.side()
    line = side.status(f"{asked.asked} left") if side.is_terminal and not session.json else None
    with line or nullcontext():
        while True:
            left = (await session.client.standing()).balancing
            if left is None and (await session.client.resource(asked.left[-1].resource)).state not in BETWEEN:
                return
            if line is not None and left is not None:
                line.update(f"{len(left.left)} of {asked.asked} left{'; ' if left.waits else ''}{left.waits}")
            await asyncio.sleep(STEP_S)
