"""Routes about people and programs: users, sessions, API tokens, who one is, and the audit."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response, status

from stanchion.api import history
from stanchion.api.access import audit, identity, people, programs, sessions
from stanchion.api.access.principal import Principal, Who
from stanchion.api.events import instant_of
from stanchion.api.services import Here, Services
from stanchion.model.access import ApiToken, Role, SignIn
from stanchion.model.errors import NotPermitted
from stanchion.model.history import FOR_AUDIT, Entry
from stanchion.model.reasons import Why, sentence
from stanchion.wire import access
from stanchion.wire.bounds import LONGEST_LINE, LONGEST_NAME, Instant
from stanchion.wire.replies import instant

router = APIRouter(tags=["access"])

AUDITED = FOR_AUDIT | {Why.ACCESS_CHANGED}

UserNamed = Annotated[str, Path(min_length=1, max_length=LONGEST_NAME, description="the user's name, in any case",
                                examples=["anna"])]
ApiTokenNamed = Annotated[str, Path(min_length=1, max_length=LONGEST_NAME, description="the token's name or id",
                                    examples=["backup"])]
SignInNamed = Annotated[str, Path(min_length=8, max_length=LONGEST_NAME,
                                  description="the session's id, or how it begins", examples=["3f9c61d20a7e"])]


@router.get("/me")
async def me(who: Who) -> access.Me:
    """Tell who asks, as the cluster knows him."""
    return access.Me(name=who.name, role=who.role, how=who.how, address=who.address, sign_in=who.sign_in or None,
                     resources=tuple(who.resources))


@router.put("/me/password", status_code=status.HTTP_204_NO_CONTENT)
async def change_password(here: Here, who: Who, asked: access.PasswordChange, request: Request,
                          answer: Response) -> None:
    """Change one's own password. All one's sessions end; the one that asks goes on with a new cookie."""
    value = await people.change_password(here, who, asked.old, asked.new, request.headers.get("user-agent", ""))
    sessions.set_cookie(answer, value)


@router.get("/users")
async def users(here: Here) -> access.UserList:
    """List the users, and who is invited."""
    view, now_s = here.view(), here.clock.now().wall_s
    good = [held.value.user for name, held in view.sign_ins.items()
            if identity.session_of(view, name, now_s) is not None]
    told = tuple(access.UserInfo(
        name=name, role=held.value.role, origin=held.value.origin, locked=held.value.locked, by=held.value.by,
        made_at=instant(held.value.made_at_s), sessions=good.count(name)) for name, held in sorted(view.users.items()))
    waiting = tuple(access.InvitationInfo(user=each.user, role=each.role, by=each.by,
                                          expires_at=instant(each.expires_at_s))
                    for each in sorted((held.value for held in view.invitations.values()), key=lambda each: each.user)
                    if each.expires_at_s > now_s)
    return access.UserList(users=told, invitations=waiting)


@router.post("/users", status_code=status.HTTP_201_CREATED)
async def invite(here: Here, who: Who, order: access.InviteOrder) -> access.InvitationMade:
    """Make a one-time link with which a new user, or one who lost his password, sets it. It is told this once."""
    return await people.invite(here, who, order)


@router.patch("/users/{name}")
async def change_user(here: Here, who: Who, name: UserNamed, asked: access.UserChange) -> access.UserInfo:
    """Give a user another role, lock or unlock him. What changes anything ends his sessions."""
    await people.change(here, who, name, asked)
    found = people.find(here.view(), name).value
    return next(each for each in (await users(here)).users if each.name == found.name)


@router.delete("/users/{name}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_user(here: Here, who: Who, name: UserNamed) -> None:
    """Remove a user, and his sessions; or withdraw the invitation of who has not come yet."""
    await people.delete(here, who, name)


@router.delete("/users/{name}/sign-ins", status_code=status.HTTP_204_NO_CONTENT)
async def sign_user_out(here: Here, who: Who, name: UserNamed) -> None:
    """End all sessions of a user."""
    user = people.find(here.view(), name).value.name
    names = tuple(key.name for key in sessions.of_user(here.view(), user))
    if names:
        await sessions.end(here, who.name, who.address, names, user)


@router.get("/sign-ins")
async def sign_ins(here: Here, who: Who, *, every: Annotated[bool, Query(
        alias="all", description="those of all users, for administrators")] = False) -> access.SignInList:
    """List one's own sessions, or all of them."""
    if every and not who.role.covers(Role.ADMINISTRATOR):
        raise NotPermitted("the sessions of others are for administrators; an administrator can give another role")
    view, now_s = here.view(), here.clock.now().wall_s
    found = sorted((held.value for name, held in view.sign_ins.items()
                    if (every or held.value.user == who.name) and identity.session_of(view, name, now_s) is not None),
                   key=lambda each: each.made_at_s, reverse=True)
    return access.SignInList(sign_ins=tuple(_session(each, who) for each in found))


