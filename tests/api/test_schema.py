"""The contract is kept: requests made from the description, by the thousand, meet only answers that it describes.

A real server answers, over a cluster of which there is a fresh copy for every request; so no request depends on those
before it, and the same seed finds the same. Half of the requests keep to the description, half break it on purpose.

Left out by name: the stream of events, which never ends (it has tests of its own, ``test_stream.py``), and waiting,
which is asked for at most an instant.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
import structlog
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from starlette.types import ASGIApp, Receive, Scope, Send

from stanchion.api.server import serve
from stanchion.model.groups import Bond, Group
from stanchion.model.history import Severity
from stanchion.model.ids import NodeName
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import ScriptKind
from stanchion.model.state import State
from surface import NOW_S, TOKEN, World

SEED = 20_260_921
MOST_S = 30.0
LEAST = 500
"""So many requests are made at least, on however busy a machine; on an idle one it is ten times as many."""

NAMES = ("web", "WEB", "idle", "db", "node1", "node2", "node3", "QemuLive_Template", "web-pair", "none")
"""What there is in the cluster, and one name of which there is nothing."""

CONFIG: dict[str, Any] = {
    "seed": SEED,
    "max-time": MOST_S,
    "suppress-health-check": ["all"],
    "headers": {"Authorization": f"Bearer {TOKEN}"},
    "parameters": {"query.wait_s": 0.01},
    "generation": {"max-examples": 3, "deterministic": True, "no-shrink": True, "database": "none"},
    "phases": {"stateful": {"enabled": False}, "coverage": {"unexpected-methods": ["TRACE", "PATCH", "DELETE"]}},
    "checks": {
        "positive_data_acceptance": {"enabled": False},  # what is well formed can make no sense all the same
        "negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 405, 409, 412, 413, 422, 429]},
    },
    "operations": [
        {"include-operation-id": "get_events_stream", "enabled": False},
        # Every document is judged by itself, and what is wrong with it is told in an answer that is well.
        {"include-operation-id": "post_import", "checks": {"negative_data_rejection": {"enabled": False}}},
    ],
}


class Anew:
    """The API over a cluster that is made anew for every request."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, over a fresh cluster."""
        world = await peopled()
        await world.app()(scope, receive, send)


async def peopled() -> World:
    """Make a cluster that has something of everything."""
    world = World()
    web = await world.resource("web", State.RUNNING, node="node2", preferred=(NodeName("node1"), NodeName("node2")))
    await world.resource("idle")
    await world.resource("db")
    await world.ran(web, ScriptKind.LOAD, "web@42", output="\x1b[31m<b>loaded</b>\n")
    await world.happened(reason(Why.LOAD_FAILED, 3, "false"), "db", Severity.WARNING)
    settings = world.view().settings
    assert settings is not None
    await world.put(settings.value.__class__(cluster="lab", saved_by="anna", saved_at_s=NOW_S, groups=(
        Group(name="web-pair", bond=Bond.APART, members=(web, world.view().specs["db"].value.name)),)))
    return world


@pytest.fixture
def url() -> Iterator[str]:
    """Serve in a thread of its own: who asks is not asynchronous."""
    loop, port, stop = asyncio.new_event_loop(), threading.Event(), []
    found: list[int] = []

    async def main() -> None:
        serving = asyncio.create_task(serve(Anew(), "127.0.0.1", 0, ready=lambda at: (found.append(at), port.set())))
        stop.append(serving)
        await asyncio.gather(serving, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    try:
        assert port.wait(10)
        with structlog.testing.capture_logs():
            yield f"http://127.0.0.1:{found[0]}"
    finally:
        loop.call_soon_threadsafe(stop[0].cancel)
        thread.join(30)
        loop.close()


async def _description() -> dict[str, Any]:
    return World().app().openapi()


def test_every_operation_answers_as_it_is_described(url: str) -> None:
    config = SchemathesisConfig.from_dict(CONFIG | {"base-url": url})
    schema = schemathesis.openapi.from_dict(asyncio.run(_description()), config=config)

    @schema.hook
    def map_path_parameters(_: Any, path_parameters: dict[str, Any]) -> dict[str, Any]:
        """Let most names be names of something."""
        name = path_parameters.get("name") if path_parameters else None
        if isinstance(name, str) and len(name) % 4:
            path_parameters["name"] = NAMES[len(name) % len(NAMES)]
        return path_parameters

    tried, unasked, faults = Counter[str](), set(schema_names(schema)), []
    for event in from_schema(schema).execute():
        match event:
            case events.ScenarioFinished(recorder=recorder, label=label):
                tried[str(label)] += len(recorder.interactions)
                unasked.discard(str(label))
                faults += _faults(str(label), recorder)
            case events.NonFatalError(value=fault, label=label):
                faults.append(f"{label}: the request could not be made: {fault!r}")
            case events.FatalError(exception=fault):
                faults.append(f"the run itself failed: {fault!r}")
    assert not faults, "\n\n".join(dict.fromkeys(faults))
    assert not unasked
    assert sum(tried.values()) > LEAST


def schema_names(schema: Any) -> Iterator[str]:
    """Name every operation that is to be tried."""
    return (each.ok().label for each in schema.get_all_operations())


def _faults(label: str, recorder: Any) -> Iterator[str]:
    """Tell what was wrong with the answers of one operation."""
    for case, interaction in recorder.interactions.items():
        if interaction.response is None:
            yield f"{label}: no answer to {case}"
    for checks in recorder.checks.values():
        for check in checks:
            if check.failure_info is not None:
                told = f"{check.failure_info.failure}\n{check.failure_info.code_sample}"
                yield f"{label}: {check.name}: {told[:1500]}"
