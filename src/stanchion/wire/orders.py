"""Many orders at once, on the wire: each item ends in an order that was taken, or in a problem of its own."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from stanchion.wire.bounds import Flag, Name
from stanchion.wire.replies import IntentInfo, Problem, Reply
from stanchion.wire.requests import Request

MOST_ORDERS = 500

BulkVerb = Literal["online", "offline", "migrate"]
"""What can be ordered for many resources at once."""


class OneOrder(Request):
    """One order. ``node``: where to; left out, the best node. ``live`` left out: live where the scripts can."""

    verb: BulkVerb
    resource: Name
    node: Name | None = None
    live: Flag | None = None


class ManyOrders(Request):
    """Up to 500 orders, each for another resource."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [
        {"orders": [{"verb": "offline", "resource": "web"}, {"verb": "migrate", "resource": "db", "node": "node2"}]}]})

    orders: Annotated[tuple[OneOrder, ...], Field(min_length=1, max_length=MOST_ORDERS)]


class OrderResult(Reply):
    """What became of one item: ``intent`` is the order to follow; or ``problem`` says why it was not taken."""

    verb: BulkVerb
    resource: str
    intent: IntentInfo | None = None
    problem: Problem | None = None


class ManyResults(Reply):
    """What became of each item, in the order in which they were given."""

    results: tuple[OrderResult, ...]
    taken: int
    refused: int
