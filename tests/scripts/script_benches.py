"""What the tests of scripts share: orders, runners that stand for an agent's lives, and a way to wait for an event."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from stanchion.drivers.script import ScriptRunner
from stanchion.model.history import Run
from stanchion.model.ids import Moment, NodeName, OperationId, ResourceName
from stanchion.model.resource import ScriptKind
from stanchion.ports import ScriptOrder

LIBRARY = Path(__file__).parents[2] / "src/stanchion/share/ncsfuncs"
DEADLINE_S = 20.0

Play = Callable[..., Awaitable[Run]]


class HostClock:
    """The host's real clocks."""

    def now(self) -> Moment:
        """Read both."""
        return Moment(mono_s=time.monotonic(), wall_s=time.time())


def order(text: str, *, operation: str = "op-1", timeout_s: float = 20.0, script: ScriptKind = ScriptKind.LOAD,
          **environment: str) -> ScriptOrder:
    """Make an order for the resource ``vm1``."""
    return ScriptOrder(
        resource=ResourceName("vm1"), script=script, operation=OperationId(operation), text=text,
        timeout_s=timeout_s, environment=environment,
    )


def runner_in(directory: Path, **environment: str) -> ScriptRunner:
    """Make the runner of an agent whose life begins now; the runs in the directory are those of its earlier lives."""
    return ScriptRunner(
        node=NodeName("node-a"), runs_dir=directory / "runs", clock=HostClock(), library=LIBRARY,
        environment={"HA_RSCTMP": str(directory / "rsctmp")} | environment,
    )


async def until(happened: Callable[[], object]) -> None:
    """Wait until something has happened; fail when it does not within the deadline."""
    async with asyncio.timeout(DEADLINE_S):
        while not happened():
            await asyncio.sleep(0.01)
