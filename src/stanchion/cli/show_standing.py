"""How a pause and a stopped cluster look to people: loud, because they hold back what everybody counts on."""

from rich.console import Group, RenderableType
from rich.text import Text

from stanchion.wire.standing import DownInfo, PauseInfo, StandingInfo


def loud(pause: PauseInfo | None, down: DownInfo | None) -> tuple[Text, ...]:
    """Say what holds the whole cluster back, a line for each."""
    told = []
    if pause is not None:
        until = f" until {pause.until.astimezone():%Y-%m-%d %H:%M:%S}" if pause.until else ""
        why = f" ({pause.why})" if pause.why else ""
        told.append(Text(f"PAUSED{until}{why}: {pause.text}.", "bold red"))
    if down is not None:
        why = f" ({down.why})" if down.why else ""
        told.append(Text(f"DOWN{why}: {down.text}.", "bold red"))
    return tuple(told)


def store_away(node: str) -> Text:
    """Say that what follows is old, and that nothing can be ordered."""
    return Text(f"STORE AWAY: {node} does not reach the store; this is how it saw the cluster last. Machines run on "
                "while their nodes agree; nothing can be ordered until the store is back.", "bold red")


def standing(of: StandingInfo) -> RenderableType:
    """Show what stands for the whole cluster."""
    told = loud(of.pause, of.down)
    return Group(*told) if told else Text("Nothing holds the cluster back: it acts by itself.")
