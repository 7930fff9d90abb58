"""Port ``Notifier``: telling people and programs outside the cluster, by e-mail, webhook, command or ``apprise``.

Each channel has a module of its own. The libraries behind them wait for the network with a thread; that thread is a
*daemon* (``thread``), so a mail server that hangs holds up neither the agent's other work nor its end.
"""

from stanchion.drivers.notify.channels import Channels

__all__ = ["Channels"]
