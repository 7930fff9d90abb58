"""Storage in use where it should not be: told like a machine astray, in the way of every start, never touched."""

import asyncio
from dataclasses import replace

from agent.worlds import play
from stanchion.model.cluster import ClusterView, ProofKind
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why, sentence
from stanchion.model.resource import ResourceSpec, Script, ScriptKind
from stanchion.model.state import Presence, State
from stanchion.plan import strays
from stanchion.sim.host import Fault, PretendHost
from stanchion.sim.world import World, spec

WEB, C = ResourceName("web"), NodeName("c")
LOAD = "vgchange -a ey vg_web\nmount_fs /dev/vg_web/data /mnt/web ext4"
SOON_S = 6.0


def owning(name: str = "web", *, load: str = LOAD, preferred: tuple[str, ...] = ()) -> ResourceSpec:
    """Make a resource that takes a volume group and a file system for itself."""
    plain = spec(name, preferred=preferred, live=False)
    return replace(plain, scripts=replace(plain.scripts, load=Script(text=load)))


def astray(view: ClusterView) -> tuple[NodeName, ...]:
    """Name the nodes where the storage of web is in use although nobody sent it there."""
    return tuple(seen.node for seen in strays.places(view, WEB) if not seen.machine)


async def lines(world: World) -> list[tuple[Why, NodeName | None]]:
    """Give the lines of the history about storage."""
    return [(entry.reason.why, entry.node) for entry in await world.history()
            if entry.reason.why in {Why.STORAGE_SEEN, Why.STORAGE_GONE, Why.STORAGE_OURS, Why.STRAY_PROVEN}]


async def used_by_hand(world: World, node: str) -> PretendHost:
    """Somebody activates and mounts it there; wait until its agent has found it."""
    host = world.hosts[NodeName(node)]
    host.storage.take(LOAD)
    await world.until(lambda view: host.name in astray(view), within_s=SOON_S)
    return host


def test_it_is_told_once_keeps_the_resource_from_starting_elsewhere_and_ends_by_itself() -> None:
    async def story(world: World) -> None:
        await world.create(owning(preferred=("a", "b")))
        host = await used_by_hand(world, "c")
        refused = await world.order(Verb.ONLINE, "web", "a")
        assert refused.outcome is Outcome.REFUSED
        assert refused.reason is not None
        assert sentence(refused.reason) == (
            "web is not started on a while its storage is in use on c (/dev/vg_web/data is mounted at /mnt/web, "
            "vg_web/data is active)")
        await world.order(Verb.ONLINE, "web")
        await world.becomes("web", State.UNASSIGNED)
        await asyncio.sleep(30)
        assert (await host.storage.look()).mounts, "it is never unmounted by itself"
        assert await lines(world) == [(Why.STORAGE_SEEN, "c")]
        host.storage.release(LOAD)
        await world.runs_on("web", "a", within_s=20)
        assert await lines(world) == [(Why.STORAGE_SEEN, "c"), (Why.STORAGE_GONE, "c")]

    play(story)


def test_where_it_is_in_use_the_resource_may_be_loaded_and_then_it_belongs_there() -> None:
    async def story(world: World) -> None:
        await world.create(owning())
        await used_by_hand(world, "c")
        await world.order(Verb.ONLINE, "web", "c")
        await world.runs_on("web", "c")
        await world.until(lambda view: not view.strays, within_s=SOON_S)
        assert await lines(world) == [(Why.STORAGE_SEEN, "c"), (Why.STORAGE_OURS, "c")]

    play(story)


def test_a_node_that_kept_it_in_use_while_another_one_wrote_must_let_go_first() -> None:
    """What it knows of a file system that others changed meanwhile is out of date."""

    async def story(world: World) -> None:
        await world.create(owning(preferred=("a", "c")))
        await world.order(Verb.ONLINE, "web")
        await world.runs_on("web", "a")
        host = await used_by_hand(world, "c")
        assert (await world.order(Verb.MIGRATE, "web", "c")).outcome is Outcome.REFUSED
        await world.order(Verb.OFFLINE, "web")
        refused = await world.order(Verb.ONLINE, "web", "c")
        assert refused.reason is not None
        assert refused.reason.why is Why.NODE_STORAGE_OLD
        host.storage.release(LOAD)
        await world.until(lambda view: not view.strays, within_s=SOON_S)
        await world.order(Verb.ONLINE, "web", "c")
        await world.runs_on("web", "c")

    play(story)


def test_an_unload_that_leaves_it_in_use_is_no_good_unload() -> None:
    """Its script says 0 and its machine is gone: it still starts nowhere else, until the next unload has let go."""

    async def story(world: World) -> None:
        await world.create(owning())
        await world.order(Verb.ONLINE, "web", "a")
        await world.runs_on("web", "a")
        world.nature.faults["web", ScriptKind.UNLOAD] = Fault(keeps_storage=True, times=1)
        assert (await world.order(Verb.MIGRATE, "web", "b")).outcome is not Outcome.DONE
        state = await world.state("web")
        assert (state.state, state.node) == (State.COMATOSE, "a")
        assert sentence(state.reason) == ("its unload script ended well on a but left its storage in use there "
                                          "(/dev/vg_web/data is mounted at /mnt/web, vg_web/data is active)")
        await world.order(Verb.OFFLINE, "web")
        await world.order(Verb.ONLINE, "web", "b")
        await world.runs_on("web", "b")

    play(story)


