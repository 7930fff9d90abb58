"""The command line: what an operator types, put to the API, and told in sentences and tables.

``app`` is the cyclopts application, to which ``commands`` adds the commands that need more than HTTP; ``run`` runs it
and turns every foreseeable trouble into one sentence on standard error and an exit code (``exits``). Heavy libraries
are imported by the commands that need them, so that ``stanchion --help`` answers at once.
"""

from stanchion.cli.app import app, run

__all__ = ["app", "run"]
