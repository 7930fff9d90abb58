"""The page ``docs/cluster-command.md``: every word of ``cluster``, tried as an administrator of the original would.

The commands run in this process against the API over the store in memory. No agents run there, so ``Played`` does what
master and agents would do of an order: as soon as it is written, its resource or node is as ordered. Run as a program
it writes the page (``scripts/transcript``); the test beside it sees that the page is current.
"""

import os
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass, replace
from pathlib import Path

from cli.shell import Shell
from stanchion.cli.original import run
from stanchion.model.cluster import Key, Kind, Live, Master, Membership, Proof, ProofKind, Record
from stanchion.model.ids import Epoch, NodeName, SessionId
from stanchion.model.orders import Intent, Outcome, Verb
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.standing import Standing
from stanchion.model.state import AlertKind, ResourceState, State
from stanchion.model.statistics import Calls, Statistics, Voice
from stanchion.model.transaction import Put, Transaction
from surface import NODES, NOW_S, World

PAGE = Path(__file__).parents[2] / "docs" / "cluster-command.md"

HEAD = """\
# The command `cluster`

Whoever has run Novell Cluster Services knows `cluster online RES`. That command is installed beside `stanchion` and
speaks the same words, with the same shape of answers. What has no equal any more says so in one sentence, names what
does the job now, and ends with another exit code than 0. The exit codes are those of [the command line](cli.md);
`man cluster` and `cluster help` tell every word.

Words, and names of resources and nodes, count in any case. States stand in full. An order waits until it has ended,
so its exit code says what became of it; Ctrl-C ends the waiting, not the order. There are no options for the
connection: it speaks to the agent that `client.toml` or `STANCHION_URL` names. `join` and `leave` mean *this node*:
they speak to no other agent than that of the host on which they are typed.

This page is a transcript: `./scripts/transcript` writes it, and a test sees that it is what the command says. The
cluster is called lab; node1, where everything is typed, is its master, and node3 has been lost.
"""

SCENES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Looking", "", (
        "cluster status", "cluster resources", "cluster status web", "cluster view")),
    ("Orders", "The answer is how the resource is when the order has ended.", (
        "cluster online db", "cluster online mail node2", "cluster migrate WEB node2", "cluster offline mail",
        "cluster alert print yes", "cluster resources", "cluster online nobody", "cluster offline mail",
        "cluster migrate web node3")),
    ("This node", "", ("cluster leave", "cluster view", "cluster join", "cluster view")),
    ("Maintenance", ("It suspends verdicts, as in the original: nothing is stopped or moved, nothing is begun. The end "
     "is\nread by date(1). `stanchion pause` is the same; emptying one node is `stanchion drain`."), (
         "cluster maintenance on '2026-09-22 06:00 UTC'", "cluster maintenance on", "cluster maintenance off",
         "cluster maintenance on 'some day'")),
    ("Settings", "", (
        "cluster info", "cluster set QUORUM 2", "cluster set QUORUMWAIT 90", "cluster set TOLERANCE 32",
        "cluster set EMAILADDRESSES 'ops@example.org boss@example.org'", "cluster set ENABLEEMAIL VERBOSE",
        "cluster set RESOURCEPRIORITY db,web", "cluster info notification", "cluster info priority",
        "cluster set EMAILOPTIONS XML", "cluster set TOLERANCE 5", "cluster set HEARTBEAT 1",
        "cluster set IPADDRESS 10.0.0.1", "cluster set COLOUR blue", "cluster set QUORUM many")),
    ("Heartbeat statistics", "Each node counts for itself what it hears of the others.", (
        "cluster stats display", "cluster stats clear")),
    ("Files", ("The file is Stanchion's own format; `cluster import` also reads the original's export in XML and a\n"
     "directory of its scripts."), (
         "cluster export web.yaml web", "cluster import web.yaml", "cluster import nowhere.xml",
         "cluster import web.yaml mail")),
    ("The whole cluster", "At a terminal both ask first; a script is not asked, as in the original.", (
        "cluster restart 0", "cluster down", "cluster view")),
    ("What makes no sense any more", "", (
        "cluster exec 'uname -r'", "cluster pools", "cluster convert preview", "cluster monitor on",
        "cluster connections")),
    ("Mistakes", "", (
        "cluster onlin web", "cluster online", "cluster alert web perhaps", "cluster help onlin")),
    ("Help", "", ("cluster help migrate",)),
)


COUNTED = Statistics(
    since_s=NOW_S, calls=Calls(answered=3600, failed=2, longest_s=0.31), voices=(
        Voice(node=NODES[1], member=True, heard=7190, missed=10, ago_s=0.2, longest_s=2.6),
        Voice(node=NODES[2], member=False, heard=3001, missed=0, ago_s=2100.0, longest_s=0.6)))


