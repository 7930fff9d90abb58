"""The command ``cluster``: the original's words, in any case, with exit codes that a script can believe."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from cli import cluster_transcript
from cli.cluster_transcript import PAGE, SCENES, Played
from cli.shell import Shell
from stanchion.cli.original import app, host, run
from stanchion.cli.original.gone import GONE
from stanchion.cli.original.setting import SETTINGS
from stanchion.client import Connection
from stanchion.model.cluster import Kind
from stanchion.model.orders import Outcome
from stanchion.model.reasons import Why, reason
from stanchion.model.state import State
from stanchion.model.statistics import Statistics, Voice
from surface import NODES, NOW_S, held

ROOT = Path(__file__).parents[2]
WORDS = {name for name in app if not name.startswith("-")}


@pytest.fixture
def cluster(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell for ``cluster`` on node1."""
    monkeypatch.setenv("STANCHION_URL", "http://127.0.0.1:7423")
    return replace(shell, world=Played(), program=run)


@pytest.mark.usefixtures("cluster")
def test_the_page_is_what_the_command_says() -> None:
    """To write it anew: ``./scripts/transcript``."""
    assert PAGE.read_text(encoding="utf-8") == cluster_transcript.page()


def test_the_page_tries_every_word() -> None:
    """The words about peer clusters all say the same: one stands for them."""
    tried = {line.split()[1] for _, _, lines in SCENES for line in lines}
    peers = {"cleanup", "credentials", "disable", "enable", "refresh", "resetresources"}

    assert tried & WORDS >= WORDS - peers


@pytest.mark.parametrize("page", sorted((*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))),
                         ids=lambda page: page.name)
def test_words_that_the_documents_name_exist(page: Path) -> None:
    named = set(re.findall(r"`cluster ([a-z]+)", page.read_text(encoding="utf-8")))

    assert named <= WORDS


def test_words_and_names_count_in_any_case(cluster: Shell) -> None:
    cluster.prepare(cluster.world.resource("Web"))
    assert cluster("ONLINE", "WEB", "NODE2") == 0
    assert cluster.out.startswith("Status for Resource: Web\n    Running on node2\n")
    assert cluster("Maintenance", "ON") == 0
    assert cluster.out == "Maintenance mode: on until it is switched off\n"
    assert cluster("STATS", "Display") == 0
    assert cluster("set", "quorumWait", "30") == 0


def test_a_line_of_resources_can_be_cut_into_words(cluster: Shell) -> None:
    cluster.prepare(cluster.world.resource("a_rather_long_name_of_a_resource", State.RUNNING, node="node1"))
    cluster.prepare(cluster.world.resource("b"))
    assert cluster("resources") == 0
    lines = [line.split() for line in cluster.out.splitlines()]
    assert lines == [["Name", "State", "Node", "Lives"],
                     ["a_rather_long_name_of_a_resource", "Running", "node1", "1"], ["b", "Offline", "1"]]


@pytest.mark.parametrize(("outcome", "said"), [(Outcome.FAILED, "failed"), (Outcome.REFUSED, "refused"),
                                               (Outcome.SUPERSEDED, "superseded")])
def test_an_order_that_does_not_succeed_ends_with_its_reason_and_no_zero(cluster: Shell, outcome: Outcome,
                                                                        said: str) -> None:
    cluster.prepare(cluster.world.resource("web"))
    cluster.world.end_orders(outcome, reason(Why.NODE_DOWN, "node3"))
    assert cluster("online", "web") == 1
    assert cluster.err == f"cluster: online of web: {said}: node3 is not a member now\n"
    assert cluster.out == ""


@pytest.mark.parametrize("word", sorted(GONE))
def test_a_word_that_makes_no_sense_any_more_does_nothing_and_says_what_does(cluster: Shell, word: str) -> None:
    before = cluster.world.view().revision
    assert cluster(word, "-x", "anything") == 1
    assert cluster.err.startswith(f"cluster: nothing was done by `cluster {word}`: ")
    assert re.search(rf"`(stanchion|cluster) (?!{word})[a-z]+", cluster.err)
    assert cluster.err.count("\n") == 1
    assert cluster.world.view().revision == before


