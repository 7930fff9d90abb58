"""Names behind the TAB key: the shell asks the cluster which resources, nodes and templates there are.

The completion script of ``--install-completion`` knows commands, options and fixed words by itself; for an operand
with a ``completer`` it calls the command, which asks an agent. Somebody who waits for a TAB waits a second at most;
whatever goes wrong means only that nothing is offered.
"""

import asyncio
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from stanchion.cli.session import TERMINAL
from stanchion.model.errors import StanchionError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from stanchion.client import Client

PATIENCE_S = 1.0
"""How long the shell waits for names."""


def resources(_: object) -> dict[str, str]:
    """Give the resources with their states."""
    async def ask(client: "Client") -> dict[str, str]:
        return {one.name: one.state.value for one in (await client.resources()).resources}

    return _asked(ask)


def nodes(_: object) -> dict[str, str]:
    """Give the nodes with their states."""
    async def ask(client: "Client") -> dict[str, str]:
        return {one.name: one.state for one in (await client.nodes()).nodes}

    return _asked(ask)


def templates(_: object) -> dict[str, str]:
    """Give the templates with their titles."""
    async def ask(client: "Client") -> dict[str, str]:
        return {one.name: one.title for one in (await client.templates()).templates}

    return _asked(ask)


def _asked(ask: "Callable[[Client], Awaitable[dict[str, str]]]") -> dict[str, str]:
    from stanchion.client import find

    async def in_time() -> dict[str, str]:
        async with asyncio.timeout(PATIENCE_S), TERMINAL.get().client(find()) as client:
            return await ask(client)

    try:
        return asyncio.run(in_time())
    except (StanchionError, TimeoutError):
        return {}


AResource = Annotated[str, Parameter(completer=resources)]
"""An operand: the name of a resource, in any case."""

MaybeResource = Annotated[str | None, Parameter(completer=resources)]
"""An operand that can be left out: the name of a resource."""

ANode = Annotated[str, Parameter(completer=nodes)]
"""An operand: the name of a node, in any case."""

MaybeNode = Annotated[str | None, Parameter(completer=nodes)]
"""An operand that can be left out: the name of a node."""

ATemplate = Annotated[str, Parameter(completer=templates)]
"""An operand: the name of a template, in any case."""
