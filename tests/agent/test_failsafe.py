"""The store itself is gone: who hears all the others keeps its machines, who misses one stops them, and none twice."""

import asyncio

from agent.worlds import play
from stanchion.model.cluster import ProofKind
from stanchion.model.ids import NodeName
from stanchion.model.orders import Verb
from stanchion.model.reasons import Why
from stanchion.model.state import State
from stanchion.sim.world import World, spec

HALT_S, LEASE_S = 4.0, 8.0
"""K and L of the profile that these clusters have."""

PLACES = {"web": "b", "db": "c", "mail": "a"}


async def _up(world: World) -> None:
    """Let one machine run on each node."""
    for name, node in PLACES.items():
        await world.create(spec(name, preferred=(node, *(other for other in "abc" if other != node))))
        await world.order(Verb.ONLINE, name)
        assert world.where(name) == (node,)


def _lives(world: World) -> tuple[int, int]:
    """Count what began and ended to execute, and the scripts that were run."""
    return len(world.nature.records), sum(len(host.runner.orders) for host in world.hosts.values())


def _cut(world: World, node: str) -> None:
    """Let nobody hear a node, nor the node anybody."""
    me = NodeName(node)
    world.air.cuts |= {pair for other in world.hosts if other != me for pair in ((me, other), (other, me))}


async def _gone_and_back(world: World, away_s: float) -> None:
    await _up(world)
    sessions = {node: (await world.view()).session_of(NodeName(node)) for node in "abc"}
    before, master = _lives(world), (await world.view()).master
    world.take_store(down=True)
    await asyncio.sleep(away_s)
    assert all(world.where(name) == (node,) for name, node in PLACES.items())
    world.take_store(down=False)
    await asyncio.sleep(60)
    assert _lives(world) == before
    assert [host.resets for host in world.hosts.values()] == [0, 0, 0]
    view = await world.view()
    assert {node: view.session_of(NodeName(node)) for node in "abc"} == sessions
    assert view.proofs == {}
    assert master is not None
    assert view.master is not None
    assert view.master.value.node == master.value.node
    told = [entry for entry in await world.history() if entry.reason.why is Why.STORE_WAS_AWAY]
    assert sorted(str(entry.node) for entry in told) == ["a", "b", "c"]
    assert world.fallen() == []
    # Everything goes on as ever.
    await world.order(Verb.MIGRATE, "web", "c", live=True)
    assert world.where("web") == ("c",)


def test_a_store_that_is_gone_for_a_minute_touches_no_machine() -> None:
    play(lambda world: _gone_and_back(world, 60))


def test_a_store_that_is_gone_for_ten_minutes_touches_no_machine() -> None:
    play(lambda world: _gone_and_back(world, 600))


def test_hosts_without_any_self_fence_keep_their_machines_too() -> None:
    play(lambda world: _gone_and_back(world, 60), has_watchdog=False)


def test_a_node_that_is_alone_keeps_its_machines_without_a_store() -> None:
    async def story(world: World) -> None:
        await world.create(spec("web"))
        await world.order(Verb.ONLINE, "web")
        before = _lives(world)
        world.take_store(down=True)
        await asyncio.sleep(120)
        world.take_store(down=False)
        await asyncio.sleep(30)
        assert (world.where("web"), _lives(world)) == (("a",), before)
        await world.order(Verb.OFFLINE, "web")
        assert world.where("web") == ()

    play(story, ("a",))


def test_one_silent_member_ends_it_for_all_and_nothing_runs_twice() -> None:
    """Its agent died just before the store did: nobody knows what it may do, so everybody stops in time."""

    async def story(world: World) -> None:
        await _up(world)
        await world.kill("c")
        world.take_store(down=True)
        gone_s = asyncio.get_running_loop().time()
        await world.until(lambda _: world.where("web") == world.where("mail") == ())
        assert asyncio.get_running_loop().time() - gone_s < HALT_S + 0.5
        await asyncio.sleep(60)
        world.take_store(down=False)
        for name in PLACES:
            await world.becomes(name, State.RUNNING, within_s=60)

    play(story)


def test_a_member_whose_agent_is_killed_for_good_in_the_middle_ends_it() -> None:
    async def story(world: World) -> None:
        await _up(world)
        world.take_store(down=True)
        await asyncio.sleep(30)
        assert world.where("web") == ("b",)
        await world.kill("c")
        killed_s = asyncio.get_running_loop().time()
        await world.until(lambda _: world.where("web") == world.where("mail") == ())
        assert asyncio.get_running_loop().time() - killed_s < HALT_S + 1.0
        await asyncio.sleep(LEASE_S)
        assert world.where("db") == ()

    play(story)


