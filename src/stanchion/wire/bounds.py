"""How long a text and how large a number may be that comes in: the types of everything that a request holds.

There are two kinds of bounds. Those of sense (a timeout of at most a day) are judged by ``plan``, in sentences that say
what would be right; they are *declared* here, so that the contract tells them to every client, and a test holds the
two together. Those of size are *enforced* here: whatever passes is small enough to be read, compared, repeated in a
sentence and kept, whoever sent it.
"""

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator, Field
from pydantic_core import PydanticCustomError

LONGEST_NAME = 253
"""Names are looked up by at most so many letters: those of a host's full name."""

LONGEST_LINE = 1000
LONGEST_TEXT = 2000
LONGEST_PATH = 4096
LONGEST_SCRIPT = 131_072
LARGEST_BODY_BYTES = 1024 * 1024
"""Scripts are kilobytes; a megabyte is more than any resource needs."""

LARGEST = 1_000_000_000
"""No number of ours is larger: as seconds it is thirty years."""

MOST_ITEMS = 200
LAST_REVISION = 2**63 - 1
DAY_S = 86_400

NAME_SHAPE = "^[A-Za-z0-9_]{1,63}$"
GROUP_SHAPE = "^[A-Za-z0-9_.-]{1,63}$"
PARAMETER_SHAPE = "^[A-Z][A-Z0-9_]{0,39}$"
VALUE_SHAPE = "^[A-Za-z0-9_@%+=:,./-]*$"
AGENT_SHAPE = "^fence_[a-z0-9_]+$"
PATH_SHAPE = "^/"
BALANCE_SHAPE = "^off$|^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$"

Name = Annotated[str, Field(max_length=LONGEST_NAME)]
"""The name of something that there is already, in any case."""

NewName = Annotated[str, Field(max_length=LONGEST_NAME, json_schema_extra={"pattern": NAME_SHAPE, "maxLength": 63})]
"""The name of a resource or a template that is to be made."""

Line = Annotated[str, Field(max_length=LONGEST_LINE)]
"""One line that somebody wrote for people."""

Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
"""A few lines that somebody wrote for people."""

HostPath = Annotated[str, Field(max_length=LONGEST_PATH, json_schema_extra={"pattern": PATH_SHAPE})]
"""A file on the hosts, named by its whole path."""

ScriptText = Annotated[str, Field(max_length=LARGEST_BODY_BYTES, json_schema_extra={"maxLength": LONGEST_SCRIPT})]
"""A bash script; all of a resource together have at most 128 KiB."""

ReadText = Annotated[str, Field(max_length=LARGEST_BODY_BYTES)]
"""A bash script that is only read: that it is too long for a resource is told like everything else about it."""

ParameterName = Annotated[str, Field(max_length=LONGEST_NAME, json_schema_extra={"pattern": PARAMETER_SHAPE})]
Value = Annotated[str, Field(max_length=LONGEST_PATH)]

Flag = Annotated[bool, Field(strict=True)]
"""True or false, and no word or number in its place."""

Seconds = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-LARGEST, le=LARGEST, json_schema_extra={
    "minimum": 0})]
"""A duration; neither infinite nor "not a number"."""

Timeout = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-LARGEST, le=LARGEST, json_schema_extra={
    "minimum": 0, "exclusiveMinimum": 0, "maximum": DAY_S})]
"""A duration of more than 0 seconds and at most a day."""


def counted(given: Any) -> Any:
    """Refuse a text or a truth in place of a number; 3.0 is 3, as in JSON."""
    if isinstance(given, str | bool):
        raise PydanticCustomError("int_type", "Input should be a valid integer")
    return given


Count = Annotated[int, Field(ge=-LARGEST, le=LARGEST, json_schema_extra={"minimum": 0}), BeforeValidator(counted)]
"""How many of something."""



_DATED = re.compile(r"\s*\d{4}-\d\d-\d\d")


def _written(given: Any) -> Any:
    """Refuse a bare number, which could be taken for seconds or milliseconds since some beginning."""
    if isinstance(given, datetime) or (isinstance(given, str) and _DATED.match(given)):
        return given
    raise ValueError("an instant is written as in ISO 8601: 2026-09-21T14:13:20Z")


Instant = Annotated[datetime, BeforeValidator(_written)]
"""An instant; one that names no zone is UTC, as all that the API tells."""

ZonedInstant = Annotated[AwareDatetime, BeforeValidator(_written)]
"""An instant that names its zone."""

RevisionNumber = Annotated[int, Field(ge=0, le=LAST_REVISION), BeforeValidator(counted)]
"""The revision at which something was saved."""
