"""Who looks at the console, and the way to the sign-in for who is not known (yet, or any more)."""

from urllib.parse import quote

from fastapi import Request

from stanchion.api import access
from stanchion.api.access.principal import Principal
from stanchion.api.services import Services

SIGN_IN = "/console/sign-in"


class SignInFirst(Exception):
    """The visitor is not known: the console leads to the sign-in and from there back to ``to``."""

    def __init__(self, to: str) -> None:
        super().__init__(to)
        self.to = to

    @property
    def way(self) -> str:
        """Give the path of the sign-in that leads back."""
        return f"{SIGN_IN}?to={quote(self.to)}"


async def visitor(here: Services, request: Request) -> Principal:
    """Give who looks. Raises ``SignInFirst`` where nobody is signed in."""
    del here
    who = access.of(request)
    if who is None:
        query = f"?{request.url.query}" if request.url.query else ""
        raise SignInFirst(f"{request.url.path}{query}" if request.method == "GET" else "/console/")
    return who


def about(request: Request, what: str) -> None:
    """Have the audit say what a request was about, where its path does not."""
    request.state.about = what


async def stays(here: Services, request: Request) -> bool:
    """Tell whether who looks may look on.

    A session that was revoked or has expired ends its streams as well, and so does another role: what is seen then is
    decided anew.
    """
    return access.still(here, request)
