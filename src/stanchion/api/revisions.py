"""The revision that an edit was made from, as HTTP says it: an ETag in the answer, If-Match in the request."""

from typing import Annotated

from fastapi import Header, Response

from stanchion.model.errors import InvalidInput
from stanchion.wire.bounds import LONGEST_NAME

IfMatch = Annotated[str | None, Header(
    max_length=LONGEST_NAME, examples=['"42"'],
    description="the revision that the edit was made from, as its ETag said; `*` or nothing: whatever stands there")]
"""A route's parameter: what the editor was looking at."""


def mark(response: Response, revision: int) -> None:
    """Name the revision in an answer."""
    response.headers["ETag"] = f'"{revision}"'


def seen(if_match: str | None) -> int | None:
    """Read the revision out of If-Match; None: whatever stands there. Raises ``InvalidInput``."""
    if if_match is None or if_match.strip() == "*":
        return None
    bare = if_match.strip().removeprefix("W/").strip('"')
    if not bare.isdecimal():
        raise InvalidInput(f"If-Match must name a revision, a number, not {if_match!r}")
    return int(bare)
