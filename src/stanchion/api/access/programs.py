"""API tokens: what programs show instead of a person's password.

A token is its own user, ``token:NAME`` in the history and the audit; it lives until it expires or is revoked, whatever
becomes of who made it. It begins with ``stanchion_``, so that one that leaked is found by a search.
"""

import secrets

from stanchion.api import finding
from stanchion.api.access import audit, identity
from stanchion.api.access.principal import Principal
from stanchion.api.services import Services
from stanchion.model.access import ApiToken, Role
from stanchion.model.cluster import Key, Kind
from stanchion.model.errors import AlreadyExists, InvalidInput, NotFound, NotNow
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.transaction import Committed, Guard, Put, Transaction
from stanchion.wire.access import ApiTokenOrder


async def make(here: Services, who: Principal, order: ApiTokenOrder) -> tuple[str, ApiToken]:
    """Make a token; its text is told this once. Raises ``AlreadyExists``, ``InvalidInput``, ``NotFound``."""
    view, now_s = here.view(), here.clock.now().wall_s
    if any(held.value.name.casefold() == order.name.casefold() for held in view.api_tokens.values()):
        raise AlreadyExists(f"there is an API token {order.name} already; revoke it first, or take another name")
    if order.resources and order.role is not Role.OPERATOR:
        raise InvalidInput("a token for some resources gives orders to them, so it is an operator; leave the "
                           "resources out, or make it an operator")
    resources = tuple(dict.fromkeys(finding.resource(view, each) for each in order.resources))
    secret = secrets.token_urlsafe(32)
    made = ApiToken(id=here.chance.token(), digest=identity.digest(secret), name=order.name, role=order.role,
                    by=who.name, made_at_s=now_s, resources=resources,
                    expires_at_s=None if order.valid_s is None else now_s + order.valid_s)
    what = f"made, as {made.role}" + (f" of {', '.join(resources)}" if resources else "")
    await _write(here, Transaction(puts=(Put(made),), history=(audit.entry(here, _changed(who, made, what)),)))
    return f"{identity.TOKEN_MARK}_{made.id}_{secret}", made


async def revoke(here: Services, who: Principal, name: str) -> None:
    """Revoke a token by its name or id: it opens nothing any more. Raises ``NotFound``."""
    found = next((held for held in here.view().api_tokens.values()
                  if held.value.id == name or held.value.name.casefold() == name.casefold()), None)
    if found is None:
        raise NotFound(f"there is no API token {name}; `stanchion api-token list` lists them")
    at = Key(Kind.API_TOKEN, found.value.id)
    await _write(here, Transaction(guards=(Guard(at, found.revision),), deletes=(at,),
                                   history=(audit.entry(here, _changed(who, found.value, "revoked")),)))


def _changed(who: Principal, token: ApiToken, what: str) -> Reason:
    return reason(Why.ACCESS_CHANGED, who.name, who.address or "here", f"token:{token.name}", what)


async def _write(here: Services, transaction: Transaction) -> None:
    done = await here.store.commit(transaction)
    await here.catch_up(done.revision)
    if not isinstance(done, Committed):
        raise NotNow("somebody changed it just now; look at it again, then repeat")
