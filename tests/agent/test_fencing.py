"""Fence devices: they only make a proof come early, and never the other way round."""

import asyncio
from dataclasses import replace

from agent.worlds import play
from stanchion.model.cluster import Settings
from stanchion.model.fencing import Attempt, FenceDevice
from stanchion.model.ids import NodeName
from stanchion.model.orders import Verb
from stanchion.model.reasons import Why
from stanchion.model.timing import Profile
from stanchion.model.transaction import Put, Transaction
from stanchion.sim.world import World, spec


async def _equip(world: World, *nodes: str) -> None:
    """Give nodes a fence device each."""
    view = await world.view()
    for name in nodes:
        device = FenceDevice(agent="fence_pretend", parameters={"host": name}, timeout_s=5.0)
        await world.operator.commit(Transaction(puts=(Put(replace(view.nodes[NodeName(name)].value,
                                                                  fence=(device,))),)))


async def _web(world: World, *preferred: str) -> None:
    await world.create(spec("web", preferred=preferred))
    await world.order(Verb.ONLINE, "web")


async def _since(at_s: float) -> float:
    return asyncio.get_running_loop().time() - at_s


def _silence(world: World, name: str) -> None:
    """Let nobody hear this node, nor it anybody."""
    node = NodeName(name)
    for other in world.hosts:
        world.air.cuts |= {(node, other), (other, node)}


def test_a_device_that_confirms_beats_the_lease() -> None:
    """Power cut with a fence device: suspect after 2 s, off confirmed, started well before the lease of 8 s."""

    async def story(world: World) -> None:
        await _equip(world, "b")
        await _web(world, "b", "c")
        cut_at = asyncio.get_running_loop().time()
        await world.power_off("b")
        await world.runs_on("web", "c")
        assert await _since(cut_at) < 4.0
        assert Why.PROOF_FENCED in [entry.reason.why for entry in await world.history()]

    play(story)


def test_a_silent_host_that_lives_is_switched_off_before_anybody_starts_its_machines() -> None:
    """It still executes: only the device's word OFF lets the other node begin."""

    async def story(world: World) -> None:
        await _equip(world, "b")
        await _web(world, "b", "c")
        _silence(world, "b")
        await world.runs_on("web", "c")
        assert not world.hosts[NodeName("b")].powered
        assert world.power.calls == [("off", "b")]

    play(story)


def test_an_order_that_the_store_did_not_take_is_given_again_at_once() -> None:
    """The store is away when b is found silent, as while etcd elects a leader; nothing else changes for a lease."""

    async def story(world: World) -> None:
        await _equip(world, "b")
        await _web(world, "b", "c")
        cut_at = asyncio.get_running_loop().time()
        await world.power_off("b")
        await asyncio.sleep(1.5)
        world.take_store(down=True)
        await asyncio.sleep(1.5)
        world.take_store(down=False)
        await world.runs_on("web", "c")
        assert await _since(cut_at) < 5.0

    play(story)


def test_a_proof_that_the_store_did_not_take_is_written_as_soon_as_it_does() -> None:
    async def story(world: World) -> None:
        await _equip(world, "b")
        await _web(world, "b", "c")
        world.power.takes_s = 0.5
        cut_at = asyncio.get_running_loop().time()
        await world.power_off("b")
        await world.until(lambda view: bool(view.fencings))
        world.take_store(down=True)
        await asyncio.sleep(1.5)
        world.take_store(down=False)
        await world.runs_on("web", "c")
        assert await _since(cut_at) < 5.5

    play(story)


def test_the_master_itself_is_fenced_by_its_deputy() -> None:
    """Its key comes free with the proof; the new master fails over at once."""

    async def story(world: World) -> None:
        await _equip(world, "a", "b", "c")
        await _web(world, "a", "b")
        cut_at = asyncio.get_running_loop().time()
        await world.power_off("a")
        await world.runs_on("web", "b")
        assert await _since(cut_at) < 4.5

    play(story)


def test_a_device_that_dies_with_its_host_blocks_nothing() -> None:
    """No answer from the device: the lease proves it, as without a device."""

    async def story(world: World) -> None:
        await _equip(world, "b")
        await _web(world, "b", "c")
        world.power.dead.add(NodeName("b"))
        await world.power_off("b")
        await world.runs_on("web", "c", within_s=10)

    play(story)


def test_a_single_broken_link_makes_nobody_suspect() -> None:
    """B does not hear a, but c does: everybody stays, nobody is fenced."""

    async def story(world: World) -> None:
        await _equip(world, "a", "b", "c")
        await _web(world, "a", "b")
        world.air.cuts |= {(NodeName("a"), NodeName("b")), (NodeName("b"), NodeName("a"))}
        await asyncio.sleep(60)
        assert world.power.calls == []
        assert world.where("web") == ("a",)

    play(story)


