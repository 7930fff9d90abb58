"""Routes by which hosts come into the cluster: join tokens, the offer, the admission, and new certificates.

A host that joins trusts nobody yet, and nobody trusts it. So it asks twice: first for the authority's certificate,
which it compares with the fingerprint in its token; then, over a connection that this authority vouches for, for its
admission, with the token's secret and a certificate request. Admission is one transaction: the token is used up and the
node is known, or neither. Nothing that runs is touched by it.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus

import structlog
from fastapi import APIRouter, Request, status

from stanchion.api import finding
from stanchion.api.contract import also
from stanchion.api.parameters import TokenNamed
from stanchion.api.services import By, Here, Services
from stanchion.model.cluster import ClusterView, Held, Key, Kind, Node
from stanchion.model.errors import AlreadyExists, NotAllowed, NotFound, NotNow
from stanchion.model.history import Entry
from stanchion.model.ids import NOTHING, NodeName
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.transaction import Committed, Guard, Put, Transaction
from stanchion.model.trust import Authority, JoinToken, Paper
from stanchion.ports import Issuer
from stanchion.wire import joining
from stanchion.wire.replies import instant

MEMBERS = 3
"""How many members of etcd a cluster makes for itself: the least that survives the loss of one."""
KEPT_S = 86_400.0
"""How long a token that has expired is remembered, so that who tries it is told."""
TRIES = 3

log = structlog.get_logger(__name__)
tokens = APIRouter(prefix="/join-tokens", tags=["nodes"])
doors = APIRouter(tags=["nodes"])
certificates = APIRouter(prefix="/certificates", tags=["nodes"])


@tokens.post("", status_code=status.HTTP_201_CREATED)
async def make_token(here: Here, by: By, order: joining.JoinTokenOrder | None = None) -> joining.JoinTokenMade:
    """Make a join token: one host may join with it, once, until it expires. It is told this once."""
    view, now = here.view(), here.clock.now().wall_s
    _, authority = _authority(here, view)
    order = order or joining.JoinTokenOrder()
    secret = secrets.token_urlsafe(32)
    made = JoinToken(id=here.chance.token(), digest=_digest(secret), made_at_s=now, by=by,
                     expires_at_s=now + order.valid_s)
    old = [Key(Kind.TOKEN, name) for name, held in view.tokens.items() if held.value.expires_at_s + KEPT_S < now]
    await _write(here, Transaction(puts=(Put(made),), deletes=tuple(old),
                                   history=(_entry(here, reason(Why.TOKEN_MADE, by, made.id)),)))
    urls = [session.value.url for name, session in sorted(view.sessions.items()) if view.is_live(name)]
    given = {"c": view.settings.value.cluster if view.settings else "", "f": _fingerprint(authority),
             "i": made.id, "s": secret, "u": urls[:3]}
    text = base64.urlsafe_b64encode(json.dumps(given, separators=(",", ":")).encode()).decode().rstrip("=")
    return joining.JoinTokenMade(token=f"join-{text}", info=_told(made, now))


@tokens.get("")
async def list_tokens(here: Here) -> joining.JoinTokenList:
    """List the join tokens, without their secrets."""
    now = here.clock.now().wall_s
    return joining.JoinTokenList(tokens=tuple(
        _told(held.value, now) for held in sorted(here.view().tokens.values(), key=lambda held: held.value.made_at_s)))


@tokens.delete("/{name}", status_code=status.HTTP_204_NO_CONTENT)
async def revoke_token(here: Here, by: By, name: TokenNamed) -> None:
    """Revoke a join token: nobody can join with it any more. Who has joined with it stays."""
    held = here.view().tokens.get(name)
    if held is None:
        raise NotFound(f"there is no join token {name}; `stanchion token list` lists them")
    await _write(here, Transaction(guards=(Guard(Key(Kind.TOKEN, name), held.revision),),
                                   deletes=(Key(Kind.TOKEN, name),),
                                   history=(_entry(here, reason(Why.TOKEN_REVOKED, by, name)),)))


@doors.get("/join", responses=also(HTTPStatus.CONFLICT))
async def offer(here: Here) -> joining.JoinOffer:
    """Tell a host that wants to join whom it will have to trust. Needs no token."""
    view = here.view()
    _, authority = _authority(here, view)
    made, member = _members_made(view)
    return joining.JoinOffer(cluster=view.settings.value.cluster if view.settings else "", node=here.node,
                             authority=authority.value.certificate, etcd=made, member=member,
                             at=_now(here))


@doors.post("/join", status_code=status.HTTP_201_CREATED, responses=also(HTTPStatus.UNAUTHORIZED))
async def join(here: Here, asked: joining.JoinRequest, request: Request) -> joining.Admission:
    """Admit a host that has a join token. Needs no other token."""
    caller = request.client.host if request.client else "an unknown address"
    try:
        told = await _admitted(here, asked)
    except (NotAllowed, NotNow, AlreadyExists) as refusal:
        log.warning("a host was not admitted", node=asked.node, address=caller, reason=str(refusal))
        raise
    log.info("a host was admitted", node=asked.node, address=caller, token=asked.id)
    return told


@certificates.post("", status_code=status.HTTP_201_CREATED)
async def certify(here: Here, asked: joining.CertificateRequest) -> joining.CertificateInfo:
    """Give a node that the cluster knows a new certificate; the one that it has stays good until it expires."""
    for _ in range(TRIES):
        view = here.view()
        issuer, authority = _authority(here, view)
        found = finding.match(asked.node, view.nodes)
        if found is None:
            raise NotFound(f"there is no node {asked.node}; a host that is new joins: `stanchion join`")
        made, paper = issuer.issue(authority.value, asked.request, found, asked.address)
        if await _record(here, view.nodes[found], paper):
            return joining.CertificateInfo(
                node=found, certificate=made, authority=authority.value.certificate,
                revoked=issuer.revocations(authority.value), expires_at=instant(paper.not_after_s))
    raise NotNow("the cluster changed just now; repeat it")


async def _admitted(here: Services, asked: joining.JoinRequest) -> joining.Admission:
    """Judge a host's request, use its token up, and give it what it needs."""
    for _ in range(TRIES):
        view, now = here.view(), here.clock.now().wall_s
        issuer, authority = _authority(here, view)
        token = _open_token(view, asked, now)
        taken = finding.match(asked.node, {*view.nodes, *view.live})
        if taken is not None:
            raise AlreadyExists(f"the cluster has a node {taken} already; give this one another name with --node, or "
                                f"remove the old one first: stanchion node remove {taken}")
        made, member = _members_made(view)
        if asked.witness and made and not member:
            raise NotNow(f"etcd has its {MEMBERS} members already, so a witness would have no vote; "
                         "make it an ordinary node, or remove a node that has a member")
        node = NodeName(asked.node)
        certificate, paper = issuer.issue(authority.value, asked.request, node, asked.address)
        known = Node(name=node, added_at_s=now, witness=asked.witness, etcd=asked.etcd if member else "",
                     serial=paper.serial, trusted_until_s=paper.not_after_s)
        done = await here.store.commit(Transaction(
            guards=(Guard(Key(Kind.TOKEN, token.value.id), token.revision), Guard(Key(Kind.NODE, node), NOTHING),
                    Guard(Key(Kind.AUTHORITY), authority.revision), *_others(view)),
            puts=(Put(known), Put(replace(token.value, used_by=node))),
            history=(_entry(here, reason(Why.NODE_ADMITTED, node, token.value.id, token.value.by), node),)))
        if isinstance(done, Committed):
            await here.catch_up(done.revision)
            return _admission(here, view, certificate, issuer, await _endpoints(here, made=made))
        await here.catch_up(done.revision)
    raise NotNow("the cluster changed just now; repeat it, the token is still good")


