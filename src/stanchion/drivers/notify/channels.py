"""Which module speaks for which channel."""

from stanchion.drivers.notify import command, mail, services, webhook
from stanchion.drivers.notify.thread import in_thread
from stanchion.model.notification import Apprise, Command, Mail, Message, Way, Webhook

LONGEST_S = 60.0
"""How long one delivery may take, whatever the other side does."""


class Channels:
    """Port ``Notifier`` with the real world behind it. ``timeout_s`` bounds every single answer."""

    def __init__(self, *, timeout_s: float = 15.0, longest_s: float = LONGEST_S) -> None:
        self._timeout_s = timeout_s
        self._longest_s = longest_s

    async def send(self, way: Way, message: Message) -> str:
        """Deliver a message and give what the other side answered. Raises ``HostError`` where it is not delivered."""
        timeout_s = self._timeout_s
        match way:
            case Command():
                return await command.send(way, message)
            case Mail():
                return await in_thread(lambda: mail.send(way, message, timeout_s), self._longest_s)
            case Webhook():
                return await in_thread(lambda: webhook.send(way, message, timeout_s), self._longest_s)
            case Apprise():
                return await in_thread(lambda: services.send(way, message), self._longest_s)
