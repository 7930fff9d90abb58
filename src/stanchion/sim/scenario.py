"""A life as a file: JSON that people can read, change and play again.

The format is ``stanchion-life/1``. Whatever a life breaks is written beside it (``breaks``), so that a replay can say
whether it still does; a file that says nothing is expected to keep every invariant.
"""

import json
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from stanchion.model.errors import InvalidInput
from stanchion.model.resource import FailbackMode, FailureAction, MachineKind
from stanchion.model.timing import Profile
from stanchion.sim.strikes import Cue, Life, Part, Strike, What

FORMAT = "stanchion-life/1"


def write(life: Life, path: Path, *, breaks: str = "") -> None:
    """Write a life to a file; ``breaks`` says which invariant it breaks, and how."""
    plain = {"format": FORMAT, "breaks": breaks, **asdict(life),
             "parts": [_sparse(part) for part in life.parts], "strikes": [_sparse(strike) for strike in life.strikes]}
    strikes = plain.pop("strikes")
    text = json.dumps(plain, indent=1)[:-2]
    lines = ",\n  ".join(json.dumps(strike) for strike in strikes)
    path.write_text(f'{text},\n "strikes": [\n  {lines}\n ]\n}}\n', encoding="utf-8")


def read(text: str, *, where: str = "the scenario") -> Life:
    """Read a life. Raises ``InvalidInput`` with what is wrong."""
    try:
        plain = json.loads(text)
        if plain["format"] != FORMAT:
            raise InvalidInput(f"{where} is of format {plain['format']}, not {FORMAT}")
        parts = tuple(_part(part) for part in plain["parts"])
        strikes = tuple(_strike(strike) for strike in plain["strikes"])
        return Life(seed=plain["seed"], nodes=tuple(plain["nodes"]), parts=parts, strikes=strikes,
                    devices=tuple(plain["devices"]), bare=tuple(plain.get("bare", ())),
                    apart=tuple(plain["apart"]), profile=Profile(plain["profile"]),
                    rates=tuple((node, float(rate)) for node, rate in plain.get("rates", ())),
                    rooms=tuple((node, int(room)) for node, room in plain.get("rooms", ())))
    except (KeyError, TypeError, ValueError) as problem:
        raise InvalidInput(f"{where} is no life of format {FORMAT}: {type(problem).__name__}: {problem}") from problem


def _strike(plain: dict[str, Any]) -> Strike:
    cue = plain.get("cue")
    return replace(Strike(**plain), what=What(plain["what"]), cue=None if cue is None else Cue(cue))


def _part(plain: dict[str, Any]) -> Part:
    part = Part(**{**plain, "preferred": tuple(plain.get("preferred", ()))})
    return replace(part, action=FailureAction(part.action), failback=FailbackMode(part.failback),
                   kind=MachineKind(part.kind))


def _sparse(record: Part | Strike) -> dict[str, Any]:
    """Give what differs from the defaults."""
    plain = asdict(record)
    return {field.name: plain[field.name] for field in fields(record) if plain[field.name] != field.default}