async def _endpoints(here: Services, *, made: bool) -> tuple[str, ...]:
    """Give the members of etcd that a client may use: those that vote now, where the cluster made them itself."""
    if here.ballot is None or not made:
        return here.etcd
    return tuple(member.url for member in await here.ballot.members() if member.url and not member.learner)


def _admission(here: Services, view: ClusterView, certificate: str, issuer: Issuer,
               etcd: tuple[str, ...]) -> joining.Admission:
    assert view.authority is not None
    live = [session.value for name, session in sorted(view.sessions.items()) if view.is_live(name)]
    return joining.Admission(
        cluster=view.settings.value.cluster if view.settings else "", certificate=certificate,
        authority=view.authority.value.certificate, revoked=issuer.revocations(view.authority.value),
        secret=here.token, etcd=etcd, urls=tuple(session.url for session in live),
        peers=tuple(session.door for session in live if session.door))


def _open_token(view: ClusterView, asked: joining.JoinRequest, now_s: float) -> Held[JoinToken]:
    """Find the token that somebody wants to join with. Raises ``NotAllowed``, in one sentence for each cause."""
    another = "ask for another: `stanchion token create` on a node of the cluster"
    held = view.tokens.get(asked.id)
    if held is None or not hmac.compare_digest(held.value.digest, _digest(asked.secret)):
        raise NotAllowed("this cluster has no such join token: it was revoked, it expired long ago, or it is another "
                         f"cluster's; {another}")
    match held.value.fault(now_s):
        case "used":
            raise NotAllowed(f"this join token was used already, by node {held.value.used_by}; {another}")
        case "expired":
            raise NotAllowed(f"this join token has expired; {another}")
    return held


