"""One method for each thing that can be asked of an agent.

With several addresses the client stays at the one that answered last and goes on to the next when a node does not
answer. What only reads is asked again at the next node whatever happened. What changes something is asked again only
when the connection could not be made at all: once it was sent, nobody knows whether it was done, and the error says so.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Literal, Self, TypeVar
from urllib.parse import quote

import httpx2
from pydantic import BaseModel, ValidationError

from stanchion.client.access import Access
from stanchion.client.configuring import Configuring
from stanchion.client.connection import Connection
from stanchion.client.files import ConfigurationFiles
from stanchion.client.foreseeing import Foreseeing
from stanchion.client.past import Past, filters
from stanchion.client.ruling import Ruling, if_match
from stanchion.client.standing import Standing
from stanchion.client.trusting import doubt, verified
from stanchion.client.whereabouts import Whereabouts
from stanchion.model.errors import (
    AlreadyExists,
    HostError,
    InvalidInput,
    NoAnswer,
    NotAllowed,
    NotFound,
    NotNow,
    NotPermitted,
    Stale,
    StanchionError,
    StoreUnavailable,
    StoreUnusable,
    TooSoon,
)
from stanchion.model.resource import ScriptKind
from stanchion.wire import fencing, joining, replies, requests
from stanchion.wire.events import GAP, EventGap, EventInfo

CONNECT_S = 3.0
ANSWER_S = 15.0
"""How long an agent may take to answer, beyond the time that it was asked to wait."""

SILENCE_S = 40.0
"""A stream says something every 15 s; past this it is dead."""

_ERRORS: Mapping[str, type[StanchionError]] = {
    replies.problem_type(kind): kind
    for kind in (InvalidInput, NotFound, AlreadyExists, NotNow, Stale, NotAllowed, NotPermitted, TooSoon,
                 StoreUnavailable, StoreUnusable, HostError)
}

Shape = TypeVar("Shape", bound=BaseModel)


class Client(Access, Past, Ruling, Standing, Configuring, Foreseeing, Whereabouts, ConfigurationFiles):
    """A cluster, as a program speaks to it. Use it as an async context.

    Every method raises the ``StanchionError`` that the agent answered with, ``NotAllowed`` for a wrong token, and
    ``NoAnswer`` when no address answers.
    """

    def __init__(self, connection: Connection, *, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._urls = connection.urls
        self._at = 0
        headers = {requests.BY_HEADER: connection.by} if connection.by.isascii() and connection.by else {}
        if connection.token:
            headers["Authorization"] = f"Bearer {connection.token}"
        self._http = httpx2.AsyncClient(headers=headers, transport=transport, trust_env=False,
                                        verify=verified(connection) or False,
                                        timeout=httpx2.Timeout(ANSWER_S, connect=CONNECT_S),
                                        limits=httpx2.Limits(keepalive_expiry=requests.KEPT_S / 2))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        await self._http.aclose()

    async def health(self) -> replies.HealthInfo:
        """Ask whether an agent answers."""
        return await self._get(replies.HealthInfo, "health")

    async def status(self, *, after: int | None = None, wait_s: float = 20.0) -> replies.Status:
        """Look at everything; with ``after``, wait for a revision beyond it, up to ``wait_s``."""
        params = {} if after is None else {"after": after, "wait_s": wait_s}
        return await self._get(replies.Status, "status", params, patience_s=wait_s)

    async def cluster(self) -> replies.ClusterInfo:
        """Ask for the cluster's name, master, epoch and quorum."""
        return await self._get(replies.ClusterInfo, "cluster")

    async def timing(self) -> replies.TimingInfo:
        """Ask for the timers and their derivation."""
        return await self._get(replies.TimingInfo, "timing")

    async def nodes(self) -> replies.NodeList:
        """List the nodes."""
        return await self._get(replies.NodeList, "nodes")

    async def node(self, name: str) -> replies.NodeInfo:
        """Look at one node."""
        return await self._get(replies.NodeInfo, f"nodes/{_part(name)}")

    async def edit_node(self, name: str, change: requests.NodeChange, *, seen: int | None = None) -> replies.NodeInfo:
        """Change a node's fence devices; ``seen`` is the ``revision`` that the change was made from."""
        return await self._send(replies.NodeInfo, "PATCH", f"nodes/{_part(name)}", change, if_match(seen))

    async def fence_test(self, name: str, *, really: bool = False) -> fencing.FenceTest:
        """Have a node's fence devices tried; a real test is asked of another node, where an address of one is known."""
        node = await self.node(name)
        patience_s = sum(device.timeout_s for device in node.fence) * (3 if really else 1)
        for _ in self._urls if really else ():
            if (await self.health()).node != node.name:
                break
            self._at += 1
        answer = await self._ask("POST", f"nodes/{_part(name)}/fence-test", body={"really": really},
                                 patience_s=patience_s)
        return _read(fencing.FenceTest, answer)

    async def fence_agents(self) -> fencing.FenceAgentList:
        """List the fence agents that the answering node has."""
        return await self._get(fencing.FenceAgentList, "fence-agents")

    async def order_node(self, name: str,
                         what: Literal["leave", "join", "confirm-down", "release", "drain", "undrain",
                                       "hand-over"]) -> replies.IntentInfo:
        """Order a node in or out, drained or not; tell that its host shuts down, state that it is down, release it."""
        return await self._send(replies.IntentInfo, "POST", f"nodes/{_part(name)}/{what}")

    async def remove_node(self, name: str) -> None:
        """Forget a node that has left."""
        await self._ask("DELETE", f"nodes/{_part(name)}")

    async def join_tokens(self) -> joining.JoinTokenList:
        """List the tokens with which hosts may join."""
        return await self._get(joining.JoinTokenList, "join-tokens")

    async def make_join_token(self, order: joining.JoinTokenOrder) -> joining.JoinTokenMade:
        """Make a token with which one host may join."""
        return await self._send(joining.JoinTokenMade, "POST", "join-tokens", order)

    async def revoke_join_token(self, name: str) -> None:
        """Revoke a token, so that nobody can join with it."""
        await self._ask("DELETE", f"join-tokens/{_part(name)}")

    async def etcd_members(self) -> joining.EtcdMemberList:
        """List the members of the etcd that holds the store."""
        return await self._get(joining.EtcdMemberList, "etcd-members")

    async def offer(self) -> joining.JoinOffer:
        """Ask, before joining, whom we would have to trust."""
        return await self._get(joining.JoinOffer, "join")

    async def admit(self, asked: joining.JoinRequest) -> joining.Admission:
        """Ask to be admitted."""
        return await self._send(joining.Admission, "POST", "join", asked)

    async def certify(self, asked: joining.CertificateRequest) -> joining.CertificateInfo:
        """Ask for a new certificate for a node."""
        return await self._send(joining.CertificateInfo, "POST", "certificates", asked)

    async def hello(self) -> joining.Hello:
        """Ask at an agent's door for agents who it is."""
        return await self._get(joining.Hello, "hello")

    async def resources(self) -> replies.ResourceList:
        """List the resources."""
        return await self._get(replies.ResourceList, "resources")

    async def resource(self, name: str) -> replies.ResourceDetail:
        """Look at one resource."""
        return await self._get(replies.ResourceDetail, f"resources/{_part(name)}")

    async def online(self, name: str, node: str | None = None) -> replies.IntentInfo:
        """Order a resource online."""
        return await self._order(name, "online", requests.OnlineOrder(node=node))

    async def offline(self, name: str) -> replies.IntentInfo:
        """Order a resource offline."""
        return await self._order(name, "offline")

    async def migrate(self, name: str, node: str, *, live: bool | None = None) -> replies.IntentInfo:
        """Order a resource to another node."""
        return await self._order(name, "migrate", requests.MigrateOrder(node=node, live=live))

    async def alert(self, name: str, answer: Literal["yes", "no"]) -> replies.IntentInfo:
        """Answer a resource's alert."""
        return await self._order(name, "alert", requests.AlertOrder(answer=answer))

    async def end_process(self, name: str) -> replies.IntentInfo:
        """Order the end of a resource's running script."""
        return await self._order(name, "end-process")

    async def intent(self, name: str, *, wait_s: float = 0.0) -> replies.IntentInfo:
        """Look at an order; wait for its end up to ``wait_s`` first."""
        return await self._get(replies.IntentInfo, f"intents/{_part(name)}", {"wait_s": wait_s}, patience_s=wait_s)

    async def explain(self, name: str) -> replies.Explanation:
        """Ask why a resource is where it is."""
        return await self._get(replies.Explanation, f"resources/{_part(name)}/explain")

    async def runs(self, name: str, script: ScriptKind | None = None, *, limit: int = 50,
                   output: bool = False) -> replies.RunList:
        """List the runs of a resource's scripts, the newest first."""
        params: dict[str, Any] = {"limit": limit, "output": output}
        if script is not None:
            params["script"] = script.value
        return await self._get(replies.RunList, f"resources/{_part(name)}/runs", params)

    async def follow(self, *, after: str | None = None, **wanted: Any) -> AsyncIterator[EventInfo]:
        """Read events as they happen, from beyond ``after``, without end; left out: from now on. See ``filters``.

        A broken stream goes on where it broke, at whichever node answers: nothing is left out, and nothing told twice.
        Raises ``NotFound`` where the history does not reach back to where it broke, ``NoAnswer`` when nobody answers.
        """
        seen = (await self.events(limit=1)).last if after is None else after
        params = {"after": seen} | filters(**wanted)
        deaths = 0
        while deaths < 2 * len(self._urls):
            try:
                async for event in self._stream(params):
                    deaths = 0
                    params["after"] = event.id
                    yield event
            except httpx2.TransportError:
                pass
            deaths += 1
            self._at += 1
            await asyncio.sleep(min(deaths, 3) * 0.2)
        raise self._nobody("the stream of events ended")

    async def _stream(self, params: Mapping[str, str]) -> AsyncIterator[EventInfo]:
        async with self._http.stream("GET", self._url("events/stream"), params=params,
                                     timeout=httpx2.Timeout(SILENCE_S, connect=CONNECT_S)) as answer:
            if answer.is_error:
                await answer.aread()
                raise _error(answer)
            kind = ""
            async for line in answer.aiter_lines():
                name, _, value = line.partition(":")
                if name == "event":
                    kind = value.strip()
                elif name == "data" and kind == GAP:
                    raise NotFound(EventGap.model_validate_json(value).text)
                elif name == "data":
                    yield EventInfo.model_validate_json(value)

    async def _order(self, name: str, what: str, order: BaseModel | None = None) -> replies.IntentInfo:
        return await self._send(replies.IntentInfo, "POST", f"resources/{_part(name)}/{what}", order)

    async def _get(self, shape: type[Shape], path: str, params: Mapping[str, Any] | None = None, *,
                   patience_s: float = 0.0) -> Shape:
        return _read(shape, await self._ask("GET", path, params=params, patience_s=patience_s))

    async def _send(self, shape: type[Shape], method: str, path: str, asked: BaseModel | None = None,
                    headers: Mapping[str, str] | None = None, *, patience_s: float = 0.0) -> Shape:
        body = None if asked is None else asked.model_dump(mode="json", exclude_unset=True)
        return _read(shape, await self._ask(method, path, body=body, headers=headers, patience_s=patience_s))

    async def _text(self, path: str, params: Mapping[str, Any], *, patience_s: float = 0.0) -> str:
        return (await self._ask("GET", path, params=params, patience_s=patience_s)).text

    async def _ask(self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None,
                   headers: Mapping[str, str] | None = None, patience_s: float = 0.0) -> httpx2.Response:
        timeout = httpx2.Timeout(ANSWER_S + patience_s, connect=CONNECT_S)
        fault = doubted = ""
        for _ in self._urls:
            try:
                answer = await self._http.request(method, self._url(path), params=params, json=body, headers=headers,
                                                  timeout=timeout)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                doubted = doubt(error)
                fault = str(error) or "no connection in time"
            except (httpx2.TransportError, ssl.SSLError) as error:
                doubted = doubt(error)
                fault = str(error) or "it did not answer in time"
                if method != "GET" and not doubted:
                    raise NoAnswer(f"the connection to {self._url('')} broke before the answer came, so it is not "
                                   "known whether it was done; look with `stanchion status` before you repeat it"
                                   ) from None
            else:
                if answer.is_error:
                    raise _error(answer)
                return answer
            self._at += 1
        if doubted:
            raise NoAnswer(f"what answers at {' or '.join(self._urls)} cannot be used: {doubted}")
        raise self._nobody(fault)

    def _url(self, path: str) -> str:
        return f"{self._urls[self._at % len(self._urls)]}/v1/{path}".removesuffix("/v1/")

    def _nobody(self, fault: str) -> NoAnswer:
        tried = " or ".join(self._urls)
        if "disconnected" in fault and "http:" in tried:
            fault += "; agents of a cluster of hosts speak TLS: https://"
        return NoAnswer(f"no agent answers at {tried} ({fault}); check that `stanchion agent` runs there, or name "
                        "another address with --url")


def _part(name: str) -> str:
    return quote(name, safe="") or "-"


def _read(shape: type[Shape], answer: httpx2.Response) -> Shape:
    try:
        return shape.model_validate_json(answer.content)
    except ValidationError:
        raise NoAnswer(f"what answers at {answer.url} is not an agent of this version; "
                       "check the address, or use the command of the agent's version") from None


def _error(answer: httpx2.Response) -> StanchionError:
    try:
        problem = replies.Problem.model_validate_json(answer.content)
    except ValidationError:
        return NoAnswer(f"what answers at {answer.url.host}:{answer.url.port} is not an agent "
                        f"(HTTP {answer.status_code}); check the address")
    text = f"{problem.detail}; {problem.do}" if problem.do else problem.detail
    return _ERRORS.get(problem.type, StanchionError)(text)
