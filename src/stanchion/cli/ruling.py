"""``stanchion settings``, ``group`` and ``priority``: what holds for the cluster as a whole."""

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from stanchion.cli.changes import seconds
from stanchion.cli.session import COMMON, Common, Session
from stanchion.model.capacity import Admission
from stanchion.model.errors import AlreadyExists, InvalidInput, NotFound
from stanchion.model.groups import Bond
from stanchion.model.standing import Shutdown
from stanchion.model.timing import Profile

if TYPE_CHECKING:
    from stanchion.wire.ruling import GroupInfo, GroupList

settings = App(name="settings", help="Look at the settings of the whole cluster, and change them.")
group = App(name="group", help="Keep resources together on one node, or apart from each other.")
priority = App(name="priority", help="Say in which order resources load.")

Revision = Annotated[int | None, Parameter()]
"""An option: the revision that a change was made from."""


@settings.command(name="show")
async def show_settings(*, common: Common = COMMON) -> None:
    """Look at the settings of the whole cluster."""
    async with common.session() as session:
        from stanchion.cli import show_ruling

        session.tell(await session.client.settings(), show_ruling.settings)


@settings.command(name="edit")
async def edit_settings(*, profile: Profile | None = None, quorum_nodes: int | None = None,
                        quorum_timeout: str | None = None, history: int | None = None,
                        shutdown: Shutdown | None = None, survives: int | None = None,
                        admission: Admission | None = None, balance: str | None = None, revision: Revision = None,
                        common: Common = COMMON) -> None:
    """Change the settings of the whole cluster; what is left out stays.

    Parameters
    ----------
    profile
        Timers: fast, default or tolerant. A node takes a new one when it joins anew.
    quorum_nodes
        How many nodes must be up before resources load when the cluster starts.
    quorum_timeout
        After this time they load all the same: 90, 90s, 10m.
    history
        How many lines of history are kept.
    shutdown
        What becomes of the machines of a host that shuts down: migrate, failover or freeze.
    survives
        So many nodes may be lost at once, and everything runs again; 0: nothing is guaranteed.
    admission
        What becomes of an order that would break this: warn (it is carried out) or refuse.
    balance
        When the cluster moves machines by itself to even the nodes out: off, or a time of each day, like 22:00-06:00.
    revision
        Refuse to save when the settings are not at this revision any more.
    """
    from stanchion.wire.ruling import SettingsChange

    said = {"profile": profile, "quorum_nodes": quorum_nodes, "history_kept": history, "shutdown": shutdown,
            "survives": survives, "admission": admission, "balance": balance,
            "quorum_timeout_s": None if quorum_timeout is None else seconds(quorum_timeout)}
    change = SettingsChange.model_validate({name: value for name, value in said.items() if value is not None})
    if not change.model_fields_set:
        raise InvalidInput("nothing to change was given; `stanchion settings edit --help` lists the options")
    async with common.session() as session:
        from stanchion.cli import show_ruling

        session.tell(await session.client.edit_settings(change, seen=revision), show_ruling.settings)


@group.command(name="list")
async def list_groups(*, common: Common = COMMON) -> None:
    """List the groups of resources that are kept together or apart."""
    async with common.session() as session:
        from stanchion.cli import show_ruling

        session.tell(await session.client.groups(), show_ruling.groups)


@group.command(name="create")
async def create_group(name: str, bond: Bond, /, *members: str, common: Common = COMMON) -> None:
    """Make a group. Where resources are kept together, the first one leads and the others go where it goes.

    Parameters
    ----------
    name
        Name of the new group.
    bond
        together: all on one node. apart: never two on one node (Resource Mutual Exclusion).
    members
        Two resources at least.
    """
    from stanchion.wire.ruling import GroupChange

    async with common.session() as session:
        known = await session.client.groups()
        if any(each.name.casefold() == name.casefold() for each in known.groups):
            raise AlreadyExists(f"there is a group {name} already; change it with `stanchion group edit {name}`")
        _tell(session, await session.client.save_group(name, GroupChange(bond=bond, members=members),
                                                       seen=known.revision))


@group.command(name="edit")
async def edit_group(name: str, /, *members: str, bond: Bond | None = None,
                     add: Annotated[tuple[str, ...], Parameter(negative="")] = (),
                     remove: Annotated[tuple[str, ...], Parameter(negative="")] = (), revision: Revision = None,
                     common: Common = COMMON) -> None:
    """Change a group: its members as a whole, or some of them.

    Parameters
    ----------
    name
        Name of the group, in any case.
    members
        All its members from now on; leave them out to keep those that it has.
    bond
        together or apart.
    add
        A resource to add at the end; give it again for more.
    remove
        A resource to take out; give it again for more.
    revision
        Refuse to save when the settings are not at this revision any more.
    """
    from stanchion.wire.ruling import GroupChange

    if not (members or bond or add or remove):
        raise InvalidInput("nothing to change was given; `stanchion group edit --help` lists the options")
    async with common.session() as session:
        known = await session.client.groups()
        before = _found(known, name)
        wanted = [*(members or before.members), *add]
        gone = {each.casefold() for each in remove}
        for each in remove:
            if each.casefold() not in {member.casefold() for member in wanted}:
                raise NotFound(f"{each} is no member of the group {before.name}; it has: "
                               f"{', '.join(before.members)}")
        kept = tuple(member for member in wanted if member.casefold() not in gone)
        change = GroupChange(bond=bond or before.bond, members=kept)
        _tell(session, await session.client.save_group(name, change, seen=revision or known.revision))


@group.command(name="delete")
async def delete_group(name: str, /, *, common: Common = COMMON) -> None:
    """Delete a group. Its members stay where they are.

    Parameters
    ----------
    name
        Name of the group, in any case.
    """
    async with common.session() as session:
        await session.client.delete_group(name)
        session.say(f"{name}: deleted")


@priority.command(name="list")
async def list_priorities(*, common: Common = COMMON) -> None:
    """List all resources in the order in which they load."""
    async with common.session() as session:
        from stanchion.cli import show_ruling

        session.tell(await session.client.priorities(), show_ruling.priorities)


@priority.command(name="set")
async def set_priorities(*resources: str, reset: Annotated[bool, Parameter(negative="")] = False,
                         revision: Revision = None, common: Common = COMMON) -> None:
    """Let these resources load first, in this order; the others keep theirs, after them.

    Parameters
    ----------
    resources
        Names of resources, the first to load first.
    reset
        Make all resources equal again.
    revision
        Refuse to save when the order is not at this revision any more.
    """
    from stanchion.wire.ruling import PriorityOrder

    if bool(resources) is reset:
        raise InvalidInput("name the resources that are to load first, in order, or say --reset")
    async with common.session() as session:
        from stanchion.cli import show_ruling

        told = await session.client.save_priorities(PriorityOrder(resources=resources), seen=revision)
        session.tell(told, show_ruling.priorities)


def _found(known: "GroupList", name: str) -> "GroupInfo":
    found = next((each for each in known.groups if each.name.casefold() == name.casefold()), None)
    if found is None:
        raise NotFound(f"there is no group {name}; `stanchion group list` lists them")
    return found


def _tell(session: Session, told: "GroupList") -> None:
    from stanchion.cli import show_ruling

    for warning in told.warnings:
        session.terminal.complain(f"stanchion: warning: {warning}")
    session.tell(told, show_ruling.groups)
