"""Access to the cluster: who asks (``principal``, ``identity``), what he may (``permits``), what he did (``audit``).

The gate (``api.gate``) asks all of them before any route is reached, for the API and the console alike. ``sessions``
and ``people`` are what sign-in pages and routes call; ``of`` tells who sent a request.
"""

from fastapi import Request

from stanchion.api.access import identity
from stanchion.api.access.identity import Doorman
from stanchion.api.access.principal import Principal, Who, of

__all__ = ["Principal", "Who", "of", "still"]


def still(here: Doorman, request: Request) -> bool:
    """Tell whether who sent the request still is known: a stream ends with the session that asked for it."""
    who = of(request)
    return who is not None and identity.still(here, who)
