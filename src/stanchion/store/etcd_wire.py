"""Calls to an etcd cluster that end in time, whatever its members do.

*Sticky endpoint*: all calls go to one member, over one connection (a ``Line``), for as long as it answers. A client
that spreads its calls sends every n-th one to a member that hangs; a sticky one leaves it once. A call has a budget in
seconds; each try may take its share, budget / endpoints, so that one hung member can never eat all of it.

*What a failed try means.* A try that never left this host, and one that etcd refused before it proposed anything, have
changed nothing: the next member is tried. Any other failed try is *unknown*: the request may have been carried out, or
may still be. Reads and other calls that may be repeated (``repeatable``) are; a write is not: ``Unknown`` leaves it to
the caller, who reads again.

Every call carries ``hasleader``: a member that lost its leader then refuses at once instead of keeping us waiting.

*Whose fault it is.* What only an operator can repair (a certificate, a password, a missing right) is ``StoreUnusable``
as long as the store never worked for this client: then something is set up wrongly, and somebody is watching. Later
the same fault is ``StoreUnavailable``: it may pass (certificates are being renewed), and an agent that is cut off from
its store must halt its machines in good order rather than end.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from grpclib.client import Channel, Handler, UnaryUnaryMethod
from grpclib.config import Configuration
from grpclib.const import Status
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError
from grpclib.protocol import H2Protocol

from stanchion.model.errors import InvalidInput, StoreError, StoreUnavailable, StoreUnusable
from stanchion.store._rpc import etcd_grpc as rpc
from stanchion.store._rpc import etcd_pb2 as pb
from stanchion.store.etcd_same import Same
from stanchion.store.etcd_tls import EtcdTls, context, fault_of_ours, fault_of_theirs

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")

PINGS = Configuration(
    _keepalive_time=6.0, _keepalive_timeout=3.0, _keepalive_permit_without_calls=False,
    _http2_max_pings_without_data=0, _http2_min_sent_ping_interval_without_data=5.5)
"""HTTP/2 pings close a connection whose other end is silent for 9 s; the watch's own probes are faster. Not more
often: etcd hangs up on clients that ping an idle connection more than once in 5 s, or one without calls."""

ROUND_S = 0.1
"""The pause after every member has failed."""
PROBE_S = 0.5
"""How long to listen for the reason of a refused handshake."""

_UNPROPOSED = ("etcdserver: no leader", "etcdserver: too many requests", "etcdserver: invalid auth token")
"""What etcd says when it refused before anything could be changed."""
_PASSING = frozenset({Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED, Status.CANCELLED, Status.UNKNOWN, Status.INTERNAL,
                      Status.ABORTED, Status.UNAUTHENTICATED})
_ANSWERS = frozenset({Status.NOT_FOUND, Status.OUT_OF_RANGE, Status.FAILED_PRECONDITION})


class Unknown(StoreUnavailable):
    """A write was sent and no answer came: it may or may not have taken place, or may yet take place."""


class Refused(Exception):
    """A definite answer of etcd that the caller has to understand, such as "lease not found". Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a member answers clients."""

    url: str
    host: str
    port: int
    secure: bool

    @classmethod
    def parse(cls, url: str) -> "Endpoint":
        """Read ``http://HOST:PORT`` or ``https://HOST:PORT``. Raises ``InvalidInput``."""
        try:
            parts = urlsplit(url)
            if parts.scheme in {"http", "https"} and parts.hostname and parts.port and parts.path in {"", "/"}:
                return cls(url.rstrip("/"), parts.hostname, parts.port, parts.scheme == "https")
        except ValueError:
            pass
        raise InvalidInput(f"{url!r} is no etcd endpoint: write it as https://HOST:2379")


class Fault(Exception):
    """One try that failed. ``sent``: it may have had an effect. ``setup``: only an operator can repair it."""

    def __init__(self, words: str, *, sent: bool = True, setup: bool = False) -> None:
        super().__init__(words)
        self.words = words
        self.sent = sent
        self.setup = setup


