"""Two hosts with different files, asked over their doors: by certificates over TLS, and by the token on one machine."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from stanchion.agent.checking import digests_there
from stanchion.api import peers
from stanchion.api.app import create
from stanchion.api.colleagues import session_of
from stanchion.api.server import serve
from stanchion.api.services import Services
from stanchion.api.tls import Tls
from stanchion.client import Client, Connection
from stanchion.colleagues import ClusterColleagues
from stanchion.drivers.files import HostFiles
from stanchion.drivers.host import LinuxHost
from stanchion.hosting import keep
from stanchion.model.actions import CheckHost
from stanchion.model.cluster import Session
from stanchion.model.errors import HostError, NoAnswer, NotAllowed
from stanchion.model.files import Standing
from stanchion.model.ids import BootId, NodeName, ResourceName
from stanchion.model.state import State
from stanchion.trust import contexts, papers
from stanchion.trust.authority import Signer
from stanchion.trust.papers import Papers
from stanchion.wire.files import DistributeOrder
from surface import NODES, TOKEN, World

ADDRESS = "127.0.0.1"
PATH = "/etc/xen/web.cfg"
WEB = ResourceName("web")
HERE, THERE = NODES[0], NODES[1]


@dataclass
class Pair:
    """Two hosts of a cluster, each with its root; ``web`` runs on the first."""

    world: World
    directory: Path
    services: dict[str, Services]

    def file(self, node: str) -> Path:
        """Give the configuration on one of them."""
        return self.directory / node / PATH[1:]

    def client(self) -> Client:
        """Speak to the first one's API."""
        return self.world.client()

    async def checked(self, *, live: bool = True, noted: bytes = b"long ago", away: bool = False) -> str:
        """Have the second host check itself before a move, as its agent does; give what is wrong.

        ``noted`` is what the file held at the load; ``away``: the first host is another machine.
        """
        spec = self.world.view().specs[WEB].value
        source = session_of(self.world.view(), HERE)
        action = CheckHost(stage="s", spec=spec, source=replace(source, url="http://192.0.2.1:1") if away else source,
                           live=live, digests={PATH: hashlib.sha256(noted).hexdigest()})
        host = LinuxHost(BootId("b"), files=self.services[THERE].files)
        digests = await digests_there(self.services[THERE].colleagues, action, THERE)
        return (await host.readiness(spec, digests)).fault


def paper(place: Path, signer: Signer, node: str) -> Papers:
    """Make a host's papers."""
    place.mkdir(parents=True, exist_ok=True)
    own, now_s = Papers(place), time.time()
    papers.make_key(own.key)
    keep(place, signer.sign(papers.request(own.key, NodeName(node)), NodeName(node), ADDRESS, now_s),
         signer.certificate, signer.revocations((), now_s))
    return own


@asynccontextmanager
async def pair(directory: Path, *, tls: bool) -> AsyncIterator[Pair]:
    """Lend two hosts whose doors are open."""
    world = World()
    signer = Signer.make("lab", time.time())
    services, doors = {}, []
    world.app()
    offered: Services = world.app().state.services
    for node, text in ((HERE, "memory = 32\n"), (THERE, "memory = 64 \n")):
        (directory / node / "etc/xen").mkdir(parents=True)
        (directory / node / PATH[1:]).write_text(text)
        own = paper(directory / "papers" / node, signer, node) if tls else None
        colleagues = ClusterColleagues(lambda: TOKEN, (own.ca, own.cert, own.key) if own else None)
        services[node] = replace(offered, node=node, files=HostFiles(directory / node), colleagues=colleagues)
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        doors.append(asyncio.create_task(serve(
            peers.create(services[node]) if own else create(services[node]), ADDRESS, 0, ready=ready.set_result,
            tls=Tls(context=context_of(own), why_refused=contexts.why_refused) if own else None)))
        port = await ready
        known = world.view().sessions[node].value
        await world.put(replace(known, door=f"https://{ADDRESS}:{port}" if own else "",
                                url=known.url if own else f"http://{ADDRESS}:{port}"))
    world.files, world.colleagues = services[HERE].files, services[HERE].colleagues
    await world.resource("web", State.RUNNING, node=HERE, files=(PATH,), live=True, preferred=(HERE, THERE))
    try:
        yield Pair(world, directory, services)
    finally:
        for door in doors:
            door.cancel()
        await asyncio.gather(*doors, return_exceptions=True)


def context_of(own: Papers) -> Callable[[], contexts.ServerContext]:
    """Say how a door for agents speaks TLS."""
    return lambda: contexts.server(own.cert, own.key, ca=own.ca, revoked=own.revoked)


