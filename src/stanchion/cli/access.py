"""``stanchion user``, ``api-token`` and ``audit``: who may use the cluster, and what they did."""

from typing import Annotated

from cyclopts import App, Parameter

from stanchion.cli.changes import seconds
from stanchion.cli.completing import AResource
from stanchion.cli.past import instant as read_instant
from stanchion.cli.session import COMMON, Common
from stanchion.model.access import Role
from stanchion.model.errors import InvalidInput
from stanchion.wire.access import ApiTokenOrder, InviteOrder, UserChange

user = App(name="user", help="Who may sign in to the console, and what they may do.")
api_token = App(name="api-token", help="Tokens with which programs use the API.")


@user.command(name="list")
async def list_(*, common: Common = COMMON) -> None:
    """List the users, and who is invited."""
    async with common.session() as session:
        from stanchion.cli import show_access

        session.tell(await session.client.users(), show_access.users)


@user.command
async def invite(name: str, /, *, role: Role = Role.VIEWER, valid: str = "1h", common: Common = COMMON) -> None:
    """Make a link with which somebody sets his password, once. The first administrator comes in this way.

    For a user that there is already it is a link for a new password; his role stays.

    Parameters
    ----------
    name
        The user's name.
    role
        What a new user may do.
    valid
        How long the link is good: 600, 30m, 1h; at most a week.
    """
    async with common.session() as session:
        from stanchion.cli.show import instant

        made = await session.client.invite(InviteOrder(name=name, role=role, valid_s=seconds(valid)))
        # The link alone on standard output and never broken into lines: it is copied.
        session.terminal.write(made.model_dump_json(indent=2) if session.json else made.url)
        if not session.json:
            session.terminal.complain(f"Whoever opens it before {instant(made.expires_at)} sets the password of "
                                      f"{made.user}, {made.role}. Give it to nobody else.")


@user.command(name="role")
async def give_role(name: str, role: Role, /, *, common: Common = COMMON) -> None:
    """Give a user another role. His sessions end.

    Parameters
    ----------
    name
        The user's name, in any case.
    role
        What he may do from now on.
    """
    await _change(common, name, UserChange(role=role))


@user.command
async def lock(name: str, /, *, common: Common = COMMON) -> None:
    """Let a user in no more, until he is unlocked. His sessions end.

    Parameters
    ----------
    name
        The user's name, in any case.
    """
    await _change(common, name, UserChange(locked=True))


@user.command
async def unlock(name: str, /, *, common: Common = COMMON) -> None:
    """Let a locked user in again.

    Parameters
    ----------
    name
        The user's name, in any case.
    """
    await _change(common, name, UserChange(locked=False))


@user.command
async def delete(name: str, /, *, common: Common = COMMON) -> None:
    """Remove a user, with his sessions; or withdraw the invitation of who has not come yet.

    Parameters
    ----------
    name
        The user's name, in any case.
    """
    async with common.session() as session:
        await session.client.delete_user(name)
        session.say(f"{name} may sign in no more")


@user.command
async def sessions(*, common: Common = COMMON) -> None:
    """List the sessions of all users: from where, since when, and by which browser."""
    async with common.session() as session:
        from stanchion.cli import show_access

        session.tell(await session.client.sign_ins(every=True), show_access.sessions)


@user.command
async def sign_out(name: str | None = None, /, *, session_id: Annotated[str | None, Parameter(name="--session")] = None,
                   common: Common = COMMON) -> None:
    """End all sessions of a user, or one session.

    Parameters
    ----------
    name
        The user's name, in any case.
    session_id
        End this session alone: its id, or how that begins.
    """
    if (name is None) == (session_id is None):
        raise InvalidInput("name a user, or a session with --session, and not both")
    async with common.session() as session:
        if session_id is not None:
            await session.client.end_sign_in(session_id)
            session.say("the session has ended")
        elif name is not None:
            await session.client.sign_user_out(name)
            session.say(f"{name} is signed out everywhere")


@api_token.command
async def create(name: str, /, *, role: Role = Role.VIEWER, valid: str | None = None,
                 resource: Annotated[tuple[AResource, ...], Parameter(negative="")] = (),
                 common: Common = COMMON) -> None:
    """Make a token for a program. It is shown this once and kept nowhere.

    Parameters
    ----------
    name
        What it is for: letters, digits, dots, dashes and underscores. The history calls it token:NAME.
    role
        What the program may do.
    valid
        How long it is good: 30m, 12h, or 7776000 for ninety days. Default: until it is revoked.
    resource
        It gives orders to these resources alone (with the role operator); repeat it for several. Default: to all.
    """
    async with common.session() as session:
        made = await session.client.make_api_token(ApiTokenOrder(
            name=name, role=role, resources=resource, valid_s=None if valid is None else seconds(valid)))
        session.terminal.write(made.model_dump_json(indent=2) if session.json else made.token)
        if not session.json:
            session.terminal.complain("Put it into a file that only the program can read; "
                                      f"`stanchion api-token revoke {made.info.name}` ends it.")


@api_token.command(name="list")
async def list_tokens(*, common: Common = COMMON) -> None:
    """List the API tokens, without their secrets."""
    async with common.session() as session:
        from stanchion.cli import show_access

        session.tell(await session.client.api_tokens(), show_access.tokens)


@api_token.command
async def revoke(name: str, /, *, common: Common = COMMON) -> None:
    """Revoke an API token: it opens nothing any more.

    Parameters
    ----------
    name
        Its name or id, as `stanchion api-token list` shows it.
    """
    async with common.session() as session:
        await session.client.revoke_api_token(name)
        session.say(f"the token {name} opens nothing any more")


async def audit(*, by: str | None = None, since: str | None = None, until: str | None = None,
                limit: Annotated[int, Parameter(alias="-n")] = 50, common: Common = COMMON) -> None:
    """Read who did what, from where, and with which answer; refused tries too.

    Parameters
    ----------
    by
        Only what this user or token did.
    since
        Only from this instant on: 2026-11-23T11:20, or so long ago: 90s, 10m, 1h.
    until
        Only up to this instant, written like --since.
    limit
        So many at most, the newest of them.
    """
    async with common.session() as session:
        from stanchion.cli import show_access

        found = await session.client.audit(user=by, since=read_instant(since), until=read_instant(until), limit=limit)
        session.tell(found, show_access.audit)


async def _change(common: Common, name: str, change: UserChange) -> None:
    async with common.session() as session:
        from stanchion.cli import show_access

        session.tell(await session.client.change_user(name, change), show_access.one_user)
