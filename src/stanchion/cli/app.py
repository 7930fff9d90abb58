"""The application: all commands that speak HTTP, in the panels in which ``--help`` shows them.

There are so many that an alphabet of them helps nobody: they are grouped by what somebody is about to do, and stand in
the order in which that is done. ``place`` puts every command into its panel, also those of this host, which
``commands`` adds.
"""

from collections.abc import Callable, Sequence
from typing import Any

from cyclopts import App, Group

from stanchion import __version__
from stanchion.cli import (
    access,
    balance,
    fences,
    files,
    hosts,
    importing,
    looking,
    neighbours,
    nodes,
    notify,
    orders,
    past,
    resources,
    ruling,
    scripts,
    standing,
    templates,
    what_if,
)
from stanchion.cli.running import run_app, words
from stanchion.cli.session import Terminal

app = App(
    name="stanchion",
    help="High availability for virtual machines: a virtual machine never runs on two hosts.",
    version=__version__,
    suppress_keyboard_interrupt=False,
)
LOOK = Group("Look", sort_key=1)
RUN = Group("Run resources", sort_key=2)
CONFIGURE = Group("Configure", sort_key=3)
MAINTAIN = Group("Maintain hosts", sort_key=4)
CLUSTER = Group("Nodes of the cluster", sort_key=5)
ACCESS = Group("Who may do what", sort_key=6)
HOST = Group("On the host itself", sort_key=7)
TRY = Group("Try it out", sort_key=8)
HELP = Group("Help", sort_key=9)


def place(panel: Group, *commands: App | Callable[..., Any]) -> None:
    """Add commands, in this order, to a panel of the help."""
    for command in commands:
        if isinstance(command, App):
            command.group = panel
            command.sort_key = len(list(app))
            app.command(command)
        else:
            app.command(command, group=panel, sort_key=len(list(app)))


place(LOOK, looking.status, looking.overview, looking.explain, looking.explain_timing, looking.runs, past.events,
      past.story, past.incidents, what_if.app, what_if.guarantee, past.report)
place(RUN, orders.online, orders.offline, orders.migrate, orders.order, orders.alert, orders.end_process,
      balance.balance)
files.add_to(resources.app)
place(CONFIGURE, resources.app, scripts.app, templates.app, ruling.group, ruling.priority, ruling.settings, notify.app)
app.command(importing.import_, name="import", group=CONFIGURE, sort_key=len(list(app)))
place(CONFIGURE, importing.export)
place(MAINTAIN, standing.pause, standing.resume, standing.drain, standing.undrain, standing.handover, standing.down,
      standing.up)
place(CLUSTER, nodes.app, fences.app, hosts.token, hosts.etcd, neighbours.app)
place(ACCESS, access.user, access.api_token, access.audit)
app.register_install_completion_command()
for flag in ("--help", "--version", "--install-completion"):
    app[flag].group = HELP


def run(argv: Sequence[str] | None = None, *, terminal: Terminal | None = None) -> int:
    """Run one command and give its exit code; trouble that was foreseen is one sentence on standard error."""
    return run_app(app, words() if argv is None else argv, terminal)
