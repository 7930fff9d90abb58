"""Whatever the API can be asked, the typed client can ask, and it reads the answers.

Each of its methods is called with the least that it takes, against a server that answers with the contract's own
examples. What was asked is noted, and nothing of the contract may be left over.
"""

import inspect
import itertools
import json
import re
import types
import typing
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import contract_page
import httpx2
from pydantic import BaseModel

from stanchion.client import Client, Connection

OTHERS = {"PUT /v1/me/password": "a browser's session alone has a password to change"}
ELSEWHERE = {"hello": "asked at the door for agents", "files_there": "asked by agents", "file_there": "asked by agents",
             "fetch_there": "asked by agents", "host_there": "asked by agents"}
NAMES = {"datetime": datetime, "Mapping": Mapping, "Sequence": Sequence}


@cache
def contract() -> dict[str, Any]:
    """Read the contract."""
    return dict(json.loads(contract_page.PAGE.read_text(encoding="utf-8")))


def answers() -> Iterator[tuple[str, re.Pattern[str], httpx2.Response]]:
    """Give for each operation its name, the paths that are its own, and the answer that is its example."""
    shapes = contract()["components"]["schemas"]
    for path, methods in contract()["paths"].items():
        for method, operation in methods.items():
            status = next(code for code in operation["responses"] if int(code) < 300)
            content = operation["responses"][status].get("content", {})
            told = content.get("application/json", {}).get("schema")
            name, shape = f"{method.upper()} {path}", re.compile(re.sub(r"\{[a-z]+\}", "[^/]+", path))
            if told is not None:
                body = shapes[told["$ref"].rpartition("/")[2]]["examples"][0]
                yield name, shape, httpx2.Response(int(status), json=body)
            elif "text/event-stream" in content:
                event = json.dumps(shapes["EventInfo"]["examples"][0])
                yield name, shape, httpx2.Response(200, text=f"event: event\nid: 1\ndata: {event}\n\n")
            else:
                yield name, shape, httpx2.Response(int(status))


def values_of(kind: Any) -> tuple[Any, ...]:
    """Make the arguments of a kind that are worth trying."""
    origin = typing.get_origin(kind)
    if origin is typing.Literal:
        return typing.get_args(kind)
    if origin in {typing.Union, types.UnionType, typing.Annotated}:
        return values_of(typing.get_args(kind)[0])
    if inspect.isclass(kind) and issubclass(kind, BaseModel):
        return (kind.model_construct(),)
    if hasattr(kind, "__members__"):
        return tuple(kind)
    return ({str: "x", int: 1, float: 1.0, bool: False, bytes: b""}.get(kind, ()),)


async def asked_by(name: str) -> set[str]:
    """Call a method of the client in every way that it tells apart; name the operations that it asked for."""
    asked: set[str] = set()

    def answer(request: httpx2.Request) -> httpx2.Response:
        for operation, shape, example in answers():
            if operation.startswith(f"{request.method} ") and shape.fullmatch(request.url.path):
                asked.add(operation)
                found = example
                if "{" not in operation:
                    break
        return found

    async with Client(Connection(urls=("http://n",), token="x"), transport=httpx2.MockTransport(answer)) as client:
        method = getattr(client, name)
        hints = typing.get_type_hints(method, localns=NAMES)
        needed = [each for each in inspect.signature(method).parameters.values()
                  if each.default is inspect.Parameter.empty and each.kind is not inspect.Parameter.VAR_KEYWORD]
        for values in itertools.product(*(values_of(hints[each.name]) for each in needed)):
            placed = [value for each, value in zip(needed, values, strict=True)
                      if each.kind is not inspect.Parameter.KEYWORD_ONLY]
            named = {each.name: value for each, value in zip(needed, values, strict=True)
                     if each.kind is inspect.Parameter.KEYWORD_ONLY}
            result = method(*placed, **named)
            await (anext(result) if isinstance(result, AsyncIterator) else result)
    return asked


METHODS = [name for name, method in inspect.getmembers(Client, callable) if not name.startswith("_")]


async def test_every_operation_has_a_method_that_reads_its_answer() -> None:
    asked: set[str] = set()
    for name in METHODS:
        if name not in ELSEWHERE:
            asked |= await asked_by(name)
    assert {name for name, _, _ in answers()} - asked - OTHERS.keys() == set()
