"""Section 14.2.1, steps: a machine is configured as a cluster resource, from the first look to the last page."""

from dataclasses import replace

import httpx2
import pytest

from cli.shell import Shell
from spec.playing import spec_of
from spec.register import Surface, requirement
from stanchion.model.errors import StanchionError
from stanchion.model.resource import FailbackMode, FailoverMode, FailureAction, StartMode
from surface import NODES, TOKEN, World


@requirement("14.2.1-10", "The cluster is operated through any of its servers, by address or name.", "14.2.1 p5",
             "14.2.1, step 1", "14.2.1, step 1.2", by=Surface.API, console=True)
async def test_every_server_answers_for_the_cluster() -> None:
    world = World()
    await world.resource("web")
    app = world.app()
    told = []
    for node, address in zip(NODES, ("http://192.0.2.1", "http://[2001:db8::2]:7423", "http://node3"), strict=True):
        app.state.services = replace(app.state.services, node=node)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=address,
                                      headers={"Authorization": f"Bearer {TOKEN}"}) as http:
            told.append((await http.get("/v1/resources")).json())
    assert told[0] == told[1] == told[2]
    assert [each["name"] for each in told[0]["resources"]] == ["web"]


@requirement("14.2.1-11", "Whoever operates the cluster has to prove the right to it first, and is known by name.",
             "14.2.1, step 2", by=Surface.API, console=True)
@pytest.mark.parametrize("token", ["", "wrong", TOKEN])
async def test_nobody_gets_in_without_the_token(token: str) -> None:
    world = World()
    await world.resource("web")
    async with world.client(token) as client:
        if token == TOKEN:
            assert (await client.resource("web")).saved_by == "anna"
            return
        with pytest.raises(StanchionError, match="token"):
            await client.resources()
    async with world.http(token) as http:
        assert (await http.get("/v1/resources")).status_code == 401


@requirement("14.2.1-12", "The cluster is looked at as one, by its name, and its options can be set.",
             "14.2.1, step 3", by=Surface.COMMAND, console=True)
def test_the_cluster_has_a_name_and_options(shell: Shell) -> None:
    assert shell("status") == 0
    assert shell.out.startswith("Cluster lab, ")
    assert shell("settings", "edit", "--quorum-nodes", "2") == 0
    assert shell("settings", "show", "-o", "json") == 0
    assert shell.json["quorum_nodes"] == 2


@requirement("14.2.1-13", "A new resource is made by the operator, and is there at once, not running yet.",
             "14.2.1, step 4", by=Surface.COMMAND, console=True)
def test_what_was_made_is_listed(shell: Shell) -> None:
    assert shell("resource", "create", "web", "Xen_Template") == 0
    assert shell("resource", "list") == 0
    assert [line.split()[:2] for line in shell.out.splitlines()[1:] if line.startswith("web")] == [["web", "Offline"]]


@requirement("14.2.1-14", "The operator says which kind of thing is to be made: a resource is one of them.",
             "14.2.1, step 5", by=Surface.COMMAND, console=True)
def test_a_resource_is_one_of_the_things_that_can_be_made(shell: Shell) -> None:
    assert shell("resource", "create", "web", "Xen_Template") == 0
    assert shell("template", "create", "Mine_Template", "--from", "web") == 0, shell.err
    assert shell("resource", "list", "-o", "json") == 0
    assert [each["name"] for each in shell.json["resources"]] == ["web"]
    assert shell("template", "list") == 0
    assert "Mine_Template" in shell.out


@requirement("14.2.1-15", "The resource has a name, given by the operator.", "14.2.1, step 6", by=Surface.COMMAND,
             console=True)
@pytest.mark.parametrize(("name", "possible"), [
    ("web", True), ("Web_01", True), ("x" * 63, True), ("x" * 64, False), ("", False), ("we b", False),
    ("web;", False)])
def test_a_name_is_kept_as_written_or_refused(shell: Shell, name: str, possible: bool) -> None:  # noqa: FBT001 - a cell
    assert shell("resource", "create", name, "Xen_Template") == (0 if possible else 2)
    if possible:
        assert shell("resource", "show", name.upper(), "-o", "json") == 0
        assert shell.json["name"] == name
    else:
        assert f"{name!r} is not possible" in " ".join(shell.err.split())


@requirement("14.2.1-16", "The resource inherits from a template chosen from a list; Xen_Template and "
             "XenLive_Template are on it.", "14.2.1, step 7", "14.2.1, step 7.2", by=Surface.COMMAND, console=True)
def test_the_template_is_chosen_from_a_list(shell: Shell) -> None:
    assert shell("template", "list", "-o", "json") == 0
    offered = [each["name"] for each in shell.json["templates"]]
    assert {"Xen_Template", "XenLive_Template"} <= set(offered)
    for number, name in enumerate(offered):
        needed = ("ADDRESS=192.0.2.7",) if name == "Generic_IP_Service" else ()
        assert shell("resource", "create", f"r{number}", name, *needed) == 0, shell.err
        assert spec_of(shell, f"r{number}").template == name
    assert shell("resource", "create", "web", "No_Template") == 4
    assert "there is no template No_Template" in shell.err


@requirement("14.2.1-17", "With the resource, further properties can be defined: scripts, modes, nodes, monitoring.",
             "14.2.1, step 8", by=Surface.COMMAND, console=True)
def test_further_properties_are_defined_in_the_same_command(shell: Shell) -> None:
    assert shell("resource", "create", "web", "Xen_Template", "FSTYPE=xfs", "--start", "manual", "--failover", "manual",
                 "--failback", "auto", "--preferred", "node2,node1", "--load-timeout", "2m", "--monitoring",
                 "--action", "reboot") == 0
    spec = spec_of(shell, "web")
    assert "OCF_RESKEY_fstype=xfs" in spec.scripts.load.text
    assert (spec.policies.start, spec.policies.failover, spec.policies.failback) == (
        StartMode.MANUAL, FailoverMode.MANUAL, FailbackMode.AUTO)
    assert (spec.preferred, spec.scripts.load.timeout_s) == (("node2", "node1"), 120)
    assert (spec.monitoring.enabled, spec.monitoring.action) == (True, FailureAction.REBOOT)
