"""Who may do what with a cluster: users and their roles, sessions of browsers, API tokens and one-time invitations.

All are records of the store like any other, so every node knows the same people and a session lives on when the node
that began it dies. Nothing in them opens anything: of passwords a slow hash is kept, of cookies, tokens and invitations
the SHA-256 of a secret of 256 random bits.

Roles are a ladder, each covers those below it. A *viewer* sees everything but secrets, an *operator* gives orders to
what is configured, an *administrator* says what is configured; scripts run as root, so whoever writes them owns the
hosts.
"""

from dataclasses import dataclass
from enum import StrEnum

from stanchion.model.ids import ResourceName, Revision


class Role(StrEnum):
    """How much somebody may do; in the order of the ladder."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"

    def covers(self, other: "Role") -> bool:
        """Tell whether who has this role may do what needs the other."""
        ladder = list(Role)
        return ladder.index(self) >= ladder.index(other)


class Origin(StrEnum):
    """Who vouches for a user: his password here, the host's PAM, or an identity provider."""

    LOCAL = "local"
    PAM = "pam"
    OIDC = "oidc"


LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._@+-")
LONGEST_NAME = 64


def folded(name: str) -> str:
    """Give a user's name as it is kept: without regard to case, so that no two differ by nothing else."""
    return name.strip().casefold()


def name_fault(name: str) -> str:
    """Say what is wrong with a folded name; empty: nothing. Colons are kept for the names of tokens."""
    if not name or len(name) > LONGEST_NAME or not LETTERS.issuperset(name) or not name[0].isalnum():
        return (f"{name!r} cannot be a user's name; use 1 to {LONGEST_NAME} letters, digits and . _ @ + -, "
                "the first a letter or digit")
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person. ``password`` is the hash of it, empty where there is none to sign in with.

    ``by`` is who made the record: an administrator, or the origin itself at the first sign-in.
    """

    name: str
    role: Role
    password: str = ""
    origin: Origin = Origin.LOCAL
    made_at_s: float = 0.0
    by: str = ""
    locked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A browser's session. ``id`` is the SHA-256 of its cookie; ``agent`` is what the browser calls itself.

    It is good for the user's record as it stood at the revision ``vouched``. So any change of the record, be it of the
    password, the role or the lock, ends every session in the same instant, whichever node began one just then.
    """

    id: str
    user: str
    made_at_s: float
    seen_at_s: float
    expires_at_s: float
    vouched: Revision
    address: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """A program's right. ``expires_at_s`` None: until revoked.

    ``resources`` are those that it may give orders to; empty: all.
    """

    id: str
    digest: str
    name: str
    role: Role
    by: str
    made_at_s: float
    expires_at_s: float | None = None
    resources: tuple[ResourceName, ...] = ()

    def expired(self, now_s: float) -> bool:
        """Tell whether it is good no more."""
        return self.expires_at_s is not None and now_s >= self.expires_at_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """The right to set a user's password once, by a link. ``role`` is what a new user gets; who exists keeps his."""

    id: str
    digest: str
    user: str
    role: Role
    expires_at_s: float
    by: str = ""
