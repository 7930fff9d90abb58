"""The verdict on a neutral scenario: what the product did otherwise, by which rule, and that all else is as described.

A rule is noted where it applies, with the machines that it touches. In the end every expectation that is not met must
be one that a noted rule explains, for that very machine, and in that very respect: a rule about *where* a machine goes
does not excuse one that does not run. What no rule explains is a failure, however many rules apply elsewhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from stanchion.sim.neutral import Because

WHERE = frozenset({Because.PLACEMENT, Because.LOAD, Because.APART, Because.RETURN, Because.STOPPED})
"""Rules that decide where a machine runs, and nothing else."""

LEFT_OUT = frozenset({Because.LOAD, Because.VERSIONS, Because.STALE, Because.SEEDED, Because.OUTSIDE})
"""Rules by which something was left out of the play: it differs even where it ends the same."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An expectation that is not met. ``where``: it runs, as it should, and only on another node."""

    machine: str
    text: str
    where: bool = False


class Verdict:
    """Collects the rules that applied in one scenario, each with the machines that it touches."""

    def __init__(self, machines: Iterable[str]) -> None:
        self._all = frozenset(machines)
        self._touched: dict[Because, set[str]] = {}

    def note(self, because: Because, *machines: str) -> None:
        """A rule applied, to these machines or to all."""
        self._touched.setdefault(because, set()).update(machines or self._all)

    def given(self, faults: Iterable[Fault]) -> tuple[str, str]:
        """Give ``pass``, ``differs`` or ``fail``, and why."""
        rules = {because for because in self._touched if because in LEFT_OUT}
        unexplained = []
        for fault in faults:
            because = [rule for rule in Because if fault.machine in self._touched.get(rule, ())
                       and (fault.where or rule not in WHERE)]
            rules |= set(because)
            if not because:
                unexplained.append(fault.text)
        if unexplained:
            return "fail", "; ".join(unexplained)
        return ("differs", ", ".join(sorted(rules))) if rules else ("pass", "")
