"""Many machines at once: the store is waited for a few times, and who is behind goes by the newest view."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from agent.worlds import play
from core.clusters import cluster, ran, record, spec, written
from stanchion.agent.loop import Loop
from stanchion.drivers.clock import HostClock
from stanchion.model import actions as a
from stanchion.model.ids import NodeName
from stanchion.model.orders import Verb
from stanchion.model.resource import Monitoring, ScriptKind
from stanchion.model.state import ResourceState, State
from stanchion.ports import Batch
from stanchion.sim.world import World
from stanchion.sim.world import spec as pretend

MANY = [f"vm{number:02}" for number in range(40)]


def test_forty_lost_machines_are_three_waits_for_the_store() -> None:
    """All of them are sent elsewhere in three instants, sixteen at most in each."""

    async def story(world: World) -> None:
        for name in MANY:
            await world.create(pretend(name, preferred=("c", "b", "a")))
        await asyncio.gather(*(world.order(Verb.ONLINE, name, "c") for name in MANY))
        instants: dict[float, int] = {}

        def judge(batch: Batch) -> None:
            at_s = asyncio.get_running_loop().time()
            for change in batch.changes:
                if isinstance(change.value, ResourceState) and change.value.state is State.LOADING and (
                        change.value.session is None):
                    instants[at_s] = instants.get(at_s, 0) + 1

        world.engine.judges.append(judge)
        await world.power_off("c")
        await world.until(lambda view: all(
            held.value.state is State.RUNNING and held.value.node == "b" for held in view.states.values()))
        assert sorted(instants.values(), reverse=True) == [16, 16, 8]

    play(story)


def looped(story: Callable[[Loop, list[a.Action]], Awaitable[None]]) -> None:
    """Tell a story of one agent's loop, on the real clock."""

    async def main() -> None:
        begun: list[a.Action] = []
        loop = Loop(NodeName("a"), HostClock(), begun.append)
        running = asyncio.create_task(loop.run())
        await story(loop, begun)
        running.cancel()

    asyncio.run(main())


def test_of_views_that_follow_one_another_only_the_last_is_looked_at() -> None:
    """Fifty views that came while the agent was busy are one reaction; what came between them is not passed over."""

    async def story(loop: Loop, _: list[a.Action]) -> None:
        view, reactions = cluster(spec(), record()), 0
        loop.post(a.SessionOpened(session="a1", view=view))
        for _each in range(50):
            view = written(view, record())
            loop.post(a.ViewChanged(view=view))
        loop.post(a.Woken())
        while loop.view.revision < view.revision or reactions < 3:
            await asyncio.sleep(0)
            reactions += 1
        assert loop.view is view

    looped(story)


def test_an_alarm_that_is_due_rings_although_something_else_sets_the_next_one() -> None:
    """The host was busy: one machine's monitor ends after another one's was due, and that is not forgotten."""

    async def story(loop: Loop, begun: list[a.Action]) -> None:
        often = Monitoring(enabled=True, interval_s=0.05)
        rare = Monitoring(enabled=True, interval_s=3600.0)
        records = (spec("often", visible=False, monitoring=often), record(name="often"),
                   spec("rare", visible=False, monitoring=rare), record(name="rare"))
        loop.post(a.SessionOpened(session="a1", view=cluster(*records)))
        await loop.changed()
        busy_until = time.monotonic() + 0.1
        while time.monotonic() < busy_until:
            pass
        run = ran(ScriptKind.MONITOR, name="rare")
        loop.post(a.ScriptEnded(resource="rare", step=a.Step.MONITOR, stage="-running", run=run))
        async with asyncio.timeout(10):
            while not any(isinstance(action, a.RunScript) and action.spec.name == "often" for action in begun):
                await asyncio.sleep(0)

    looped(story)
