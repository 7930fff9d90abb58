"""Users: how they come in by a one-time link, what becomes of them, and that one administrator always stays.

There is no default password and no first user. Whoever holds the cluster's token, which never leaves its hosts, makes
an invitation; whoever opens its link sets the password, once. The same link serves a user who lost his. Every change of
a user's record ends his sessions with it (``model.access.SignIn``).
"""

import hmac
import secrets
from dataclasses import replace

from stanchion.api.access import audit, identity, sessions
from stanchion.api.access.principal import Principal
from stanchion.api.services import Services
from stanchion.model.access import Invitation, Origin, Role, User, folded, name_fault
from stanchion.model.cluster import ClusterView, Held, Key, Kind
from stanchion.model.errors import InvalidInput, NotAllowed, NotFound, NotNow, NotPermitted
from stanchion.model.ids import NOTHING
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.transaction import Committed, Guard, Put, Transaction
from stanchion.wire.access import InvitationMade, InviteOrder, UserChange
from stanchion.wire.replies import instant

FIRST = "/console/first/"
"""Where the one-time links lead."""

SHORTEST, LONGEST = 12, 1024
"""Letters of a password. Length is what makes one hard to guess; nothing else is asked."""


async def invite(here: Services, who: Principal, order: InviteOrder) -> InvitationMade:
    """Make a one-time link with which a user sets his password. Raises ``InvalidInput``, ``NotNow``."""
    name = folded(order.name)
    fault = name_fault(name)
    if fault:
        raise InvalidInput(fault)
    view, now_s = here.view(), here.clock.now().wall_s
    held = view.users.get(name)
    role = held.value.role if held else order.role
    if held is not None and held.value.origin is not Origin.LOCAL:
        raise NotNow(f"{name} signs in by {held.value.origin}; the password is changed there")
    secret = secrets.token_urlsafe(32)
    made = Invitation(id=here.chance.token(), digest=identity.digest(secret), user=name, role=role, by=who.name,
                      expires_at_s=now_s + order.valid_s)
    old = tuple(Key(Kind.INVITATION, each) for each, held in view.invitations.items()
                if held.value.user == name or held.value.expires_at_s <= now_s)
    await _write(here, Transaction(puts=(Put(made),), deletes=old, history=(
        audit.entry(here, _changed(who, name, f"invited, as {role}")),)))
    path = f"{FIRST}{made.id}.{secret}"
    session = view.sessions.get(here.node)
    return InvitationMade(user=name, role=role, path=path, url=f"{session.value.url if session else ''}{path}",
                          expires_at=instant(made.expires_at_s))


def invited(here: Services, token: str) -> Invitation:
    """Give the invitation that a link is for. Raises ``NotAllowed`` where it is good no more."""
    name, _, secret = token.partition(".")
    held = here.view().invitations.get(name)
    kept = held.value.digest if held else identity.digest("")
    if (not hmac.compare_digest(kept, identity.digest(secret)) or held is None or not secret
            or here.clock.now().wall_s >= held.value.expires_at_s):
        raise NotAllowed("this link is good no more: it was used, it expired, or another was made; ask for another: "
                         "`stanchion user invite`")
    return held.value


async def accept(here: Services, token: str, password: str, address: str, agent: str = "") -> str:
    """Set the password of who was invited, and sign him in: the value for the cookie.

    Raises ``NotAllowed`` for a link that is good no more, ``InvalidInput`` for a password that is too short.
    """
    invitation = invited(here, token)
    check(password)
    digest = await sessions.hasher(here).digest(password)
    view = here.view()
    invitation = invited(here, token)
    name, at = invitation.user, Key(Kind.INVITATION, invitation.id)
    held = view.users.get(name)
    user = replace(held.value, password=digest) if held else User(
        name=name, role=invitation.role, password=digest, made_at_s=here.clock.now().wall_s, by=invitation.by)
    why = reason(Why.ACCESS_CHANGED, name, address or "here", name,
                 "password set by an invitation" if held else f"invitation accepted, as {user.role}")
    await _write(here, Transaction(
        guards=(Guard(at, view.invitations[invitation.id].revision), _guard(name, held)), puts=(Put(user),),
        deletes=(at, *sessions.of_user(view, name)), history=(audit.entry(here, why),)))
    return await _in(here, name, address, agent)


