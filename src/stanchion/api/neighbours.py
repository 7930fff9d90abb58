"""Routes for the other clusters that people want to see beside this one: add, list, remove, and how well each is.

The answering node asks them, with a token that the administrator who added them gave. Addresses are judged before they
are kept, because this host may reach what he does not; see ``client.glimpse`` for what is asked there, and how.
"""

import re
from urllib.parse import urlsplit

from fastapi import APIRouter, status

from stanchion.api import finding
from stanchion.api.parameters import NeighbourNamed
from stanchion.api.services import By, Here, Services
from stanchion.model.cluster import ClusterView, Key, Kind
from stanchion.model.errors import AlreadyExists, InvalidInput, NotFound, NotNow
from stanchion.model.ids import NOTHING
from stanchion.model.neighbour import MOST, Glimpse, Neighbour
from stanchion.model.transaction import Committed, Guard, Put, Transaction
from stanchion.ports import Neighbours
from stanchion.wire import neighbours as wire
from stanchion.wire.bounds import GROUP_SHAPE
from stanchion.wire.replies import instant

router = APIRouter(prefix="/neighbours", tags=["cluster"])

_NAME = re.compile(GROUP_SHAPE)


@router.get("")
async def neighbours(here: Here) -> wire.NeighbourList:
    """List the other clusters. Their tokens are masked."""
    return wire.NeighbourList(neighbours=tuple(map(_info, _all(here.view()))))


@router.get("/health")
async def health(here: Here) -> wire.NeighbourHealthList:
    """Look at all other clusters, and tell how well each is; one that does not answer within 3 s is unreachable."""
    known = _all(here.view())
    seen = await _looker(here).look(known) if known else ()
    return wire.NeighbourHealthList(neighbours=tuple(map(_health, known, seen)))


@router.post("", status_code=status.HTTP_201_CREATED)
async def add(here: Here, by: By, order: wire.NeighbourOrder) -> wire.NeighbourInfo:
    """Add another cluster, to be looked at from here. It need not answer now."""
    view, looker = here.view(), _looker(here)
    if not _NAME.fullmatch(order.name):
        raise InvalidInput(f"{order.name!r} cannot be a cluster's name here; use 1 to 63 letters, digits and . _ -")
    if (known := finding.match(order.name, view.neighbours)) is not None:
        raise AlreadyExists(f"there is a cluster {known} already; remove that first, or give this one another name")
    if len(view.neighbours) >= MOST:
        raise NotNow(f"there are {MOST} other clusters already; remove one first")
    if order.authority and (fault := looker.fault(order.authority)):
        raise InvalidInput(fault)
    if not order.token.isascii() or not order.token.isprintable() or " " in order.token:
        raise InvalidInput("the token is not one: it is one line of letters and digits")
    made = Neighbour(name=order.name, urls=tuple(dict.fromkeys(map(address, order.urls))), authority=order.authority,
                     sealed_token=looker.sealed(order.token), by=by, added_at_s=here.clock.now().wall_s)
    await _write(here, Transaction(guards=(Guard(Key(Kind.NEIGHBOUR, made.name), NOTHING),), puts=(Put(made),)))
    return _info(made)


@router.delete("/{name}", status_code=status.HTTP_204_NO_CONTENT)
async def remove(here: Here, name: NeighbourNamed) -> None:
    """Forget another cluster, and the token for it. Revoke that token there as well."""
    view = here.view()
    found = finding.match(name, view.neighbours)
    if found is None:
        raise NotFound(f"there is no other cluster {name}; `stanchion neighbour list` lists them")
    key = Key(Kind.NEIGHBOUR, found)
    await _write(here, Transaction(guards=(Guard(key, view.neighbours[found].revision),), deletes=(key,)))


def address(text: str) -> str:
    """Read where an agent answers: a scheme, a host and a port, and nothing else. Raises ``InvalidInput``."""
    given = text.strip().rstrip("/")
    try:
        parts = urlsplit(given)
        port, host = parts.port, parts.hostname
    except ValueError:
        port, host, parts = None, None, urlsplit("")
    bare = not (parts.username or parts.password or parts.path or parts.query or parts.fragment)
    if parts.scheme not in {"http", "https"} or not host or port == 0 or not bare or not given.isprintable():
        raise InvalidInput(f"{given!r} is not the address of an agent; write it like https://10.1.0.1:7423")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _all(view: ClusterView) -> list[Neighbour]:
    return [held.value for _, held in sorted(view.neighbours.items(), key=lambda pair: pair[0].casefold())]


def _looker(here: Services) -> Neighbours:
    if here.neighbours is None:
        raise NotNow("this agent cannot look at other clusters; ask another node")
    return here.neighbours


def _info(of: Neighbour) -> wire.NeighbourInfo:
    return wire.NeighbourInfo(name=of.name, urls=of.urls, trusted=bool(of.authority), by=of.by,
                              added_at=instant(of.added_at_s))


def _health(of: Neighbour, seen: Glimpse) -> wire.NeighbourHealth:
    return wire.NeighbourHealth(
        name=of.name, health="unreachable" if seen.health is None else seen.health.value, text=seen.text,
        cluster=seen.cluster, reasons=seen.reasons, nodes=seen.nodes, nodes_up=seen.nodes_up, url=seen.url,
        resources=seen.resources, running=seen.running, version=seen.version, at=instant(seen.at_s))


async def _write(here: Services, change: Transaction) -> None:
    answer = await here.store.commit(change)
    if not isinstance(answer, Committed):
        raise NotNow("somebody else changed this just now; look at it again, then repeat")
    await here.catch_up(answer.revision)
