"""One look at another cluster: who it is and how well it is, and not a byte or a second more than allowed.

This asks an address that a person wrote down, from a host that reaches more than he does. So it sends one GET for one
path, follows no redirect, goes by no proxy, reads a bounded answer in a bounded time, and gives back nothing of it that
is not the overview of a cluster of ours.
"""

import asyncio
from collections.abc import Sequence

import httpx2
from pydantic import ValidationError

from stanchion.client.trusting import doubt
from stanchion.model.errors import NoAnswer
from stanchion.trust import contexts
from stanchion.wire.overview import Overview

LARGEST_BYTES = 8 * 1024 * 1024
"""An overview of a thousand resources has some hundred kilobytes."""


async def glimpse(urls: Sequence[str], token: str, *, authority: str = "", within_s: float,
                  transport: httpx2.AsyncBaseTransport | None = None) -> tuple[str, Overview]:
    """Ask these addresses in turn for the overview, and give the first that answers, with what it says.

    ``authority`` is the certificate of who vouches for them, in PEM. Raises ``NoAnswer`` with what is wrong, and
    ``HostError`` for a certificate that is none.
    """
    fault = "it has no address"
    secure = any(url.startswith("https:") for url in urls)
    verify = contexts.believing(authority) if secure else False
    each_s = within_s / max(1, len(urls))
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, verify=verify, trust_env=False,
                                  follow_redirects=False, timeout=each_s, transport=transport) as http:
        for url in urls:
            try:
                async with asyncio.timeout(each_s):
                    return url, _read(*await _ask(http, f"{url}/v1/overview"))
            except NoAnswer as problem:
                fault = str(problem)
            except TimeoutError:
                fault = f"it does not answer within {each_s:g} s"
            except (httpx2.HTTPError, OSError) as problem:
                fault = doubt(problem) or "no connection to it can be made"
    raise NoAnswer(fault)


async def _ask(http: httpx2.AsyncClient, url: str) -> tuple[int, bytes]:
    async with http.stream("GET", url) as answer:
        body = b""
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > LARGEST_BYTES:
                raise NoAnswer("it answers without end")
        return answer.status_code, body


def _read(status: int, body: bytes) -> Overview:
    if status in {401, 403}:
        raise NoAnswer("it does not accept the token; make one there, for a viewer, and add the cluster anew")
    if status != 200:  # noqa: PLR2004 - HTTP's OK
        raise NoAnswer(f"what answers there is no agent of this version (HTTP {status})")
    try:
        return Overview.model_validate_json(body)
    except ValidationError:
        raise NoAnswer("what answers there is no agent of this version") from None
