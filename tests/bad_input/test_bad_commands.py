"""Every bad command line ends with one sentence on standard error and the right exit code, never a traceback."""

import asyncio
import io
from pathlib import Path

import pytest

from stanchion.cli import run
from stanchion.cli.session import Terminal
from surface import World

BAD = [
    ("an unknown command", "onlin web", 2, 'Did you mean "online"?'),
    ("an unknown option", "status --wach", 2, "Unknown option"),
    ("a missing name", "online", 2, "RESOURCE requires an argument"),
    ("an unknown resource", "online nothing", 4, "there is no resource nothing; `stanchion status` lists them"),
    ("an unknown node", "migrate web node9", 4, "there is no node node9; `stanchion node list` lists them"),
    ("an unknown template", "resource create fresh Qemo", 4, "there is no template Qemo"),
    ("an invalid name", "resource create no-dash Qemu_Template", 2, "the name 'no-dash' is not possible"),
    ("a taken name", "resource create WEB Qemu_Template", 5, "there is a resource web already"),
    ("an answer without a name", "resource create fresh Qemu_Template 256", 2, "write NAME=VALUE"),
    ("an answer given twice", "resource create fresh Qemu_Template A=1 A=2", 2, "is given twice"),
    ("a timeout of zero", "resource edit web --load-timeout 0", 2, "the timeout of the load script is 0 s"),
    ("a negative timeout", "resource edit web --load-timeout=-5m", 2, "the timeout of the load script is -300 s"),
    ("a timeout of words", "resource edit web --load-timeout long", 2, "'long' is not a duration"),
    ("an unknown preferred node", "resource edit web --preferred node1,node9", 2, "node9 is unknown"),
    ("a doubled preferred node", "resource edit web --preferred node1,node1", 2, "node node1 is listed twice"),
    ("no script file", "resource edit web --load /nowhere", 2, "the script file /nowhere cannot be read"),
    ("an empty script", "resource edit web --load /dev/null", 2, "the load script is empty"),
    ("nothing to edit", "resource edit web", 2, "nothing to change was given"),
    ("a stale edit", "resource edit web --revision 1 --priority 3", 5, "web was saved by anna at"),
    ("an unknown mode", "resource edit web --start maybe", 2, "maybe"),
    ("its own node", "migrate web node1", 5, "it already runs on node1; name another node"),
    ("a dead node", "migrate web node3", 5, "node3 is not a member now"),
    ("a node not listed", "migrate only1 node2", 5, "node2 is not among its preferred nodes"),
    ("not in this state", "online web", 5, "online is not possible while it is Running; possible now: "),
    ("no alert", "alert web yes", 5, "it asks nothing: it is Running, because"),
    ("no answer", "alert web maybe", 2, "maybe"),
    ("no process", "end-process web", 5, "no script of web is running"),
    ("no token file", "status --token-file /nowhere", 2, "there is no token file /nowhere"),
    ("a limit beyond the bound", "events -n 5000", 2, "`limit` should be less than or equal to 1000"),
]


async def _cluster() -> World:
    world = World()
    await world.resource("web", "Running", node="node1")
    await world.resource("only1", "Running", node="node1", preferred=("node1",))
    return world


def _run(world: World, line: str, token: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = run(line.split(), terminal=Terminal(out=out, err=err, read=io.StringIO(),
                                               client=lambda _: world.client(token)))
    return code, out.getvalue(), err.getvalue()


@pytest.mark.parametrize(("line", "code", "sentence"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_bad_command_is_refused_in_one_sentence(line: str, code: int, sentence: str) -> None:
    world = _made()
    before = world.engine.revision
    given, out, err = _run(world, line, "t0ken")
    assert (given, out) == (code, ""), err
    assert sentence in err
    assert err.startswith("stanchion: ")
    assert err.count("\n") == 1
    assert world.engine.revision == before


def test_a_wrong_token_is_exit_code_3_and_says_where_the_right_one_stands() -> None:
    given, _, err = _run(_made(), "status", "wrong")
    assert given == 3
    assert err == ("stanchion: the token is not this cluster's; it stands in /var/lib/stanchion/token on this host, "
                   "give it with --token-file\n")


def test_a_script_that_is_not_bash_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "load.sh").write_text("echo a\nif true\n")
    given, _, err = _run(_made(), f"resource edit web --load {tmp_path / 'load.sh'}", "t0ken")
    assert given == 2
    assert "the load script is not valid, line" in err


def test_a_cluster_that_does_not_answer_is_exit_code_6_in_one_sentence() -> None:
    err = io.StringIO()
    given = run(["status", "--url", "http://127.0.0.1:9"], terminal=Terminal(err=err))
    assert given == 6
    assert err.getvalue().startswith("stanchion: no agent answers at http://127.0.0.1:9 (")
    assert err.getvalue().count("\n") == 1


def _made() -> World:
    return asyncio.run(_cluster())
