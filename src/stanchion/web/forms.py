"""What people send: plain HTML forms, which work without any script.

A form is carried out by a route of the API, with the API's own shapes, so what it refuses is refused here with the
same sentence. What goes well is answered by a redirect to a page that shows the result, with a notice; what is refused
is answered by the same form, with all that was entered still in it.
"""

import math
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import parse_qsl, quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ValidationError

from stanchion.api.gate import UNCHANGED
from stanchion.api.problems import invalid_sentence
from stanchion.model.errors import InvalidInput

MOST_FIELDS = 2000
"""More than a list of resources has boxes."""
NOTICE = "__Host-stanchion-notice"
"""The cookie that carries a notice over one redirect."""

_BOUNDARY = re.compile(r"; *boundary=\"?([A-Za-z0-9'()+_,./:=?-]{1,70})\"?$")
_FIELD = re.compile(rb'\r\ncontent-disposition: form-data; name="([^"\r\n]{0,200})"', re.IGNORECASE)

Shape = TypeVar("Shape", bound=BaseModel)


class Entered(Mapping[str, str]):
    """The fields of a form as they were entered; a field that is missing is empty. ``all`` gives repeated fields."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.pairs = tuple(pairs)
        # A browser writes the ends of lines in its own way; scripts have theirs.
        self._fields = {name: value.replace("\r\n", "\n") for name, value in pairs}

    def __getitem__(self, name: str) -> str:
        return self._fields.get(name, "")

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def all(self, name: str) -> tuple[str, ...]:
        """Give all values of a field that may be there several times."""
        return tuple(value for each, value in self.pairs if each == name)

    def on(self, name: str) -> bool:
        """Tell whether a box was ticked: an unticked one is not sent."""
        return name in self._fields

    def number(self, name: str, told: str) -> float:
        """Read a number; ``told`` is the field's label, for the sentence that refuses it. Raises ``InvalidInput``."""
        try:
            value = float(self[name].strip().replace(",", "."))
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            entered = repr(self[name]) if self[name] else "nothing"
            raise InvalidInput(f"{told} must be a number, not {entered}; enter digits")
        return value


async def read(request: Request) -> Entered:
    """Read the form that was sent; of a file, its text. Raises ``InvalidInput``."""
    try:
        kind, body = request.headers.get("content-type", ""), await request.body()
        if kind.startswith("multipart/form-data"):
            return Entered(list(_parts(kind, body)))
        text = body.decode()
        return Entered(parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=MOST_FIELDS))
    except (ValueError, UnicodeDecodeError):
        raise InvalidInput("what was sent is not a form; send it from its page") from None


def _parts(kind: str, body: bytes) -> Iterator[tuple[str, str]]:
    """Read a form that holds a file. Raises ``ValueError``.

    Read as browsers write it and in no other way, in one pass: whoever is not known yet may send one, and a reader of
    mail, which must understand everything, can be kept busy with a megabyte for minutes, beside the agent's lease.
    """
    boundary = _BOUNDARY.search(kind)
    if boundary is None:
        raise ValueError("no form")
    first, *pieces = (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode(), MOST_FIELDS + 2)
    if first or not 1 < len(pieces) <= MOST_FIELDS + 1 or not pieces[-1].startswith(b"--"):
        raise ValueError("no form")
    for piece in pieces[:-1]:
        head, blank, content = piece.partition(b"\r\n\r\n")
        name = _FIELD.match(head)
        if not blank or name is None:
            raise ValueError("no field of a form")
        yield name[1].decode(), content.decode("utf-8-sig")


def shaped(shape: type[Shape], **fields: object) -> Shape:
    """Put what was entered into one of the API's shapes. Raises ``InvalidInput`` with one sentence."""
    try:
        return shape(**fields)
    except ValidationError as problem:
        errors = [{**each, "loc": ("body", *each["loc"])} for each in problem.errors()]
        raise InvalidInput(invalid_sentence(errors)) from None


def refused(to: str, problem: Exception | str) -> Response:
    """Go back to a page that says what was refused. Nothing was changed, so the audit says nothing."""
    return led(to, str(problem))


def led(to: str, notice: str = "") -> Response:
    """Go on to a page, with nothing changed on the way."""
    answer = done(to, notice, good=False)
    answer.headers[UNCHANGED] = "1"
    return answer


def done(to: str, notice: str = "", *, good: bool = True) -> Response:
    """Go on to a page of the console, with a notice on it. ``to`` is a path on this host."""
    if not to.startswith("/console") or "\\" in to:
        to = "/console/"
    answer = RedirectResponse(quote(to, safe="/?&=%#+~:,;@!$'()*"), HTTPStatus.SEE_OTHER)
    if notice:
        answer.set_cookie(NOTICE, quote(("+" if good else "-") + notice[:1000]), max_age=30, path="/", secure=True,
                          httponly=True, samesite="strict")
    return answer
