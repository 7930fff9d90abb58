"""``stanchion token``, ``etcd``, ``store`` and ``cert``: how hosts come into a cluster, and what they bring and need.

The parts of ``etcd``, ``store`` and ``cert`` that need this host itself are added to these by ``commands``.
"""

from cyclopts import App

from stanchion.cli.changes import seconds
from stanchion.cli.session import COMMON, Common
from stanchion.wire.joining import JoinTokenOrder

token = App(name="token", help="Make and revoke the tokens with which hosts join.")
etcd = App(name="etcd", help="The members of the etcd that holds the store.")
store = App(name="store", help="Where the store is.")
cert = App(name="cert", help="This host's certificate.")


@token.command
async def create(*, valid: str = "1h", common: Common = COMMON) -> None:
    """Make a token with which one host may join, once. It is shown this once and kept nowhere.

    Parameters
    ----------
    valid
        How long it is good: 600, 30m, 1h; at most a week.
    """
    async with common.session() as session:
        from stanchion.cli.show import instant

        made = await session.client.make_join_token(JoinTokenOrder(valid_s=seconds(valid)))
        # The token alone on standard output and never broken into lines: it is copied, or piped to `stanchion join -`.
        session.terminal.write(made.model_dump_json(indent=2) if session.json else made.token)
        if not session.json:
            session.terminal.complain(f"One host may join with it until {instant(made.info.expires_at)}:  "
                                      "stanchion join TOKEN --address ITS_ADDRESS")


@token.command(name="list")
async def list_(*, common: Common = COMMON) -> None:
    """List the tokens: which are open, who joined with which."""
    async with common.session() as session:
        from stanchion.cli import show_hosts

        session.tell(await session.client.join_tokens(), show_hosts.tokens)


@token.command
async def revoke(name: str, /, *, common: Common = COMMON) -> None:
    """Revoke a token: nobody can join with it any more.

    Parameters
    ----------
    name
        The token's id, as `stanchion token list` shows it.
    """
    async with common.session() as session:
        await session.client.revoke_join_token(name)
        session.say(f"nobody can join with {name} any more")


@etcd.command
async def members(*, common: Common = COMMON) -> None:
    """List the members of etcd, each with its health as it answers now."""
    async with common.session() as session:
        from stanchion.cli import show_hosts

        session.tell(await session.client.etcd_members(), show_hosts.members)
