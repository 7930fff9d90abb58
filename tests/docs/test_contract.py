"""The description of the API is complete, bounded, committed as it is, and its examples are true."""

import asyncio
import json
import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import contract_page
import jsonschema_rs
import pytest

from attacks.wires import served
from stanchion.model.orders import Outcome
from stanchion.model.reasons import Why, reason
from stanchion.plan import grouping, making, notifying, protection, templating
from stanchion.wire import bounds
from surface import TOKEN, World

ROOT = Path(__file__).parents[2]
METHODS = {"get", "put", "post", "patch", "delete"}


@cache
def description() -> dict[str, Any]:
    """Give the description."""
    return dict(json.loads(contract_page.page()))


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Give all operations, named."""
    for path, methods in description()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference."""
    while "$ref" in schema:
        schema = description()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


BOUNDS = {"string": {"maxLength", "enum", "const", "format"}, "array": {"maxItems"}, "integer": {"maximum"},
          "number": {"maximum"}, "object": {"maxProperties", "propertyNames", "properties"}}


def unbounded(schema: dict[str, Any], where: str, seen: tuple[str, ...] = ()) -> Iterator[str]:
    """Name every part of a request that may be as long or as large as anybody likes."""
    ref = schema.get("$ref", "")
    if ref in seen:
        return
    schema, seen = resolved(schema), (*seen, ref) if ref else seen
    counted = re.search(r"\{\d+,\d+\}\$$", schema.get("pattern", ""))
    if not counted and schema.get("type") in BOUNDS and not schema.keys() & BOUNDS[schema["type"]]:
        yield f"{where}: a {schema['type']} without a bound"
    for name, part in parts(schema):
        yield from unbounded(part, f"{where}{name}", seen)


