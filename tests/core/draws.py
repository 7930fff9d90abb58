"""Random small clusters: every node's fate, every state of a resource, every policy; consistent, but otherwise wild."""

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from core.clusters import NOW, apart, node_records, order, proven, record, spec, together, written
from stanchion.model.capacity import NOTHING_KNOWN, Size
from stanchion.model.cluster import ClusterView, Live, Master, Membership, Node, ProofKind, Record, Settings
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import FailbackMode, FailoverMode, ResourceSpec, StartMode
from stanchion.model.standing import Down, Drained, Pause, Shutdown, Standing
from stanchion.model.state import AlertKind, Mark, Move, Phase, ResourceState, State

NODES, RESOURCES = "abc", ("db", "mail", "web")


@dataclass(frozen=True)
class Host:
    """One node: in its first or second life, alive or not, and which of its lives are proven to be over."""

    name: str
    life: int
    alive: bool
    wanted: bool
    protected: bool
    proofs: tuple[int, ...]
    drained: bool = False
    closing: bool = False
    capacity: Size = NOTHING_KNOWN

    def records(self) -> list[Record]:
        """What the store holds of it."""
        return [*node_records(self.name, dead=not self.alive, left=not self.wanted, unprotected=not self.protected,
                              life=self.life),
                Node(name=self.name, wanted=self.wanted, closing=f"boot-{self.name}1" if self.closing else None,
                     drained=Drained(by="root", at_s=NOW.wall_s) if self.drained else None,
                     capacity=self.capacity, reserve=Size(memory_mib=RESERVED_MIB)),
                *(proven(self.name, f"{self.name}{life}", ProofKind.CONFIRMED, "root") for life in self.proofs)]


RESERVED_MIB = 256
ROOMS = st.sampled_from([NOTHING_KNOWN, *(Size(memory_mib=RESERVED_MIB + room, cpus=4) for room in (1024, 2048))])
"""What hosts have: nobody knows, room for one machine or two, or for hardly more."""
SIZES = st.sampled_from([NOTHING_KNOWN, *(Size(memory_mib=need, cpus=1) for need in (512, 1024, 1536, 4096))])
"""What machines take, the last of them more than any host has."""

SELDOM = st.sampled_from([False, False, False, True])

STANDING = st.sampled_from([None, None, None, None, Standing(),
                            Standing(pause=Pause(by="root", since_s=NOW.wall_s - 60)),
                            Standing(pause=Pause(by="root", since_s=NOW.wall_s - 60, until_s=NOW.wall_s - 1)),
                            Standing(down=Down(by="root", at_s=NOW.wall_s, boots=("boot-a1",)))])


@st.composite
def hosts(draw: st.DrawFn, name: str, *, alive: bool | None = None) -> Host:
    """Draw one node's fate; a living life is never proven to be over."""
    lives = draw(st.booleans()) if alive is None else alive
    life = draw(st.sampled_from([1, 2]))
    over = [each for each in range(1, life + 1) if each < life or not lives]
    proofs = tuple(each for each in over if draw(st.booleans()))
    return Host(name, life, lives, draw(st.sampled_from([True, True, False])), draw(st.booleans()), proofs,
                drained=draw(SELDOM), closing=draw(SELDOM), capacity=draw(ROOMS))


def specs(name: str) -> st.SearchStrategy[ResourceSpec]:
    """Draw a configuration."""
    return st.builds(
        spec, st.just(name), preferred=st.permutations(NODES).flatmap(
            lambda turned: st.integers(0, 3).map(lambda count: tuple(turned[:count]))),
        live=st.booleans(), start=st.sampled_from(StartMode), failover=st.sampled_from(FailoverMode),
        failback=st.sampled_from(FailbackMode), failback_live=st.booleans(),
        follows_master=st.sampled_from([False, False, True]), ignore_quorum=st.booleans(),
        priority=st.integers(0, 2), gives_way=st.booleans(), moves_per_hour=st.sampled_from([0, 6])).flatmap(
            lambda made: SIZES.map(lambda size: replace(made, size=size)))


WHYS = st.sampled_from([reason(Why.ONLINE_ASKED, "root"), reason(Why.MIGRATE_FAILED, "b", "no route", "a"),
                        reason(Why.MONITOR_REBOOT, 3, 600, "a", "code 7"), reason(Why.NODE_CAME, "a")])


