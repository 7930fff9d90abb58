"""People whom others vouch for: the host's PAM, or an identity provider.

Their passwords never stand here. What they may do is said by the groups that they are in there, looked up anew at each
sign-in: who is in no group that has a role comes in no more, and who was given another group has another role at the
next sign-in. The user's record is made at the first one, so that the audit, the sessions and the lock are as for
everybody; a record that others vouch for is never opened by a local password, nor the other way round.
"""

from dataclasses import replace

from stanchion.api.access import audit
from stanchion.api.services import Services
from stanchion.model.access import Origin, Role, User, folded, name_fault
from stanchion.model.cluster import Held, Key, Kind
from stanchion.model.errors import NotAllowed, NotNow
from stanchion.model.ids import NOTHING
from stanchion.model.reasons import Why, reason
from stanchion.model.transaction import Committed, Guard, Put, Transaction
from stanchion.ports import Vouched


async def admit(here: Services, vouched: Vouched, origin: Origin, address: str) -> Held[User]:
    """Give the record of somebody whom others vouch for, made or changed as they say. Raises ``NotAllowed``."""
    name = folded(vouched.name)
    fault = name_fault(name) or _fault(here, name, vouched, origin)
    if fault:
        if name in here.view().users:
            audit.refused_sign_in(here, name, address, fault.partition(";")[0])
        raise NotAllowed(fault)
    role, held = role_of(here, vouched.groups), here.view().users.get(name)
    assert role is not None
    if held is not None and held.value.role is role:
        return held
    user = replace(held.value, role=role) if held else User(
        name=name, role=role, origin=origin, by=origin, made_at_s=here.clock.now().wall_s)
    what = f"role {role}, by the groups there" if held else f"came in by {origin}, as {role}"
    done = await here.store.commit(Transaction(
        guards=(Guard(Key(Kind.USER, name), held.revision if held else NOTHING),), puts=(Put(user),),
        history=(audit.entry(here, reason(Why.ACCESS_CHANGED, name, address or "here", name, what)),)))
    await here.catch_up(done.revision)
    made = here.view().users.get(name)
    if not isinstance(done, Committed) or made is None:
        raise NotNow("the user was changed just now; sign in again")
    return made


async def by_password(here: Services, held: Held[User] | None, name: str, password: str,
                      address: str) -> Held[User] | None:
    """Let PAM vouch for somebody; None: it does not, or it is not asked for this name."""
    directory = here.outside.directory
    if directory is None or name_fault(name) or (held is not None and held.value.origin is not Origin.PAM):
        return None
    vouched = await directory.check(name, password)
    return None if vouched is None else await admit(here, vouched, Origin.PAM, address)


def role_of(here: Services, groups: tuple[str, ...]) -> Role | None:
    """Give the highest role that the groups have; None: none."""
    return next((role for role in reversed(Role) if set(here.outside.groups.get(role, ())) & set(groups)), None)


def _fault(here: Services, name: str, vouched: Vouched, origin: Origin) -> str:
    held = here.view().users.get(name)
    if held is not None and held.value.origin is not origin:
        return f"there is another user {name}, who signs in by {held.value.origin}; an administrator can help"
    if role_of(here, vouched.groups) is None:
        return f"{name} is in no group that has a role here; an administrator can help"
    return ""
