"""Orders that make no sense, given to a real cluster: refused in one sentence, and nothing of it changed.

What the API refuses in detail stands in ``test_bad_requests``; here the whole way is walked, from the command line over
HTTP and the agents to the store and the machines. ``init`` and the command line without a cluster are tried as well.
"""

import importlib
import io
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from realhosts import Cluster, Done, Sleeper, cluster, lone_node, stanchion, until
from stanchion.cli import run
from stanchion.cli.session import Terminal
from stanchion.lab.demo.machines import DemoMachine
from stanchion.model.orders import Outcome
from stanchion.model.state import State
from stanchion.wire.replies import Status
from stanchion.wire.requests import ResourceChange

pytestmark = pytest.mark.slow

importlib.import_module("stanchion.commands")  # which adds the commands that need this host

needs_qemu = pytest.mark.skipif(shutil.which("qemu-system-x86_64") is None,
                                reason="no qemu-system-x86_64 here: install qemu-system-x86")


@pytest.fixture(scope="module")
def lab() -> Iterator[Cluster]:
    """Three hosts: web runs on node1 and may also run on node3."""
    with cluster(profile="default") as made:
        web = Sleeper("web", made.place)
        made.order("web", web.change(preferred=("node1", "node3")))
        made.make("free", Sleeper("free", made.place).change(preferred=("node1", "node2", "node3")))
        yield made
        assert len(web.lives()) == 1, "its machine was started anew"
        assert len(web.processes()) == 1
        assert made.tracebacks() == []


def command(*words: str | Path) -> Done:
    """Run a command of the command line in this process, which takes a tenth of the time."""
    out, err = io.StringIO(), io.StringIO()
    code = run([*map(str, words)], terminal=Terminal(out=out, err=err, read=io.StringIO()))
    return Done(code, out.getvalue(), err.getvalue())


def given(lab: Cluster, line: str) -> Done:
    """Give an order to the real cluster."""
    return command(*line.split(), "--url", lab.said["STANCHION_URL"].split(",")[0], "--token-file",
                   lab.said["STANCHION_TOKEN_FILE"])


BAD = [
    ("an unknown template", "resource create fresh Qemo", 4, "there is no template Qemo; "),
    ("an unknown resource", "online nothing", 4, "there is no resource nothing; "),
    ("an unknown node", "migrate web node9", 4, "there is no node node9; "),
    ("an invalid name", "resource create no-dash Generic_FS", 2, "the name 'no-dash' is not possible: 1 to 63"),
    ("a taken name", "resource create Web Generic_FS", 5, "there is a resource web already "),
    ("a broken script", "resource edit web --load @/broken.sh", 2, "the load script is not valid, line"),
    ("an empty script", "resource edit web --load /dev/null", 2, "the load script is empty"),
    ("a timeout of zero", "resource edit web --unload-timeout 0", 2, "the timeout of the unload script is 0 s;"),
    ("a negative timeout", "resource edit web --load-timeout=-1", 2, "the timeout of the load script is -1 s; it must"),
    ("an unknown preferred node", "resource edit web --preferred node1,node9", 2, "preferred node node9 is unknown"),
    ("a doubled preferred node", "resource edit web --preferred node1,node1", 2, "node node1 is listed twice"),
    ("a move to its own node", "migrate web node1", 5, "it already runs on node1; name another node"),
    ("a move to a node not allowed", "migrate web node2", 5, "node2 is not among its preferred nodes"),
    ("a live move that is none", "migrate free node2 --live", 5, "its scripts cannot migrate live"),
    ("a deletion while it runs", "resource delete web --yes", 5, "web is Running"),
]


def _at_rest(lab: Cluster) -> Status:
    """Look until nothing is written any more: what was ordered before is done, and written down as done."""
    end = time.monotonic() + 10
    last = lab.status()
    while time.monotonic() < end:
        time.sleep(0.3)
        now = lab.status()
        if now.cluster.revision == last.cluster.revision:
            return now
        last = now
    raise AssertionError("the cluster does not come to rest")


