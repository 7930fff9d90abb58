"""What programs are given of a message: JSON with the fields of the API's events, and secrets read from files."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stanchion.model.errors import HostError, plainly
from stanchion.model.history import Line
from stanchion.model.notification import Message
from stanchion.model.reasons import sentence


def as_json(message: Message) -> bytes:
    """Write a message as one JSON object."""
    told = {
        "id": message.id, "cluster": message.cluster, "severity": message.severity.value, "subject": message.subject,
        "text": message.text, "more": message.more, "events": [_event(line) for line in message.lines],
    }
    return json.dumps(told, ensure_ascii=False).encode(errors="replace")


def _event(line: Line) -> dict[str, Any]:
    of = line.entry
    return {
        "id": line.id, "at": datetime.fromtimestamp(of.at_s, UTC).isoformat(), "severity": of.severity.value,
        "reason": {"code": of.reason.why.value, "operands": list(of.reason.operands), "text": sentence(of.reason)},
        "by": of.by, "node": of.node, "resource": of.resource, "before": of.before and of.before.value,
        "after": of.after and of.after.value, "cause": of.cause, "operation": of.operation,
    }


def secret(path: str) -> str:
    """Read the one line of a file that holds a password or a key. Raises ``HostError``."""
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise HostError(f"the file {path} cannot be read on this host ({plainly(problem)})") from None
    if not text:
        raise HostError(f"the file {path} is empty on this host")
    return text