async def change_password(here: Services, who: Principal, old: str, new: str, agent: str = "") -> str:
    """Change the password of who is signed in. All his sessions end; give the cookie's value of a new one.

    Raises ``NotAllowed`` where the old one is wrong, ``TooSoon`` after too many tries, ``InvalidInput``.
    """
    held = here.view().users.get(who.name)
    if who.how != "session" or held is None:
        raise NotPermitted("only who is signed in has a password to change; sign in first")
    if held.value.origin is not Origin.LOCAL:
        raise NotNow(f"{who.name} signs in by {held.value.origin}; the password is changed there")
    check(new)
    here.vigil.brake.attempt(who.name, who.address, here.clock.now().mono_s)
    if not await sessions.hasher(here).fits(old, held.value.password):
        raise NotPermitted("the old password is wrong; nothing was changed")
    here.vigil.brake.forgive(who.name, who.address)
    digest = await sessions.hasher(here).digest(new)
    await _write(here, Transaction(
        guards=(_guard(who.name, held),), puts=(Put(replace(held.value, password=digest)),),
        deletes=sessions.of_user(here.view(), who.name),
        history=(audit.entry(here, _changed(who, who.name, "password changed")),)))
    return await _in(here, who.name, who.address, agent)


async def change(here: Services, who: Principal, name: str, asked: UserChange) -> None:
    """Give a user another role, or lock or unlock him. Raises ``NotFound``, ``NotNow``."""
    view, held = here.view(), find(here.view(), name)
    user = held.value
    if user.origin is not Origin.LOCAL and asked.role not in {None, user.role}:
        raise NotNow(f"{user.name} signs in by {user.origin}, and the groups there say the role; change them there, "
                     "or lock the user here")
    after = replace(user, role=user.role if asked.role is None else asked.role,
                    locked=user.locked if asked.locked is None else asked.locked)
    if after == user:
        return
    what = [f"role {after.role}"] if after.role != user.role else []
    what += [("locked" if after.locked else "unlocked")] if after.locked != user.locked else []
    others = () if _administers(after) else _others(view, user)
    await _write(here, Transaction(
        guards=(_guard(user.name, held), *others), puts=(Put(after),), deletes=sessions.of_user(view, user.name),
        history=(audit.entry(here, _changed(who, user.name, ", ".join(what))),)))


async def delete(here: Services, who: Principal, name: str) -> None:
    """Remove a user, with his sessions and invitations. Raises ``NotFound``, ``NotNow``."""
    view, folded_name = here.view(), folded(name)
    links = tuple(Key(Kind.INVITATION, each) for each, held in view.invitations.items()
                  if held.value.user == folded_name)
    if folded_name not in view.users and links:
        await _write(here, Transaction(deletes=links, history=(
            audit.entry(here, _changed(who, folded_name, "invitation withdrawn")),)))
        return
    held = find(view, name)
    await _write(here, Transaction(
        guards=(_guard(held.value.name, held), *_others(view, held.value)),
        deletes=(Key(Kind.USER, held.value.name), *sessions.of_user(view, held.value.name), *links),
        history=(audit.entry(here, _changed(who, held.value.name, "deleted")),)))


def find(view: ClusterView, name: str) -> Held[User]:
    """Find a user, in any case. Raises ``NotFound``."""
    held = view.users.get(folded(name))
    if held is None:
        raise NotFound(f"there is no user {folded(name)}; `stanchion user list` lists them")
    return held


def check(password: str) -> None:
    """Refuse a password that is too short. Raises ``InvalidInput``."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidInput(f"a password has {SHORTEST} to {LONGEST} letters, this one has {len(password)}; take a few "
                           "words that only you would put together")


async def _in(here: Services, name: str, address: str, agent: str) -> str:
    """Sign in somebody whose password was set just now."""
    held = here.view().users.get(name)
    if held is None or held.value.locked:
        raise NotAllowed("the password is set, but this user may not sign in; an administrator can unlock it: "
                         "`stanchion user unlock`")
    return await sessions.begin(here, held, address, agent)


def _administers(user: User) -> bool:
    able = bool(user.password) or user.origin is not Origin.LOCAL
    return user.role is Role.ADMINISTRATOR and not user.locked and able


def _others(view: ClusterView, user: User) -> tuple[Guard, ...]:
    """Guard that another administrator stays, if the user is one. Raises ``NotNow`` where none would."""
    if not _administers(user):
        return ()
    others = tuple(_guard(name, held) for name, held in view.users.items()
                   if name != user.name and _administers(held.value))
    if not others:
        raise NotNow(f"{user.name} is the last administrator; make another first: "
                     "`stanchion user invite NAME --role administrator`")
    return others


def _guard(name: str, held: Held[User] | None) -> Guard:
    return Guard(Key(Kind.USER, name), held.revision if held else NOTHING)


def _changed(who: Principal, name: str, what: str) -> Reason:
    return reason(Why.ACCESS_CHANGED, who.name, who.address or "here", name, what)


async def _write(here: Services, transaction: Transaction) -> None:
    done = await here.store.commit(transaction)
    await here.catch_up(done.revision)
    if not isinstance(done, Committed):
        raise NotNow("somebody changed it just now; look at it again, then repeat")