@pytest.mark.parametrize(("line", "code", "sentence"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_an_order_that_makes_no_sense_changes_nothing(lab: Cluster, line: str, code: int, sentence: str) -> None:
    (lab.place / "broken.sh").write_text("if true; then\n")
    before = _at_rest(lab)
    given(lab, line.replace("@", str(lab.place))).refused(code, sentence)
    after = lab.status()
    assert after.cluster.revision == before.cluster.revision
    assert after.resources == before.resources


@needs_qemu
@pytest.mark.qemu
def test_a_machine_whose_configuration_is_not_the_same_on_the_target_stays(lab: Cluster) -> None:
    """All hosts share one file system here, so the path is one that each agent sees differently: its own directory."""
    guest = DemoMachine("vm1", "QemuLive_Template", ("node1", "node2"), lab.place)
    guest.write()
    text = guest.config.read_text()
    lab.host("node3").command("power off")
    here, there = (lab.host(node).directory / "vm1.conf" for node in guest.preferred)
    here.write_text(text)
    change = ResourceChange(preferred=guest.preferred, files=(str(guest.config), "/proc/self/cwd/vm1.conf"))
    lab.make("vm1", change, guest.template, CONFIG=str(guest.config), SHUTDOWN_TIMEOUT="1")
    until(guest.last, "the machine ticks")
    for content, told in ((None, "is missing"), ("memory = 31\n", "differs from the one on the node that runs")):
        if content is not None:
            there.write_text(content)
        done = given(lab, "migrate vm1 node2")
        assert done.code == 1, done
        assert done.err.startswith("stanchion: migrate of vm1")
        assert f"node node2 cannot receive it: the file /proc/self/cwd/vm1.conf {told}" in done.err
        assert lab.resource("vm1").node == "node1"
        assert lab.resource("vm1").state is State.RUNNING
        assert len(guest.boots()) == 1

    there.write_text(text)
    assert lab.ended(lambda client: client.migrate("vm1", "node2")).outcome is Outcome.DONE
    count = len(guest.heard())
    until(lambda: len(guest.heard()) > count + 3, "it goes on ticking on the other node")
    assert len(guest.boots()) == 1
    assert guest.fault() == ""


def test_a_move_to_a_dead_node_changes_nothing(lab: Cluster) -> None:
    lab.host("node3").command("power off")
    until(lambda: lab.ask(lambda client: client.node("node3")).state == "down", "node3 is down")
    before = lab.resource("web")
    given(lab, "migrate web node3").refused(5, "node3 is not a member now")
    assert lab.resource("web") == before
    assert before.state is State.RUNNING


def test_init_refuses_what_makes_no_sense_and_leaves_what_there_is() -> None:
    with lone_node() as node:
        store = node.directory / "store.db"
        other = node.directory.parent / "other"
        kept = {path: path.read_bytes() for path in node.directory.iterdir() if path.is_file()}
        node.init().refused(5, f"{node.settings} exists: this node is initialized already; remove the directory ")
        for words, code, sentence in (
            (("lab", "--listen", "nonsense"), 2, "--listen nonsense is not HOST:PORT, for example 127.0.0.1:7423"),
            (("lab", "--listen", "127.0.0.1:70000"), 2, "--listen 127.0.0.1:70000 is not HOST:PORT"),
            (("wrong", "--store", store, "--node", "two"), 2, "belongs to the cluster lab, not to wrong; "),
            (("lab", "--store", store, "--node", "solo"), 5, "the cluster has a node solo already; give another name"),
            (("lab", "--store", other / "no.db", "--node", "two"), 1, "run `stanchion init` to make one"),
            (("lab", "--node", "no/slash"), 2, "no/slash"),
            (("no/slash", "--node", "two"), 2, "no/slash"),
            (("lab", "--self-fence", "supervisor"), 2, "--self-fence supervisor needs --supervisor SOCKET"),
        ):
            command("init", *words, "--dir", other).refused(code, sentence)
            assert not (other / "agent.toml").exists()
        assert {path: path.read_bytes() for path in node.directory.iterdir() if path in kept} == kept
        node.up()
        assert [each.name for each in node.operator.status().nodes] == ["solo"]


def test_the_command_line_without_a_cluster_says_what_to_check(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "STANCHION_URL": "http://127.0.0.1:9"}
    stanchion("status", env=env).refused(6, "no agent answers at http://127.0.0.1:9", "`stanchion agent` runs")
    for line in ("online web", "resource list", "events", "node show node1"):
        command(*line.split(), "--url", "http://127.0.0.1:9").refused(6, "no agent answers at http://127.0.0.1:9")
