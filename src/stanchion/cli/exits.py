"""Exit codes, and the one sentence that a failed command leaves on standard error."""

from stanchion.model.errors import (
    AlreadyExists,
    InvalidInput,
    NoAnswer,
    NotAllowed,
    NotFound,
    NotNow,
    StanchionError,
    StoreUnavailable,
)

FAILED = 1
USAGE = 2
INTERRUPTED = 130

CODES: dict[type[StanchionError], int] = {
    StanchionError: FAILED,
    InvalidInput: USAGE,
    NotAllowed: 3,
    NotFound: 4,
    AlreadyExists: 5,
    NotNow: 5,
    StoreUnavailable: 6,
    NoAnswer: 6,
}
"""The exit code of each error; one that is not listed has that of its nearest ancestor (see ``model/errors.py``)."""


def code_of(error: StanchionError) -> int:
    """Give the exit code of an error."""
    return next(CODES[kind] for kind in type(error).__mro__ if kind in CODES)


def one_line(error: BaseException) -> str:
    """Put an error's text on one line."""
    return " ".join(str(error).split())
