"""The command ``cluster``: what an administrator of the original types, in its words and with its answers.

It is a second face of the same API, for fingers and for scripts that know ``cluster online RES``. Every word of the
original is there. What has an equal here does it; what makes no sense any more says so in one sentence, names what does
the job now, and ends with another exit code than 0, so that no script believes it was done. Words, and names of
resources and nodes, count in any case.

It has no options for the connection: it speaks to the agent that ``client.toml`` or ``STANCHION_URL`` names, which on a
host of the cluster is the host's own. Where a command means *this node*, only that one will do (``host``).
"""

from stanchion.cli.original.app import app, main, run

__all__ = ["app", "main", "run"]
