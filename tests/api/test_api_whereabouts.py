"""What goes on with a resource at this moment, and which nodes can have it."""

from stanchion.model.ids import IntentId, NodeName, OperationId
from stanchion.model.orders import Intent, Outcome, Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import ScriptKind
from stanchion.model.running import Running
from stanchion.model.state import Move, Phase, ResourceState, State
from surface import NOW_S, World

N1, N2 = NodeName("node1"), NodeName("node2")


async def test_every_node_is_told_with_its_rank_and_why_it_cannot_take_the_resource() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1", preferred=(N2, NodeName("node3")))
    async with world.http() as http:
        told = (await http.get("/v1/resources/WEB/places")).json()["places"]
    assert [(each["node"], each["rank"], each["fits"], each["current"]) for each in told] == [
        ("node2", 1, True, False), ("node3", 2, False, False), ("node1", None, False, True)]
    assert told[1]["reason"]["code"] == "node_down"
    assert "not" in told[2]["reason"]["text"]
    async with world.client() as client:
        assert [place.node for place in (await client.places("web")).places] == ["node2", "node3", "node1"]
        assert (await client.process("web")).process is None


async def test_the_script_that_runs_here_is_told_with_what_it_has_printed() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    async with world.http() as http:
        assert (await http.get("/v1/resources/web/process")).json() == {"resource": "web", "process": None}
        world.running = Running(script=ScriptKind.MONITOR, pid=4711, started_at_s=NOW_S, timeout_s=60,
                                output="+ true\n")
        told = (await http.get("/v1/resources/web/process")).json()["process"]
    assert (told["script"], told["pid"], told["here"], told["output"]) == ("monitor", 4711, True, "+ true\n")
    assert told["started_at"].startswith("2026-")


async def test_of_a_script_elsewhere_the_node_and_its_address_are_told() -> None:
    world = World()
    name = await world.resource("web", State.LOADING, node="node2")
    async with world.http() as http:
        told = (await http.get("/v1/resources/web/process")).json()["process"]
        assert (told["script"], told["node"], told["here"], told["url"]) == (
            "load", "node2", False, "http://node2:7423")
        assert (told["pid"], told["timeout_s"]) == (None, 600)
        await world.put(ResourceState(
            name=name, state=State.MIGRATING, node=N2, session=world.view().session_of(N2), since_s=NOW_S,
            reason=reason(Why.CREATED, "x"), operation=OperationId("web@9"),
            move=Move(target=N1, live=True, phase=Phase.PREPARE, why=reason(Why.CREATED, "x"))))
        told = (await http.get("/v1/resources/web/process")).json()["process"]
        assert (told["script"], told["node"], told["here"]) == ("prepare", "node1", True)


async def test_a_script_that_is_being_tried_is_told_too() -> None:
    world = World()
    name = await world.resource("web")
    await world.put(Intent(id=IntentId("try"), verb=Verb.TEST, by="anna", at_s=NOW_S, resource=name, node=N2,
                           script=ScriptKind.MONITOR, outcome=Outcome.ACCEPTED))
    async with world.http() as http:
        told = (await http.get("/v1/resources/web/process")).json()["process"]
    assert (told["script"], told["node"]) == ("monitor", "node2")
