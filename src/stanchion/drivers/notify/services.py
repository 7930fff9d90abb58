"""A hundred other services, by the optional package ``apprise`` (``pip install 'stanchion[notify]'``).

Its addresses hold passwords, so they stand in a file on the host, one a line, and not in the store.
"""

import importlib
import importlib.util

from stanchion.drivers.notify.shape import secret
from stanchion.model.errors import HostError
from stanchion.model.history import Severity
from stanchion.model.notification import Apprise, Message

KINDS = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "failure"}


def send(way: Apprise, message: Message) -> str:
    """Tell every address of the file. Raises ``HostError`` when one of them is not told."""
    urls = [line.strip() for line in secret(way.urls_file).splitlines() if line.strip() and not line.startswith("#")]
    if importlib.util.find_spec("apprise") is None:
        raise HostError("the package apprise is not installed on this host; pip install 'stanchion[notify]'")
    apprise = importlib.import_module("apprise")
    party = apprise.Apprise()
    refused = [number for number, url in enumerate(urls, 1) if not party.add(url)]
    if refused:
        lines = ", ".join(map(str, refused))
        raise HostError(f"apprise does not understand address {lines} of {way.urls_file}")
    if not party.notify(title=message.subject, body=message.text, notify_type=KINDS[message.severity]):
        raise HostError("not every service of apprise took the message; the agent's journal says more")
    return f"apprise told {len(urls)} service{'s' if len(urls) != 1 else ''}"
