"""The balance in words: one sentence on how uneven the cluster is, and what the proposals would make of it."""

from stanchion.plan.balance import LEAST_GAIN, Balance, percent


def summary(of: Balance) -> str:
    """Say it in one sentence, without a full stop."""
    if not of.levels:
        return "no node tells how much room it has, so nothing can be weighed"
    if len(of.levels) == 1:
        return f"there is one node on the scales, {next(iter(of.levels))}, and it is {percent(of.now.highest)} % full"
    now = f"the fullest node is {percent(of.now.highest)} % full and the emptiest {percent(of.now.lowest)} %"
    if not of.proposals:
        even = "no move is worth making" if of.now.spread >= LEAST_GAIN else "that is even enough"
        return f"{now}; {even}"
    count = sum(len(each.migrations) for each in of.proposals)
    moves = "after 1 move" if count == 1 else f"after {count} moves"
    more = ", and there may be more to gain then" if of.more else ""
    return f"{now}; {moves} {percent(of.then.highest)} % and {percent(of.then.lowest)} %{more}"