class _Unsent(ConnectionError):
    """The connection was gone before anything was sent."""


class _OneConnection(Channel):
    """A channel that connects once. grpclib's own connects again by itself, with certificates of long ago."""

    made: H2Protocol | None = None
    closed = False

    async def __connect__(self) -> H2Protocol:
        """Connect the first time; later give the same connection, or ``_Unsent`` when it is gone."""
        if self.made is None and not self.closed:
            self.made = await super().__connect__()
        if self.closed:
            self.close()
        handler = None if self.made is None else self.made.handler
        if self.made is None or self.closed or (isinstance(handler, Handler) and handler.connection_lost):
            raise _Unsent("the connection broke")
        return self.made

    def close(self) -> None:
        """Hang up, also on a connection that is only being made; at once.

        The polite end of TLS would wait half a minute for a member that hangs.
        """
        self.closed = True
        transport = getattr(getattr(self.made, "connection", None), "_transport", None)
        super().close()
        if transport is not None:
            transport.abort()


class Line:
    """One connection to one member, made by its first use."""

    def __init__(self, endpoint: Endpoint, tls: EtcdTls) -> None:
        self.endpoint = endpoint
        self._tls = tls
        secured = context(tls) if endpoint.secure else None
        self._channel = _OneConnection(endpoint.host, endpoint.port, ssl=secured, config=PINGS)
        self._begun = False
        self.kv = rpc.KVStub(self._channel)
        self.lease = rpc.LeaseStub(self._channel)
        self.watch = rpc.WatchStub(self._channel)
        self.auth = rpc.AuthStub(self._channel)
        self.maintenance = rpc.MaintenanceStub(self._channel)
        self.cluster = rpc.ClusterStub(self._channel)

    async def connect(self, within_s: float) -> None:
        """Connect unless we are. Raises ``Fault``: nothing was sent.

        A connection that broke is not made again: the next line reads the certificates anew.
        """
        try:
            async with asyncio.timeout(within_s):
                await self._channel.__connect__()
        except TimeoutError:
            raise Fault(f"no connection within {within_s:.2g} s", sent=False) from None
        except ssl.SSLCertVerificationError as fault:
            raise Fault(fault_of_theirs(fault), sent=False, setup=True) from None
        except ssl.SSLError as fault:
            raise Fault(f"it does not speak TLS as we do ({fault.reason})", sent=False, setup=True) from None
        except OSError as fault:
            raise Fault(fault.strerror or str(fault), sent=False) from None

    async def lost(self) -> Fault:
        """Say what it means that the connection broke. On the first use over TLS it may mean that we are refused."""
        if self.endpoint.secure and not self._begun and await self._refuses_us():
            return Fault(fault_of_ours(self._tls), sent=False, setup=True)
        return Fault("the connection broke")

    def works(self) -> None:
        """Note that the member has answered: from now on a broken connection is just that."""
        self._begun = True

    def close(self) -> None:
        """Hang up."""
        self._channel.close()

    async def _refuses_us(self) -> bool:
        """Shake hands once more and listen: a server that accepts us greets; for a revoked certificate it hangs up."""
        try:
            async with asyncio.timeout(PROBE_S):
                reader, writer = await asyncio.open_connection(
                    self.endpoint.host, self.endpoint.port, ssl=context(self._tls))
                try:
                    return not await reader.read(1)
                finally:
                    writer.transport.abort()
        except ssl.SSLError:
            return True
        except (TimeoutError, OSError):
            pass
        return False