def _members_made(view: ClusterView) -> tuple[bool, bool]:
    """Tell whether the cluster makes the members of its etcd itself, and whether one more is wanted."""
    count = sum(1 for held in view.nodes.values() if held.value.etcd)
    return count > 0, 0 < count < MEMBERS


def _others(view: ClusterView) -> Iterable[Guard]:
    """Guard what the number of etcd's members was counted from."""
    return (Guard(Key(Kind.NODE, name), held.revision) for name, held in view.nodes.items() if held.value.etcd)


def _authority(here: Services, view: ClusterView) -> tuple[Issuer, Held[Authority]]:
    if view.authority is None or here.issuer is None:
        raise NotNow("this cluster lives on one machine and admits no other hosts; move its store to etcd first: "
                     "`stanchion store move`")
    return here.issuer, view.authority


async def _record(here: Services, node: Held[Node], paper: Paper) -> bool:
    """Write down a node's new certificate; False: the node was changed meanwhile."""
    until = str(instant(paper.not_after_s))
    known = replace(node.value, serial=paper.serial, trusted_until_s=paper.not_after_s)
    done = await here.store.commit(Transaction(
        guards=(Guard(Key(Kind.NODE, node.value.name), node.revision),), puts=(Put(known),),
        history=(_entry(here, reason(Why.NODE_CERTIFIED, node.value.name, until), node.value.name),)))
    await here.catch_up(done.revision)
    return isinstance(done, Committed)


async def _write(here: Services, transaction: Transaction) -> None:
    done = await here.store.commit(transaction)
    if not isinstance(done, Committed):
        raise NotNow("the cluster changed just now; look at it again, then repeat")
    await here.catch_up(done.revision)


def _entry(here: Services, why: Reason, node: NodeName | None = None) -> Entry:
    return Entry(at_s=here.clock.now().wall_s, reason=why, by=here.node, node=node)


def _told(of: JoinToken, now_s: float) -> joining.JoinTokenInfo:
    return joining.JoinTokenInfo(id=of.id, by=of.by, made_at=instant(of.made_at_s), expires_at=instant(of.expires_at_s),
                                 state=of.fault(now_s) or "open", used_by=of.used_by)


def _now(here: Services) -> datetime:
    return datetime.fromtimestamp(here.clock.now().wall_s, UTC)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _fingerprint(authority: Held[Authority]) -> str:
    """Give what a join token knows the authority by: the SHA-256 of its certificate's bytes."""
    body = "".join(line for line in authority.value.certificate.splitlines() if not line.startswith("-----"))
    return hashlib.sha256(base64.b64decode(body)).hexdigest()
