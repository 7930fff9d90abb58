"""Lives in which memory is short: drawn, written down, played, and judged."""

from dataclasses import replace
from pathlib import Path

from stanchion.sim import scenario
from stanchion.sim.draw import MEMORY_SHARE, draw
from stanchion.sim.life import play
from stanchion.sim.strikes import Life, Part, Strike, What

SHORT = Life(
    nodes=("a", "b", "c"), rooms=(("a", 1024), ("b", 1024), ("c", 1024)),
    parts=(Part(name="web", preferred=("a", "b", "c"), memory_mib=1024),
           Part(name="db", preferred=("b", "a", "c"), memory_mib=1024, measured=True),
           Part(name="mail", preferred=("c", "a", "b"), memory_mib=512)),
    strikes=(Strike(at_s=1.0, what=What.MIGRATE, resource="mail", detail="a"),
             Strike(at_s=3.0, what=What.POWER_OFF, node="a"), Strike(at_s=60.0, what=What.POWER_ON, node="a"),
             Strike(at_s=80.0, what=What.POWER_OFF, node="b"), Strike(at_s=120.0, what=What.POWER_ON, node="b")))


def test_what_finds_no_room_waits_and_runs_again_when_there_is_some() -> None:
    """With a host away, three machines share room for two; with all of them back, nothing stays down."""
    assert play(SHORT).violations == ()


def test_a_machine_that_is_larger_than_every_host_stays_down_and_harms_nobody() -> None:
    large = replace(SHORT, parts=(*SHORT.parts[:2], replace(SHORT.parts[2], memory_mib=4096)))
    assert play(large).violations == ()


def test_memory_is_drawn_beside_all_else_and_survives_being_written_down(tmp_path: Path) -> None:
    lives = [draw(seed, short=True) for seed in range(60)]
    known = [life for life in lives if life.rooms]
    assert MEMORY_SHARE / 2 < len(known) / len(lives) < MEMORY_SHARE * 2
    assert any(part.measured and part.memory_mib for life in known for part in life.parts)
    scenario.write(known[0], tmp_path / "life.json")
    assert scenario.read((tmp_path / "life.json").read_text()) == known[0]
    without = known[0].without_node(known[0].nodes[-1])
    assert all(node != known[0].nodes[-1] for node, _ in without.rooms)
