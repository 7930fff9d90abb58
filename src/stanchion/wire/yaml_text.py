"""YAML, read and written: the one module of ours with ``ruamel.yaml`` in it, imported when a document is in YAML."""

import io
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.scalarstring import LiteralScalarString

from stanchion.model.errors import InvalidInput

MOST_DEPTH = 20

WIDTH = 4096
"""Lines are never folded: what was one line stays one."""


def written(data: Any) -> str:
    """Write plain data; texts of several lines stand in it line by line."""
    yaml = YAML(pure=True)
    yaml.width = WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(_readable(data), stream)
    return stream.getvalue()


def _readable(data: Any) -> Any:
    """Have texts of several lines written line by line."""
    match data:
        case dict():
            return {key: _readable(value) for key, value in data.items()}
        case list():
            return [_readable(value) for value in data]
        case str() if "\n" in data:
            return LiteralScalarString(data)
    return data


def parsed(text: str, told: str) -> Any:
    """Read plain data. Raises ``InvalidInput`` for what it refuses, ``ValueError`` for what is no YAML."""
    depth = 0
    try:
        for event in YAML(typ="safe", pure=True).parse(io.StringIO(text)):
            if isinstance(event, AliasEvent):
                raise InvalidInput(f"the YAML in {told} uses aliases (*{event.anchor}); write things out instead")
            depth += type(event).__name__ in {"MappingStartEvent", "SequenceStartEvent"}
            depth -= type(event).__name__ in {"MappingEndEvent", "SequenceEndEvent"}
            if depth > MOST_DEPTH:
                raise InvalidInput(f"the YAML in {told} nests things more than {MOST_DEPTH} deep")
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError as fault:
        raise ValueError(getattr(fault, "problem", None) or fault) from None
