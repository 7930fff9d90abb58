"""``cluster set``: the original's parameters of the cluster, each put where it lives now.

What was a number of its own in the original and is derived here (the timers) is taken where it means one of the
profiles, and refused otherwise with the values that it can have.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from stanchion.cli.original import host
from stanchion.model.errors import InvalidInput, StanchionError
from stanchion.model.notification import Volume
from stanchion.model.timing import TIMINGS

if TYPE_CHECKING:
    from stanchion.client import Client


@dataclass(frozen=True, slots=True)
class Setting:
    """One parameter: what its value means, and how it is set; ``put`` gives the sentence that tells what stands now."""

    means: str
    put: "Callable[[Client, str], Awaitable[str]]"


async def _quorum_wait(client: "Client", value: str) -> str:
    from stanchion.wire.ruling import SettingsChange

    told = await client.edit_settings(SettingsChange(quorum_timeout_s=_whole("QUORUMWAIT", value, "seconds")))
    return f"QUORUMWAIT is {told.quorum_timeout_s:g} seconds"


async def _quorum(client: "Client", value: str) -> str:
    from stanchion.wire.ruling import SettingsChange

    told = await client.edit_settings(SettingsChange(quorum_nodes=_whole("QUORUM", value, "nodes")))
    return f"QUORUM is {told.quorum_nodes} nodes"


async def _tolerance(client: "Client", value: str) -> str:
    from stanchion.wire.ruling import SettingsChange

    given = _whole("TOLERANCE", value, "seconds")
    profiles = {timing.lease_s: profile for profile, timing in TIMINGS.items()}
    if given not in profiles:
        known = ", ".join(f"{lease_s:g} ({profile})" for lease_s, profile in profiles.items())
        raise InvalidInput(f"TOLERANCE can be {known}: it comes with a profile, whose timers are proven together; "
                           "`stanchion explain-timing` derives them")
    told = await client.edit_settings(SettingsChange(profile=profiles[given]))
    return f"TOLERANCE is {given} seconds (profile {told.profile}); a node takes it when it joins anew"


async def _enable_email(client: "Client", value: str) -> str:
    from stanchion.wire.notification import MailChange, NotificationChange

    word = value.casefold()
    if word == "off":
        await client.edit_notification(NotificationChange(mail=None))
        return "ENABLEEMAIL is OFF; the addresses are forgotten"
    if word not in set(Volume):
        raise InvalidInput(f"ENABLEEMAIL is OFF, CRITICAL or VERBOSE, not {value}")
    if (await client.notification()).mail is None:
        raise InvalidInput("there are no addresses to write to yet; say `cluster set EMAILADDRESSES ADDRESS ...` first")
    await client.edit_notification(NotificationChange(mail=MailChange(volume=Volume(word))))
    return f"ENABLEEMAIL is {word.upper()}"


async def _email_addresses(client: "Client", value: str) -> str:
    from stanchion.wire.notification import MailChange, NotificationChange

    told = await client.edit_notification(NotificationChange(mail=MailChange(to=_listed(value))))
    if told.mail is None:
        raise StanchionError("the addresses were taken, and are gone again: somebody else set ENABLEEMAIL to OFF")
    return f"EMAILADDRESSES are {', '.join(told.mail.to)}; ENABLEEMAIL is {told.mail.volume.upper()}"


async def _email_options(_: "Client", value: str) -> str:
    if value.casefold() != "none":
        raise StanchionError("EMAILOPTIONS can only be NONE: e-mail is written for people; for programs there is JSON "
                             "by `stanchion notify set webhook` or `stanchion notify set command`")
    return "EMAILOPTIONS is NONE"


async def _priorities(client: "Client", value: str) -> str:
    from stanchion.wire.ruling import PriorityOrder

    named = _listed(value)
    if not named:
        raise InvalidInput("name the resources, the first to load first; `stanchion priority set --reset` makes all "
                           "equal")
    told = await client.save_priorities(PriorityOrder(resources=named))
    return f"RESOURCEPRIORITY is {', '.join(one.resource for one in told.resources)}"


def _never(why: str) -> "Callable[[Client, str], Awaitable[str]]":
    async def refuse(_: "Client", __: str) -> str:
        raise StanchionError(f"nothing was set: {why}")

    return refuse


_DERIVED = _never("the timers come with a profile and are proven together; `cluster set TOLERANCE SECONDS` or "
                  "`stanchion settings edit --profile` chooses one, `stanchion explain-timing` derives them")
_MASTERLESS = _never("the cluster has no address of its own: every node answers for it, at the `listen_host` "
                     "and `listen_port` of its agent.toml; an address that moves is a resource made from "
                     "Generic_IP_Service")

SETTINGS: Mapping[str, Setting] = {
    "QUORUM": Setting("nodes that must be up before resources load when the cluster starts", _quorum),
    "QUORUMWAIT": Setting("seconds after which they load all the same", _quorum_wait),
    "TOLERANCE": Setting("seconds until a silent node is given up: 4, 8 or 32", _tolerance),
    "ENABLEEMAIL": Setting("OFF, CRITICAL or VERBOSE", _enable_email),
    "EMAILADDRESSES": Setting("up to eight addresses", _email_addresses),
    "EMAILOPTIONS": Setting("NONE", _email_options),
    "RESOURCEPRIORITY": Setting("resources, the first to load first", _priorities),
    "HEARTBEAT": Setting("refused: it comes with the profile", _DERIVED),
    "MASTERWATCHDOG": Setting("refused: it comes with the profile", _DERIVED),
    "SLAVEWATCHDOG": Setting("refused: it comes with the profile", _DERIVED),
    "MAXRETRANSMITS": Setting("refused: not used", _never("MAXRETRANSMITS is used by nothing, as in the original")),
    "IPADDRESS": Setting("refused: the cluster has no address of its own", _MASTERLESS),
    "PORT": Setting("refused: the cluster has no address of its own", _MASTERLESS),
}
"""The original's parameters."""


def _parameters(_: object) -> dict[str, str]:
    """Give the parameters to a shell that completes one."""
    return {name: setting.means for name, setting in SETTINGS.items()}


async def set_(parameter: Annotated[str, Parameter(completer=_parameters)], value: str, /, *more: str) -> None:
    """Change a setting of the cluster.

    Parameters
    ----------
    parameter
        QUORUM, QUORUMWAIT, TOLERANCE, ENABLEEMAIL, EMAILADDRESSES, EMAILOPTIONS or RESOURCEPRIORITY, in any case.
    value
        Its new value; the wait and the tolerance are in seconds.
    more
        More of it, where it is a list.
    """
    name = parameter.upper()
    if name not in SETTINGS:
        near = get_close_matches(name, SETTINGS, 1)
        meant = f"; did you mean {near[0]}" if near else ""
        raise InvalidInput(f"there is no parameter {parameter}{meant}; there are {', '.join(SETTINGS)}")
    async with host.anywhere() as session:
        session.terminal.write(await SETTINGS[name].put(session.client, " ".join((value, *more))))


def _whole(name: str, value: str, unit: str) -> int:
    if not value.strip().isdecimal():
        raise InvalidInput(f"{name} is a whole number of {unit}, not {value!r}")
    return int(value)


def _listed(value: str) -> tuple[str, ...]:
    return tuple(value.replace(",", " ").split())
