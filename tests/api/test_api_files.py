"""Configuration files through the API: two hosts that see different files, a third that is lost."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from stanchion.between import Files
from stanchion.drivers.files import HostFiles
from stanchion.model.cluster import Session
from stanchion.model.errors import HostError, InvalidInput, NoAnswer, NotFound, NotNow, NotPermitted
from stanchion.model.files import FileCopy, FileFact, HostFacts, Placed, Standing, Verdict
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.resource import MachineKind
from stanchion.model.state import State
from stanchion.wire.files import DistributeOrder, FetchOrder
from surface import World

PATHS = ("/etc/web.cfg", "/etc/web.net")
FACTS = HostFacts(architecture="x86_64", processor="Example 9", flags=("sse",), hypervisor="9.1.0", networks=("br0",),
                  bridges=("br0",), storage={})


class Others:
    """Agents of other nodes without a wire: each has its own files; ``silent`` ones do not answer."""

    def __init__(self, **roots: Path) -> None:
        self.hosts: dict[str, Files] = {node: HostFiles(root) for node, root in roots.items()}
        self.silent: set[str] = set()
        self.facts_of: dict[str, HostFacts] = {}
        self.fetches: list[tuple[str, str, bool]] = []

    async def files(self, at: Session, _: ResourceName) -> tuple[FileFact, ...]:
        """Tell of the files there."""
        return await self._at(at).look(PATHS)

    async def content(self, at: Session, _: ResourceName, path: str) -> FileCopy:
        """Give one of them."""
        return await self._at(at).read(path)

    async def fetch(self, at: Session, resource: ResourceName, source: Session, *,
                    dry: bool = False) -> tuple[Placed, ...]:
        """Copy from one to the other."""
        self.fetches.append((at.node, source.node, dry))
        copies = [await self.content(source, resource, path) for path in PATHS]
        return tuple([await self._at(at).place(copy, dry=dry) for copy in copies])

    async def facts(self, at: Session, _: ResourceName) -> HostFacts:
        """Tell what the host is like."""
        self._at(at)
        return self.facts_of.get(at.node, FACTS)

    def _at(self, at: Session) -> Files:
        if at.node in self.silent:
            raise NoAnswer("its agent does not answer within 5 s")
        return self.hosts[at.node]


class Alike(HostFiles):
    """This host, with facts that do not depend on where the test runs."""

    async def facts(self, kind: MachineKind, storage: Sequence[str]) -> HostFacts:
        """Tell what this host is like."""
        del kind
        return replace(FACTS, bridges=(), storage=dict.fromkeys(storage, ""))


@pytest.fixture
async def world(tmp_path: Path) -> World:
    """A cluster whose hosts each have their own files; ``web`` runs on node1."""
    for node in ("node1", "node2"):
        (tmp_path / node / "etc").mkdir(parents=True)
        for path in PATHS:
            (tmp_path / node / path[1:]).write_text("vif = ['bridge=br0']\n")
    made = World(files=Alike(tmp_path / "node1"))
    made.colleagues = Others(node1=tmp_path / "node1", node2=tmp_path / "node2")
    await made.resource("web", State.RUNNING, node="node1", files=PATHS, live=True,
                        preferred=(NodeName("node2"), NodeName("node1")))
    return made


def others(world: World) -> Others:
    assert isinstance(world.colleagues, Others)
    return world.colleagues


async def test_files_that_are_the_same_are_told_so(world: World) -> None:
    async with world.client() as client:
        told = await client.files("WEB")
    assert told.same
    assert told.nodes == ("node1", "node2")
    assert told.text == "the configuration files of web are the same on node1, node2"
    assert {each.standing for each in told.files} == {Standing.SAME}
    assert len(told.files[0].sha256) == 64
    assert told.files[0].mode.startswith("0")


async def test_each_difference_is_a_sentence_and_a_silent_node_costs_its_own_rows(world: World, tmp_path: Path) -> None:
    (tmp_path / "node2/etc/web.cfg").write_text("other\n")
    (tmp_path / "node2/etc/web.net").unlink()
    async with world.client() as client:
        told = await client.files("web")
        assert not told.same
        assert [each.text for each in told.files if each.node == "node2"] == [
            "/etc/web.cfg on node2 differs from the one on node1: other content (6 bytes, on node1 21)",
            "/etc/web.net is missing on node2"]
        assert told.text.endswith("to copy them: stanchion resource distribute web")
        others(world).silent.add("node2")
        told = await client.files("web")
        assert {each.node: each.standing for each in told.files} == {
            "node1": Standing.SAME, "node2": Standing.UNASKED}
        assert "does not answer within 5 s" in told.files[1].text


async def test_a_lost_node_is_not_asked_at_all(world: World) -> None:
    await world.resource("db", files=("/etc/web.cfg",))
    async with world.client() as client:
        told = await client.files("db")
    assert told.files[2].standing is Standing.UNASKED
    assert "node3 is not in the cluster now" in told.files[2].text


async def test_distribution_copies_from_where_it_runs_and_keeps_the_old_version(world: World, tmp_path: Path) -> None:
    (tmp_path / "node2/etc/web.cfg").write_text("old\n")
    async with world.client() as client:
        dry = await client.distribute("web", DistributeOrder(dry=True))
        assert [each.outcome for each in dry.results] == ["would be written", "same"]
        assert (tmp_path / "node2/etc/web.cfg").read_text() == "old\n"
        told = await client.distribute("web", DistributeOrder())
        assert (told.source, told.done) == ("node1", True)
        assert [each.outcome for each in told.results] == ["written", "same"]
        assert (tmp_path / "node2" / told.results[0].kept[1:]).read_text() == "old\n"
        assert (await client.files("web")).same
    assert others(world).fetches == [("node2", "node1", True), ("node2", "node1", False)]
    assert world.view().states[ResourceName("web")].value.state is State.RUNNING


async def test_distribution_to_the_node_that_answers_fetches_itself(world: World, tmp_path: Path) -> None:
    (tmp_path / "node2/etc/web.cfg").write_text("newer\n")
    async with world.client() as client:
        told = await client.distribute("web", DistributeOrder(source="node2", targets=("NODE1",)))
    assert [each.outcome for each in told.results] == ["written", "same"]
    assert (tmp_path / "node1/etc/web.cfg").read_text() == "newer\n"


async def test_what_fails_on_one_node_is_told_and_hurts_no_other(world: World, tmp_path: Path) -> None:
    (tmp_path / "node2/etc/web.cfg").unlink()
    (tmp_path / "node2/etc/web.cfg").symlink_to("elsewhere")
    async with world.client() as client:
        told = await client.distribute("web", DistributeOrder(targets=("node2", "node3")))
    assert not told.done
    assert [(each.node, each.outcome) for each in told.results] == [
        ("node2", "failed"), ("node2", "same"), ("node3", "failed"), ("node3", "failed")]
    assert "symbolic link" in told.results[0].text
    assert "node3 is not in the cluster now" in told.results[2].text


async def test_orders_that_make_no_sense_are_refused(world: World) -> None:
    await world.resource("bare")
    async with world.client() as client:
        with pytest.raises(InvalidInput, match="cannot be a target too"):
            await client.distribute("web", DistributeOrder(source="node2", targets=("node2",)))
        with pytest.raises(NotNow, match="names no configuration files"):
            await client.distribute("bare", DistributeOrder())
        with pytest.raises(NotFound):
            await client.distribute("web", DistributeOrder(targets=("node9",)))
        assert (await client.files("bare")).text == "bare names no configuration files"
        with pytest.raises(InvalidInput, match="fetch from itself"):
            await client.fetch_there("web", FetchOrder(source="node1"))


async def test_agents_give_only_files_that_the_resource_names(world: World) -> None:
    async with world.client() as client:
        assert (await client.file_there("web", "/etc/web.cfg")).copied().content == b"vif = ['bridge=br0']\n"
        with pytest.raises(NotFound, match="none of the configuration files"):
            await client.file_there("web", "/etc/passwd")
        assert [each.path for each in (await client.files_there("web")).files] == list(PATHS)


async def test_an_agent_without_doors_says_so(world: World) -> None:
    world.files = world.colleagues = None
    async with world.client() as client:
        assert {each.standing for each in (await client.files("web")).files} == {Standing.UNASKED}
        with pytest.raises(HostError):
            await client.files_there("web")


async def test_distribution_is_audited_and_needs_an_administrator(world: World) -> None:
    async with world.http() as http:
        made = (await http.post("/v1/tokens", json={"name": "night", "role": "operator"})).json()["token"]
    async with world.client(made) as operator:
        assert (await operator.files("web")).same
        for forbidden in (operator.distribute("web", DistributeOrder()), operator.file_there("web", PATHS[0]),
                          operator.fetch_there("web", FetchOrder(source="node2"))):
            with pytest.raises(NotPermitted):
                await forbidden
    async with world.client() as client:
        await client.distribute("web", DistributeOrder(dry=True))
        await asyncio.gather(*world.vigil.tasks)
        last = (await client.audit()).entries[-1]
    assert (last.route, last.object, last.status) == ("POST /v1/resources/{name}/distribute", "web", 200)


async def test_a_preflight_tells_each_check_with_a_sentence(world: World, tmp_path: Path) -> None:
    async with world.client() as client:
        told = await client.preflight("web", "NODE2")
        assert (told.source, told.target) == ("node1", "node2")
        assert {each.check: each.verdict for each in told.checks} == {
            "scripts": Verdict.WELL, "files": Verdict.WELL, "processor": Verdict.WELL, "hypervisor": Verdict.UNKNOWN,
            "bridges": Verdict.WELL, "storage": Verdict.WELL}
        others(world).facts_of["node2"] = replace(FACTS, networks=("eth0",))
        (tmp_path / "node2/etc/web.cfg").write_text("other\n")
        told = await client.preflight("web", "node2")
        verdicts = {each.check: each for each in told.checks}
        assert told.verdict is Verdict.REFUSED
        assert "node2 has no br0" in verdicts["bridges"].text
        assert verdicts["files"].verdict is Verdict.REFUSED
        others(world).silent.add("node2")
        assert {each.check: each.verdict for each in (await client.preflight("web", "node2")).checks} == {
            "scripts": Verdict.WELL, "files": Verdict.UNKNOWN, "host": Verdict.UNKNOWN}
        with pytest.raises(InvalidInput, match="on node1 already"):
            await client.preflight("web", "node1")
