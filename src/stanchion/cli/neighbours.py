"""``stanchion neighbour``: other clusters that are looked at beside this one."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from stanchion.cli.session import COMMON, Common
from stanchion.model.errors import InvalidInput

app = App(name="neighbour", help="Other clusters to see beside this one, and how well each is.")


@app.command(name="list")
async def list_(*, common: Common = COMMON) -> None:
    """Look at all other clusters: how well each is, and where it answers."""
    async with common.session() as session:
        from stanchion.cli import show_neighbours

        session.tell(await session.client.neighbours_health(), show_neighbours.health)


@app.command
async def add(name: str, /, *urls: str, key: Annotated[Path, Parameter(name="--api-token")],
              ca: Path | None = None, common: Common = COMMON) -> None:
    """Add another cluster. Its agents need not answer now.

    Parameters
    ----------
    name
        What to call it here.
    urls
        Addresses of its agents, like https://10.1.0.1:7423, in the order to try them.
    key
        File that holds an API token of that cluster; one for a viewer is enough.
    ca
        The file ca.crt of one of its hosts. Default: the authorities that the asking host trusts.
    """
    from stanchion.wire.neighbours import NeighbourOrder

    if not urls:
        raise InvalidInput("no address was given; write one like https://10.1.0.1:7423 after the name")
    order = NeighbourOrder(name=name, urls=urls, token=_read(key, "token"),
                           authority="" if ca is None else _read(ca, "certificate"))
    async with common.session() as session:
        from stanchion.cli import show_neighbours

        added = await session.client.add_neighbour(order)
        session.tell(added, show_neighbours.added)


@app.command
async def remove(name: str, /, *, common: Common = COMMON) -> None:
    """Forget another cluster, and the token for it. Revoke the token there as well.

    Parameters
    ----------
    name
        What it is called here, in any case.
    """
    async with common.session() as session:
        await session.client.remove_neighbour(name)
        session.say(f"{name} is not looked at any more")


def _read(file: Path, what: str) -> str:
    try:
        text = file.read_text(encoding="ascii").strip()
    except OSError as problem:
        raise InvalidInput(f"the {what} file {file} cannot be read: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"the {what} file {file} holds no {what}") from None
    if not text:
        raise InvalidInput(f"the {what} file {file} is empty")
    return text
