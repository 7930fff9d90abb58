"""Fence agents by their own protocol: the state counts, never the exit code of a command."""

import asyncio
import sys
from pathlib import Path

import pytest

from stanchion.drivers.fence import FenceAgents
from stanchion.drivers.templates import SHARE
from stanchion.model.fencing import FenceDevice, Power

AGENT = """#!/bin/bash
here=$(dirname "$0")
while IFS== read -r key value; do declare "$key=$value"; done
echo "$action" >> "$here/calls"
case $action in
    status) exit "$(cat "$here/state")" ;;
    off) [ "$obeys" = yes ] && echo 2 > "$here/state"; exit "${answer:-0}" ;;
    on) echo 0 > "$here/state" ;;
    *) exit 1 ;;
esac
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Give a directory with a fence agent that keeps the host's power state in a file."""
    (tmp_path / "fence_pretend").write_text(AGENT)
    (tmp_path / "fence_pretend").chmod(0o755)
    (tmp_path / "state").write_text("0")
    return tmp_path


def _device(timeout_s: float = 10.0, **parameters: str) -> FenceDevice:
    return FenceDevice(agent="fence_pretend", parameters=parameters, timeout_s=timeout_s)


def _agents(place: Path) -> FenceAgents:
    return FenceAgents(f"{place}:/usr/bin:/bin")


async def test_off_is_proven_by_the_state_that_is_reported_afterwards(place: Path) -> None:
    power, _ = await _agents(place).off(_device(obeys="yes"))
    assert power is Power.OFF
    assert (place / "calls").read_text().split() == ["off", "status"]


async def test_off_already_is_success_whatever_the_command_says(place: Path) -> None:
    (place / "state").write_text("2")
    power, _ = await _agents(place).off(_device(obeys="no", answer="1"))
    assert power is Power.OFF


async def test_a_device_that_says_done_while_the_host_runs_proves_nothing(place: Path) -> None:
    power, told = await _agents(place).off(_device(obeys="no", answer="0", timeout_s=1.0))
    assert power is Power.UNKNOWN
    assert "does not report it off within 1 s" in told


async def test_an_unknown_answer_an_absent_agent_and_a_silent_one_are_unknown(place: Path) -> None:
    (place / "state").write_text("1")
    assert (await _agents(place).status(_device()))[0] is Power.UNKNOWN
    power, told = await _agents(place).status(FenceDevice(agent="fence_nowhere"))
    assert (power, told) == (Power.UNKNOWN, "there is no fence agent fence_nowhere on this host")
    async with asyncio.timeout(30):
        assert await _agents(place).off(FenceDevice(agent="fence_nowhere", timeout_s=3600)) == (power, told)
    (place / "fence_pretend").write_text("#!/bin/bash\nexec sleep 60\n")
    power, told = await _agents(place).status(_device(timeout_s=0.5))
    assert (power, told) == (Power.UNKNOWN, "fence_pretend gave no answer within 0.5 s")


async def test_an_agent_that_cannot_be_started_is_unknown_and_says_why(place: Path) -> None:
    (place / "fence_pretend").write_text("#!/nowhere/python\n")
    power, told = await _agents(place).status(_device())
    assert power is Power.UNKNOWN
    assert told.endswith("fence_pretend cannot be started: No such file or directory")


async def test_installed_agents_are_listed_with_what_they_say_of_themselves(place: Path) -> None:
    """Programs that only look like agents are not run (one of that name starts a service); nobody is asked twice."""
    lab = SHARE / "sbin" / "fence_stanchion_lab"
    (place / "fence_lab").write_text(f"#!/bin/bash\necho call >>{place}/asked\nexec {sys.executable} {lab}\n")
    for name in ("fence_virtd", "fence_old.bak"):
        (place / name).write_text(f"#!/bin/bash\ntouch {place}/{name}.ran\nexit 1\n")
    for file in place.glob("fence_*"):
        file.chmod(0o755)
    agents = _agents(place)
    found = [await agents.agents(), await agents.agents()]
    assert found[0] == found[1]
    assert found[0]["fence_lab"] == "Fence agent for the process lab"
    assert found[0]["fence_pretend"] == ""
    assert not {"fence_virtd", "fence_old.bak"} & found[0].keys()
    assert list(place.glob("*.ran")) == []
    assert (place / "asked").read_text().split() == ["call"]


async def test_on_switches_on(place: Path) -> None:
    (place / "state").write_text("2")
    assert (await _agents(place).on(_device()))[0] is Power.ON


async def test_a_call_that_is_given_up_leaves_no_process(place: Path) -> None:
    (place / "fence_pretend").write_text(f"#!/bin/bash\necho $$ > {place}/pid\nexec sleep 60\n")
    calling = asyncio.create_task(_agents(place).status(_device()))
    while not (place / "pid").exists() or not (place / "pid").read_text().strip():
        await asyncio.sleep(0.01)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert not Path("/proc", (place / "pid").read_text().strip()).exists()
