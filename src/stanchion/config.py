"""The agent's settings: one small TOML file for each host, read once at start.

What holds for the whole cluster (timers, quorum, exclusion) lives in the store, where every agent sees the same. The
file only says who this host is, where its store and directories stand, and what resets the host when the agent cannot.

``AgentConfig`` is the whole list: every field carries its meaning, its unit where it has one, and its default, and
``write`` puts the same words as comments into the file that ``stanchion init`` makes. An unknown key is an error, not
a surprise: a mistyped ``self_fence`` must never leave a host without its protection. Relative paths count from the
directory of the file, so a directory with its settings can be moved as a whole.
"""

import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from dataclasses import Field as FieldOf
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from textwrap import fill
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    TypeAdapter,
    ValidationError,
)

from stanchion.model.cluster import SelfFence
from stanchion.model.errors import HostError, InvalidInput, plainly

DEFAULT_PORT = 7423
"""Where the agent answers unless the file says otherwise."""


def checked_name(text: str) -> str:
    """Check a node's or cluster's name, which stands in paths, keys and command lines. Raises ``ValueError``."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", text):
        raise ValueError("use 1 to 63 letters, digits, dots, dashes and underscores, the first a letter or digit")
    return text


def _path(text: object) -> Path:
    """Turn text into a path; an empty one is a mistake, not the current directory."""
    if not isinstance(text, str | Path) or not str(text).strip():
        raise ValueError("a path is due, written as text")
    return Path(text)


Name = Annotated[StrictStr, AfterValidator(checked_name)]
PathText = Annotated[Path, BeforeValidator(_path)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConfig:
    """Everything that one host's agent is told by its file. Paths are absolute after ``load``."""

    node: Name = field(metadata={
        "doc": "This host's name in the cluster: 1 to 63 letters, digits, dots, dashes and underscores."})
    cluster: Name = field(metadata={
        "doc": "The cluster's name; the store belongs to this cluster alone."})
    store: PathText | None = field(default=None, metadata={
        "doc": "File of the store (SQLite), which all agents of the cluster share, on one machine. Either this or "
               "`etcd`."})
    etcd: tuple[StrictStr, ...] = field(default=(), metadata={
        "doc": 'The members of the etcd that holds the store, as ["https://HOST:2379", ...]. Either this or `store`.'})
    etcd_ca: PathText | None = field(default=None, metadata={
        "doc": "Certificate of the authority that signed the members' certificates. Default: those this host trusts."})
    etcd_cert: PathText | None = field(default=None, metadata={
        "doc": "Our certificate for etcd, where it asks for one. Default: none."})
    etcd_key: PathText | None = field(default=None, metadata={
        "doc": "The key of etcd_cert. Readable by its owner only. Default: none."})
    etcd_user: StrictStr | None = field(default=None, metadata={
        "doc": "Our user in etcd, where it has users. Default: none."})
    etcd_password_file: PathText | None = field(default=None, metadata={
        "doc": "File that holds the password of etcd_user. Readable by its owner only. Default: none."})
    state_dir: PathText = field(metadata={
        "doc": "Directory of this agent's own state: script runs, machine sockets, its journal."})
    token_file: PathText = field(metadata={
        "doc": "File that holds the secret which the API asks for. Readable by its owner only."})
    listen_host: StrictStr = field(default="127.0.0.1", metadata={
        "doc": "Address on which the API listens. Default: 127.0.0.1, this host only."})
    listen_port: Annotated[StrictInt, Field(ge=1, le=65535)] = field(default=DEFAULT_PORT, metadata={
        "doc": f"Port on which the API listens, 1 to 65535. Default: {DEFAULT_PORT}."})
    names: tuple[StrictStr, ...] = field(default=(), metadata={
        "doc": "Further names by which browsers may call this host's console, as a proxy's. Default: none; its "
               "addresses, its node's name and localhost count anyway."})
    ca: PathText | None = field(default=None, metadata={
        "doc": "Certificate of the cluster's authority. With it the API speaks TLS. Default: none, plain HTTP."})
    cert: PathText | None = field(default=None, metadata={
        "doc": "This host's certificate, for the API, for its peers and for etcd. Default: none."})
    key: PathText | None = field(default=None, metadata={
        "doc": "The key of cert. Readable by its owner only. Default: none."})
    peer_port: Annotated[StrictInt, Field(ge=1, le=65535)] = field(default=DEFAULT_PORT + 1, metadata={
        "doc": "Port on which other nodes' agents are answered, and nobody else: it asks for a certificate of the "
               f"cluster's authority. Used with `ca`. Default: {DEFAULT_PORT + 1}."})
    address: StrictStr = field(default="127.0.0.1", metadata={
        "doc": "Address at which other hosts reach this one, for live migration. Default: 127.0.0.1."})
    self_fence: SelfFence = field(default=SelfFence.NONE, metadata={
        "doc": 'What resets this host when its agent cannot: "none", "supervisor" (process lab) or "watchdog" '
               '(the kernel\'s device). Default: "none"; machines of such a host are not restarted elsewhere on '
               "suspicion."})
    supervisor: PathText | None = field(default=None, metadata={
        "doc": 'Socket of the supervisor, for self_fence = "supervisor". Default: none.'})
    reset: Literal["none", "sysrq"] = field(default="none", metadata={
        "doc": 'How this host resets itself when a resource\'s failure action is "reboot": "sysrq" asks the kernel, at '
               'once and without sync, as root; "none" refuses. A host with a supervisor asks that. Default: "none".'})
    pam: StrictBool = field(default=False, metadata={
        "doc": "Let people of this host sign in to the console with their password here, by PAM. Needs stanchion[pam] "
               "and the groups below. Default: false."})
    pam_service: Name = field(default="stanchion", metadata={
        "doc": "The service's file in /etc/pam.d; what it lacks, PAM refuses. Used with `pam`. Default: stanchion."})
    oidc_issuer: StrictStr | None = field(default=None, metadata={
        "doc": "Address of an OpenID Connect provider at which people may sign in to the console, as "
               '"https://id.example.org/realms/ours". Needs stanchion[oidc] and the groups below. Default: none.'})
    oidc_client_id: StrictStr = field(default="stanchion", metadata={
        "doc": "What the provider knows this cluster as. Its way back is URL/console/sign-in/back, for each node. "
               "Default: stanchion."})
    oidc_secret_file: PathText | None = field(default=None, metadata={
        "doc": "File that holds the secret for the provider. Readable by its owner only. Default: none, a public "
               "client."})
    oidc_ca: PathText | None = field(default=None, metadata={
        "doc": "Certificate of the authority that signed the provider's. Default: those this host trusts."})
    oidc_name_claim: StrictStr = field(default="preferred_username", metadata={
        "doc": "The claim that holds a user's name. It should be one that nobody can choose himself. "
               "Default: preferred_username."})
    oidc_groups_claim: StrictStr = field(default="groups", metadata={
        "doc": "The claim that holds a user's groups; dots lead into another one, as in realm_access.roles. "
               "Default: groups."})
    administrators: tuple[StrictStr, ...] = field(default=(), metadata={
        "doc": "Groups, of this host with `pam` or at the provider with `oidc_issuer`, whose people are administrators "
               "of the cluster. Default: none."})
    operators: tuple[StrictStr, ...] = field(default=(), metadata={
        "doc": "Groups whose people are operators. Default: none."})
    viewers: tuple[StrictStr, ...] = field(default=(), metadata={
        "doc": "Groups whose people are viewers. Who is in none of the three does not come in. Default: none."})
    log_json: StrictBool = field(default=False, metadata={
        "doc": "Write the journal as one JSON object a line. Default: false, plain lines."})


