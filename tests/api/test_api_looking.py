"""What the API tells: cluster, nodes, resources, templates, history, runs and explanations."""

import asyncio

from stanchion.model.history import Severity
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import ScriptKind
from stanchion.model.state import State
from stanchion.wire import replies
from surface import LOST, NOW_S, World


async def test_health_is_told_without_a_token() -> None:
    async with World().http(token="") as http:
        answer = await http.get("/v1/health")
    assert answer.json() == {"status": "ok", "node": "node1", "version": "1.2.3"}


async def test_one_look_tells_cluster_nodes_and_resources() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node2")
    async with world.client() as client:
        told = await client.status()
    cluster = told.cluster
    assert (cluster.name, cluster.master, cluster.epoch, cluster.quorum) == ("lab", "node1", 4, True)
    assert [(node.name, node.state, node.master) for node in told.nodes] == [
        ("node1", "up", True), ("node2", "up", False), ("node3", "down", False)]
    web = told.resources[0]
    assert (web.name, web.state, web.node, web.lives) == ("web", State.RUNNING, "node2", 1)
    assert web.reason == replies.ReasonInfo(code="loaded", text="the load script ended well")
    assert {"offline", "migrate"} <= set(web.possible)
    assert told.nodes[1].resources == ("web",)


async def test_instants_are_utc_in_iso_8601() -> None:
    world = World()
    await world.resource("web")
    async with world.http() as http:
        answer = await http.get("/v1/resources/web")
    assert answer.json()["since"] == "2026-09-21T14:13:20Z"


async def test_names_are_found_in_any_case_and_told_as_written() -> None:
    world = World()
    await world.resource("Web_1")
    async with world.client() as client:
        assert (await client.resource("wEB_1")).name == "Web_1"
        assert (await client.node("NODE2")).name == "node2"
        assert (await client.template("qemu_template")).name == "Qemu_Template"


async def test_a_lost_node_without_proof_is_told_as_such() -> None:
    world = World()
    async with world.client() as client:
        node = await client.node(LOST)
    assert (node.state, node.self_fence, node.proof) == ("down", "none", None)


async def test_templates_come_with_their_form() -> None:
    async with World().client() as client:
        listed = await client.templates()
        shown = await client.template("XenLive_Template")
    assert "Xen_Template" in [template.name for template in listed.templates]
    assert shown.live
    assert shown.scripts[ScriptKind.LOAD].text
    assert shown.scripts[ScriptKind.MONITOR].timeout_s == 60


async def test_history_is_told_oldest_first_filtered_and_paged() -> None:
    world = World()
    for number in range(5):
        await world.happened(reason(Why.LOADED), "web")
        await world.happened(reason(Why.LOAD_FAILED, number, "false"), "db", Severity.WARNING)
    async with world.client() as client:
        newest = await client.events(limit=3)
        assert [event.resource for event in newest.events] == ["db", "web", "db"]
        assert newest.last == newest.events[-1].id
        first = await client.events(after="", resource="DB", limit=2)
        second = await client.events(after=first.last, resource="db", limit=10)
        assert [event.reason.operands[0] for event in (*first.events, *second.events)] == list("01234")
        warnings = await client.events(severity=Severity.WARNING)
    assert len(warnings.events) == 5


async def test_status_waits_for_the_next_change() -> None:
    world = World()
    async with world.client() as client:
        now = await client.status()
        waiting = asyncio.create_task(client.status(after=now.cluster.revision, wait_s=30))
        await asyncio.sleep(0)
        await world.resource("web")
        told = await asyncio.wait_for(waiting, 5)
    assert [resource.name for resource in told.resources] == ["web"]


async def test_runs_are_told_newest_first_and_their_output_when_asked_for() -> None:
    world = World()
    name = await world.resource("web")
    await world.ran(name, ScriptKind.LOAD, "web@9", code=1, at_s=NOW_S, output="no such domain")
    await world.ran(name, ScriptKind.LOAD, "web@10", at_s=NOW_S + 10, output="well")
    await world.ran(name, ScriptKind.UNLOAD, "web@11", at_s=NOW_S + 20)
    other = await world.resource("web2")
    await world.ran(other, ScriptKind.LOAD, "web2@3")
    async with world.client() as client:
        listed = await client.runs("web")
        assert [(run.script, run.operation, run.output) for run in listed.runs] == [
            ("unload", "web@11", None), ("load", "web@10", None), ("load", "web@9", None)]
        last = await client.runs("WEB", ScriptKind.LOAD, limit=1, output=True)
        assert last.runs[0].output == "well"
        detail = await client.resource("web")
        assert [(run.script, run.code) for run in detail.last_runs] == [("unload", 0), ("load", 0)]
    async with world.http() as http:
        one = await http.get("/v1/resources/web/runs/load/web@9")
    assert (one.json()["output"], one.json()["command"]) == ("no such domain", "virsh start x")


async def test_explanations_are_questions_with_sentences() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    async with world.client() as client:
        told = await client.explain("web")
        timing = await client.timing()
    assert told.resource == "web"
    assert all(answer.question.endswith("?") for answer in told.answers)
    assert told.answers[0].reasons[0].text == "the load script ended well"
    assert timing.lease_s == 8
    assert timing.derivation


async def test_the_schema_describes_every_route_and_the_token() -> None:
    async with World().http() as http:
        schema = (await http.get("/v1/openapi.json")).json()
    assert "/v1/resources/{name}/migrate" in schema["paths"]
    for path, methods in schema["paths"].items():
        for method, route in methods.items():
            assert route.get("description"), f"{method} {path} is not described"
    assert schema["components"]["securitySchemes"]
    assert schema["components"]["schemas"]["ResourceCreate"]["examples"]