class Wire:
    """The way to one etcd cluster. See the module for what the calls promise.

    ``user`` is a name and a password. ``budget_s`` is how long a call may take before it raises.
    """

    def __init__(self, endpoints: Sequence[str], *, tls: EtcdTls | None, user: tuple[str, str] | None,
                 budget_s: float) -> None:
        self.endpoints = tuple(Endpoint.parse(url) for url in endpoints)
        if not self.endpoints:
            raise InvalidInput("no etcd endpoint is given: name at least one, such as https://HOST:2379")
        if tls is not None and not all(endpoint.secure for endpoint in self.endpoints):
            raise InvalidInput("certificates are given, but an etcd endpoint begins with http://: write https://")
        self.budget_s = budget_s
        self.same = Same()
        self._tls = tls or EtcdTls()
        self._user = user
        self._token = ""
        self._worked = False
        self._closed = False
        self._turn = 0
        self._line: Line | None = None
        self._old: set[Line] = set()

    def use(self, endpoints: Sequence[str]) -> None:
        """Use these members from now on; the one in use stays in use if it is among them. Raises ``InvalidInput``."""
        fresh = tuple(Endpoint.parse(url) for url in endpoints)
        if not fresh or fresh == self.endpoints:
            return
        at = self.endpoints[self._turn]
        self.endpoints = fresh
        self._turn = fresh.index(at) if at in fresh else 0
        if at not in fresh and self._line is not None:
            self._retire(self._line)

    @property
    def share_s(self) -> float:
        """How long one try may take."""
        return self.budget_s / len(self.endpoints)

    async def call(self, method: Callable[[Line], UnaryUnaryMethod[Asked, Answered]], request: Asked, *,
                   repeatable: bool = True) -> Answered:
        """Call one method. Raises ``StoreError``, ``Unknown`` (never for ``repeatable``), ``Refused``."""
        async def once(line: Line, within_s: float) -> Answered:
            return await method(line)(request, timeout=within_s, metadata=self.words())

        return await self.attempt(once, repeatable=repeatable)

    async def attempt(self, once: Callable[[Line, float], Awaitable[Answered]], *,
                      repeatable: bool = True) -> Answered:
        """Try members in turn until one answers, the budget is spent, or a write has become unknown.

        ``once`` is one try; it is given the line and how long it may take, and may raise ``Fault`` itself.
        """
        clock = asyncio.get_running_loop().time
        end = clock() + self.budget_s
        faults: dict[str, Fault] = {}
        while True:
            if self._closed:
                raise StoreUnavailable("this line to etcd was closed")
            line = self.line()
            try:
                answer = await self._once(line, once, min(self.share_s, max(end - clock(), 0.01)))
            except Fault as fault:
                self.leave(line)
                faults[line.endpoint.url] = fault
                if fault.sent and not repeatable:
                    raise Unknown(f"etcd did not say whether it wrote: {self._told({line.endpoint.url: fault})}; "
                                  "it may or may not have taken place") from None
            else:
                self._worked = True
                return answer
            if clock() >= end or (not self._worked and self._all_set_up_wrongly(faults)):
                raise self._trouble(faults)
            if len(faults) == len(self.endpoints):
                await asyncio.sleep(min(ROUND_S, max(end - clock(), 0.0)))

    def line(self) -> Line:
        """Give the line in use."""
        if self._line is None:
            self._line = Line(self.endpoints[self._turn], self._tls)
        return self._line

    def leave(self, line: Line) -> None:
        """Use the next member from now on. Calls that others have under way on this line may still be answered."""
        if line is self._line:
            self._turn = (self._turn + 1) % len(self.endpoints)
            self._retire(line)

    def leave_member(self, endpoint: Endpoint) -> None:
        """Use another member than that one, if it is the one in use."""
        if self._line is not None and self._line.endpoint == endpoint:
            self.leave(self._line)

    def stream_line(self) -> Line:
        """Give a line of its own to the member in use, for a stream; the caller connects and closes it.

        Of its own, because a stream that is read slowly holds up what shares its connection.
        """
        return Line(self.line().endpoint, self._tls)

    async def connect(self, line: Line) -> None:
        """Connect such a line. Raises ``StoreError``, and leaves a member that cannot be reached."""
        try:
            await line.connect(self.share_s)
        except Fault as fault:
            self.leave_member(line.endpoint)
            raise self._trouble({line.endpoint.url: fault}) from None

    def close(self) -> None:
        """Hang up everywhere."""
        self._closed = True
        for line in (*self._old, *([self._line] if self._line else [])):
            line.close()
        self._old.clear()
        self._line = None

    async def _once(self, line: Line, once: Callable[[Line, float], Awaitable[Answered]],
                    within_s: float) -> Answered:
        """Try one member. Raises ``Fault`` where another one may do better."""
        clock, since = asyncio.get_running_loop().time, self.same.revision
        end = clock() + within_s
        await line.connect(within_s)
        try:
            if self._user is not None and not self._token:
                await self._log_in(line, within_s)
            answer = await once(line, max(end - clock(), 0.01))
        except TimeoutError:
            raise Fault(f"no answer within {within_s:.2g} s") from None
        except _Unsent as fault:
            raise Fault(str(fault), sent=False) from None
        except (StreamTerminatedError, ProtocolError, OSError, AttributeError):
            raise await line.lost() from None  # grpclib gives an AttributeError when the connection closes under it
        except GRPCError as fault:
            line.works()
            raise self._meaning(fault) from None
        line.works()
        if strange := self.same.strange(answer, since):
            raise Fault(strange)
        return answer

    async def _log_in(self, line: Line, within_s: float) -> None:
        """Get a token for our user."""
        assert self._user is not None
        name, password = self._user
        answer = await line.auth.Authenticate(pb.AuthenticateRequest(name=name, password=password), timeout=within_s)
        self._token = answer.token

    def words(self) -> dict[str, str]:
        """Give the metadata that goes with every call."""
        return {"hasleader": "true", **({"token": self._token} if self._token else {})}

    def _meaning(self, fault: GRPCError) -> Exception:
        """Say what a refusal of etcd means."""
        words = fault.message or fault.status.name
        if fault.status is Status.UNAUTHENTICATED:
            self._token = ""
        if "authentication" in words or "user name is empty" in words:
            return self._set_up_wrongly({
                "etcdserver: authentication is not enabled": "etcd knows no users: remove etcd_user from the settings",
                "etcdserver: user name is empty": "etcd asks for a user: set etcd_user and etcd_password_file",
            }.get(words, "etcd refuses our user or password: correct etcd_user and etcd_password_file"))
        if fault.status is Status.PERMISSION_DENIED:
            return self._set_up_wrongly("etcd denies our user the right to the cluster's keys: grant its role reading "
                                        "and writing below /stanchion/CLUSTER/")
        if fault.status is Status.RESOURCE_EXHAUSTED and "space" in words:
            return StoreUnavailable("etcd's database is full: compact and defragment it, then disarm the alarm "
                                    "(etcdctl compact, defrag, alarm disarm)")
        if fault.status in _ANSWERS:
            return Refused(words)
        if fault.status in _PASSING or words in _UNPROPOSED:
            return Fault(words, sent=words not in _UNPROPOSED)
        return StoreUnusable(f"etcd refuses what we ask: {words}")

    def _set_up_wrongly(self, words: str) -> StoreError:
        return StoreUnavailable(words) if self._worked else StoreUnusable(words)

    def _all_set_up_wrongly(self, faults: Mapping[str, Fault]) -> bool:
        return len(faults) == len(self.endpoints) and all(fault.setup for fault in faults.values())

    def _trouble(self, faults: Mapping[str, Fault]) -> StoreError:
        if not self._worked and self._all_set_up_wrongly(faults):
            return StoreUnusable(f"etcd cannot be used: {self._told(faults)}")
        return StoreUnavailable(f"etcd does not answer: {self._told(faults)}")

    @staticmethod
    def _told(faults: Mapping[str, Fault]) -> str:
        return "; ".join(f"{url}: {fault.words}" for url, fault in faults.items())

    def _retire(self, line: Line) -> None:
        """Begin nothing on the line in use any more, and hang up once what is under way has had its time."""
        self._line = None
        self._old.add(line)
        asyncio.get_running_loop().call_later(self.budget_s, self._forget, line)

    def _forget(self, line: Line) -> None:
        self._old.discard(line)
        line.close()
