"""``stanchion balance``: a table of levels and proposals; letting them be made, waiting for them, stopping them."""

from dataclasses import replace

import pytest
from shell import Shell

from stanchion.model.capacity import Size
from stanchion.model.cluster import Key, Kind
from stanchion.model.reasons import Why, reason
from stanchion.model.standing import Standing
from stanchion.model.state import State
from stanchion.model.transaction import Transaction
from surface import NODES


@pytest.fixture
def uneven(shell: Shell) -> Shell:
    """Give a cluster in which node1 is 90 % full and node2 empty."""
    for node in NODES:
        known = shell.world.view().nodes[node].value
        shell.prepare(shell.world.put(replace(known, capacity=Size(memory_mib=1600), reserve=Size(memory_mib=100))))
    for name in ("db", "mail", "web"):
        shell.prepare(shell.world.resource(name, State.RUNNING, node="node1", live=True, size=Size(memory_mib=450)))
    return shell


def mastered(shell: Shell, *, fails: bool = False) -> None:
    """Let the world make the first move that is asked for as soon as it is written down, as a master would."""
    plain = shell.world.store.written

    async def written(transaction: Transaction) -> None:
        if plain is not None:
            await plain(transaction)
        held = shell.world.engine.records.get(Key(Kind.STANDING))
        stands = held.value if held else None
        if isinstance(stands, Standing) and stands.balancing is not None:
            move = stands.balancing.moves[0]
            state = shell.world.view().states[move.resource].value
            after = replace(state, reason=reason(Why.MIGRATE_FAILED, move.target, "no route", "node1")) if fails else (
                replace(state, node=move.target))
            await shell.world.put(after, Standing())

    shell.world.store.written = written


def test_levels_and_proposals_are_two_tables(uneven: Shell) -> None:
    assert uneven("balance") == 0

    words = " ".join(uneven.out.split())
    assert words.startswith("The fullest node is 90 % full and the emptiest 0 %; after 1 move 60 % and 30 %.")
    assert "node1 90 % " in words
    row = next(line for line in uneven.out.splitlines() if line.startswith("1 "))
    assert row.split()[:6] == ["1", "db", "node1", "node2", "live", "+60"]
    assert "`stanchion balance --apply` lets these moves be made" in words
    assert "Nothing by itself: `balance` is off." in words


def test_machines_get_the_answer_of_the_api(uneven: Shell) -> None:
    assert uneven("balance", "--output", "json") == 0
    assert uneven.json["proposals"][0]["migrations"][0]["target"] == "node2"


def test_proposals_are_carried_out_and_waited_for(uneven: Shell) -> None:
    mastered(uneven)
    assert uneven("balance", "--apply") == 0

    assert "1 move asked for by anna: db to node2." in uneven.out
    assert uneven.out.splitlines()[-1] == "1 of 1 move made."
    assert uneven("balance") == 0
    assert "after" not in uneven.out


def test_a_move_that_does_not_take_place_is_told_and_is_exit_code_1(uneven: Shell) -> None:
    mastered(uneven, fails=True)
    assert uneven("balance", "1", "--apply") == 1

    assert "db is not on node2:" in uneven.err
    assert "1 of 1 move did not take place" in uneven.err


def test_moves_that_are_left_are_shown_and_can_be_stopped(uneven: Shell) -> None:
    assert uneven("balance", "--apply", "--no-wait") == 0
    assert uneven("balance") == 0
    assert "1 move asked for by anna: db to node2." in uneven.out
    assert uneven("balance", "--stop") == 0
    assert uneven.out.strip() == "1 move will not begin."
    assert uneven("balance", "--stop") == 5


@pytest.mark.parametrize(("words", "said"), [
    (("--apply", "--stop"), "not both"), (("2",), "say --apply too"), (("0", "--apply"), "must be at least 1")])
def test_what_makes_no_sense_is_exit_code_2(uneven: Shell, words: tuple[str, ...], said: str) -> None:
    assert uneven("balance", *words) == 2
    assert said in uneven.err


def test_the_daily_window_is_a_setting(uneven: Shell) -> None:
    assert uneven("settings", "edit", "--balance", "22:00-06:00") == 0
    assert "by itself at 22:00-06:00, by the master's clock" in uneven.out
    assert uneven("balance") == 0
    assert "By itself, at 22:00-06:00." in uneven.out
    assert uneven("settings", "edit", "--balance", "soon") == 2
    assert "like 22:00-06:00" in uneven.err
