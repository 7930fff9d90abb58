"""The command ``stanchion``: the agent at once, everything else by way of ``commands``.

An agent that was restarted has to be heard and to renew its lease within moments, also on a busy host: until then its
host is silent, and what is silent is suspected. So it does not wait until a hundred commands have been imported.
"""

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import cast

AGENT = ["agent", "--config"]


def main() -> None:
    """Run the command line and end with its exit code."""
    if sys.argv[1:3] == AGENT and len(sys.argv) == len(AGENT) + 2:
        _agent(Path(sys.argv[3]))
    else:
        from stanchion.cli import run

        importlib.import_module("stanchion.commands")  # which adds the commands that need this host
        sys.exit(run())


def _agent(settings: Path) -> None:
    """Run the agent, as ``stanchion agent --config`` of ``commands`` does.

    Without ``rich``: the log's library would take it in for coloured tracebacks, and an agent that has no terminal
    would hold five MiB more on every host.
    """
    sys.modules["rich"] = cast(ModuleType, None)  # Python's own mark for "there is no such module"
    from stanchion import wiring
    from stanchion.config import load
    from stanchion.model.errors import StanchionError

    try:
        wiring.run_agent(load(settings), settings.absolute())
    except StanchionError as error:
        from stanchion.cli import exits

        sys.stderr.write(f"stanchion: {exits.one_line(error)}\n")
        sys.exit(exits.code_of(error))


if __name__ == "__main__":
    main()
