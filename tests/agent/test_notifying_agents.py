"""Agents that tell the world: the master alone, nothing lost when it changes, no flood after a silence."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from agent.worlds import play
from stanchion.agent.notifying import Notifying
from stanchion.model.cluster import Kind
from stanchion.model.errors import HostError
from stanchion.model.history import Entry, Severity
from stanchion.model.ids import NodeName
from stanchion.model.notification import Channel, Mail, Message, Notification, Notified, Volume, Way, Webhook
from stanchion.model.orders import Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.transaction import Put, Transaction
from stanchion.plan.notifying import PAUSE_S
from stanchion.sim.store import MemoryStore
from stanchion.sim.world import World, spec

MAIL = Mail(to=("ops@example.org",), volume=Volume.VERBOSE)


@dataclass
class Postman:
    """A notifier that keeps what it was given, and who gave it; it may refuse, break or never answer."""

    sent: list[tuple[str, Way, Message]] = field(default_factory=list)
    fault: Exception | None = None
    hangs: bool = False
    tries: int = 0

    def for_node(self, node: str) -> "Desk":
        """Give a node's own door to it."""
        return Desk(self, node)

    def whys(self) -> list[Why]:
        """Name everything that was told, in order."""
        return [line.entry.reason.why for _, _, message in self.sent for line in message.lines]


@dataclass
class Desk:
    """Port ``Notifier``, as one node has it."""

    postman: Postman
    node: str

    async def send(self, way: Way, message: Message) -> str:
        """Take a message."""
        self.postman.tries += 1
        if self.postman.hangs:
            await asyncio.sleep(3600)
        if self.postman.fault is not None:
            raise self.postman.fault
        self.postman.sent.append((self.node, way, message))
        return "taken"


@asynccontextmanager
async def telling(world: World, postman: Postman, rules: Notification | None = None) -> AsyncIterator[None]:
    """Let every agent of the world notify, from now on."""
    rules = rules or Notification(mail=MAIL)
    page = await world.operator.records(Kind.HISTORY, limit=1, newest_first=True)
    position = page[0][0] if page else ""
    await world.operator.commit(Transaction(puts=(
        Put(rules), *(Put(Notified(channel=channel, position=position)) for channel in rules.ways))))
    tasks = [asyncio.create_task(_notifying(world, postman, node).run()) for node in world.hosts]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def _notifying(world: World, postman: Postman, node: NodeName) -> Notifying:
    async def changed() -> None:
        await world.daemons[node].loop.changed()

    return Notifying(store=MemoryStore(world.engine), notifier=postman.for_node(node), clock=world.hosts[node].clock,
                     view=lambda: world.daemons[node].view, changed=changed,
                     session=lambda: world.daemons[node].tenure.session)


async def until(true: Callable[[], bool], within_s: float = 900.0) -> None:
    """Wait, on the pretend clock, until something is so."""
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.1)


async def happens(world: World, number: int = 0, severity: Severity = Severity.INFO) -> None:
    """Let something happen that is only told."""
    entry = Entry(at_s=world.clock.now().wall_s, reason=reason(Why.SPEC_SAVED, f"anna{number}"), severity=severity,
                  resource="web")
    await world.operator.commit(Transaction(puts=(Put(spec("web")),), history=(entry,)))


async def known(world: World) -> list[Why]:
    """Give the reasons of the whole history."""
    return [entry.reason.why for entry in await world.history()]


def tell(story: Callable[[World, Postman], Awaitable[None]], nodes: str = "a") -> None:
    """Play a story with a postman."""

    async def whole(world: World) -> None:
        await story(world, Postman())

    play(whole, tuple(nodes))


def test_the_master_alone_tells() -> None:
    async def story(world: World, postman: Postman) -> None:
        async with telling(world, postman):
            await happens(world)
            await until(lambda: bool(postman.sent))
            await asyncio.sleep(60)
        assert [(node, len(message.lines)) for node, _, message in postman.sent] == [("a", 1)]

    tell(story, "abc")


def test_what_is_long_past_is_not_told() -> None:
    async def story(world: World, postman: Postman) -> None:
        await happens(world)
        async with telling(world, postman):
            await asyncio.sleep(60)
        assert postman.sent == []

    tell(story)


