"""Scripts, tests of scripts and adoption with a real agent: told is what bash does, and nothing is restarted."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from realhosts import LoneNode, Operator, Sleeper, lone_node, stanchion, until
from stanchion.model.history import RunEnd
from stanchion.model.orders import Outcome
from stanchion.model.resource import ScriptKind
from stanchion.model.state import State
from stanchion.wire.documents import Bundle, ResourceDocument
from stanchion.wire.requests import ResourceChange, ScriptChange

LOUD = "#!/bin/bash\nyes 0123456789abcdef | head -c 1073741824\necho the end\nexit 0\n"


@contextmanager
def _one_node() -> Iterator[LoneNode]:
    with lone_node() as node:
        node.up()
        yield node


def _own(operator: Operator, sleeper: Sleeper, **texts: str) -> None:
    """Make a resource of a sleeper, offline."""
    made = sleeper.change().scripts
    scripts = dict(made) | {
        ScriptKind(name): ScriptChange(text=text) for name, text in texts.items()}
    document = ResourceDocument(name=sleeper.name, scripts=scripts)
    report = operator.ask(lambda client: client.take(Bundle(resources=(document,))))
    assert [item.outcome for item in report.items] == ["made"], report


def test_what_runs_already_is_imported_and_adopted_without_a_restart(tmp_path: Path) -> None:
    """The machine that was there before the cluster came is the same one afterwards, and the cluster can stop it."""
    with _one_node() as node:
        operator, sleeper = node.operator, Sleeper("web", tmp_path / "shared")
        _own(operator, sleeper)
        refused = operator.ended(lambda client: client.adopt("web", "solo"))
        assert refused.outcome is Outcome.FAILED
        assert operator.resource("web").state is State.OFFLINE
        # The machine as if it had always run: its load, outside of the cluster.
        assert operator.ended(lambda client: client.online("web")).outcome is Outcome.DONE
        before, lives = sleeper.processes(), sleeper.lives()
        exported = stanchion("export", "web", "--file", tmp_path / "web.yaml", env=operator.said)
        assert exported.code == 0, exported.err
        node.kill()
        store = node.directory
        for name in ("store.db", "store.db-wal", "store.db-shm", "token", "agent.toml", "client.toml"):
            (store / name).unlink(missing_ok=True)
        for left in (store / "state").glob("journal*"):
            left.unlink()
        assert node.init().code == 0
        node.up()
        said = stanchion("import", tmp_path / "web.yaml", "--adopt", "solo", env=node.operator.said)
        assert said.code == 0, said.err
        assert "web is Running on solo" in said.out
        assert (sleeper.processes(), sleeper.lives()) == (before, lives)
        assert node.operator.ended(lambda client: client.offline("web")).outcome is Outcome.DONE
        assert sleeper.processes() == []
        assert sleeper.second_copies() == []


def test_a_script_is_tried_dry_and_for_real_and_both_runs_are_kept(tmp_path: Path) -> None:
    with _one_node() as node:
        operator = node.operator
        _own(operator, Sleeper("web", tmp_path / "shared"), unload=f"touch {tmp_path}/mark\necho done\nexit 0\n")
        dry = stanchion("script", "test", "web", "unload", env=operator.said)
        assert (dry.code, f"would run: touch {tmp_path}/mark" in dry.out) == (0, True), dry
        assert not (tmp_path / "mark").exists()
        real = stanchion("script", "test", "web", "unload", "--real", env=operator.said)
        assert (real.code, "done" in real.out) == (0, True), real
        assert (tmp_path / "mark").exists()
        monitor = stanchion("script", "test", "web", "monitor", "--real", env=operator.said)
        assert (monitor.code, "code 7" in monitor.out) == (1, True), monitor
        stanchion("script", "test", "web", "load", "--real", env=operator.said).refused(5, "is never tried for real")
        runs = operator.ask(lambda client: client.runs("web")).runs
        assert sorted(run.operation.partition("-")[0] for run in runs) == ["dry", "test", "test"]
        assert operator.resource("web").state is State.OFFLINE


def test_a_running_resource_is_unloaded_by_the_script_that_it_was_loaded_with(tmp_path: Path) -> None:
    with _one_node() as node:
        operator, sleeper = node.operator, Sleeper("web", tmp_path / "shared")
        operator.make("web", sleeper.change())
        change = ResourceChange(scripts={ScriptKind.UNLOAD: ScriptChange(text="exit 9\n")}, why="worse")
        told = operator.ask(lambda client: client.edit("web", change)).resource
        assert told.pending_scripts == (ScriptKind.UNLOAD,)
        assert operator.ended(lambda client: client.offline("web")).outcome is Outcome.DONE
        assert sleeper.processes() == []
        operator.ended(lambda client: client.online("web"))
        assert operator.ended(lambda client: client.offline("web")).outcome is Outcome.FAILED
        assert operator.wait_state("web", State.COMATOSE).reason.text.startswith("the unload script failed with code 9")


def test_a_gigabyte_of_output_costs_neither_memory_nor_disk(tmp_path: Path) -> None:
    with _one_node() as node:
        operator = node.operator
        _own(operator, Sleeper("web", tmp_path / "shared"), unload=LOUD)
        told = stanchion("script", "test", "web", "unload", "--real", env=operator.said)
        assert told.code == 0, told.err
        run = operator.ask(lambda client: client.runs("web", ScriptKind.UNLOAD, output=True)).runs[0]
        assert (run.end, run.code) == (RunEnd.EXITED, 0)
        assert run.output is not None
        assert len(run.output) < 80_000
        assert "bytes are left out here" in run.output
        assert "the end" in run.output.splitlines()
        kept = sum(path.stat().st_size for path in (node.directory / "state").rglob("out.*"))
        assert kept <= 96 * 1024
        until(lambda: operator.status().cluster.master == "solo", "the agent still answers")