def test_after_an_unload_that_nobody_can_judge_nothing_starts_elsewhere() -> None:
    async def story(world: World) -> None:
        await world.create(owning())
        await world.order(Verb.ONLINE, "web", "a")
        await world.runs_on("web", "a")
        world.hosts[NodeName("a")].storage.unreadable = True
        await world.order(Verb.MIGRATE, "web", "b")
        state = await world.state("web")
        assert (state.state, state.node, state.reason.why) == (State.COMATOSE, "a", Why.LOOK_UNKNOWN)

    play(story)


def test_a_machine_that_is_loaded_again_where_it_was_may_keep_its_storage() -> None:
    async def story(world: World) -> None:
        plain = owning()
        await world.create(replace(plain, monitoring=replace(plain.monitoring, enabled=True, interval_s=2.0)))
        await world.order(Verb.ONLINE, "web", "a")
        world.nature.faults["web", ScriptKind.UNLOAD] = Fault(keeps_storage=True)
        await world.runs_on("web", "a")
        world.hosts[NodeName("a")].become("web", None)
        await world.until(lambda view: view.states[WEB].value.lives == 2, within_s=30)
        assert (await world.runs_on("web", "a")).lives == 2

    play(story)


def test_a_host_that_lost_the_cluster_counts_as_empty_only_when_its_storage_is_released() -> None:
    """Its machine is halted, its file system stays mounted: the watchdog resets the host, and that is the proof."""

    async def story(world: World) -> None:
        await world.create(owning(preferred=("a", "b")))
        await world.order(Verb.ONLINE, "web")
        await world.runs_on("web", "a")
        world.nature.faults["web", ScriptKind.HALT] = Fault(keeps_storage=True)
        world.isolate("a")
        await world.runs_on("web", "b", within_s=20)
        assert world.hosts[NodeName("a")].resets == 1
        world.reconnect("a")
        view = await world.until(lambda view: view.is_live(NodeName("a")), within_s=30)
        assert ProofKind.CLEAN not in {held.value.kind for held in view.proofs.values()}

    play(story)


def test_a_host_that_lost_the_cluster_is_not_empty_while_storage_is_left_there() -> None:
    """Else the end of its lease would be a proof that is not true; its halt script does not know of this storage."""

    async def story(world: World) -> None:
        await world.create(owning(preferred=("a",)))
        await asyncio.sleep(0.2)
        world.hosts[C].storage.take(LOAD)
        world.isolate("c")
        await world.until(lambda _: world.hosts[C].resets == 1, within_s=10)
        await world.order(Verb.ONLINE, "web")
        await world.runs_on("web", "a", within_s=30)

    play(story)


def test_a_dead_host_uses_no_storage_and_a_silent_one_may() -> None:
    async def story(world: World) -> None:
        await world.create(owning(preferred=("a",)))
        await used_by_hand(world, "c")
        await world.give(Verb.ONLINE, "web")
        await world.power_off("c")
        await world.runs_on("web", "a", within_s=20)
        assert [why for why, _ in await lines(world)] == [Why.STORAGE_SEEN, Why.STRAY_PROVEN]

    play(story)


def test_what_cannot_be_read_any_more_stays_what_it_was() -> None:
    async def story(world: World) -> None:
        await world.create(owning(preferred=("a",)))
        host = await used_by_hand(world, "c")
        host.storage.unreadable = True
        host.storage.release(LOAD)
        await asyncio.sleep(20)
        assert astray(await world.view()) == ("c",)
        host.storage.unreadable = False
        await world.until(lambda view: not view.strays, within_s=SOON_S)

    play(story)


def test_a_machine_that_runs_there_by_hand_is_the_graver_of_the_two() -> None:
    """It is told as a machine; when that is gone and its storage is not, the storage is told."""

    async def story(world: World) -> None:
        await world.create(owning(preferred=("a",)))
        host = await used_by_hand(world, "c")
        host.start_by_hand("web")
        await world.until(lambda view: any(seen.machine for seen in strays.places(view, WEB)), within_s=SOON_S)
        host.become("web", None)
        await world.until(lambda view: astray(view) == ("c",), within_s=SOON_S)
        told = [entry.reason.why for entry in await world.history() if entry.node == "c"]
        assert [why for why in told if why in {Why.STORAGE_SEEN, Why.STRAY_SEEN}] == [
            Why.STORAGE_SEEN, Why.STRAY_SEEN, Why.STORAGE_SEEN]
        assert (await host.look(owning()))[0] is Presence.ABSENT

    play(story)


def test_what_many_hosts_may_use_is_never_astray() -> None:
    """A cluster file system, a group that is activated as shared."""

    async def story(world: World) -> None:
        await world.create(owning(load="vgchange -a sy vg_all\nmount_fs /dev/vg_all/data /mnt/all ocfs2"))
        for host in world.hosts.values():
            host.storage.take("vgchange -a ey vg_all\nmount_fs /dev/vg_all/data /mnt/all ext4")
        await asyncio.sleep(10)
        assert not (await world.view()).strays
        await world.order(Verb.ONLINE, "web", "b")
        await world.runs_on("web", "b")

    play(story)