@dataclass(kw_only=True)
class Played(World):
    """A world in which every order comes true at once; without ``leaving``, no node ever leaves."""

    epoch: int = 4
    leaving: bool = True
    counted: Statistics = COUNTED

    def __post_init__(self) -> None:
        super().__post_init__()
        self.ends = self._done

    def _done(self, intent: Intent) -> tuple[Outcome, Reason]:
        if intent.resource is not None:
            return self._resource_done(intent)
        assert intent.node is not None
        if intent.verb is Verb.LEAVE:
            self._leave(intent.node)
            if not self.leaving:
                return Outcome.ACCEPTED, reason(Why.LEAVE_ASKED, intent.by, intent.node)
            return Outcome.DONE, reason(Why.NODE_LEFT, intent.node)
        self._join(intent.node)
        return Outcome.DONE, reason(Why.NODE_JOINED, intent.node)

    def _resource_done(self, intent: Intent) -> tuple[Outcome, Reason]:
        held = self.engine.records[Key(Kind.STATE, str(intent.resource))].value
        assert isinstance(held, ResourceState)
        if intent.verb is Verb.OFFLINE:
            why = reason(Why.UNLOADED)
            self._put(replace(held, state=State.OFFLINE, node=None, session=None, reason=why))
            return Outcome.DONE, why
        node = intent.node or held.node or NODES[0]
        why = reason(Why.LOADED)
        self._put(replace(held, state=State.RUNNING, alert=None, node=node, session=self.view().session_of(node),
                          lives=held.lives + 1, reason=why))
        return Outcome.DONE, why

    def _leave(self, node: NodeName) -> None:
        if not self.leaving:
            self._put(replace(self.view().nodes[node].value, wanted=False))
            return
        session = self.view().sessions[node].value
        self.engine.commit(Transaction(deletes=(Key(Kind.LIVE, node),)))
        self._put(Proof(node=node, session=session.id, kind=ProofKind.CLEAN, at_s=NOW_S),
                  replace(self.view().nodes[node].value, wanted=False))
        self._members()

    def _join(self, node: NodeName) -> None:
        fresh = replace(self.view().sessions[node].value, id=SessionId(f"{node}-again{self.epoch}"))
        self._put(fresh, Live(node=node, session=fresh.id), replace(self.view().nodes[node].value, wanted=True))
        self._members()

    def _members(self) -> None:
        self.epoch += 1
        members = {node: held.value.session for node, held in self.view().live.items()}
        if not members:
            return
        last = max(members)
        self._put(Master(node=last, session=members[last]), Membership(
            epoch=Epoch(self.epoch), members=members, master=last, formed_at_s=NOW_S, quorum=True))

    def _put(self, *records: Record) -> None:
        self.engine.commit(Transaction(puts=tuple(map(Put, records))))

    async def _written(self, transaction: Transaction) -> None:
        await super()._written(transaction)
        for put in transaction.puts:
            if isinstance(put.record, Standing):
                for node in NODES[:2]:
                    if put.record.down is not None and self.view().is_live(node):
                        self._leave(node)
                    elif put.record.down is None and not self.view().is_live(node):
                        self._join(node)


def told(shell: Shell, line: str) -> str:
    """Type one command and give what a terminal would show of it, and its exit code unless that is 0."""
    _, *argv = shlex.split(line)
    code = shell(*argv)
    said = "\n".join(row.rstrip() for row in (shell.out + shell.err).strip().splitlines())
    return f"$ {line}\n{said}\n" + (f"(exit code {code})\n" if code else "")


def page() -> str:
    """Play everything and give the page."""
    shell = Shell(world=Played(), program=run)
    with tempfile.TemporaryDirectory() as empty, chdir(empty):
        shell.prepare(_furnish(shell.world))
        return "\n".join((HEAD, *_sections(shell)))


async def _furnish(world: World) -> None:
    await world.resource("WEB", State.RUNNING, node="node1")
    await world.resource("db")
    await world.resource("mail")
    name = await world.resource("print", State.ALERT, node="node2")
    held = world.engine.records[Key(Kind.STATE, name)].value
    assert isinstance(held, ResourceState)
    await world.put(replace(held, alert=AlertKind.FAILOVER, reason=reason(Why.NODE_DOWN, "node3")))


def _sections(shell: Shell) -> Iterator[str]:
    for title, prose, lines in SCENES:
        yield f"## {title}\n"
        if prose:
            yield f"{prose}\n"
        yield "```\n" + "\n".join(told(shell, line) for line in lines) + "```\n"


if __name__ == "__main__":
    for unwanted in ("STANCHION_TOKEN_FILE", "STANCHION_CONFIG", "NO_COLOR", "FORCE_COLOR"):
        os.environ.pop(unwanted, None)
    os.environ |= {"COLUMNS": "80", "TZ": "UTC", "STANCHION_URL": "http://127.0.0.1:7423"}
    PAGE.write_text(page(), encoding="utf-8")
