"""What all commands share: the options for output and connection, the terminal, and the open client.

A command takes ``common: Common`` and begins with ``async with common.session() as session``. The terminal is kept in
a context variable, so that a program (or a test) can run commands with other streams and another client without
touching anything global.
"""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TextIO, TypeVar

from cyclopts import Group, Parameter

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console, RenderableType

    from stanchion.client import Client, Connection

Reply = TypeVar("Reply", bound="BaseModel")


def _client(connection: "Connection") -> "Client":
    from stanchion.client import Client

    return Client(connection)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """Where commands write and read, and how they open a client. Streams left out are the process's own."""

    out: TextIO | None = None
    err: TextIO | None = None
    read: TextIO | None = None
    client: Callable[["Connection"], "Client"] = _client

    def console(self) -> "Console":
        """Give the console for answers; colours only where a person looks."""
        from rich.console import Console

        return Console(file=self.out or sys.stdout, highlight=False, emoji=False)

    def side(self) -> "Console":
        """Give the console for progress and warnings."""
        from rich.console import Console

        return Console(file=self.err or sys.stderr, highlight=False, emoji=False)

    def write(self, text: str) -> None:
        """Write a line of an answer as it is."""
        print(text, file=self.out or sys.stdout, flush=True)

    def complain(self, text: str) -> None:
        """Write one line to standard error."""
        print(text, file=self.err or sys.stderr, flush=True)

    def ask(self, question: str) -> str | None:
        """Ask a person; None: nobody sits there."""
        reader = self.read or sys.stdin
        if not reader.isatty():
            return None
        print(question, end="", file=self.err or sys.stderr, flush=True)
        return reader.readline().strip()


TERMINAL: ContextVar[Terminal] = ContextVar("terminal", default=Terminal())  # noqa: B039 - a frozen record
"""The terminal of the command that runs now."""


@dataclass(frozen=True, slots=True)
class Session:
    """An open client, and the form in which answers are wanted."""

    client: "Client"
    terminal: Terminal
    json: bool

    def tell(self, reply: Reply, draw: Callable[[Reply], "RenderableType"]) -> None:
        """Write an answer: drawn for people, or as the JSON of the wire."""
        if self.json:
            self.terminal.write(reply.model_dump_json(indent=2))
        else:
            self.terminal.console().print(draw(reply), crop=False)

    def say(self, text: str) -> None:
        """Write a sentence for people; machines do not get it."""
        if not self.json:
            self.terminal.console().print(text, soft_wrap=True, markup=False)


CONNECTION = Group("Output and connection", sort_key=100)
"""The group of the options that every command has."""


@Parameter(name="*", group=CONNECTION)
@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """The options that every command has."""

    output: Annotated[Literal["text", "json"], Parameter(alias="-o")] = "text"
    """Tables for people, or the JSON of the API for programs."""

    url: Annotated[tuple[str, ...], Parameter(negative="")] = ()
    """Address of an agent, like http://node1:7423; several are tried in order (or set STANCHION_URL)."""

    token_file: Path | None = None
    """File that holds the cluster's token (or set STANCHION_TOKEN_FILE)."""

    config: Path | None = None
    """Client settings to use instead of ~/.config/stanchion/client.toml (or set STANCHION_CONFIG)."""

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Open a client for the command."""
        from stanchion.client import find

        terminal = TERMINAL.get()
        async with terminal.client(find(self.url, self.token_file, file=self.config)) as client:
            yield Session(client, terminal, json=self.output == "json")


COMMON = Common()
"""The options as they are when nothing is said."""