def test_nothing_is_lost_when_the_master_dies() -> None:
    """What happens while nobody is the master is told by the next one, and so is the old one's loss."""

    async def story(world: World, postman: Postman) -> None:
        async with telling(world, postman):
            await happens(world)
            await until(lambda: bool(postman.sent))
            await world.power_off("a")
            await happens(world)
            await until(lambda: Why.MASTER_IS in postman.whys())
        assert {node for node, _, _ in postman.sent} == {"a", "b"}
        saved = [line.id for _, _, message in postman.sent for line in message.lines
                 if line.entry.reason.why is Why.SPEC_SAVED]
        assert len(set(saved)) == 2
        assert Why.NODE_LOST in postman.whys()

    tell(story, "abc")


def test_a_crowd_of_events_is_a_digest_and_not_a_flood() -> None:
    async def story(world: World, postman: Postman) -> None:
        async with telling(world, postman):
            for number in range(48):
                await happens(world, number)
            await until(lambda: sum(len(message.lines) + message.more for _, _, message in postman.sent) == 48)
        assert len(postman.sent) <= 2
        assert "more events)" in postman.sent[-1][2].subject

    tell(story)


def test_a_mail_server_that_is_down_is_told_once_and_caught_up_with() -> None:
    """An hour of silence: one line in the history, few tries, and one message afterwards that misses nothing."""

    async def story(world: World, postman: Postman) -> None:
        postman.fault = HostError("the mail server does not answer")
        async with telling(world, postman):
            for number in range(60):
                await happens(world, number)
                await asyncio.sleep(60)
            assert (await known(world)).count(Why.NOTIFY_FAILED) == 1
            assert postman.tries < 25
            postman.fault = None
            await until(lambda: bool(postman.sent))
            await asyncio.sleep(5 * PAUSE_S)
            assert (await known(world)).count(Why.NOTIFY_WORKS) == 1
        assert sum(len(message.lines) + message.more for _, _, message in postman.sent) == 60
        assert len(postman.sent) == 1

    tell(story)


def test_one_channel_that_hangs_holds_up_neither_the_other_nor_the_cluster() -> None:
    async def story(world: World, postman: Postman) -> None:
        slow = Postman(hangs=True)
        rules = Notification(mail=MAIL, webhook=Webhook(url="http://example.org/"))

        class Both:
            async def send(self, way: Way, message: Message) -> str:
                return await (slow if isinstance(way, Mail) else postman).for_node("a").send(way, message)

        async with telling(world, postman, rules):
            pass
        first = Notifying(store=MemoryStore(world.engine), notifier=Both(), clock=world.clock,
                          view=lambda: world.daemons[NodeName("a")].view,
                          changed=world.daemons[NodeName("a")].loop.changed,
                          session=lambda: world.daemons[NodeName("a")].tenure.session)
        task = asyncio.create_task(first.run())
        await world.create(spec("web", preferred=("b", "c")))
        await world.order(Verb.ONLINE, "web")
        await world.power_off("b")
        await world.runs_on("web", "c")
        await until(lambda: Why.FAILOVER in postman.whys(), within_s=60)
        task.cancel()
        await asyncio.wait({task})
        assert slow.tries == 1

    tell(story, "abc")


def test_a_fault_of_ours_costs_messages_time_and_not_the_agent() -> None:
    async def story(world: World, postman: Postman) -> None:
        postman.fault = ZeroDivisionError("ours")
        async with telling(world, postman):
            await happens(world)
            await until(lambda: postman.tries > 0)
            postman.fault = None
            await until(lambda: bool(postman.sent))

    tell(story)


def test_a_new_configuration_is_tried_at_once() -> None:
    async def story(world: World, postman: Postman) -> None:
        postman.fault = HostError("wrong server")
        async with telling(world, postman):
            await happens(world)
            await until(lambda: postman.tries >= 5)
            postman.fault = None
            await world.operator.commit(Transaction(puts=(Put(Notification(mail=Mail(
                to=("new@example.org",), volume=Volume.VERBOSE))),)))
            await until(lambda: bool(postman.sent), within_s=1)

    tell(story)


def test_where_the_channel_is_stands_in_the_store() -> None:
    async def story(world: World, postman: Postman) -> None:
        async with telling(world, postman):
            await happens(world)
            await until(lambda: bool(postman.sent))
            await asyncio.sleep(1)
            held = (await world.view()).notified[Channel.MAIL].value
        assert held.position >= postman.sent[0][2].lines[-1].id
        assert (held.failing_since_s, held.fault) == (0.0, "taken")

    tell(story)