@pytest.mark.parametrize(("line", "code", "said"), [
    (("frobnicate",), 2, "Unknown command"),
    (("online",), 2, "RESOURCE requires an argument"),
    (("migrate", "web"), 2, "NODE requires an argument"),
    (("migrate", "web", "node9"), 4, "there is no node node9"),
    (("offline", "nobody"), 4, "there is no resource nobody"),
    (("status", "nobody"), 4, "there is no resource nobody"),
    (("info", "resources", "nobody"), 4, "there is no resource nobody"),
    (("info", "basic", "web"), 2, "takes no names"),
    (("info", "everything"), 2, "Invalid value"),
    (("maintenance",), 2, "WHAT requires an argument"),
    (("maintenance", "off"), 5, "not paused"),
    (("maintenance", "off", "soon"), 2, "takes no time"),
    (("maintenance", "on", ""), 2, "is not a time"),
    (("maintenance", "on", "2001-01-01"), 2, "is past already"),
    (("restart", "-5"), 2, ""),
    (("restart", "soon"), 2, "SECONDS"),
    (("set",), 2, "PARAMETER requires an argument"),
    (("set", "QUORUM"), 2, "VALUE requires an argument"),
    (("set", "QUORUM", "-1"), 2, ""),
    (("set", "QUORUM", "4"), 2, "1 to 3"),
    (("set", "QUORUMWAIT", "1.5"), 2, "whole number of seconds"),
    (("set", "ENABLEEMAIL", "LOUD"), 2, "OFF, CRITICAL or VERBOSE"),
    (("set", "ENABLEEMAIL", "VERBOSE"), 2, "no addresses"),
    (("set", "EMAILADDRESSES", "nobody"), 2, "nobody"),
    (("set", "RESOURCEPRIORITY", "web", "web"), 2, "named twice"),
    (("set", "RESOURCEPRIORITY", ","), 2, "name the resources"),
    (("set", "QUORRUM", "1"), 2, "did you mean QUORUM"),
    (("export", "there.yaml", "nobody"), 4, "nobody"),
    (("import", "nowhere.yaml"), 2, "cannot be read"),
    (("stats", "reset"), 2, "Invalid value"),
])
def test_a_mistake_is_one_sentence(cluster: Shell, line: tuple[str, ...], code: int, said: str) -> None:
    cluster.prepare(cluster.world.resource("web", State.RUNNING, node="node1"))
    before = cluster.world.view().revision
    assert cluster(*line) == code
    assert cluster.err.startswith("cluster: ")
    assert cluster.err.count("\n") == 1
    assert said in cluster.err
    assert (cluster.out, cluster.world.view().revision) == ("", before)


