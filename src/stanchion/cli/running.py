"""How a command line is run: by an application of cyclopts, with every foreseeable trouble told in one sentence."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cyclopts import CycloptsError, RepeatArgumentError
from pydantic import ValidationError

from stanchion.cli import exits
from stanchion.cli.session import TERMINAL, Terminal
from stanchion.model.errors import StanchionError

if TYPE_CHECKING:
    from cyclopts import App


def run_app(app: "App", argv: Sequence[str], terminal: Terminal | None = None, *, more: str = "--help") -> int:
    """Run one command and give its exit code; ``more`` is what the user is pointed to after a mistake in typing."""
    terminal = terminal or Terminal()
    name, before = app.name[0], TERMINAL.set(terminal)
    try:
        result = app(list(argv), exit_on_error=False, print_error=False, result_action="return_value",
                     console=terminal.console() if terminal.out else None)
    except StanchionError as error:
        terminal.complain(f"{name}: {exits.one_line(error)}")
        return exits.code_of(error)
    except ValidationError as error:  # a request that no agent would read: too long, too large
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        terminal.complain(f"{name}: {field}: {first['msg'].lower()} (see {more})")
        return exits.USAGE
    except RepeatArgumentError as error:
        terminal.complain(f"{name}: {error.token.keyword} is given twice, or with its opposite (see {more})")
        return exits.USAGE
    except CycloptsError as error:
        terminal.complain(f"{name}: {exits.one_line(error)} (see {more})")
        return exits.USAGE
    except KeyboardInterrupt:
        terminal.complain(f"{name}: interrupted; an order that was taken goes on, see `{name} status`")
        return exits.INTERRUPTED
    except BrokenPipeError:
        return exits.FAILED
    finally:
        TERMINAL.reset(before)
    return result if isinstance(result, int) else 0


def words() -> list[str]:
    """Give what this process was called with."""
    return sys.argv[1:]