@router.delete("/sign-ins/{name}", status_code=status.HTTP_204_NO_CONTENT)
async def end_sign_in(here: Here, who: Who, name: SignInNamed) -> None:
    """End a session: one's own, or as an administrator anybody's."""
    own = "" if who.role.covers(Role.ADMINISTRATOR) else who.name
    found = sessions.find(here.view(), name, here.clock.now().wall_s, user=own)
    await sessions.end(here, who.name, who.address, (found.id,), found.user)


@router.get("/tokens")
async def tokens(here: Here) -> access.ApiTokenList:
    """List the API tokens, without their secrets."""
    found = sorted((held.value for held in here.view().api_tokens.values()), key=lambda each: each.name)
    return access.ApiTokenList(tokens=tuple(_token(here, each) for each in found))


@router.post("/tokens", status_code=status.HTTP_201_CREATED)
async def make_token(here: Here, who: Who, order: access.ApiTokenOrder) -> access.ApiTokenMade:
    """Make an API token. It is told this once."""
    text, made = await programs.make(here, who, order)
    return access.ApiTokenMade(token=text, info=_token(here, made))


@router.delete("/tokens/{name}", status_code=status.HTTP_204_NO_CONTENT)
async def revoke_token(here: Here, who: Who, name: ApiTokenNamed) -> None:
    """Revoke an API token."""
    await programs.revoke(here, who, name)


@router.get("/audit")
async def read_audit(
    here: Here, *,
    user: Annotated[str | None, Query(max_length=LONGEST_NAME, description="only what this user did")] = None,
    since: Annotated[Instant | None, Query(description="only from this instant on")] = None,
    until: Annotated[Instant | None, Query(description="only up to this instant")] = None,
    text: Annotated[str | None, Query(
        max_length=LONGEST_LINE, description="only what holds this text, in any case")] = None,
    after: Annotated[str | None, Query(
        max_length=LONGEST_NAME, description="from beyond this id; left out: the newest")] = None,
    before: Annotated[str | None, Query(
        max_length=LONGEST_NAME, description="the newest before this id; counts only without `after`")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> access.AuditPage:
    """Tell what people and programs did and tried, the oldest first; without ``after``, the newest ``limit`` of it."""
    wanted = history.Wanted(since_s=instant_of(since), until_s=instant_of(until), text=text, whys=AUDITED,
                            operand=user.casefold() if user else None)
    if after is None:
        found, last = await history.newest(here.store, wanted, limit, before=before or "")
    else:
        found, last = await history.entries(here.store, after, wanted, limit)
    return access.AuditPage(entries=tuple(_deeds(found)), last=last)


def _session(of: SignIn, who: Principal) -> access.SignInInfo:
    return access.SignInInfo(id=of.id, user=of.user, address=of.address, agent=of.agent, made_at=instant(of.made_at_s),
                             seen_at=instant(of.seen_at_s), expires_at=instant(of.expires_at_s),
                             mine=of.id == who.sign_in)


def _token(here: Services, of: ApiToken) -> access.ApiTokenInfo:
    return access.ApiTokenInfo(
        id=of.id, name=of.name, role=of.role, by=of.by, made_at=instant(of.made_at_s), resources=tuple(of.resources),
        expires_at=None if of.expires_at_s is None else instant(of.expires_at_s),
        expired=of.expired(here.clock.now().wall_s))


def _deeds(found: Iterable[tuple[str, Entry]]) -> Iterable[access.AuditInfo]:
    for name, entry in found:
        deed = audit.read(entry)
        given = entry.reason.operands + ("?",) * 2
        yield access.AuditInfo(
            id=name, at=instant(entry.at_s), node=entry.by, user=given[0], address=given[1],
            what=sentence(entry.reason), route=f"{deed.method} {deed.route}" if deed else "",
            object=deed.object if deed else "", status=deed.status if deed else None, why=deed.comment if deed else "")
