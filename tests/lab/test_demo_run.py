"""The demo itself: a step that sees something wrong ends it with the reason, and a real one leaves nothing behind."""

import io
import os
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest

from stanchion.lab import processes
from stanchion.lab.cluster import Lab, wait_until
from stanchion.lab.demo.__main__ import Step, play
from stanchion.lab.demo.stage import Stage, StepFailed
from stanchion.lab.demo.telling import Outcome, Teller
from stanchion.model.errors import NotNow

needs_qemu = pytest.mark.skipif(shutil.which("qemu-system-x86_64") is None,
                                reason="no qemu-system-x86_64 here: install qemu-system-x86")


class EmptyStage:
    """A stage without a cluster, for steps that need none."""

    def __init__(self, fault: str = "") -> None:
        self.client = nullcontext()
        self.story = io.StringIO()
        self.tell = Teller(self.story)
        self._fault = fault

    def audit(self) -> None:
        """Find the fault that it was given."""
        if self._fault:
            raise StepFailed(self._fault)


async def well(_: Any) -> None:
    """A step that sees what it must see."""


async def wrong(_: Any) -> None:
    raise StepFailed("the moon is missing")


async def refused(_: Any) -> None:
    raise NotNow("not while it rains")


def step(name: str, act: Any) -> Step:
    return Step(name=name, title=name.title(), shows="Something.", act=act)


@pytest.mark.parametrize(("act", "fault"), [(wrong, "the moon is missing"), (refused, "not while it rains")])
async def test_the_first_wrong_step_ends_the_demo_with_its_reason(act: Any, fault: str) -> None:
    stage, outcomes = EmptyStage(), list[Outcome]()

    await play(cast("Stage", stage), [step("one", well), step("two", act), step("three", well)], outcomes)

    assert [(each.name, each.fault) for each in outcomes] == [("one", ""), ("two", fault)]
    assert f"WRONG: {fault}" in stage.story.getvalue()


async def test_a_second_copy_in_any_log_makes_the_step_wrong() -> None:
    stage, outcomes = EmptyStage("web says: second copy"), list[Outcome]()

    await play(cast("Stage", stage), [step("one", well)], outcomes)

    assert outcomes[0].fault == "web says: second copy"


@needs_qemu
@pytest.mark.qemu
@pytest.mark.slow
def test_a_real_demo_ends_well_and_leaves_nothing_behind() -> None:
    with TemporaryDirectory(prefix="demo-", dir="/tmp") as place:
        done = subprocess.run([sys.executable, "-m", "stanchion.lab.demo", "--only", "migrate"], capture_output=True,
                              text=True, timeout=120, check=False, env=os.environ | {"TMPDIR": place})

        assert done.returncode == 0, done.stdout + done.stderr
        assert "it was never restarted" in " ".join(done.stdout.split())
        assert list(Path(place).iterdir()) == []
        assert [path for path in Path("/proc").glob("[0-9]*/cmdline") if place in text_of(path)] == []


@pytest.mark.slow
def test_the_watchdog_resets_a_host_whose_agent_hangs() -> None:
    with TemporaryDirectory(prefix="lab-", dir="/tmp") as place:
        lab = Lab.create(Path(place) / "lab", 1, profile="fast")
        try:
            lab.up()
            host = lab.hosts[0]
            wait_until(lambda: host.command("status")["fires_in_s"], 15, "the agent did not arm its watchdog")
            boot = host.command("status")["boot"]

            host.command("pause agent")
            wait_until(lambda: host.command("status")["boot"] not in {boot, ""}, 15, "the host was not reset")

            assert host.command("status")["resets"] == 1
            wait_until(lambda: host.command("status")["fires_in_s"], 15, "the next agent did not arm its watchdog")
        finally:
            lab.down()
        assert processes.marked("STANCHION_RUN_DIR", str(host.directory / "run")) == []


def text_of(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
