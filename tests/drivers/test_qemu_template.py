"""The QEMU template's own scripts, run as the agent runs them: real bash, the real library, real machines."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from drivers.qemu_bench import Bench, PretendHost, make_bench, needs_qemu
from stanchion.drivers.clock import HostClock
from stanchion.drivers.script import ScriptRunner
from stanchion.drivers.templates import SHARE, shipped
from stanchion.model.history import Run
from stanchion.model.ids import NodeName, OperationId
from stanchion.model.resource import ResourceSpec, ScriptKind
from stanchion.plan.making import make
from stanchion.ports import ScriptOrder

pytestmark = [pytest.mark.qemu, needs_qemu]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = make_bench(tmp_path)
    yield bench
    for host in (bench.a, bench.b):
        assert host.call("halt").code == 0


class Node:
    """A node that runs a resource's scripts on one pretend host."""

    def __init__(self, name: str, host: PretendHost, spec: ResourceSpec, directory: Path) -> None:
        self._spec = spec
        self._runs = 0
        self._runner = ScriptRunner(node=NodeName(name), runs_dir=directory / f"runs-{name}", clock=HostClock(),
                                    environment={"HA_RSCTMP": str(host.run_directory)}, library=SHARE / "ncsfuncs")

    async def run(self, kind: ScriptKind, environment: Mapping[str, str] | None = None) -> Run:
        """Run one of the scripts to its end."""
        self._runs += 1
        script = self._spec.scripts.of(kind)
        return await self._runner.run(ScriptOrder(
            resource=self._spec.name, script=kind, operation=OperationId(f"web@{self._runs}"), text=script.text,
            timeout_s=script.timeout_s, environment={"OCF_RESKEY_CRM_meta_timeout": "20000", **(environment or {})}))


async def test_a_resource_of_the_live_template_loads_moves_and_unloads(bench: Bench, tmp_path: Path) -> None:
    """The whole life of a resource, in the order and with the words of a live migration."""
    template = next(template for template in shipped() if template.name == "QemuLive_Template")
    spec = make(template, "web", {"CONFIG": str(bench.a.config), "SHUTDOWN_TIMEOUT": "0"}, by="", at_s=0.0)
    a, b = Node("a", bench.a, spec, tmp_path), Node("b", bench.b, spec, tmp_path)

    loaded = await a.run(ScriptKind.LOAD)
    assert loaded.code == 0, loaded.output
    assert (await a.run(ScriptKind.MONITOR)).code == 0
    assert (await b.run(ScriptKind.MONITOR)).code == 7
    bench.await_more()

    prepared = await b.run(ScriptKind.PREPARE)
    assert prepared.code == 0, prepared.output
    door = next(line for line in prepared.output.splitlines() if line.startswith("door: ")).partition(" ")[2]
    sent = await a.run(ScriptKind.UNLOAD, {"NCS_TOFROM": "b", "STANCHION_DOOR": door})
    assert sent.code == 0, sent.output
    taken = await b.run(ScriptKind.LOAD, {"NCS_TOFROM": "a"})
    assert taken.code == 0, taken.output
    bench.await_more()
    assert [tick.counter for tick in bench.ticks()] == list(range(len(bench.ticks())))

    failed = await b.run(ScriptKind.UNLOAD, {"NCS_TOFROM": "a", "STANCHION_DOOR": "tcp:127.0.0.1:1"})
    assert failed.code == 1
    assert (await b.run(ScriptKind.MONITOR)).code == 0, "a machine that could not be sent runs on"

    assert (await b.run(ScriptKind.UNLOAD)).code == 0
    assert bench.b.pids() == []
    assert (await b.run(ScriptKind.LOAD)).code == 0
    halted = await b.run(ScriptKind.HALT)
    assert halted.code == 0, halted.output
    assert bench.b.pids() == []
