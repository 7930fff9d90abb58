"""Errors as problem+json: one table from the exception tree to HTTP, one clear sentence each.

An error's text says what is wrong and, after a semicolon, what to do about it; the problem carries the two halves as
``detail`` and ``do``. Validation errors of the framework are put into the same form: a person who mistyped a field
reads one sentence with the field's path, not a tree of locations.
"""

import math
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from stanchion.model.errors import (
    AlreadyExists,
    HostError,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotNow,
    NotPermitted,
    Stale,
    StanchionError,
    StoreUnavailable,
    StoreUnusable,
    TooSoon,
)
from stanchion.wire.replies import Problem, problem_type

log = structlog.get_logger(__name__)

STATUS: dict[type[StanchionError], HTTPStatus] = {
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: HTTPStatus.NOT_FOUND,
    AlreadyExists: HTTPStatus.CONFLICT,
    Stale: HTTPStatus.PRECONDITION_FAILED,
    NotNow: HTTPStatus.CONFLICT,
    NotAllowed: HTTPStatus.UNAUTHORIZED,
    NotPermitted: HTTPStatus.FORBIDDEN,
    TooSoon: HTTPStatus.TOO_MANY_REQUESTS,
    StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreUnusable: HTTPStatus.INTERNAL_SERVER_ERROR,
    HostError: HTTPStatus.INTERNAL_SERVER_ERROR,
    StanchionError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""The HTTP status of each error; an error that is not listed has that of its nearest ancestor."""

TITLES = {HTTPStatus.UNPROCESSABLE_ENTITY: "Invalid input"}


def status_of(error: StanchionError) -> HTTPStatus:
    """Give the HTTP status of an error."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def problem(status: int, text: str, *, kind: type[StanchionError] = StanchionError,
            headers: dict[str, str] | None = None) -> Response:
    """Make the answer for an error; the half of the text after a semicolon says what to do."""
    return JSONResponse(_problem(status, text, kind).model_dump(mode="json"), status, headers,
                        media_type="application/problem+json")


def told(error: StanchionError) -> Problem:
    """Tell an error as a part of an answer that is about more."""
    return _problem(status_of(error), str(error), type(error))


def _problem(status: int, text: str, kind: type[StanchionError]) -> Problem:
    detail, _, do = legible(text).partition("; ")
    title = TITLES.get(HTTPStatus(status), HTTPStatus(status).phrase)
    return Problem(type=problem_type(kind), title=title, status=status, detail=detail, do=do)


def legible(text: str) -> str:
    """Show what cannot be printed by its number: a sentence repeats names as they were asked for, by anybody."""
    return "".join(each if each.isprintable() or each == "\n" else f"\\u{ord(each):04x}" for each in text)


def invalid_sentence(errors: Sequence[Any]) -> str:
    """Put a validation error into one sentence: the field's path and what is wrong with it."""
    first = errors[0]
    path = ".".join(str(part) for part in first["loc"][1:])
    context = first.get("ctx", {})
    match first["type"]:
        case "json_invalid":
            text = f"the request body is not valid JSON: {context.get('error', first['msg'])}"
        case "missing":
            text = f"the field `{path}` is missing" if path else "the request has no body; send a JSON object"
        case "extra_forbidden":
            text = f"there is no field `{path}` here; see /v1/openapi.json for the fields that there are"
        case "enum" | "literal_error":
            text = f"`{path}` must be {context.get('expected')}, not {first['input']!r}"
        case _:
            said = str(first["msg"]).removeprefix("Input ")
            text = f"`{path}` {said[:1].lower()}{said[1:]}" if path else f"the request body {said}"
    more = len(errors) - 1
    return f"{text} ({more} more)" if more else text


def install(app: FastAPI) -> None:
    """Answer every error of the application as a problem."""

    @app.exception_handler(StanchionError)
    async def stanchion(_: Request, error: StanchionError) -> Response:
        pause = {"retry-after": str(math.ceil(error.retry_after_s))} if isinstance(error, TooSoon) else None
        return problem(status_of(error), str(error), kind=type(error), headers=pause)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        broken = error.errors()[0]["type"] == "json_invalid"
        status = HTTPStatus.BAD_REQUEST if broken else HTTPStatus.UNPROCESSABLE_ENTITY
        return problem(status, invalid_sentence(error.errors()), kind=InvalidInput)

    @app.exception_handler(HTTPException)
    async def framework(request: Request, error: HTTPException) -> Response:
        kind: type[StanchionError] = StanchionError
        if error.status_code == HTTPStatus.NOT_FOUND:
            kind, text = NotFound, f"there is nothing at {request.url.path}; /v1/openapi.json lists what there is"
        elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            kind, text = InvalidInput, (f"{request.method} is not possible at {request.url.path}; "
                                        "/v1/openapi.json lists what is")
        else:
            text = str(error.detail)
        return problem(error.status_code, text, kind=kind, headers=dict(error.headers or {}))

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("the API failed", method=request.method, path=request.url.path, exc_info=error)
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR,
                       f"the agent met an error of its own ({type(error).__name__}); its journal holds the details")
