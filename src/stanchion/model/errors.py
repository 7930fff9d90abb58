"""The exception tree, drawn.

    StanchionError                something that an operator can act on; its text says what is wrong and what to do
    |-- InvalidInput              what was asked for makes no sense as it stands          (HTTP 422, exit code 2)
    |-- NotFound                  there is no such resource, node, template or intent     (HTTP 404, exit code 4)
    |-- AlreadyExists             the name is taken                                       (HTTP 409, exit code 5)
    |-- NotNow                    legal, but not in the present state                     (HTTP 409, exit code 5)
    |   `-- Stale                 decided on something that was changed meanwhile         (HTTP 412, exit code 5)
    |-- NotAllowed                the token is missing or wrong                           (HTTP 401, exit code 3)
    |   |-- NotPermitted          who asks is known, and may not                          (HTTP 403, exit code 3)
    |   `-- TooSoon               tried wrongly too often: wait before the next try       (HTTP 429, exit code 3)
    |-- NoAnswer                  no agent answers the client                             (exit code 6)
    |-- StoreError                the store cannot be used
    |   |-- StoreUnavailable      no answer now; trying again may help                    (HTTP 503, exit code 6)
    |   `-- StoreUnusable         damaged, read-only, or from a newer version: an operator must act
    `-- HostError                 this host lacks something: QEMU, a port, a directory

    BrokenInvariant               never legal: a programming error; the agent stops feeding its watchdog

Errors of the world become events at the edge where they happen. Only programming errors travel.
"""


class StanchionError(Exception):
    """Something that an operator can act on; the text says what is wrong and what to do."""


class InvalidInput(StanchionError):
    """What was asked for makes no sense as it stands."""


class NotFound(StanchionError):
    """There is no such thing."""


class AlreadyExists(StanchionError):
    """The name is taken."""


class NotNow(StanchionError):
    """Legal, but not in the present state."""


class Stale(NotNow):
    """Decided on something that somebody else has changed meanwhile: read again, then repeat."""


class NotAllowed(StanchionError):
    """The token is missing or wrong."""


class NotPermitted(NotAllowed):
    """Who asks is known, and may not."""


class TooSoon(NotAllowed):
    """Tried wrongly too often: wait ``retry_after_s`` before the next try."""

    retry_after_s: float = 1.0


class NoAnswer(StanchionError):
    """No agent answers the client, or the connection broke before the answer came."""


class StoreError(StanchionError):
    """The store cannot be used."""


class StoreUnavailable(StoreError):
    """The store does not answer now; trying again may help."""


class StoreUnusable(StoreError):
    """The store is damaged, read-only, or written by a newer version: an operator must act."""


class HostError(StanchionError):
    """This host lacks something that is needed."""


class BrokenInvariant(AssertionError):
    """What must never be, is: a programming error. The agent that meets it stops feeding its watchdog."""


def plainly(problem: BaseException) -> str:
    """Say what went wrong with a file or a connection, as people say it: without numbers and names of classes."""
    if isinstance(problem, UnicodeDecodeError):
        return f"it is not a text in UTF-8 (byte {problem.start + 1})"
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return str(problem) or type(problem).__name__
