"""A command line in this process: commands run against a ``World``, and what they said is kept."""

import asyncio
import io
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from stanchion.cli import run
from stanchion.cli.session import Terminal
from surface import World

T = TypeVar("T")


class Person(io.StringIO):
    """Standard input with somebody who types these answers."""

    def isatty(self) -> bool:
        """Somebody sits there."""
        return True


@dataclass
class Shell:
    """Runs commands of a program; ``out`` and ``err`` are what the last one said."""

    world: World = field(default_factory=World)
    program: Callable[..., int] = run
    out: str = ""
    err: str = ""

    def __call__(self, *argv: str, typed: str | None = None) -> int:
        """Run one command and give its exit code. ``typed`` None: nobody sits there."""
        out, err = io.StringIO(), io.StringIO()
        code = self.program(argv, terminal=Terminal(
            out=out, err=err, read=io.StringIO() if typed is None else Person(typed),
            client=lambda _: self.world.client()))
        self.out, self.err = out.getvalue(), err.getvalue()
        return code

    def prepare(self, work: Coroutine[Any, Any, T]) -> T:
        """Move the world before a command."""
        return asyncio.run(work)

    @property
    def json(self) -> Any:
        """What the last command said, read as JSON."""
        return json.loads(self.out)
