"""Users: who there is, what each may do, who is invited, and in which browsers they are signed in."""

from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter, Request, Response

from stanchion.api.access import people, routes
from stanchion.api.access.principal import Principal
from stanchion.api.problems import status_of
from stanchion.api.services import Here, Services
from stanchion.model.access import Role, folded
from stanchion.model.errors import StanchionError
from stanchion.web import confirm, forms, screen, visit
from stanchion.web.forms import Entered
from stanchion.web.live import Rows
from stanchion.web.me import session_rows
from stanchion.web.render import count
from stanchion.wire.access import InviteOrder, UserChange, UserInfo

router = APIRouter()

HERE = "/console/users"
HOUR_S = 3600
LIVES = {"1 hour": HOUR_S, "1 day": 24 * HOUR_S, "7 days": 7 * 24 * HOUR_S}
"""How long a link can be good, in seconds, by what people read."""

Verb = Literal["role", "lock", "unlock", "sign-out", "link", "delete"]


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at all users, and at who is invited."""
    del request
    found = await routes.users(here)
    seen: dict[str, datetime] = {}
    for each in (await routes.sign_ins(here, who, every=True)).sign_ins:
        if each.seen_at is not None:
            seen[each.user] = max(seen.get(each.user, each.seen_at), each.seen_at)
    users = tuple((f"user-{each.name}", {"of": each, "seen": seen.get(each.name), "me": each.name == who.name})
                  for each in found.users)
    invited = tuple((f"invited-{each.user}", each) for each in found.invitations)
    return {"users": Rows(id="user-rows", template="parts/user_row.html", rows=users, common={"roles": tuple(Role)}),
            "invited": Rows(id="invited-rows", template="parts/invited_row.html", rows=invited),
            "invitations": len(invited), "user_count": len(users), "roles": tuple(Role), "lives": LIVES, "made": None}


page = screen.show(router, "/users", "users.html", look)


async def look_at_sessions(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at the sessions of all users."""
    del request
    found = (await routes.sign_ins(here, who, every=True)).sign_ins
    return {"sessions": session_rows(found, f"{HERE}/sessions"), "session_count": len(found)}


sessions_page = screen.show(router, "/users/sessions", "sessions.html", look_at_sessions)


@router.post("/users")
async def invite(here: Here, request: Request) -> Response:
    """Make a one-time link for somebody, and show it, this once."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    visit.about(request, entered["name"].strip())
    return await _link(here, who, request, entered)


@router.post("/users/{name}/{verb}")
async def change(here: Here, name: str, verb: Verb, request: Request) -> Response:
    """Do something about a user."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    try:
        match verb:
            case "link":
                return await _link(here, who, request, Entered([("name", name), ("valid", "1 hour")]))
            case "role":
                told = await routes.change_user(here, who, name, forms.shaped(UserChange, role=entered["role"]))
                notice = f"{told.name} is {_a(told)} now, and has to sign in again."
            case "lock" | "unlock":
                told = await routes.change_user(here, who, name, UserChange(locked=verb == "lock"))
                notice = f"{told.name} is {verb}ed" + (" and signed out everywhere." if verb == "lock" else ".")
            case "sign-out":
                await routes.sign_user_out(here, who, name)
                notice = f"{name} is signed out everywhere."
            case "delete":
                if not entered.on("confirmed"):
                    return await _ask(here, request, entered, name)
                await routes.delete_user(here, who, name)
                notice = f"{name} is deleted."
    except StanchionError as problem:
        return forms.refused(HERE, problem)
    return forms.done(HERE, notice)


async def _link(here: Services, who: Principal, request: Request, entered: Entered) -> Response:
    try:
        order = forms.shaped(InviteOrder, name=entered["name"].strip(), role=entered["role"] or Role.VIEWER,
                             valid_s=LIVES.get(entered["valid"], HOUR_S))
        made = await routes.invite(here, who, order)
    except StanchionError as problem:
        return await page.answer(here, request, status_of(problem), error=str(problem), entered=entered)
    return await page.answer(here, request, 201, made=made)


async def _ask(here: Services, request: Request, entered: Entered, name: str) -> Response:
    """Ask before a user goes, or an invitation."""
    view = here.view()
    if folded(name) not in view.users:
        return await confirm.ask(here, request, entered, title=f"Withdraw the invitation of {name}?", back=HERE,
                                 button="Withdraw", happens=[f"The link that {name} was given opens nothing any more."])
    user = people.find(view, name).value.name
    made = sum(1 for held in view.api_tokens.values() if held.value.by == user)
    happens = [f"{user} is signed out everywhere and cannot sign in any more.",
               "What the audit and the events say of this user stays."]
    if made:
        happens.append(f"{count(made, 'API token')} that {user} made stay good; revoke them by themselves.")
    return await confirm.ask(here, request, entered, title=f"Delete the user {user}?", happens=happens,
                             button="Delete", back=HERE)


def _a(user: UserInfo) -> str:
    return f"{'a' if user.role is Role.VIEWER else 'an'} {user.role}"
