"""A JSON body, posted to one address. A redirect is an error: what is told here is told nobody else.

Where a secret is set, ``Stanchion-Signature: sha256=...`` is the HMAC of the body, so that the receiver knows who
speaks. ``Idempotency-Key`` is the message's name: the same for a message that is sent again.
"""

import hashlib
import hmac
import http.client
import ssl
from urllib.parse import SplitResult, urlsplit

from stanchion.drivers.notify.shape import as_json, secret
from stanchion.model.errors import HostError, plainly
from stanchion.model.notification import Message, Webhook

ANSWER_BYTES = 300


def send(way: Webhook, message: Message, timeout_s: float) -> str:
    """Post the message and give the status. Raises ``HostError`` for anything but a status of 2xx."""
    at = urlsplit(way.url)
    body = as_json(message)
    headers = {"Content-Type": "application/json", "User-Agent": "stanchion", "Idempotency-Key": message.id}
    if way.secret_file:
        key = secret(way.secret_file).encode()
        headers["Stanchion-Signature"] = f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"
    shown = f"{at.scheme}://{at.netloc.rpartition('@')[2]}"
    try:
        connection = _connection(at, timeout_s)
        try:
            connection.request("POST", f"{at.path or '/'}{'?' + at.query if at.query else ''}", body, headers)
            answer = connection.getresponse()
            said = answer.read(ANSWER_BYTES).decode(errors="replace")
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as problem:
        raise HostError(f"{shown} cannot be reached: {plainly(problem)}") from None
    if not 200 <= answer.status < 300:  # noqa: PLR2004 - 2xx is well
        raise HostError(f"{shown} answered {answer.status} {answer.reason}: {' '.join(said.split())}".rstrip(": "))
    return f"{shown} answered {answer.status} {answer.reason}"


def _connection(at: SplitResult, timeout_s: float) -> http.client.HTTPConnection:
    if not at.hostname or at.scheme not in {"http", "https"}:
        raise ValueError("it is no http or https address")
    if at.scheme == "http":
        return http.client.HTTPConnection(at.hostname, at.port, timeout=timeout_s)
    return http.client.HTTPSConnection(at.hostname, at.port, timeout=timeout_s, context=ssl.create_default_context())
