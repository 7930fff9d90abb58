"""Reading neutral scenarios (``neutral-ha-scenarios/1``): what a high-availability manager must do, in nobody's words.

A scenario says who is there, what happens when, and how it must end. Reading is all that happens here; ``stage``
plays it. Where the product differs from what is described, it is for one of the reasons in ``Because``, each with the
rule that decides it (``docs/semantics.md``) where there is one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stanchion.model.capacity import Size
from stanchion.model.errors import InvalidInput

FORMAT = "neutral-ha-scenarios/1"


class Because(StrEnum):
    """The rules by which the product ends otherwise, or cannot do what a scenario does; ``RULES`` says each."""

    PLACEMENT = "placement"
    APART = "apart"
    LOAD = "load"
    ROOM = "room"
    RETURN = "return"
    LOAD_FAILED = "load failed"
    UNMANAGE = "unmanage"
    SEEDED = "seeded"
    STOPPED = "stopped"
    OUTSIDE = "outside"
    STALE = "stale"
    VERSIONS = "versions"


RULES = {
    Because.PLACEMENT: "places by the preferred list, else where the node would be the least full by the sizes that "
                       "are known, not by how many machines run there (Modes, order, exclusion)",
    Because.APART: "refuses or waits where a rule is broken, and moves nobody to make room (Modes, order, exclusion)",
    Because.LOAD: "goes by what machines may take, not by what they use at the moment, and evens nodes out only "
                  "where its setting says when (Modes, order, exclusion)",
    Because.ROOM: "promises no memory twice: what finds no room for what it may take waits "
                  "(Modes, order, exclusion)",
    Because.RETURN: "returns nothing after a drain, or when a host is back: failback is off by default "
                    "(Modes; Draining)",
    Because.LOAD_FAILED: "tries a failed load again on its node, or on the next one at once, and not both in "
                         "turn (Failing load)",
    Because.UNMANAGE: "deletes a resource only when it is offline; there is no forgetting of one that runs",
    Because.SEEDED: "cannot begin inside another manager's half-finished operation: it begins clean",
    Because.STOPPED: "has no home for a resource that is offline: it goes where it is put online (Modes, "
                     "order, exclusion)",
    Because.OUTSIDE: "is not told of a move that was made behind its back: the machine is found stopped (Strays)",
    Because.STALE: "has no store that answers with what is past: every read is of the newest revision",
    Because.VERSIONS: "gates nothing on versions of nodes",
}
"""What the product does instead; in brackets the part of the semantics that decides it, where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a scenario: ``pass``, ``differs`` or ``fail``, why, and how it ended."""

    name: str
    verdict: str
    why: str = ""
    end: str = ""

    def told(self) -> str:
        """Say it in a line."""
        return f"{self.verdict:<8} {self.name}" + (f": {self.why}" if self.why else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Where resources may be: only on nodes, rather on nodes, together, or apart. ``nodes`` are in their order."""

    kind: str
    vms: tuple[str, ...]
    nodes: tuple[str, ...] = ()
    ranked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One scenario, as the file has it."""

    id: str
    nodes: tuple[str, ...]
    vms: Mapping[str, Mapping[str, Any]]
    events: tuple[Mapping[str, Any], ...]
    final: Mapping[str, Mapping[str, Any]]
    any_of: Mapping[str, list[str]] = field(default_factory=dict)
    must_lose: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    policy: Mapping[str, Any] = field(default_factory=dict)
    seeded: bool = False
    rooms: Mapping[str, Size] = field(default_factory=dict)

    @property
    def sized(self) -> bool:
        """Whether nodes and machines have the sizes that the scenario gives them: where it places by size or load."""
        return bool(self.policy.get("placement", "by_count") != "by_count")


def scenarios(text: str, *, where: str) -> tuple[Scenario, ...]:
    """Read every scenario of a file. Raises ``InvalidInput`` with what is wrong."""
    try:
        plain = YAML(typ="safe", pure=True).load(text)
        if not isinstance(plain, dict) or plain.get("format") != FORMAT:
            raise InvalidInput(f"{where} is not of format {FORMAT}")
        return tuple(_scenario(each) for each in plain["scenarios"])
    except (YAMLError, KeyError, TypeError, ValueError) as problem:
        told = " ".join(str(problem).split())
        raise InvalidInput(f"{where} cannot be read: {type(problem).__name__}: {told}") from problem


def _scenario(plain: Mapping[str, Any]) -> Scenario:
    expect = plain["expect"]
    return Scenario(id=plain["id"], nodes=tuple(plain["nodes"]), vms=plain["vms"], events=tuple(plain["events"]),
                    final=expect["final"], any_of=expect.get("portable_any_of", {}),
                    must_lose=tuple(expect.get("nodes_that_must_lose_their_vms", ())),
                    rules=tuple(_rule(rule) for rule in plain.get("rules", ())), policy=plain.get("policy", {}),
                    seeded="seed_state" in plain,
                    rooms={node: size(has) for node, has in dict(plain["nodes"]).items()}
                    if isinstance(plain["nodes"], dict) else {})


def size(plain: Mapping[str, Any] | None) -> Size:
    """Read a size; what is left out is not known."""
    said = plain or {}
    return Size(memory_mib=int(said.get("mem_mib", 0)), cpus=float(said.get("cpu", 0.0)))


def _rule(plain: Mapping[str, Any]) -> Rule:
    nodes = plain.get("nodes", ())
    ranked = isinstance(nodes, dict)
    order = sorted(nodes, key=lambda node: -nodes[node]) if isinstance(nodes, dict) else list(nodes)
    return Rule(kind=plain["kind"], vms=tuple(plain["vms"]), nodes=tuple(order), ranked=ranked)