def load(path: Path) -> AgentConfig:
    """Read and check the file. Raises ``InvalidInput`` with one sentence that names the file and what to do."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidInput(f"there is no settings file {path}; `stanchion init` makes one") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"the settings file {path} cannot be read: {plainly(error)}") from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{path} is not valid TOML: {error}") from None
    return _anchored(_checked(given, path), path.absolute().parent)


def write(config: AgentConfig, path: Path) -> None:
    """Write the file, each setting under its own documentation, in one step: the old file or the new one, never half.

    Raises ``HostError`` where the directory cannot be written.
    """
    text = "\n".join(_block(each, getattr(config, each.name)) for each in fields(config))
    draft = path.with_name(f".{path.name}.new")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise HostError(f"the settings file {path} cannot be written: {error.strerror}") from None


def _block(setting: FieldOf[object], value: object) -> str:
    """One setting with its documentation; an absent one stands there as a comment."""
    doc = fill(setting.metadata["doc"], width=100, initial_indent="# ", subsequent_indent="# ")
    line = f'# {setting.name} = ""' if value is None else f"{setting.name} = {_toml(value)}"
    return f"{doc}\n{line}\n"


@cache
def _adapter() -> TypeAdapter[AgentConfig]:
    return TypeAdapter(AgentConfig)


def _checked(given: Mapping[str, object], path: Path) -> AgentConfig:
    known: tuple[FieldOf[object], ...] = fields(AgentConfig)
    names = [each.name for each in known]
    for key in given:
        if key not in names:
            near = get_close_matches(key, names, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise InvalidInput(f"{path}: unknown setting {key!r}; {hint}known are {', '.join(names)}")
    missing = [each.name for each in known if each.default is MISSING and each.name not in given]
    if missing:
        raise InvalidInput(f"{path}: {', '.join(missing)} must be set")
    try:
        config = _adapter().validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        setting, message = first["loc"][0], first["msg"].removeprefix("Value error, ")
        raise InvalidInput(f"{path}: {setting} = {_toml(first['input'])} does not fit: "
                           f"{message[:1].lower()}{message[1:]}") from None
    if config.self_fence is SelfFence.SUPERVISOR and config.supervisor is None:
        raise InvalidInput(f'{path}: self_fence = "supervisor" needs the supervisor\'s socket in `supervisor`')
    fault = store_fault(config)
    if fault:
        raise InvalidInput(f"{path}: {fault}")
    return config


def store_fault(config: AgentConfig) -> str:
    """Say what is wrong with the settings of the store; empty: nothing."""
    if (config.store is None) == (not config.etcd):
        return "name the store's file in `store`, or the members of an etcd in `etcd`, and not both"
    if (config.etcd_cert is None) != (config.etcd_key is None):
        return "etcd_cert and etcd_key go together: set both or none"
    if len({config.ca is None, config.cert is None, config.key is None}) > 1:
        return "ca, cert and key go together: set all or none"
    if (config.etcd_user is None) != (config.etcd_password_file is None):
        return "etcd_user and etcd_password_file go together: set both or none"
    return ""


def _anchored(config: AgentConfig, directory: Path) -> AgentConfig:
    """Make paths absolute, counted from the file's directory."""
    given: dict[str, Any] = {each.name: getattr(config, each.name) for each in fields(config)}
    paths: dict[str, Any] = {name: directory / value.expanduser() for name, value in given.items()
                             if isinstance(value, Path)}
    return replace(config, **paths)


def _toml(value: object) -> str:
    """Write one value as TOML: its basic strings, whole numbers and booleans read the same in JSON."""
    return json.dumps(value, ensure_ascii=False, default=str)


def url_of(config: AgentConfig) -> str:
    """Give the address at which the API of this host is reached."""
    host = config.address if config.listen_host in {"0.0.0.0", "::"} else config.listen_host  # noqa: S104 - compared
    shown = f"[{host}]" if ":" in host else host
    return f"{'http' if config.ca is None else 'https'}://{shown}:{config.listen_port}"


def door_of(config: AgentConfig) -> str:
    """Give the address at which this host answers other agents; empty: it does not."""
    return "" if config.ca is None else f"{url_of(config).rpartition(':')[0]}:{config.peer_port}"
