"""The contract: the OpenAPI description, completed from what an operation is made of.

The framework knows shapes and bounds. What it cannot know stands here: which refusals an operation can answer with.
Most follow from its structure. A path or a body that names something can name nothing (404); what takes ``If-Match``
can come too late (412); what changes something can be refused in the present state (409); a body can be too large (413)
or too slow (408). What else there is, a route says with ``also``.

An operation's id is made of its method and its path, so it changes only when those do. The first sentence of a route's
docstring is its summary, the rest its description. All refusals are ``problem+json``; they are described once and
referred to.
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from stanchion.api import examples
from stanchion.api.access import permits
from stanchion.model.access import Role
from stanchion.wire.replies import Problem

PREFIX = "/v1"
MEDIA_TYPE = "application/problem+json"

REFUSALS = {
    HTTPStatus.BAD_REQUEST: "the request, or its body, cannot be read",
    HTTPStatus.UNAUTHORIZED: "nobody who is known asks",
    HTTPStatus.FORBIDDEN: "who asks is known, and may not",
    HTTPStatus.NOT_FOUND: "there is nothing of that name",
    HTTPStatus.REQUEST_TIMEOUT: "the request came too slowly",
    HTTPStatus.CONFLICT: "legal, but not in the present state",
    HTTPStatus.PRECONDITION_FAILED: "somebody else saved meanwhile",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "the body is too large",
    HTTPStatus.MISDIRECTED_REQUEST: "the address in `Host` is not this agent's",
    HTTPStatus.UNPROCESSABLE_ENTITY: "what is asked makes no sense, by its shape or by its meaning",
    HTTPStatus.TOO_MANY_REQUESTS: "too often, or too much at once; `Retry-After` says when to try again",
    HTTPStatus.INTERNAL_SERVER_ERROR: "an error of the agent's own",
    HTTPStatus.SERVICE_UNAVAILABLE: "the store does not answer this agent",
}
"""Every refusal, and what it means."""

TAGS = [
    {"name": "cluster", "description": "One look at everything, and what holds for the cluster as a whole."},
    {"name": "resources", "description": "Virtual machines: their configuration, and the orders for them."},
    {"name": "scripts", "description": "The scripts of resources as things of their own: revisions, lint, tests."},
    {"name": "templates", "description": "What resources are made from."},
    {"name": "import and export", "description": "Resources and templates as documents."},
    {"name": "nodes", "description": "Hosts: their fence devices, and the orders that bring them in or out."},
    {"name": "settings", "description": "Timers, quorum, groups and priorities."},
    {"name": "notification", "description": "Who is told of what happens."},
    {"name": "orders", "description": "What became of an order."},
    {"name": "events", "description": "The history: pages of it, a stream of it, and the stories that it tells."},
    {"name": "access", "description": "Users, API tokens and sessions."},
]

ALWAYS = (HTTPStatus.BAD_REQUEST, HTTPStatus.MISDIRECTED_REQUEST, HTTPStatus.TOO_MANY_REQUESTS,
          HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE)
OF_BODIES = (HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
NEEDLESS = ("HTTPValidationError", "ValidationError")
"""What the framework describes and this API never answers."""


class Described(FastAPI):
    """An application whose description is complete."""

    def openapi(self) -> dict[str, Any]:
        """Give the description; it is made once."""
        if self.openapi_schema is None:
            self.openapi_schema = completed(super().openapi())
        return self.openapi_schema


def also(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Say, as a route's ``responses``, with what else it can answer than what its structure tells."""
    return {int(status): {"description": ""} for status in statuses}


def operation_id(route: APIRoute) -> str:
    """Name an operation by its method and its path: ``get_resource_runs``."""
    (method,) = route.methods or {"GET"}
    return "_".join((method.lower(), *_words(route.path_format)))


def completed(found: dict[str, Any]) -> dict[str, Any]:
    """Complete what the framework made."""
    found["paths"] = {path: operations for path, operations in found["paths"].items() if path.startswith(PREFIX)}
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            _complete(operation, method.upper(), path)
    parts = found["components"]
    for name in NEEDLESS:
        parts["schemas"].pop(name, None)
    parts["schemas"]["Problem"] = Problem.model_json_schema()
    examples.complete(parts["schemas"])
    parts["responses"] = {_name(status): _refusal(status) for status in REFUSALS}
    return found


def _complete(operation: dict[str, Any], method: str, path: str) -> None:
    told, _, more = operation.pop("description", "").replace("``", "`").partition("\n\n")
    summary, _, rest = " ".join(told.split()).partition(". ")
    operation["summary"] = summary.removesuffix(".")
    more = f"{rest}\n\n{more}".strip()
    row = permits.row(method, path)
    if row is not None and not permits.open_to_all(path):
        more = f"{more}\n\nNeeds at least the role {row.role}.".strip()
    if more:
        operation["description"] = more
    if permits.open_to_all(path):
        operation["security"] = []
    kept = {code: answer for code, answer in operation["responses"].items() if int(code) < HTTPStatus.BAD_REQUEST}
    said = {HTTPStatus(int(code)) for code in operation["responses"] if int(code) >= HTTPStatus.BAD_REQUEST}
    for status in sorted({*said, *_structural(operation, method, path)}):
        kept[str(int(status))] = {"$ref": f"#/components/responses/{_name(status)}"}
    operation["responses"] = kept


def _structural(operation: dict[str, Any], method: str, path: str) -> Iterator[HTTPStatus]:
    """Tell with which refusals an operation can answer, from what it is made of."""
    yield from ALWAYS
    row, changes = permits.row(method, path), method not in permits.SAFE
    if not permits.open_to_all(path):
        yield HTTPStatus.UNAUTHORIZED
        if changes or (row is not None and row.role is not Role.VIEWER):
            yield HTTPStatus.FORBIDDEN
    if "{" in path:
        yield HTTPStatus.NOT_FOUND
    if changes and row is not None and row.changes:
        yield HTTPStatus.CONFLICT
    if "requestBody" in operation:
        yield from OF_BODIES
    if any(each["name"].lower() == "if-match" for each in operation.get("parameters", ())):
        yield HTTPStatus.PRECONDITION_FAILED


def _refusal(status: HTTPStatus) -> dict[str, Any]:
    return {"description": REFUSALS[status], "content": {MEDIA_TYPE: {
        "schema": {"$ref": "#/components/schemas/Problem"}}}}


def _name(status: HTTPStatus) -> str:
    return "".join(word.capitalize() for word in status.name.split("_"))


def _words(path: str) -> Iterator[str]:
    """Give the words of a path; a word that a parameter follows names one of many: ``resources/{name}``, a resource."""
    parts = path.removeprefix(PREFIX).strip("/").split("/")
    for part, following in zip(parts, [*parts[1:], ""], strict=True):
        if not part.startswith("{"):
            word = part.replace("-", "_").replace(".", "_")
            yield word.removesuffix("s") if following.startswith("{") else word
