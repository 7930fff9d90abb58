"""What was done and tried, and by whom: written into the history, beside the events of the cluster.

The gate writes one entry for every changing request of somebody who is known, whether it was let in or refused, before
its answer goes out. What the history holds already in the order's own words (``by``) stays there. Refusals are bounded
for each address and counted, so that nobody can push the past out of the history. Where the store is away, the journal
of this host has the line, and nobody waits for it.
"""

from dataclasses import dataclass

import structlog

from stanchion.api.access.principal import Principal
from stanchion.api.services import Services
from stanchion.model.errors import StanchionError
from stanchion.model.history import Entry
from stanchion.model.reasons import Reason, Why, reason, sentence
from stanchion.model.transaction import Transaction

COMMENT_HEADER = "X-Stanchion-Comment"
"""The request header that says why somebody does this."""

LONGEST_COMMENT = 200
REFUSED_FROM = 400

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One request of somebody: what it was for, how it was answered, and what he said about it."""

    who: Principal
    method: str
    route: str
    object: str
    status: int
    comment: str = ""

    def told(self, more: int) -> Reason:
        """Give it as an entry's reason; ``more`` like it were left out before."""
        outcome = f"{self.status}" if not more else f"{self.status}, and {more} more refused from there"
        return reason(Why.AUDIT, self.who.name, self.who.address or "here", self.who.how, self.method, self.route,
                      outcome, self.object, self.comment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A request as the history tells of it."""

    method: str
    route: str
    object: str
    status: int | None
    comment: str


def read(of: Entry) -> Told | None:
    """Read a request back from the history; None: the entry is of another kind."""
    if of.reason.why is not Why.AUDIT:
        return None
    _, _, _, method, route, outcome, about, said, *_ = of.reason.operands + ("",) * 8
    number = outcome.partition(",")[0]
    return Told(method=method, route=route, object=about, comment=said,
                status=int(number) if number.isdigit() else None)


async def note(here: Services, deed: Deed) -> None:
    """Write down what somebody did."""
    more: int | None = 0
    if deed.status >= REFUSED_FROM:
        more = here.vigil.trickle.passes(deed.who.address, here.clock.now().mono_s)
    if more is not None:
        await write(here, deed.told(more))


def refused_sign_in(here: Services, user: str, address: str, cause: str) -> None:
    """Write down, later, that somebody was not let in under the name of a user that there is.

    Later, because the time of the answer must not tell that there is such a user.
    """
    more = here.vigil.trickle.passes(address, here.clock.now().mono_s)
    if more is not None:
        told = f"{cause}, and {more} more refused from there" if more else cause
        here.vigil.later(write(here, reason(Why.SIGN_IN_REFUSED, user, address or "here", told)))


async def write(here: Services, why: Reason) -> None:
    """Write an entry; where the store does not take it, a line in the journal."""
    if not here.store_away():
        try:
            await here.store.commit(Transaction(history=(entry(here, why),)))
        except StanchionError as problem:
            log.warning("the audit could not be written to the store", what=sentence(why), problem=str(problem))
    else:
        log.warning("audit, while the store is away", what=sentence(why))


def entry(here: Services, why: Reason) -> Entry:
    """Give an entry of now."""
    return Entry(at_s=here.clock.now().wall_s, reason=why, by=here.node)


def comment(text: str) -> str:
    """Put what somebody says on one line, and not too long a one."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:LONGEST_COMMENT]
