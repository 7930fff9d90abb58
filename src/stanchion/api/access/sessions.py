"""Signing in and out: sessions of browsers, which every node knows and any administrator can end.

A session is a record in the store under the SHA-256 of its cookie, so no node has to ask another. It ends twelve hours
after it began, an hour after its last request, and at once when anything about its user changes
(``model.access.SignIn``). When it was last used is written at most every five minutes, beside the request and never in
its way.

Nothing here tells who exists: a wrong name costs the same work and gives the same answer as a wrong password.
"""

import secrets
from dataclasses import replace

import structlog
from starlette.responses import Response

from stanchion.api.access import audit, identity, outside
from stanchion.api.services import Services
from stanchion.model.access import LONGEST_NAME, SignIn, User, folded
from stanchion.model.cluster import ClusterView, Held, Key, Kind
from stanchion.model.errors import NotAllowed, NotFound, NotNow, StanchionError
from stanchion.model.history import Entry
from stanchion.model.reasons import Why, reason
from stanchion.model.transaction import Committed, Guard, Put, Transaction
from stanchion.ports import Passwords

SESSION_S = 12 * 3600.0
SEEN_EVERY_S = 300.0
MOST = 20
"""So many sessions a user can have; the oldest goes for a new one."""

LONGEST_AGENT = 120

log = structlog.get_logger(__name__)


async def sign_in(here: Services, name: str, password: str, address: str, agent: str = "") -> str:
    """Sign a user in, and give the value for the cookie (``set_cookie``).

    Raises ``NotAllowed`` for a wrong name or password, ``TooSoon`` after too many tries, and ``NotNow``.
    """
    name = folded(name)[:LONGEST_NAME + 1]  # whatever is remembered of a try is small
    here.vigil.brake.attempt(name, address, here.clock.now().mono_s)
    known = here.view().users.get(name)
    held = (await outside.by_password(here, known, name, password, address)
            or await _by_password(here, known, password))
    if held is None:
        if known is not None:
            audit.refused_sign_in(here, name, address, "the password is wrong")
        raise NotAllowed("the name or the password is wrong; an administrator can give you a link for a new password: "
                         "`stanchion user invite`")
    here.vigil.brake.forgive(name, address)
    return await begin(here, held, address, agent)


async def _by_password(here: Services, known: Held[User] | None, password: str) -> Held[User] | None:
    """Give the user whose password this is; None: it is not his."""
    # The record that the password fitted: if it is another one by now, no session of it begins.
    return known if await hasher(here).fits(password, known.value.password if known else "") else None


async def begin(here: Services, user: Held[User], address: str, agent: str) -> str:
    """Begin a session of a user as he is known, and give its cookie's value. Raises ``NotAllowed``, ``NotNow``."""
    if user.value.locked:
        audit.refused_sign_in(here, user.value.name, address, "the user is locked")
        raise NotAllowed("this user is locked; an administrator can unlock it: `stanchion user unlock`")
    view, now_s = here.view(), here.clock.now().wall_s
    value = secrets.token_urlsafe(32)
    name = user.value.name
    made = SignIn(id=identity.digest(value), user=name, made_at_s=now_s, seen_at_s=now_s, vouched=user.revision,
                  expires_at_s=now_s + SESSION_S, address=address, agent=audit.comment(agent)[:LONGEST_AGENT])
    done = await here.store.commit(Transaction(
        guards=(Guard(Key(Kind.USER, name), user.revision),), puts=(Put(made),), deletes=_stale(view, name, now_s),
        history=(audit.entry(here, reason(Why.SIGNED_IN, name, address or "here")),)))
    await here.catch_up(done.revision)
    if not isinstance(done, Committed):
        raise NotNow("the user was changed just now; sign in again")
    return value


async def sign_out(here: Services, value: str) -> None:
    """End the session of a cookie; one that has ended already is no error."""
    name = identity.digest(value)
    held = here.view().sign_ins.get(name)
    if held is not None:
        await _delete(here, (name,))


async def end(here: Services, by: str, address: str, names: tuple[str, ...], user: str) -> None:
    """End sessions of a user, by their ids, and write down who did it."""
    why = reason(Why.ACCESS_CHANGED, by, address or "here", user,
                 "session ended" if len(names) == 1 else f"{len(names)} sessions ended")
    await _delete(here, names, history=(audit.entry(here, why),))


def find(view: ClusterView, name: str, now_s: float, *, user: str = "") -> SignIn:
    """Find a session by its id or by how that begins; with ``user`` only one of his. Raises ``NotFound``."""
    found = [held.value for held in view.sign_ins.values()
             if name and held.value.id.startswith(name) and (not user or held.value.user == user)
             and identity.session_of(view, held.value.id, now_s) is not None]
    if len(found) != 1:
        raise NotFound(f"there is no one session {name}; `stanchion user sessions` lists them")
    return found[0]


def seen(here: Services, name: str) -> None:
    """Note that a session was used: at most every five minutes, and without waiting for the store."""
    held = here.view().sign_ins.get(name)
    if (held is None or name in here.vigil.touching or here.store_away()
            or here.clock.now().wall_s - held.value.seen_at_s < SEEN_EVERY_S):
        return
    here.vigil.touching.add(name)
    here.vigil.later(_touch(here, held))


def set_cookie(answer: Response, value: str) -> None:
    """Have the browser keep a session."""
    answer.set_cookie(identity.COOKIE, value, max_age=int(SESSION_S), path="/", secure=True, httponly=True,
                      samesite="strict")


def forget_cookie(answer: Response) -> None:
    """Have the browser forget its session."""
    answer.delete_cookie(identity.COOKIE, path="/", secure=True, httponly=True, samesite="strict")


def hasher(here: Services) -> Passwords:
    """Give what hashes passwords. Raises ``NotNow`` where this agent has none."""
    if here.passwords is None:
        raise NotNow("this agent has nobody to check passwords; use the cluster's token")
    return here.passwords


def of_user(view: ClusterView, user: str, *, but: str = "") -> tuple[Key, ...]:
    """Name the records of a user's sessions, good ones and ended ones."""
    return tuple(Key(Kind.SIGN_IN, name) for name, held in view.sign_ins.items()
                 if held.value.user == user and name != but)


async def _touch(here: Services, held: Held[SignIn]) -> None:
    now_s = here.clock.now().wall_s
    try:
        await here.store.commit(Transaction(guards=(Guard(Key(Kind.SIGN_IN, held.value.id), held.revision),),
                                            puts=(Put(replace(held.value, seen_at_s=now_s)),)))
    except StanchionError as problem:
        log.info("it was not written that a session is used", problem=str(problem))
    finally:
        here.vigil.touching.discard(held.value.id)


async def _delete(here: Services, names: tuple[str, ...], history: tuple[Entry, ...] = ()) -> None:
    done = await here.store.commit(Transaction(deletes=tuple(Key(Kind.SIGN_IN, name) for name in names),
                                               history=history))
    await here.catch_up(done.revision)


def _stale(view: ClusterView, user: str, now_s: float) -> tuple[Key, ...]:
    """Name the sessions that nobody can use any more, and the oldest of a user who has too many."""
    good = [held.value for name, held in view.sign_ins.items() if identity.session_of(view, name, now_s) is not None]
    mine = sorted((each for each in good if each.user == user), key=lambda each: each.made_at_s)
    kept = {each.id for each in good} - {each.id for each in mine[:max(0, len(mine) - MOST + 1)]}
    return tuple(Key(Kind.SIGN_IN, name) for name in view.sign_ins if name not in kept)
