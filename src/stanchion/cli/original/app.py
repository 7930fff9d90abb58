"""The application ``cluster``: its words, and what makes them count in any case."""

from collections.abc import Sequence

from cyclopts import App

from stanchion import __version__
from stanchion.cli.original import gone, looking, ordering, papers, setting, standing
from stanchion.cli.running import run_app, words
from stanchion.cli.session import TERMINAL, Terminal
from stanchion.model.errors import InvalidInput

app = App(
    name="cluster",
    help="Speak to a Stanchion cluster in the words of Novell Cluster Services. `stanchion` can do more.",
    version=__version__,
    suppress_keyboard_interrupt=False,
)
app.command(looking.status)
app.command(looking.resources)
app.command(looking.view)
app.command(ordering.online)
app.command(ordering.offline)
app.command(ordering.migrate)
app.command(ordering.alert)
app.command(ordering.join)
app.command(ordering.leave)
app.command(standing.down)
app.command(standing.restart)
app.command(standing.maintenance)
app.command(looking.stats)
app.command(looking.info)
app.command(setting.set_, name="set")
app.command(papers.export)
app.command(papers.import_, name="import")
gone.register(app)
app.register_install_completion_command()

FIXED = {"alert": 2, "info": 1, "maintenance": 1, "stats": 1, "help": 1}
"""Words that are followed, at this place, by one of a few fixed words."""


@app.command(name="help")
def help_(word: str | None = None, /) -> None:
    """Tell what there is, or how one word is used.

    Parameters
    ----------
    word
        The word to tell about.
    """
    if word is not None and word not in app:
        raise InvalidInput(f"there is no word {word}; `cluster help` lists them")
    app.help_print([] if word is None else [word], console=TERMINAL.get().console())


def run(argv: Sequence[str] | None = None, *, terminal: Terminal | None = None) -> int:
    """Run one command and give its exit code; trouble that was foreseen is one sentence on standard error."""
    return run_app(app, folded(words() if argv is None else argv), terminal, more="`cluster help`")


def folded(argv: Sequence[str]) -> list[str]:
    """Give what was typed with its fixed words in small letters: the original does not mind."""
    given = list(argv)
    if given and given[0].casefold() in app:
        given[0] = given[0].casefold()
        at = FIXED.get(given[0], len(given))
        given[at:at + 1] = [word.casefold() for word in given[at:at + 1]]
    return given


def main() -> None:
    """Run the command line and end with its exit code."""
    raise SystemExit(run())