@st.composite
def states(draw: st.DrawFn, name: str, fates: dict[str, Host]) -> ResourceState:
    """Draw a record that makes sense: who holds it, in which life of its node."""
    word = draw(st.sampled_from(State))
    node = draw(st.sampled_from(NODES))
    session = f"{node}{draw(st.integers(1, fates[node].life))}"
    fields: dict[str, Any] = {
        "session": session, "since_s": NOW.wall_s - draw(st.sampled_from([10, 10_000])), "reason": draw(WHYS),
        "early_losses": draw(st.integers(0, 1)), "settled_for": draw(st.sampled_from([None, "a1", "b1"])),
        "size": draw(SIZES),
        "moves": (NOW.wall_s - 5,) * draw(st.sampled_from([0, 7])),
        "marks": draw(st.sampled_from([(), (Mark.MOVED_BY_MONITOR,)]))}
    target = draw(st.sampled_from(sorted(set(NODES) - {node})))
    way = draw(st.sampled_from(Phase))
    there = f"{target}{draw(st.integers(1, fates[target].life))}"
    match word:
        case State.LOADING if draw(st.booleans()):
            fields["session"] = None
        case State.UNLOADING if draw(st.booleans()):
            fields["move"] = Move(target=target, live=False, phase=Phase.OUT, why=fields["reason"])
        case State.COMATOSE if draw(st.booleans()):
            fields["session"] = None
        case State.ALERT:
            fields["alert"] = draw(st.sampled_from(AlertKind))
            if fields["alert"] is AlertKind.START:
                fields.update(session=None, operation=None, reason=reason(Why.START_MANUAL, node))
            elif fields["alert"] is AlertKind.FAILOVER:
                fields.update(session=None, operation=None, reason=reason(Why.FAILOVER_MANUAL, target, node))
        case State.MIGRATING:
            live = way is not Phase.PREPARE or draw(st.booleans())
            fields["move"] = Move(target=target, live=live, phase=way, why=fields["reason"],
                                  session=None if way is Phase.PREPARE else there)
        case State.OFFLINE | State.UNASSIGNED | State.QUORUM_WAIT:
            fields.update(session=None, operation=None)
            if word is State.UNASSIGNED and draw(SELDOM):
                fields["awaits"] = node
    return record(word, node, name=name, **fields)


ORDERS = st.lists(st.tuples(st.sampled_from(Verb), st.sampled_from([None, *NODES]), st.sampled_from([None, *RESOURCES]),
                            st.sampled_from([None, True, False]),
                            st.sampled_from([Outcome.PENDING, Outcome.ACCEPTED, Outcome.DONE])), max_size=3)


@st.composite
def clusters(draw: st.DrawFn, *, orders: bool = True) -> ClusterView:
    """Draw a whole cluster in which node ``a`` lives and is the master, and the membership is up to date."""
    fates = {name: draw(hosts(name, alive=True if name == "a" else None)) for name in NODES}
    groups = draw(st.sampled_from([(), (apart("db", "web"),), (apart("db", "web"), apart("mail", "web")),
                                   (together("web", "mail"),), (together("mail", "db"), apart("db", "web"))]))
    records: list[Record] = [Settings(cluster="test", quorum_nodes=draw(st.integers(1, 3)), groups=groups,
                                      shutdown=draw(st.sampled_from(Shutdown)))]
    if (standing := draw(STANDING)) is not None:
        records.append(standing)
    for fate in fates.values():
        records += fate.records()
    members = {each.node: each.session for each in records if isinstance(each, Live)}
    before = draw(st.sampled_from([(), tuple(f"{node}1" for node in NODES)]))
    records += [Master(node="a", session=members["a"]),
                Membership(epoch=3, members=members, master="a", formed_at_s=NOW.wall_s - 30,
                           quorum=draw(st.booleans()), before=before)]
    for name in draw(st.lists(st.sampled_from(RESOURCES), unique=True, min_size=1)):
        records += [draw(specs(name)), draw(states(name, fates))]
    if orders:
        records += [order(verb, resource, node, id_=f"i{number}", live=live, outcome=outcome)
                    for number, (verb, node, resource, live, outcome) in enumerate(draw(ORDERS))]
    return written(ClusterView(), *records)


def turned(view: ClusterView) -> ClusterView:
    """Give the same view with every table in the opposite order."""
    tables = ("nodes", "sessions", "live", "specs", "states", "intents", "proofs")
    fields = {name: dict(reversed(list(getattr(view, name).items()))) for name in tables}
    membership = view.membership
    if membership is not None:
        members = dict(reversed(list(membership.value.members.items())))
        fields["membership"] = type(membership)(type(membership.value)(
            **{**{name: getattr(membership.value, name) for name in membership.value.__slots__}, "members": members}),
            membership.revision)
    return type(view)(**{**{name: getattr(view, name) for name in view.__slots__ if name[0] != "_"}, **fields})
