"""Before a move the source is asked for its files of this moment; whatever comes of it, the machine goes on running."""

from dataclasses import replace

from worlds import play

from stanchion.between import Colleagues
from stanchion.model.cluster import Session
from stanchion.model.errors import NoAnswer
from stanchion.model.files import FileCopy, FileFact, HostFacts, Placed
from stanchion.model.ids import ResourceName
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why, sentence
from stanchion.model.resource import ResourceSpec
from stanchion.sim.world import World, spec

PATH = "/etc/web.cfg"


class Source:
    """The agent of the source; it tells of one file, whose content a test sets. Empty: it does not answer."""

    def __init__(self) -> None:
        self.content_is = "same"
        self.asked: list[str] = []

    async def files(self, at: Session, _: ResourceName) -> tuple[FileFact, ...]:
        """Tell of the file."""
        self.asked.append(at.node)
        if not self.content_is:
            raise NoAnswer("its agent does not answer within 5 s")
        return (FileFact(path=PATH, size=1, sha256=self.content_is),)

    async def content(self, _: Session, __: ResourceName, ___: str) -> FileCopy:
        """Nobody asks for it here."""
        raise NotImplementedError

    async def fetch(self, _: Session, __: ResourceName, ___: Session, *, dry: bool = False) -> tuple[Placed, ...]:
        """Nobody asks for it here."""
        raise NotImplementedError

    async def facts(self, _: Session, __: ResourceName) -> HostFacts:
        """Nobody asks for it here."""
        raise NotImplementedError


def machine() -> ResourceSpec:
    """A machine with one configuration file."""
    return replace(spec("web"), files=(PATH,))


async def runs_with(world: World, colleagues: Colleagues) -> None:
    """Bring the machine online on a, where every agent knows how to ask the others."""
    world.colleagues = colleagues
    for name in ("a", "b"):
        await world.restart(name)
    await world.create(machine())
    assert (await world.order(Verb.ONLINE, "web", "a")).outcome is Outcome.DONE


def test_a_live_move_is_refused_while_the_files_differ_and_goes_on_once_they_are_the_same() -> None:
    async def story(world: World) -> None:
        source = Source()
        await runs_with(world, source)
        source.content_is = "edited since"
        refused = await world.order(Verb.MIGRATE, "web", "b")
        assert refused.reason is not None
        assert (refused.outcome, refused.reason.why) == (Outcome.FAILED, Why.PREFLIGHT_FAILED)
        assert PATH in sentence(refused.reason)
        state = await world.state("web")
        assert (state.node, state.lives, world.where("web")) == ("a", 1, ("a",))
        source.content_is = "same"
        assert (await world.order(Verb.MIGRATE, "web", "b")).outcome is Outcome.DONE
        assert ((await world.state("web")).lives, world.where("web")) == (1, ("b",))
        assert source.asked == ["a", "a"]

    play(story, ("a", "b"))


def test_a_silent_source_refuses_a_live_move_and_no_other() -> None:
    async def story(world: World) -> None:
        source = Source()
        source.content_is = ""
        await runs_with(world, source)
        refused = await world.order(Verb.MIGRATE, "web", "b")
        assert refused.reason is not None
        assert refused.outcome is Outcome.FAILED
        assert "a cannot be asked whether its configuration files are the same here" in sentence(refused.reason)
        assert world.where("web") == ("a",)
        assert (await world.order(Verb.MIGRATE, "web", "b", live=False)).outcome is Outcome.DONE
        assert world.where("web") == ("b",)

    play(story, ("a", "b"))
