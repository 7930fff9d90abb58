"""Memory and processors on the command line: what hosts have, what machines take, what is promised."""

from dataclasses import replace

import pytest
from shell import Shell

from stanchion.model.capacity import Size
from stanchion.model.state import State
from stanchion.wire.capacity import SizeInfo, mib, said
from surface import NODES


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def measured(shell: Shell) -> Shell:
    """node1 has 16 GiB, and holds a machine of 2 GiB."""
    async def known() -> None:
        world = shell.world
        await world.put(replace(world.view().sessions[NODES[0]].value, capacity=Size(memory_mib=16_384, cpus=8)))
        name = await world.resource("web", State.RUNNING, node="node1")
        await world.put(replace(world.view().states[name].value, size=Size(memory_mib=2048, cpus=2)))

    shell.prepare(known())
    return shell


def test_the_list_of_nodes_says_how_much_memory_is_promised(measured: Shell) -> None:
    assert measured("node", "list") == 0
    first, second = (next(line for line in measured.out.splitlines() if line.startswith(name))
                     for name in ("node1", "node2"))
    assert "2 GiB of 15 GiB" in flat(first)
    assert "GiB" not in second


def test_a_node_is_shown_with_what_it_has_and_what_is_left(measured: Shell) -> None:
    assert measured("node", "show", "node1") == 0
    told = flat(measured.out)
    assert "Host has 16 GiB, 8 processors (measured)" in told
    assert "For machines 15 GiB, 8 processors" in told
    assert "Promised 2 GiB, 2 processors (13 GiB free)" in told
    assert measured("node", "show", "node2") == 0
    assert "Host has not known" in flat(measured.out)


def test_a_node_is_told_what_it_has(measured: Shell) -> None:
    assert measured("node", "set", "node1", "--memory-mib", "8192", "--reserve-mib", "512") == 0, measured.err
    told = flat(measured.out)
    assert "Host has 8 GiB, 8 processors (set by an operator)" in told
    assert "For machines 7.5 GiB, 8 processors" in told
    assert measured("node", "set", "node1", "--memory-mib", "0", "-o", "json") == 0
    assert (measured.json["capacity"]["memory_mib"], measured.json["reserve"]["memory_mib"]) == (0, 512)
    assert measured("node", "set", "node1", "--cpus", "4", "--revision", "1") == 5


@pytest.mark.parametrize(("words", "sentence"), [
    ((), "nothing to change was given"),
    (("--memory-mib", "-1"), "the memory of node1 is -1 MiB; it must be 0 (as measured) to 2147483648 MiB"),
    (("--memory-mib", "lots"), "lots"),
    (("--memory-mib", str(2**31 + 1)), "it must be 0 (as measured) to 2147483648 MiB"),
    (("--reserve-mib", "16384"), "nothing would be left for machines"),
    (("--cpus", "nan"), "cpus"),
])
def test_what_makes_no_sense_of_a_node_is_refused(measured: Shell, words: tuple[str, ...], sentence: str) -> None:
    assert measured("node", "set", "node1", *words) == 2
    assert sentence in flat(measured.err)


def test_a_resource_is_shown_with_what_it_needs_and_who_says_so(measured: Shell) -> None:
    assert measured("resource", "show", "web") == 0
    assert "Needs 2 GiB, 2 processors (by its configuration, where it was loaded last)" in flat(measured.out)
    assert measured("resource", "edit", "web", "--memory-mib", "4096", "--cpus", "1.5") == 0
    assert measured("resource", "show", "web") == 0
    assert "Needs 4 GiB, 1.5 processors (set by an operator)" in flat(measured.out)
    assert measured("export", "web") == 0
    assert "size: memory_mib: 4096 cpus: 1.5" in flat(measured.out)
    assert measured("resource", "edit", "web", "--memory-mib", "-4") == 2
    assert "the memory of the machine is -4 MiB" in measured.err


def test_the_guarantee_is_shown_and_set(measured: Shell) -> None:
    assert measured("settings", "show") == 0
    assert "Survives nothing is guaranteed" in flat(measured.out)
    assert measured("settings", "edit", "--survives", "1", "--admission", "refuse") == 0, measured.err
    assert "Survives the loss of any node; an order that would break this is refused" in flat(measured.out)
    assert measured("settings", "edit", "--survives", "2", "--admission", "warn") == 0
    assert "Survives the loss of any 2 nodes at once; an order that would break this is carried out" in flat(
        measured.out)
    assert measured("settings", "edit", "--survives", "7") == 2
    assert "survives is 7; it must be 0 to 2" in measured.err


def test_memory_is_said_in_the_unit_that_people_would_use() -> None:
    assert [mib(each) for each in (0, 512, 1024, 1536, 2048, -2048, 1_048_576)] == [
        "0 MiB", "512 MiB", "1 GiB", "1.5 GiB", "2 GiB", "-2 GiB", "1024 GiB"]
    assert said(SizeInfo(memory_mib=256, cpus=1)) == "256 MiB, 1 processor"
    assert said(SizeInfo()) == "not known"
