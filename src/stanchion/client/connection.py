"""Where the agents answer and which token they ask for: said, else set in the environment, else written in a file.

Each is looked for on its own: first what the caller says, then ``STANCHION_URL`` (several separated by commas),
``STANCHION_TOKEN_FILE`` and ``STANCHION_CA`` (the certificate of the authority that vouches for the agents), then the
settings file that is named (``STANCHION_CONFIG``) or the first that exists of ``~/.config/stanchion/client.toml`` and
``/etc/stanchion/client.toml``:

    urls = ["http://node1:7423", "http://node2:7423"]
    token_file = "/etc/stanchion/token"
    ca = "/etc/stanchion/ca.crt"

With several addresses a dead node costs nothing but a moment. Where nothing is said, the agent of this host is asked.
"""

import getpass
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stanchion.config import DEFAULT_PORT
from stanchion.model.errors import InvalidInput, plainly

HERE = f"http://127.0.0.1:{DEFAULT_PORT}"
"""This host's agent, where nothing else is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How to reach a cluster: its agents' addresses in the order to try them, the token, and who asks.

    ``ca`` is the authority that vouches for the agents (none: those that this host trusts), ``cert`` and ``key`` are
    what we show of ourselves. ``blind``: believe anybody, to ask for what is checked in another way.
    """

    urls: tuple[str, ...] = (HERE,)
    token: str = field(default="", repr=False)
    by: str = ""
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    blind: bool = False


def find(urls: Sequence[str] = (), token_file: Path | None = None, *, file: Path | None = None,
         env: Mapping[str, str] | None = None) -> Connection:
    """Find the connection. ``file`` is the settings file to use; without it the usual places are looked at.

    Raises ``InvalidInput`` with one sentence for an address or a file that cannot be used.
    """
    env = os.environ if env is None else env
    written = _written(_places(env, file))
    said = list(urls) or [part for part in env.get("STANCHION_URL", "").split(",") if part.strip()]
    found = said or written.get("urls") or written.get("url") or HERE
    if isinstance(found, str):
        found = [found]
    at = token_file or env.get("STANCHION_TOKEN_FILE") or written.get("token_file")
    ca = env.get("STANCHION_CA") or written.get("ca")
    return Connection(urls=tuple(_address(each) for each in found), token=_token(Path(at)) if at else "",
                      ca=Path(ca) if ca else None, by=env.get("STANCHION_OPERATOR", "") or _me())


def _places(env: Mapping[str, str], file: Path | None) -> tuple[Path, ...]:
    """Give the settings files to look at; the first that exists counts, and one that was named must exist."""
    named = file or env.get("STANCHION_CONFIG")
    if named:
        if not Path(named).is_file():
            raise InvalidInput(f"there are no client settings {named}; `stanchion init` makes them on a node")
        return (Path(named),)
    home = env.get("XDG_CONFIG_HOME") or f"{env.get('HOME', '/')}/.config"
    return (Path(home, "stanchion", "client.toml"), Path("/etc/stanchion/client.toml"))


def _written(files: Sequence[Path]) -> Mapping[str, Any]:
    for file in files:
        try:
            given = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"the client's settings {file} cannot be read: {plainly(error)}") from None
        except tomllib.TOMLDecodeError as error:
            raise InvalidInput(f"the client's settings {file} are not valid TOML: {error}") from None
        unknown = sorted(given.keys() - {"url", "urls", "token_file", "ca"})
        if unknown:
            raise InvalidInput(f"{file}: unknown setting {unknown[0]!r}; known are url, urls, token_file and ca")
        for setting in ("token_file", "ca"):
            if given.get(setting):
                given[setting] = str(file.parent / Path(str(given[setting])).expanduser())
        return given
    return {}


def _address(url: object) -> str:
    text = str(url).strip().rstrip("/")
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise InvalidInput(f"{text!r} is not the address of an agent; write it like {HERE}")
    return text


def _token(file: Path) -> str:
    try:
        token = file.expanduser().read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise InvalidInput(f"there is no token file {file}; copy the agent's to there, or name it with "
                           "--token-file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"the token file {file} cannot be read: {plainly(error)}") from None
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidInput(f"the token file {file} does not hold a token: one line of letters and digits")
    return token


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
