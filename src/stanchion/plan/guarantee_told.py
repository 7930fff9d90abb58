"""The guarantee in words, the way somebody would say it."""

from collections.abc import Iterator, Sequence

from stanchion.model.reasons import sentence
from stanchion.plan.guarantee import Guarantee

NAMED = 8
"""So many names stand in a sentence; the rest are counted."""


def told(asked: int, found: Sequence[Guarantee]) -> tuple[str, ...]:
    """Say what the cluster survives, what it would not, and whether that is what is asked of it."""
    return tuple(_told(asked, found))


def _told(asked: int, found: Sequence[Guarantee]) -> Iterator[str]:
    good = [each for each in found if each.holds]
    if good:
        best = good[-1]
        nodes = "any one node" if best.nodes == 1 else f"any {best.nodes} nodes at once"
        yield f"Everything finds a place if {nodes} {'is' if best.nodes == 1 else 'are'} lost{_extent(best)}."
        if best.worst is not None and (peak := max(best.worst.levels.items(), key=lambda one: one[1], default=None)):
            lost = " and ".join(best.worst.lost)
            yield f"The hardest loss is that of {lost}: {peak[0]} is then filled to {100 * peak[1]:.0f} %." if (
                peak[1]) else "How full a node would be then is not known: no machine's or no host's size is known."
    for bad in (each for each in found if not each.holds):
        if bad.worst is None or not bad.worst.stranded:
            yield f"There are not {bad.nodes} nodes to lose."
            continue
        names = [name for name, _ in bad.worst.stranded]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        yield (f"Without {' and '.join(bad.worst.lost)} there would be no place for {', '.join(names[:NAMED])}{more}: "
               f"{sentence(bad.worst.stranded[0][1])}.")
    if asked:
        kept = all(each.holds for each in found if each.nodes <= asked)
        yield (f"The cluster is to survive the loss of any {asked} node{'s' if asked > 1 else ''}: "
               f"{'it would' if kept else 'it would not'}.")


def _extent(of: Guarantee) -> str:
    return "" if of.tried == of.sets else f", as far as it was tried: {of.tried} of {of.sets} sets, the fullest first"