def test_nobody_is_fenced_when_half_of_the_members_are_silent() -> None:
    """The brake: two of four silent at once; the leases decide instead."""

    async def story(world: World) -> None:
        await _equip(world, "a", "b", "c", "d")
        await _web(world, "c", "a")
        _silence(world, "c")
        _silence(world, "d")
        await asyncio.sleep(30)
        assert world.power.calls == []
        assert world.where("web") == ("c",)

    play(story, nodes=("a", "b", "c", "d"))


def test_an_agent_that_was_paused_suspects_nobody_when_it_goes_on() -> None:
    """The master sleeps for five seconds: on waking it has heard nobody, and fences nobody."""

    async def story(world: World) -> None:
        await _equip(world, "b", "c")
        await _web(world, "b", "c")
        world.pause("a")
        await asyncio.sleep(3)
        world.resume("a")
        await asyncio.sleep(20)
        assert world.power.calls == []
        assert world.where("web") == ("b",)

    play(story)


def test_a_failed_attempt_is_forgotten_when_its_host_is_back() -> None:
    """The lease proved it meanwhile, the host came back: no alarm stays behind."""

    async def story(world: World) -> None:
        await _equip(world, "b")
        await _web(world, "b", "c")
        world.power.dead.add(NodeName("b"))
        await world.power_off("b")
        await world.runs_on("web", "c", within_s=10)
        await world.until(lambda view: any(held.value.attempt is Attempt.FAILED for held in view.fencings.values())
                          or not view.fencings)
        world.power_on("b")
        await world.until(lambda view: not view.fencings)

    play(story)


def test_a_node_that_has_just_joined_anew_is_not_the_one_that_fell_silent() -> None:
    """Fenced, booted at once, and given work in the same breath: it is not fenced again for its silence of before."""

    async def story(world: World) -> None:
        await _equip(world, "b")
        await _web(world, "b", "c")
        await world.power_off("b")
        await world.runs_on("web", "c")
        world.power_on("b")
        await world.until(lambda view: view.is_live(NodeName("b")))
        await world.create(spec("db", preferred=("b",)))
        await world.give(Verb.ONLINE, "db")
        await asyncio.sleep(20)
        assert world.power.calls == [("off", "b")]
        assert world.where("db") == ("b",)

    play(story, settings=Settings(cluster="pretend", profile=Profile.TOLERANT))


def test_a_fencing_is_withdrawn_when_its_node_is_heard_again() -> None:
    """A slow device and a short silence: the host is not switched off after all."""

    async def story(world: World) -> None:
        await _equip(world, "b")
        await _web(world, "b", "c")
        world.power.takes_s = 4.0
        _silence(world, "b")
        await world.until(lambda view: bool(view.fencings))
        world.air.cuts.clear()
        await world.until(lambda view: not view.fencings)
        await asyncio.sleep(20)
        assert world.hosts[NodeName("b")].powered
        assert world.where("web") == ("b",)

    play(story)


def _mute(world: World, name: str) -> None:
    """Let nobody hear this node, while it hears everybody."""
    world.air.cuts |= {(NodeName(name), other) for other in world.hosts}


def test_a_master_that_nobody_hears_is_fenced_once_by_its_deputy_and_never_by_itself() -> None:
    """It still writes to the store, and leaves the order alone: one order, one call of the device."""

    async def story(world: World) -> None:
        await _equip(world, "a", "b", "c")
        await _web(world, "a", "b")
        world.power.takes_s = 1.0
        _mute(world, "a")
        await world.runs_on("web", "b")
        assert world.power.calls == [("off", "a")]
        assert [entry.reason.why for entry in await world.history()].count(Why.FENCE_ASKED) == 1

    play(story)


def test_a_master_that_is_heard_again_does_not_carry_out_the_order_against_itself() -> None:
    """The deputy stops when it hears the master; what it had ordered stands for a while and harms nobody."""

    async def story(world: World) -> None:
        await _equip(world, "a", "b", "c")
        await _web(world, "a", "b")
        world.power.takes_s = 4.0
        _mute(world, "a")
        await world.until(lambda view: bool(view.fencings))
        world.air.cuts.clear()
        await asyncio.sleep(30)
        assert world.hosts[NodeName("a")].powered
        assert world.power.calls == [("off", "a")]
        assert world.where("web") == ("a",)
        await world.until(lambda view: not view.fencings, within_s=180)

    play(story)
