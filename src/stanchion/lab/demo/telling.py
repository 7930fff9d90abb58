"""What the demo tells people: a title for each step, what it shows, the evidence, and a table at the end.

Reads the same without colour, in a pipe and at 80 columns.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill, wrap
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDEST = 100
BACKSLASH = "\\"


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
        typed = wrap(" ".join(words), self._console.width - 8, break_on_hyphens=False, break_long_words=False)
        self.lines([f"{'$' if number == 0 else ' '} {line}{' ' + BACKSLASH if number < len(typed) - 1 else ''}"
                    for number, line in enumerate(typed)], "bold")
        for line in output.rstrip().splitlines():
            self._console.print(Text(f"    {line.rstrip()}", no_wrap=True, overflow="ellipsis"))

    def saw(self, evidence: str) -> None:
        """Show one piece of evidence."""
        self._write(evidence, "", 2, "- ")

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

    def lines(self, texts: Sequence[str], style: str = "") -> None:
        """Write lines as they are, to be copied."""
        for text in texts:
            self._console.print(Text(f"  {text}", style=style), soft_wrap=True)

    def _write(self, text: str, style: str, indent: int, mark: str = "") -> None:
        """Write a paragraph; ``mark`` stands before its first line, and the others keep clear of it."""
        margin = " " * indent
        self._console.print(Text(fill(text, self._console.width, initial_indent=margin + mark,
                                      subsequent_indent=margin + " " * len(mark), break_on_hyphens=False), style=style))