def test_a_host_that_is_cut_off_from_store_and_peers_stops_before_its_machine_starts_elsewhere() -> None:
    async def story(world: World) -> None:
        await _up(world)
        world.isolate("b")
        _cut(world, "b")
        await world.runs_on("web", "a", within_s=30)
        ended = next(record.at_s for record in reversed(world.nature.records)
                     if (record.host, record.machine, record.begins) == ("b", "web", False))
        assert ended < world.nature.records[-1].at_s
        assert world.hosts[NodeName("b")].resets == 0

    play(story)


def test_a_host_that_is_cut_off_from_the_store_alone_stops_as_well() -> None:
    """The others hear it plead, but they reach the store: they promise nothing."""

    async def story(world: World) -> None:
        await _up(world)
        world.isolate("b")
        await world.runs_on("web", "a", within_s=LEASE_S + HALT_S)

    play(story)


def test_a_member_that_gets_the_store_back_alone_keeps_its_promise_and_then_takes_over() -> None:
    async def story(world: World) -> None:
        await _up(world)
        world.take_store(down=True)
        await asyncio.sleep(30)
        for node in "bc":
            world.isolate(node)
        world.take_store(down=False)
        back_s = asyncio.get_running_loop().time()
        view = await world.until(lambda view: any(proof.value.kind is ProofKind.EXPIRED
                                                  for proof in view.proofs.values()))
        assert asyncio.get_running_loop().time() - back_s > LEASE_S - 1.0
        assert world.where("web") == world.where("db") == ()
        assert set(view.live) == {"a"}
        for name in PLACES:
            await world.runs_on(name, "a", within_s=30)

    play(story)


def test_members_that_find_the_store_at_moments_of_their_own_are_waited_for() -> None:
    async def story(world: World) -> None:
        await _up(world)
        before = _lives(world)
        world.take_store(down=True)
        await asyncio.sleep(30)
        for node in "bc":
            world.isolate(node)
        world.take_store(down=False)
        for node in "bc":
            await asyncio.sleep(2.5)
            world.reconnect(node)
        await asyncio.sleep(60)
        assert _lives(world) == before

    play(story)


def test_an_agent_that_is_restarted_keeps_the_promise_of_the_one_before() -> None:
    """It is killed in the instant in which the store is back, and becomes master in the next one."""

    async def story(world: World) -> None:
        await _up(world)
        world.take_store(down=True)
        await asyncio.sleep(30)
        for node in "bc":
            world.isolate(node)
        await world.kill("a")
        world.take_store(down=False)
        world.start("a")
        back_s = asyncio.get_running_loop().time()
        await world.until(lambda view: bool(view.proofs))
        assert asyncio.get_running_loop().time() - back_s > LEASE_S
        assert world.where("web") == world.where("db") == ()

    play(story)


def test_a_promise_that_cannot_be_remembered_is_not_given() -> None:
    async def story(world: World) -> None:
        await _up(world)
        world.hosts[NodeName("a")].journal_full = True
        world.take_store(down=True)
        await asyncio.sleep(LEASE_S)
        # Nobody has the word of a; a itself has that of the two others, until they are cut off and keep giving it.
        assert world.where("web") == world.where("db") == ()
        assert world.where("mail") == ("a",)

    play(story)


def test_an_agent_that_lost_its_journal_may_have_promised() -> None:
    async def story(world: World) -> None:
        await _up(world)
        world.take_store(down=True)
        await asyncio.sleep(30)
        for node in "bc":
            world.isolate(node)
        await world.kill("a")
        world.hosts[NodeName("a")].lose_journal()
        world.take_store(down=False)
        world.start("a")
        back_s = asyncio.get_running_loop().time()
        await world.until(lambda view: bool(view.proofs))
        assert asyncio.get_running_loop().time() - back_s > LEASE_S

    play(story)


def test_a_cold_start_costs_nothing() -> None:
    """Nobody promised anything: the first node that is back takes over as soon as the lease of another one ends."""

    async def story(world: World) -> None:
        await _up(world)
        for node in "abc":
            await world.power_off(node)
        world.power_on("a")
        await world.runs_on("web", "a", within_s=LEASE_S + 2.0)

    play(story)


