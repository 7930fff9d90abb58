"""What the demo tells people: a title for each step, what it shows, the evidence, and a table at the end.

Reads the same without colour, in a pipe and at 80 columns.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

WIDEST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one step ended; ``fault`` empty means well."""

    name: str
    title: str
    seconds: float
    fault: str = ""


class Teller:
    """Writes the story of one demo."""

    def __init__(self, to: TextIO | None = None) -> None:
        self._console = Console(file=to or sys.stdout, highlight=False, emoji=False)
        self._console.width = min(self._console.width, WIDEST)
        self._steps = 0

    @property
    def columns(self) -> int:
        """How wide a command's output may be."""
        return self._console.width - 4

    def title(self, title: str, shows: str) -> None:
        """Begin a step."""
        self._console.print()
        self._console.rule(Text(f"{self._steps}. {title}", style="bold"), align="left", characters="-", style="dim")
        self._steps += 1
        self._write(shows, "italic", 2)

    def command(self, words: Sequence[str], output: str) -> None:
        """Show a command as a person would type it, and what it said."""
        self._write("$ " + " ".join(words), "bold", 2)
        for line in output.rstrip().splitlines():
            self._console.print(Text(f"    {line}", no_wrap=True, overflow="ellipsis"))

    def saw(self, evidence: str) -> None:
        """Show one piece of evidence."""
        self._write(f"- {evidence}", "", 2)

    def ended(self, outcome: Outcome) -> None:
        """End a step."""
        if outcome.fault:
            self._write(f"WRONG: {outcome.fault}", "bold red", 2)
        else:
            self._write(f"ok, {outcome.seconds:.1f} s", "green", 2)

    def summary(self, outcomes: Sequence[Outcome]) -> None:
        """Show all steps with their seconds."""
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for heading in ("step", "what", "seconds", "result"):
            table.add_column(heading, justify="right" if heading == "seconds" else "left")
        for each in outcomes:
            result = Text("WRONG", "bold red") if each.fault else Text("ok", "green")
            table.add_row(each.name, each.title, f"{each.seconds:.1f}", result)
        self._console.print()
        self._console.print(table)

    def line(self, text: str, style: str = "") -> None:
        """Write one paragraph of its own."""
        self._console.print()
        self._write(text, style, 0)

    def lines(self, texts: Sequence[str]) -> None:
        """Write lines as they are, to be copied."""
        for text in texts:
            self._console.print(Text(f"  {text}"), soft_wrap=True)

    def _write(self, text: str, style: str, indent: int) -> None:
        self._console.print(Padding(Text(text, style=style), (0, 0, 0, indent)))
