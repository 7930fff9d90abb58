"""What a machine's files are like where it runs, asked before it moves.

What counts is the source's files of this moment, not those of its load: somebody may have edited them since, there or
here. A live move depends on them, so it is refused where nobody answers; a move by unload and load goes by what was
noted at the load then, as it would if the source were lost. So does every move in a cluster of several machines without
certificates, where agents have no way to ask that could be trusted. Either way the machine stays where it runs.
"""

from collections.abc import Mapping

from stanchion.between import Colleagues
from stanchion.model.actions import CheckHost
from stanchion.model.errors import HostError, StanchionError
from stanchion.model.ids import NodeName
from stanchion.plan import files


async def digests_there(colleagues: Colleagues | None, action: CheckHost, mine: NodeName) -> Mapping[str, str]:
    """Give what the files are compared by. Raises ``HostError`` where a live move cannot know it."""
    source, spec = action.source, action.spec
    if colleagues is None or source is None or source.node == mine or not spec.files:
        return action.digests
    try:
        told = await colleagues.files(source, spec.name)
    except HostError:
        return action.digests
    except StanchionError as problem:
        if not action.live:
            return action.digests
        raise HostError(f"{source.node} cannot be asked whether its configuration files are the same here: "
                        f"{problem}") from None
    there = [fact for fact in told if fact.path in spec.files]
    fault = files.differences(source.node, there, spec.name, mine)
    if fault and action.live:
        raise HostError(fault)
    return {fact.path: fact.digest for fact in there if fact.digest}