def test_a_node_that_nobody_asked_may_not_take_the_end_of_a_lease_for_a_proof() -> None:
    """The others cannot reach the store and live on by each other's consent; a new one joins, and knows nothing."""

    async def story(world: World) -> None:
        await world.kill("c")
        await world.power_off("c")
        await world.until(lambda view: "c" not in view.live)
        await world.until(lambda view: all("c" not in (view.sessions[NodeName(node)].value.peers or ())
                                           for node in "ab"))
        await world.create(spec("web", preferred=("b", "a", "c")))
        await world.order(Verb.ONLINE, "web")
        before = len(world.nature.records)
        for node in "ab":
            world.isolate(node)
        await asyncio.sleep(0.5)
        world.power_on("c")
        await world.until(lambda view: view.master is not None and view.master.value.node == "c", within_s=60)
        await asyncio.sleep(60)
        assert (world.where("web"), len(world.nature.records)) == (("b",), before)
        for node in "ab":
            world.reconnect(node)
        await asyncio.sleep(30)
        assert (world.where("web"), len(world.nature.records)) == (("b",), before)
        # Now they know it: what one of them loses, the new one may take over.
        await world.power_off("a")
        await world.power_off("b")
        await world.runs_on("web", "c", within_s=30)

    play(story)


def test_a_member_stands_in_for_a_master_that_joined_too_late() -> None:
    """The master is new, and was never told to the node that is lost: an older member says that its lease has ended."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("c", "b", "a")))
        await world.order(Verb.ONLINE, "web")
        await world.power_off("a")
        await world.until(lambda view: "a" not in view.live and all(
            "a" not in (view.sessions[NodeName(node)].value.peers or ()) for node in "bc"))
        world.isolate("c")
        _cut(world, "c")
        world.power_on("a")
        await world.until(lambda view: "a" in view.live)
        await world.restart("b", after_s=12.0)
        await world.until(lambda view: view.master is not None and view.master.value.node == "a")
        await world.runs_on("web", "b", within_s=60)

    play(story)


def test_a_host_that_is_reset_in_the_middle_promises_again_and_starts_nothing() -> None:
    """It comes back with another boot and without a store: it speaks for its last session, and begins nothing."""

    async def story(world: World) -> None:
        await _up(world)
        world.take_store(down=True)
        await asyncio.sleep(20)
        world.hosts[NodeName("c")].power_off()
        await world.kill("c")
        await asyncio.sleep(1.0)
        world.power_on("c")
        await asyncio.sleep(40)
        assert (world.where("web"), world.where("mail"), world.where("db")) == (("b",), ("a",), ())
        world.take_store(down=False)
        await world.becomes("db", State.RUNNING, within_s=60)
        assert (world.where("web"), world.where("mail")) == (("b",), ("a",))

    play(story)


def test_an_agent_that_slept_through_it_does_not_believe_old_promises() -> None:
    """Stopped while the others promised, continued after they got the store back and took over."""

    async def story(world: World) -> None:
        await _up(world)
        world.take_store(down=True)
        await asyncio.sleep(10)
        world.pause("b")
        world.isolate("b")
        await asyncio.sleep(1)
        world.take_store(down=False)
        await world.until(lambda view: view.states and any(
            held.value.name == "web" and held.value.node != "b" for held in view.states.values()), within_s=60)
        world.resume("b")
        await asyncio.sleep(30)
        assert len(world.where("web")) == 1
        assert world.where("web") != ("b",)

    play(story)


def test_a_live_move_that_the_loss_of_the_store_interrupts_ends_well() -> None:
    async def story(world: World) -> None:
        await _up(world)
        await world.give(Verb.MIGRATE, "web", "c", live=True)
        await world.until(lambda view: any(held.value.state is State.MIGRATING for held in view.states.values()))
        world.take_store(down=True)
        await asyncio.sleep(60)
        world.take_store(down=False)
        await world.becomes("web", State.RUNNING, within_s=60)
        assert len(world.where("web")) == 1

    play(story)


def test_a_load_that_had_to_wait_is_judged_anew() -> None:
    """Sent, claimed, and put off by a promise; meanwhile somebody starts the machine by hand on another host."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("b", "c", "a")))
        await world.give(Verb.ONLINE, "web")
        await world.until(lambda view: any(held.value.state is State.LOADING for held in view.states.values()))
        world.take_store(down=True)
        await asyncio.sleep(20)
        world.take_store(down=False)
        await asyncio.sleep(1)
        before = len([order for order in world.hosts[NodeName("b")].runner.orders if order.script == "load"])
        await world.runs_on("web", "b", within_s=30)
        assert before <= 1
        assert world.where("web") == ("b",)

    play(story)