@pytest.mark.parametrize("tls", [True, False], ids=["by certificates", "by the token on one machine"])
async def test_a_move_is_refused_until_the_files_are_distributed(
        tmp_path: Path, tls: bool) -> None:  # noqa: FBT001 - a case
    async with pair(tmp_path, tls=tls) as hosts:
        fault = await hosts.checked()
        assert f"the file {PATH} differs from the one on the node that runs the machine" in fault
        assert "stanchion resource distribute web" in fault
        async with hosts.client() as client:
            told = await client.files("web")
            assert [each.standing for each in told.files] == [Standing.SAME, Standing.DIFFERS]
            done = await client.distribute("web", DistributeOrder())
            assert [each.outcome for each in done.results] == ["written"]
            assert (await client.files("web")).same
        assert hosts.file(THERE).read_text() == "memory = 32\n"
        assert (tmp_path / THERE / done.results[0].kept[1:]).read_text() == "memory = 64 \n"
        assert await hosts.checked() == ""
        hosts.file(HERE).write_text("memory = 128\n")
        assert "differs" in await hosts.checked()
        hosts.file(HERE).unlink()
        with pytest.raises(HostError, match="is missing on node1, where it runs"):
            await hosts.checked()


async def test_a_preflight_asks_both_hosts(tmp_path: Path) -> None:
    async with pair(tmp_path, tls=True) as hosts, hosts.client() as client:
        told = await client.preflight("web", THERE)
    verdicts = {each.check: each.verdict for each in told.checks}
    assert verdicts["files"] == "refused"
    assert verdicts["hypervisor"] == "unknown"
    assert set(verdicts) == {"scripts", "files", "processor", "hypervisor", "bridges", "storage"}


async def test_a_source_that_does_not_answer_refuses_a_live_move_and_no_other(tmp_path: Path) -> None:
    async with pair(tmp_path, tls=True) as hosts:
        lost = replace(session_of(hosts.world.view(), HERE), door=f"https://{ADDRESS}:1")
        await hosts.world.put(lost)
        with pytest.raises(HostError, match="node1 cannot be asked whether its configuration files are the same here"):
            await hosts.checked()
        assert "differs" in await hosts.checked(live=False)  # from what was noted at the load


async def test_without_a_way_to_ask_what_was_noted_at_the_load_counts(tmp_path: Path) -> None:
    async with pair(tmp_path, tls=False) as hosts:
        assert "differs" not in await hosts.checked(noted=hosts.file(THERE).read_bytes(), away=True)
        assert "differs" in await hosts.checked(noted=b"other", away=True)
        assert "differs" in await hosts.checked(noted=hosts.file(THERE).read_bytes())


async def test_nobody_without_a_certificate_is_answered_at_the_door(tmp_path: Path) -> None:
    async with pair(tmp_path, tls=True) as hosts:
        door = session_of(hosts.world.view(), THERE).door
        foreign = paper(tmp_path / "foreign", Signer.make("lab", time.time()), "node1")
        ca = Papers(tmp_path / "papers" / THERE).ca
        for way in (Connection(urls=(door,), ca=ca, token=TOKEN),
                    Connection(urls=(door,), ca=ca, cert=foreign.cert, key=foreign.key)):
            async with Client(way) as client:
                with pytest.raises(NoAnswer):
                    await client.file_there("web", PATH)


async def test_on_one_machine_the_token_counts(tmp_path: Path) -> None:
    async with pair(tmp_path, tls=False) as hosts:
        url = session_of(hosts.world.view(), THERE).url
        async with Client(Connection(urls=(url,), token="wrong")) as client:
            with pytest.raises(NotAllowed):
                await client.file_there("web", PATH)


async def test_the_token_is_sent_to_no_other_machine_and_who_answers_must_be_who_was_asked(tmp_path: Path) -> None:
    async with pair(tmp_path, tls=False) as hosts:
        asking = ClusterColleagues(lambda: TOKEN)
        there = session_of(hosts.world.view(), THERE)
        for url in ("http://192.0.2.1:7423", "http://node2:7423", ""):
            with pytest.raises(HostError, match="by certificates only"):
                await asking.files(replace(there, url=url), WEB)
        with pytest.raises(HostError, match=r"what answers at .* is node2"):
            await asking.files(replace(there, node=HERE), WEB)


async def test_an_agent_that_hangs_is_given_up_soon() -> None:
    gone = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        gone.set()

    server = await asyncio.start_server(hang, ADDRESS, 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        session: Session = replace(World().view().sessions[THERE].value, url=f"http://{ADDRESS}:{port}")
        with pytest.raises(NoAnswer, match=r"does not answer within 0.2 s"):
            await ClusterColleagues(lambda: TOKEN, within_s=0.2).files(session, WEB)
        await gone.wait()
