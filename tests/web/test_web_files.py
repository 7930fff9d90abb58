"""A resource's page, Files: whether its configuration is the same everywhere, and the button that copies it."""

from pathlib import Path

import pytest

from browsing import signed_in
from stanchion.drivers.files import HostFiles
from stanchion.model.access import Role
from stanchion.model.cluster import Session
from stanchion.model.files import FileCopy, FileFact, HostFacts, Placed
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.state import State
from surface import World

PAGE = "/console/resources/web"
PATH = "/etc/web.cfg"


class Other:
    """The agent of node2, with files of its own."""

    def __init__(self, here: Path, there: Path) -> None:
        self._here, self._there = HostFiles(here), HostFiles(there)

    async def files(self, _: Session, __: ResourceName) -> tuple[FileFact, ...]:
        """Tell of its files."""
        return await self._there.look([PATH])

    async def content(self, _: Session, __: ResourceName, path: str) -> FileCopy:
        """Give one of them."""
        return await self._there.read(path)

    async def fetch(self, _: Session, __: ResourceName, ___: Session, *, dry: bool = False) -> tuple[Placed, ...]:
        """Take ours."""
        return (await self._there.place(await self._here.read(PATH), dry=dry),)

    async def facts(self, _: Session, __: ResourceName) -> HostFacts:
        """Tell nothing."""
        return HostFacts()


@pytest.fixture
async def world(tmp_path: Path) -> World:
    """Two hosts with different files."""
    for node, text in (("node1", "memory = 32\n"), ("node2", "memory = 64 \n")):
        (tmp_path / node / "etc").mkdir(parents=True)
        (tmp_path / node / "etc/web.cfg").write_text(text)
    made = World(files=HostFiles(tmp_path / "node1"), colleagues=Other(tmp_path / "node1", tmp_path / "node2"))
    await made.resource("web", State.RUNNING, node="node1", files=(PATH,),
                        preferred=(NodeName("node1"), NodeName("node2")))
    return made


async def test_the_table_tells_each_file_on_each_node_and_what_differs(world: World) -> None:
    browser = await signed_in(world, Role.VIEWER)
    page = await browser.get(PAGE)
    files = page.id("live_files")
    if "being asked" in files.text:
        files = (await browser.get(PAGE)).id("live_files")
    rows = files.rows()
    assert rows[1][:3] == [PATH, "node1", "same"]
    assert rows[2][:2] == [PATH, "node2"]
    assert f"differs {PATH} on node2 differs from the one on node1: other content (13 bytes, on node1 12)" in rows[2][2]
    assert "Copying them needs an administrator." in files.text
    assert files.all("button") == []
    refused = await browser.post(f"{PAGE}/distribute", {"confirmed": "y"})
    assert refused.status == 403


async def test_distribution_asks_first_and_names_what_would_be_written(world: World, tmp_path: Path) -> None:
    browser = await signed_in(world, Role.ADMINISTRATOR)
    page = await browser.get(PAGE)
    asked = await browser.send(page.form(f"{PAGE}/distribute"), "Distribute …")
    assert "Distribute the configuration files of web?" in asked.main.text
    assert f"{PATH} would be written on node2." in asked.main.text
    assert "no machine is started, stopped or moved" in asked.main.text
    assert (tmp_path / "node2/etc/web.cfg").read_text() == "memory = 64 \n"
    done = await browser.send(asked.form(f"{PAGE}/distribute"), "Distribute")
    assert done.notice == "1 files written from node1; all are the same now."
    assert (tmp_path / "node2/etc/web.cfg").read_text() == "memory = 32\n"


async def test_a_resource_without_files_has_no_such_section(world: World) -> None:
    await world.resource("bare")
    page = await (await signed_in(world)).get("/console/resources/bare")
    assert page.id("live_files").text == ""
