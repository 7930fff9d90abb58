"""Strays with real agents: somebody starts a machine by hand on another pretend host, and stops it again.

The machine is a process that carries the pid file of plain QEMU on its command line, in the run directory of its host:
that is how a host's own machines are known.
"""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from realhosts import WITHIN_S, Cluster, cluster, until
from stanchion.model.errors import NotNow
from stanchion.model.reasons import Why
from stanchion.model.resource import ScriptKind
from stanchion.model.state import State
from stanchion.wire.requests import ResourceChange, ScriptChange

pytestmark = pytest.mark.slow

SLEEP = "import time; time.sleep(3600)"
LOAD = f"""setsid {sys.executable} -c '{SLEEP}' -pidfile "$HA_RSCTMP/web.pid" </dev/null >/dev/null 2>&1 &
echo $! >"$HA_RSCTMP/web.number"
"""
UNLOAD = """kill -9 "$(cat "$HA_RSCTMP/web.number")"; rm -f "$HA_RSCTMP/web.number"; sleep 0.1; exit 0
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Cluster]:
    with cluster() as made:
        yield made


def by_hand(lab: Cluster, node: str) -> subprocess.Popen[bytes]:
    """Start web on a host, as somebody would who does not ask the cluster."""
    run = lab.host(node).setting("state_dir").resolve() / "run"
    return subprocess.Popen([sys.executable, "-c", SLEEP, "-pidfile", str(run / "web.pid")])


def test_a_machine_that_is_started_by_hand_is_told_bars_its_resource_and_is_left_alone(lab: Cluster) -> None:
    scripts = {ScriptKind.LOAD: LOAD, ScriptKind.UNLOAD: UNLOAD, ScriptKind.HALT: UNLOAD}
    change = ResourceChange(scripts={kind: ScriptChange(text=text) for kind, text in scripts.items()}, files=())
    one, two, *_ = (node.name for node in lab.status().nodes)
    lab.make("web", change, "Qemu_Template")
    lab.ended(lambda client: client.offline("web"))
    machine = by_hand(lab, two)
    try:
        until(lambda: [stray.node for stray in lab.resource("web").strays] == [two], "the stray is found")
        assert [node.name for node in lab.status().nodes if "web" in node.strays] == [two]
        with pytest.raises(NotNow, match=f"while it runs on {two}, where nobody sent it"):
            lab.ask(lambda client: client.online("web", node=one))
        assert machine.poll() is None, "it is left alone"
    finally:
        machine.kill()
        machine.wait(WITHIN_S)
    until(lambda: lab.resource("web").strays == (), "the stray is gone")
    lab.ended(lambda client: client.online("web", node=one))
    lab.wait_state("web", State.RUNNING, node=one)
    told = [event.reason.code for event in lab.ask(lambda client: client.events(limit=1000)).events]
    assert (told.count(Why.STRAY_SEEN), told.count(Why.STRAY_GONE)) == (1, 1)
    lab.ended(lambda client: client.offline("web"))
    assert lab.tracebacks() == []
