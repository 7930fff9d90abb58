"""Who asks: put into ``request.state.who`` by the gate, once for each request, and read by everybody after it."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Request

from stanchion.model.access import Role
from stanchion.model.errors import NotAllowed
from stanchion.model.ids import ResourceName

UNKNOWN = "operator"
"""The name of who uses the cluster's token and does not say his."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks. ``how``: by a browser's session, an API token, or the cluster's token, which says any name it likes.

    ``sign_in`` is the session's id, empty without one. ``resources``: gives orders to these alone; empty: to all.
    """

    name: str
    role: Role
    how: Literal["session", "token", "cluster"]
    address: str = ""
    sign_in: str = ""
    resources: tuple[ResourceName, ...] = ()


def of(request: Request) -> Principal | None:
    """Give who sent the request; None: nobody that is known, which only open paths and pages of the console meet."""
    who: Principal | None = getattr(request.state, "who", None)
    return who


def _known(request: Request) -> Principal:
    who = of(request)
    if who is None:
        raise NotAllowed("this needs somebody who is signed in; sign in first")
    return who


Who = Annotated[Principal, Depends(_known)]
"""A route's parameter: who asks."""


def spoken(name: str) -> str:
    """Give the name that the user of the cluster's token says, made fit for the history."""
    return "".join(letter for letter in name if letter.isprintable())[:64].strip() or UNKNOWN
