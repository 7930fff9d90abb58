"""How a host comes into a cluster of hosts: tokens, the offer, the admission, certificates, and etcd's members."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from stanchion.wire.bounds import Flag, Line, Name, Seconds
from stanchion.wire.replies import Reply
from stanchion.wire.requests import Request

HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
"""A node's name: 1 to 63 letters, digits, dots, dashes and underscores, the first a letter or digit."""
Pem = Annotated[str, Field(max_length=16_384)]


class JoinTokenOrder(Request):
    """Make a join token that is good once, for so many seconds."""

    valid_s: Annotated[Seconds, Field(ge=60, le=7 * 86_400)] = 3600.0


class JoinTokenInfo(Reply):
    """A join token without its secret. ``used_by``: the node that joined with it."""

    id: str
    by: str
    made_at: datetime | None
    expires_at: datetime | None
    state: Literal["open", "used", "expired"]
    used_by: str | None = None


class JoinTokenMade(Reply):
    """A new join token. ``token`` is told this once and kept nowhere."""

    token: str
    info: JoinTokenInfo


class JoinTokenList(Reply):
    """The join tokens that are open, and those that were until a while ago."""

    tokens: tuple[JoinTokenInfo, ...]


class JoinOffer(Reply):
    """What a host learns before it joins, and before it trusts anybody: it compares ``authority`` with its token.

    ``etcd``: the cluster has made its etcd itself; ``member``: whoever joins now is to run a member of it.
    """

    cluster: str
    node: str
    authority: str
    etcd: bool
    member: bool
    at: datetime


class JoinRequest(Request):
    """Ask to be admitted: with a certificate ``request`` in PEM, and where our member of ``etcd`` will answer."""

    id: Name
    secret: Name
    node: HostName
    address: Annotated[str, Field(min_length=1, max_length=253)]
    request: Pem
    witness: Flag = False
    etcd: Line = ""


class Admission(Reply):
    """What a host that was admitted needs: who it is, whom it may trust, the cluster's secret, and where all is.

    ``peers`` are the doors of the other agents for agents, ``urls`` their APIs, ``etcd`` the members that vote.
    """

    cluster: str
    certificate: str
    authority: str
    revoked: str
    secret: str
    etcd: tuple[str, ...]
    urls: tuple[str, ...]
    peers: tuple[str, ...]


class CertificateRequest(Request):
    """Ask for a new certificate for a node that the cluster knows; ``request`` is in PEM."""

    node: HostName
    address: Annotated[str, Field(min_length=1, max_length=253)]
    request: Pem


class CertificateInfo(Reply):
    """A node's new certificate in PEM, and until when it is good."""

    node: str
    certificate: str
    authority: str
    revoked: str
    expires_at: datetime | None


class Hello(Reply):
    """What an agent tells another over their own door."""

    node: str
    cluster: str
    version: str
    at: datetime


class EtcdMemberInfo(Reply):
    """A member of etcd. ``fault``: what is wrong with it, null where it is well. ``node`` null: no node of ours."""

    id: str
    name: str
    node: str | None
    url: str
    peer: str
    role: Literal["leader", "voter", "learner"]
    fault: str | None = None
    version: str = ""


class EtcdMemberList(Reply):
    """The members of etcd. ``needed``: how many voters must be well; ``spare``: how many more may fail now."""

    members: tuple[EtcdMemberInfo, ...]
    needed: int
    spare: int
