"""How an order ends, and how that is written: in one write with whatever it changes, and told where it was refused."""

from dataclasses import replace

from stanchion.model.actions import Decision
from stanchion.model.cluster import Held, Key, Kind, Session
from stanchion.model.history import Entry, Severity
from stanchion.model.ids import Moment
from stanchion.model.orders import Intent, Outcome
from stanchion.model.reasons import Reason
from stanchion.model.transaction import Guard, Put, Transaction


def refused(intent: Intent, why: Reason, now: Moment) -> Intent:
    """Give the order as it ends when it is refused."""
    return ended(intent, Outcome.REFUSED, why, now)


def done(intent: Intent, why: Reason, now: Moment) -> Intent:
    """Give the order as it ends when it is carried out."""
    return ended(intent, Outcome.DONE, why, now)


def ended(intent: Intent, outcome: Outcome, why: Reason, now: Moment) -> Intent:
    """Give the order as it ends."""
    return replace(intent, outcome=outcome, reason=why, ended_at_s=now.wall_s)


def write(held: Held[Intent], after: Intent, why: Reason, me: Session, now: Moment) -> Decision:
    """Write down how far an order has come."""
    guard = Guard(Key(Kind.INTENT, after.id), held.revision)
    told = (entry(why, after, me, now),) if after.outcome is Outcome.REFUSED else ()
    return Decision(transaction=Transaction(guards=(guard,), puts=(Put(after),), history=told), why=why)


def entry(why: Reason, intent: Intent, me: Session, now: Moment) -> Entry:
    """Tell of an order in the history."""
    severity = Severity.WARNING if intent.outcome is Outcome.REFUSED else Severity.INFO
    return Entry(at_s=now.wall_s, reason=why, severity=severity, by=me.node, node=intent.node,
                 resource=intent.resource, cause=intent.id)


def joined(first: Decision, second: Decision) -> Decision:
    """Make one transaction of two: both take place or neither."""
    one, two = first.transaction, second.transaction
    return Decision(why=first.why, transaction=Transaction(
        guards=(*one.guards, *two.guards), puts=(*one.puts, *two.puts), deletes=(*one.deletes, *two.deletes),
        history=(*one.history, *two.history)))
