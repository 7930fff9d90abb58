"""The application: all commands that speak HTTP."""

from collections.abc import Sequence

from cyclopts import App

from stanchion import __version__
from stanchion.cli import (
    fences,
    hosts,
    importing,
    looking,
    nodes,
    notify,
    orders,
    past,
    resources,
    ruling,
    scripts,
    standing,
    templates,
)
from stanchion.cli.running import run_app, words
from stanchion.cli.session import Terminal

app = App(
    name="stanchion",
    help="High availability for virtual machines: a virtual machine never runs on two hosts.",
    version=__version__,
    suppress_keyboard_interrupt=False,
)
app.command(looking.status)
app.command(resources.app)
app.command(orders.online)
app.command(orders.offline)
app.command(orders.migrate)
app.command(orders.alert)
app.command(orders.end_process)
app.command(nodes.app)
app.command(standing.drain)
app.command(standing.undrain)
app.command(standing.pause)
app.command(standing.resume)
app.command(standing.down)
app.command(standing.up)
app.command(standing.handover)
app.command(fences.app)
app.command(hosts.token)
app.command(ruling.settings)
app.command(ruling.group)
app.command(ruling.priority)
app.command(templates.app)
app.command(scripts.app)
app.command(importing.import_, name="import")
app.command(importing.export)
app.command(past.events)
app.command(past.story)
app.command(past.incidents)
app.command(past.report)
app.command(notify.app)
app.command(looking.explain)
app.command(looking.explain_timing)
app.command(looking.runs)
app.register_install_completion_command()


def run(argv: Sequence[str] | None = None, *, terminal: Terminal | None = None) -> int:
    """Run one command and give its exit code; trouble that was foreseen is one sentence on standard error."""
    return run_app(app, words() if argv is None else argv, terminal)