def parts(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give what a shape is made of."""
    for part in ("anyOf", "oneOf", "allOf"):
        yield from (("", each) for each in schema.get(part, ()))
    for part, name in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(schema.get(part), dict):
            yield name, schema[part]
    yield from ((f".{name}", each) for name, each in schema.get("properties", {}).items())


def test_the_committed_description_is_what_an_agent_answers() -> None:
    assert contract_page.PAGE.read_text(encoding="utf-8") == contract_page.page(), "run ./scripts/contract"


def test_every_operation_says_what_it_does_and_where_it_belongs() -> None:
    known = {each["name"] for each in description()["tags"]}
    for name, operation in operations():
        assert 5 < len(operation["summary"]) < 125, name
        assert operation["tags"], name
        assert set(operation["tags"]) <= known, name


def test_every_operation_has_an_id_of_its_own_that_can_be_read() -> None:
    found = [operation["operationId"] for _, operation in operations()]
    assert len(set(found)) == len(found)
    assert all(re.fullmatch(r"(get|put|post|patch|delete)(_[a-z]+)+", each) for each in found)


def test_every_refusal_is_a_problem() -> None:
    parts = description()["components"]["responses"]
    for name, operation in operations():
        refusals = {status: answer for status, answer in operation["responses"].items() if int(status) >= 400}
        assert {"400", "421", "429", "500", "503"} <= refusals.keys(), name
        for answer in refusals.values():
            told = parts[answer["$ref"].rpartition("/")[2]]
            assert list(told["content"]) == ["application/problem+json"], name


def test_everything_that_comes_in_is_bounded() -> None:
    faults = []
    for name, operation in operations():
        for each in operation.get("parameters", ()):
            faults += unbounded(each["schema"], f"{name} {each['name']}")
        for kind in operation.get("requestBody", {}).get("content", {}).values():
            faults += unbounded(kind["schema"], name)
    assert not faults


def test_every_request_has_an_example() -> None:
    missing = [name for name, operation in operations() for kind in operation.get("requestBody", {}).get(
        "content", {}).values() if not _example(kind["schema"])]
    assert not missing


def test_every_answer_has_an_example() -> None:
    missing = {name for name, operation in operations() for status, answer in operation["responses"].items()
               if int(status) < 300 for kind, content in answer.get("content", {}).items()
               if kind == "application/json" and not _example(content["schema"])}
    assert not missing


def test_every_example_fits_its_shape() -> None:
    shapes = description()["components"]["schemas"]
    faults = []
    for name, shape in shapes.items():
        for example in shape.get("examples", ()):
            judge = jsonschema_rs.validator_for({**shape, "components": {"schemas": shapes}})
            faults += [f"{name}: {fault.message}" for fault in judge.iter_errors(example)]
    assert not faults


def _example(schema: dict[str, Any]) -> bool:
    options = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    return all(resolved(each).get("examples") for each in options)


def test_the_bounds_of_sense_are_those_that_are_judged_by() -> None:
    parts = description()["components"]["schemas"]

    def bound(name: str, field: str) -> dict[str, Any]:
        of = parts[name]["properties"][field]
        return next((each for each in of.get("anyOf", ()) if each.get("type") != "null"), of)

    assert bound("ScriptChange", "timeout_s")["maximum"] == making.LONGEST_S
    assert bound("ScriptChange", "text")["maxLength"] == making.MOST_SCRIPT_BYTES
    assert bound("MonitoringChange", "max_failures")["maximum"] == making.MOST_FAILURES
    assert bound("PoliciesChange", "priority")["maximum"] == making.HIGHEST_PRIORITY
    assert bound("FenceDeviceChange", "timeout_s")["maximum"] == protection.TIMEOUT_MAX_S
    assert bound("NodeChange", "fence")["maxItems"] == protection.DEVICES_MAX
    assert bound("CommandChange", "timeout_s")["maximum"] == notifying.COMMAND_MAX_S
    assert bound("MailChange", "to")["maxItems"] == notifying.ADDRESSES_MAX
    assert f"^{making._NAME.pattern}$" == bounds.NAME_SHAPE == f"^{templating._NAME.pattern}$"
    assert f"^{grouping._NAME.pattern}$" == bounds.GROUP_SHAPE
    assert f"^{templating._PARAMETER.pattern}$" == bounds.PARAMETER_SHAPE
    assert f"^{protection._AGENT.pattern}$" == bounds.AGENT_SHAPE


async def test_the_example_of_the_client_runs(tmp_path: Path) -> None:
    page = (ROOT / "docs/client.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    (tmp_path / "token").write_text(TOKEN)
    world = World()
    await world.resource("web")
    world.end_orders(Outcome.DONE, reason(Why.LOADED))
    await world.happened(reason(Why.CREATED, "Generic_FS"), "web")
    async with served(world.app()) as port:
        env = os.environ | {"STANCHION_URL": f"http://127.0.0.1:{port}",
                            "STANCHION_TOKEN_FILE": str(tmp_path / "token"), "PYTHONPATH": str(ROOT / "src"),
                            "PYTHONUNBUFFERED": "1"}
        run = await asyncio.create_subprocess_exec(sys.executable, "-c", code, env=env,
                                                   stdout=asyncio.subprocess.PIPE)
        assert run.stdout is not None
        said = [(await run.stdout.readline()).decode().strip() for _ in range(3)]
        run.terminate()
        await run.wait()
    assert said[:2] == ["lab: master node1, 1 resources", "online web: done"]
    assert said[2] == "info: it was created from template Generic_FS" or said[2].startswith("info: ")


@pytest.mark.parametrize("page", ["api.md", "client.md"])
def test_the_pages_name_only_paths_that_there_are(page: str) -> None:
    paths = set(description()["paths"]) | {"/v1/openapi.json", "/v1"}
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    for found in re.findall(r"`/?(/v1/[a-z/-]*[A-Za-z.]*)", text):
        fitting = re.sub(r"/ID$", "/{name}", found)
        assert fitting in paths or any(each.startswith(fitting) for each in paths), found