def test_leave_and_join_are_about_the_host_on_which_they_are_typed(cluster: Shell,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    """With the addresses of other hosts alone nobody is taken out, whoever answers there."""
    monkeypatch.setenv("STANCHION_URL", "http://203.0.113.1:7423,http://203.0.113.2:7423")
    before = cluster.world.view().revision
    for word in ("leave", "join"):
        assert cluster(word) == 2
        assert "no agent is known but at http://203.0.113.1:7423 and http://203.0.113.2:7423; type it" in cluster.err
    assert cluster.world.view().revision == before
    assert cluster("view") == 0


@pytest.mark.parametrize(("urls", "own"), [
    (("http://203.0.113.1:7423", "http://127.0.0.1:7423", "http://localhost:1"), ("http://127.0.0.1:7423",)),
    (("http://[::1]:7423",), ("http://[::1]:7423",)),
    (("http://no.such.host.invalid:7423",), None),
])
def test_of_several_addresses_the_first_of_this_host_is_its_agent_s(urls: tuple[str, ...],
                                                                     own: tuple[str, ...] | None) -> None:
    found = host.home(Connection(urls=urls, token="secret"))

    assert (found and found.urls) == own
    assert found is None or found.token == "secret"


def test_down_asks_at_a_terminal(cluster: Shell) -> None:
    assert cluster("down", typed="no\n") == 1
    assert "Type lab to do it: " in cluster.err
    assert "nothing was stopped" in cluster.err
    assert cluster.world.view().is_live(NODES[0])
    assert cluster("down", typed="lab\n") == 0
    assert not cluster.world.view().is_live(NODES[0])


def test_down_does_not_ask_a_script(cluster: Shell) -> None:
    assert cluster("down") == 0
    assert not cluster.world.view().live


def test_restart_stops_everything_and_starts_it_again(cluster: Shell) -> None:
    before = cluster.world.view().sessions[NODES[0]].value.id
    assert cluster("restart") == 0
    assert cluster.world.view().is_live(NODES[0])
    assert cluster.world.view().sessions[NODES[0]].value.id != before


def test_the_end_of_maintenance_is_read_as_date_reads_it(cluster: Shell) -> None:
    assert cluster("maintenance", "on", "2026-10-01", "06:00", "UTC") == 0
    assert cluster.out == "Maintenance mode: on until 2026-10-01 06:00:00 UTC\n"
    assert cluster("status") == 0
    assert cluster("maintenance", "off") == 0


@pytest.mark.parametrize("name", ["HEARTBEAT", "MASTERWATCHDOG", "SLAVEWATCHDOG", "MAXRETRANSMITS", "IPADDRESS",
                                  "PORT"])
def test_a_parameter_that_has_no_equal_is_refused(cluster: Shell, name: str) -> None:
    before = cluster.world.view().revision
    assert cluster("set", name, "1") == 1
    assert cluster.err.startswith("cluster: nothing was set: ")
    assert cluster.world.view().revision == before
    assert name in SETTINGS


def test_email_is_switched_and_addressed(cluster: Shell) -> None:
    assert cluster("set", "EMAILADDRESSES", "a@example.org", "b@example.org") == 0
    assert cluster("set", "enableemail", "verbose") == 0
    assert cluster("info", "notification") == 0
    assert "Email: VERBOSE\n    Addresses: a@example.org, b@example.org\n" in cluster.out
    assert cluster("set", "ENABLEEMAIL", "OFF") == 0
    assert cluster("info", "notification") == 0
    assert "Email: OFF" in cluster.out
    assert cluster("set", "EMAILOPTIONS", "NONE") == 0


def test_tolerance_chooses_the_profile(cluster: Shell) -> None:
    assert cluster("set", "TOLERANCE", "4") == 0
    settings = held(cluster.world, Kind.SETTINGS, "")
    assert settings is not None
    assert settings.value.profile == "fast"  # type: ignore[union-attr]  # these are the settings


def test_what_is_exported_comes_back(cluster: Shell, tmp_path: Path) -> None:
    for name in ("web", "db"):
        cluster.prepare(cluster.world.resource(name))
    file = str(tmp_path / "all.yaml")
    assert cluster("export", file, "WEB", "db") == 0
    assert cluster("export", file, "web") == 5
    assert cluster("export", "-", "db") == 0
    assert "name: db" in cluster.out
    for kind in (Kind.SPEC, Kind.STATE):
        cluster.prepare(cluster.world.drop(kind, "web"))
    assert cluster("import", file, "WEB") == 0
    assert cluster.out.startswith("resource web: made\n")
    assert cluster("status") == 0


def test_an_import_that_is_refused_in_part_says_so_by_its_exit_code(cluster: Shell, tmp_path: Path) -> None:
    cluster.prepare(cluster.world.resource("web"))
    file = tmp_path / "web.yaml"
    assert cluster("export", str(file), "web") == 0
    file.write_text(file.read_text(encoding="utf-8").replace("exit 0", "exit 1"), encoding="utf-8")
    assert cluster("import", str(file)) == 1
    assert cluster.out.startswith("resource web: refused: ")


def test_statistics_are_told_and_cleared(cluster: Shell) -> None:
    cluster.world.counted = Statistics(since_s=NOW_S, voices=(
        Voice(node=NODES[1], member=True, heard=12, missed=3, ago_s=0.25, longest_s=2.0),))
    assert cluster("stats") == 0
    assert "node2   12      3        2.00 s        0.25 s ago\n" in cluster.out
    assert cluster("stats", "clear") == 0
    assert "node2" not in cluster.out


def test_the_shell_is_offered_names_and_parameters(cluster: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.prepare(cluster.world.resource("web", State.RUNNING, node="node1"))
    assert cluster("__complete", "migrate", "web", "") == 0
    assert {"node1\tup", "node2\tup", "node3\tdown"} <= set(capsys.readouterr().out.splitlines())
    assert cluster("__complete", "set", "") == 0
    assert any(line.startswith("QUORUM\t") for line in capsys.readouterr().out.splitlines())


def test_leave_does_not_wait_for_what_cannot_go(cluster: Shell) -> None:
    """A comatose resource holds its node; somebody has to see to it first."""
    cluster.prepare(cluster.world.resource("web", State.COMATOSE, node="node1"))
    cluster.world.leaving = False
    assert cluster("leave") == 1
    assert "node1 cannot leave yet: web: it is comatose" in cluster.err
    assert "`cluster join` takes it back" in cluster.err


def test_down_says_what_cannot_be_unloaded(cluster: Shell) -> None:
    cluster.prepare(cluster.world.resource("web", State.COMATOSE, node="node1"))
    cluster.world.leaving = False
    assert cluster("restart", "0") == 1
    assert "not everything can be unloaded: web on node1: it is comatose" in cluster.err
    assert "`stanchion up` takes it back" in cluster.err
    assert cluster.out == ""
