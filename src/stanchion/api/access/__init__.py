"""Access to the cluster: who asks (``principal``, ``identity``), what he may (``permits``), and what he did (``audit``).

The gate (``api.gate``) asks all of them before any route is reached, for the API and the console alike. ``sessions``
and ``people`` are what sign-in pages and routes call; ``of`` tells who sent a request.
"""

from stanchion.api.access.principal import Principal, Who, of

__all__ = ["Principal", "Who", "of"]
