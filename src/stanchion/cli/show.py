"""How answers look to people: tables that fit 80 columns, a colour for each state, sentences for reasons.

Colours carry no meaning of their own: the words say everything, so the tables read the same in a pipe. Instants are
shown in the reader's own time zone; the JSON output keeps UTC.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stanchion.cli import show_capacity, show_papers, show_standing
from stanchion.model.fencing import Protection
from stanchion.model.history import RunEnd, Severity
from stanchion.model.resource import LoadFailure, RetryComatose, ScriptKind
from stanchion.model.state import State
from stanchion.wire import replies
from stanchion.wire.capacity import memory
from stanchion.wire.events import EventInfo

COLOURS: dict[State, str] = {
    State.OFFLINE: "dim",
    State.LOADING: "cyan",
    State.RUNNING: "green",
    State.UNLOADING: "cyan",
    State.COMATOSE: "bold red",
    State.ALERT: "bold yellow",
    State.UNASSIGNED: "magenta",
    State.QUORUM_WAIT: "yellow",
    State.MIGRATING: "cyan",
}
NODE_COLOURS = {"up": "green", "joining": "cyan", "leaving": "cyan", "left": "dim", "down": "bold red"}
SEVERITY_COLOURS = {Severity.INFO: "", Severity.WARNING: "yellow", Severity.CRITICAL: "bold red"}


def instant(at: datetime | None) -> str:
    """Show an instant: the time alone when it was today, else with its day, and after half a year its date alone."""
    if at is None:
        return "-"
    here, now = at.astimezone(), datetime.now(UTC).astimezone()
    if abs(now - here) > timedelta(days=180):
        return f"{here:%Y-%m-%d}"
    today = here.date() == now.date()
    return f"{here:%H:%M:%S}" if today else f"{here:%d %b %H:%M}"


def duration(seconds: float) -> str:
    """Show a duration in the largest unit that divides it."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def state_text(of: replies.ResourceInfo) -> Text:
    """Show a state with what belongs to it: the alert's kind, a live move's phase, an edit that waits."""
    text = of.state.value
    if of.alert is not None:
        text = f"{of.alert.value.title()} Alert"
    elif of.state is State.MIGRATING and of.move is not None:
        text = f"Migrating ({of.move.phase})"
    shown = Text(text, style=COLOURS[of.state])
    return shown.append(" (edit pending)", "yellow") if of.pending else shown


def where(of: replies.ResourceInfo) -> str:
    """Say in a few words what a resource is and where."""
    at = f" on {of.node}" if of.node and of.state is not State.OFFLINE else ""
    to = f" to {of.move.target}" if of.move else ""
    return f"{of.name} is {state_text(of).plain}{at}{to}"


def table_of(*columns: str) -> Table:
    """Make a table whose last column takes what room is left."""
    table = Table(box=None, pad_edge=False, header_style="bold", expand=False, padding=(0, 2, 0, 0))
    whole = {"Since", "Started", "Lives", "Field"}
    for column in columns[:-1]:
        table.add_column(column, overflow="fold", no_wrap=column in whole,
                         max_width=None if column in whole else 24)
    table.add_column(columns[-1], overflow="fold", ratio=1)
    return table


def facts(rows: Iterable[tuple[str, RenderableType]]) -> Table:
    """Make a list of names and values."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    return table


def _plain(text: str) -> Text:
    return Text(text)


def _indented(text: str) -> Padding:
    return Padding(_plain(text), (0, 0, 0, 2), expand=False)


def _script(text: str) -> Text:
    """Show a script line by line as it is: a line that were broken or filled up would be another script."""
    return Text("\n".join(f"  {line}" if line else "" for line in text.rstrip().splitlines()), no_wrap=True,
                overflow="ignore")


def _part(title: str, body: RenderableType) -> Group:
    return Group(Text(f"\n{title}", style="bold"), body)


def status(told: replies.Status) -> RenderableType:
    """Show the whole cluster."""
    empty = _plain("There is no resource yet: stanchion resource create NAME TEMPLATE")
    return Group(nodes(told.nodes, told.cluster), Text(), resources(told.resources) if told.resources else empty)


def resources(of: Sequence[replies.ResourceInfo]) -> RenderableType:
    """Show resources, one a line."""
    table = table_of("Resource", "State", "Node", "Lives", "Since", "Reason")
    for one in of:
        node = (one.node if one.state is not State.OFFLINE else None) or "-"
        if one.move is not None:
            node = f"{node} > {one.move.target}"
        reason = one.reason.text + (f" (waiting for process {one.process})" if one.process else "")
        table.add_row(_plain(one.name), state_text(one), _plain(node), str(one.lives), instant(one.since),
                      _plain(reason))
    return Group(table, *(line for one in of for line in _astray(one)))


def _astray(of: replies.ResourceInfo) -> tuple[Text, ...]:
    """Say in red where a resource runs although nobody sent it there."""
    return tuple(Text(f"{of.name}: {stray.text}.", style="bold red") for stray in of.strays)


def nodes(of: Sequence[replies.NodeInfo], cluster: replies.ClusterInfo) -> RenderableType:
    """Show the cluster's line and its nodes."""
    quorum = "quorum reached" if cluster.quorum else f"waiting for quorum of {cluster.quorum_nodes}"
    line = f"Cluster {cluster.name}, epoch {cluster.epoch}, master {cluster.master or 'none'}, {quorum}"
    table = table_of("Node", "State", "Protected by", "Since", "Memory", "Resources")
    for one in of:
        name = Text(one.name)
        if one.master:
            name.append(" (master)", "yellow")
        held = ", ".join((*one.resources, *(f"{stray} (stray)" for stray in one.strays))) or "-"
        if one.emptying is not None and one.emptying.because == "drain":
            name.append(" (drained)", "yellow")
        table.add_row(name, _state(one), _protection(one), instant(one.since), memory(one) or "-",
                      _plain(held + _doubt(one)))
    loud = show_standing.loud(cluster.pause, cluster.down)
    if cluster.store_away:
        loud = (show_standing.store_away(cluster.node), *loud)
    return Group(*loud, *((Text(),) if loud else ()), _plain(line), Text(), table, *_dangers(of))


def _state(of: replies.NodeInfo) -> Text:
    return Text(f"{of.state}, silent" if of.silent else of.state,
                style="bold red" if of.silent else NODE_COLOURS[of.state])


def _protection(of: replies.NodeInfo) -> Text:
    if of.protected_by is Protection.NOTHING:
        return Text(of.protected_by, style="bold red")
    return Text("self-fence, device" if of.protected_by is Protection.BOTH else of.protected_by)


def _dangers(of: Iterable[replies.NodeInfo]) -> tuple[Text, ...]:
    """Say in red what it means that nothing protects a node, and that one is being switched off or could not be."""
    told = [Text(f"{one.unprotected.text}.", style="bold red") for one in of
            if one.unprotected is not None and one.state != "left"]
    told += [Text(f"{one.fencing.text}.", style="bold red") for one in of if one.fencing is not None]
    told += [Text(f"{one.emptying.text}.", style="green" if one.emptying.safe else "bold yellow") for one in of
             if one.emptying is not None and one.emptying.because != "down" and one.state != "left"]
    told += [Text(f"{one.quarantine.text}.", style="bold red") for one in of if one.quarantine is not None]
    return (Text(), *(Text(text.plain[:1].upper() + text.plain[1:], text.style) for text in told)) if told else ()


def _doubt(of: replies.NodeInfo) -> str:
    if of.state != "down" or not of.resources or of.proof is not None:
        return ""
    return f" (nothing proves that {of.name} stopped: see stanchion node confirm-down)"


def node(of: replies.NodeInfo) -> RenderableType:
    """Show one node."""
    rows: list[tuple[str, RenderableType]] = [
        ("Node", _plain(of.name + (" (master)" if of.master else ""))),
        ("State", _state(of)),
        ("Protected by", _protection(of)),
        ("Self-fence", of.self_fence.value),
        *((f"Fence device {number}", _device(one)) for number, one in enumerate(of.fence, start=1)),
        ("Address", _plain(of.url or "-")),
        ("Version", of.version or "-"),
        *show_papers.node_rows(of),
        ("Since", instant(of.since)),
        *show_capacity.node_rows(of),
        ("Resources", _plain((", ".join(of.resources) or "-") + _doubt(of))),
        *([("Strays", Text(", ".join(of.strays), style="bold red"))] if of.strays else []),
    ]
    if of.proof is not None:
        rows.append(("Proof", of.proof.value))
    if of.quarantined_at is not None:
        rows.append(("Quarantine", f"since {instant(of.quarantined_at)}"))
    return Group(facts(rows), *_dangers((of,)))


def _device(of: replies.FenceDeviceInfo) -> Text:
    words = [f"{name}={value}" for name, value in of.parameters.items()]
    return _plain(" ".join([of.agent, *words, f"(within {duration(of.timeout_s)})"]))


def resource(of: replies.ResourceDetail) -> RenderableType:
    """Show one resource with its configuration."""
    possible = ", ".join(of.possible) or "nothing, wait until it has ended"
    rows: list[tuple[str, RenderableType]] = [
        ("Resource", _plain(of.name)),
        ("State", state_text(of)),
        ("Node", _plain(of.node or "-")),
        ("Reason", _plain(of.reason.text)),
        ("Since", instant(of.since)),
        ("Lives", str(of.lives)),
        ("Possible now", possible),
    ]
    if of.move:
        rows.append(("Moving to", _plain(f"{of.move.target}, {'live' if of.move.live else 'cold'}, {of.move.phase}")))
    if of.process:
        rows.append(("Waiting for", f"process {of.process} (end it: stanchion end-process {of.name})"))
    saved = f"revision {of.spec_revision}, saved {instant(of.saved_at)} by {of.saved_by or '-'}"
    rows += [
        ("Template", _plain(of.template)),
        ("Configuration", _plain(saved + (f": {of.saved_why}" if of.saved_why else ""))),
        *([("Pending", _pending(of))] if of.pending else []),
        ("Preferred nodes", _plain(", ".join(of.preferred) or "all nodes")),
        ("Needs", show_capacity.needs(of)),
        ("Files", _plain("\n".join(of.files) or "-")),
        *settings_of(of.monitoring, of.policies),
        *([("", Text(of.monitoring_text, style="dim"))] if of.monitoring_text else []),
    ]
    parts: list[RenderableType] = [facts(rows), *_astray(of)]
    if of.parameters:
        parts.append(_part("Parameters", facts((name, _plain(value)) for name, value in of.parameters.items())))
    parts.append(scripts_of(of.scripts))
    if of.last_runs:
        parts.append(_part("Last runs", runs(replies.RunList(runs=of.last_runs))))
    return Group(*parts)


def _pending(of: replies.ResourceDetail) -> Text:
    """Say what is saved and waits for the next load."""
    what = " and ".join(f"{kind} script" for kind in of.pending_scripts) or "files"
    return Text(f"{what}: until its next load it goes by what it was loaded with "
                f"(see stanchion script diff {of.name})", style="yellow")


def settings_of(monitoring: replies.MonitoringInfo, policies: replies.PoliciesInfo) -> list[tuple[str, RenderableType]]:
    """Show monitoring and policies as rows."""
    boxes = [name for name, set_ in (
        ("Resource Follows Master", policies.follows_master), ("Ignore Quorum", policies.ignore_quorum),
        ("failback live", policies.failback_live), ("gives way", policies.gives_way),
        ("a failed load goes to the next node", policies.load_failure is LoadFailure.NEXT_NODE),
        ("a failed load is tried again", policies.retry_comatose is RetryComatose.BACKOFF)) if set_]
    watched = (f"every {duration(monitoring.interval_s)}; {monitoring.max_failures} failures within "
               f"{duration(monitoring.window_s)}: {monitoring.action}") if monitoring.enabled else "off"
    return [
        ("Modes", f"start {policies.start}, failover {policies.failover}, failback {policies.failback}"),
        ("Policies", ", ".join([*boxes, f"priority {policies.priority}", f"{policies.moves_per_hour} moves an hour"])),
        ("Monitoring", watched),
    ]


def scripts_of(of: dict[ScriptKind, replies.ScriptInfo]) -> Group:
    """Show scripts as they are, each with its timeout."""
    parts: list[RenderableType] = []
    for kind, script in of.items():
        if script.text.strip():
            title = f"{kind.title()} script, {duration(script.timeout_s)}"
            parts.append(_part(title, _script(script.text)))
    return Group(*parts)


def templates(of: replies.TemplateList) -> RenderableType:
    """Show templates, one a line."""
    table = table_of("Template", "Live", "Title")
    for one in of.templates:
        table.add_row(_plain(one.name), "yes" if one.live else "no", _plain(one.title))
    return table


def template(of: replies.TemplateDetail) -> RenderableType:
    """Show one template with its form and scripts."""
    rows: list[tuple[str, RenderableType]] = [
        ("Template", _plain(of.name)),
        ("Title", _plain(of.title)),
        ("Description", _plain(of.description)),
        ("Migrates live", "yes" if of.live else "no"),
        *settings_of(of.monitoring, of.policies),
    ]
    form = table_of("Parameter", "Default", "Asks for")
    for one in of.parameters:
        asks = one.label + (f" ({', '.join(one.choices)})" if one.choices else "")
        form.add_row(_plain(one.name), _plain(one.default or ("required" if one.required else "-")), _plain(asks))
    return Group(facts(rows), _part("Form", form), scripts_of(of.scripts))


def event(of: EventInfo) -> RenderableType:
    """Show one event on one line."""
    subject = " ".join(part for part in (of.resource, f"on {of.node}" if of.node else None) if part) or "cluster"
    line = Text(f"{instant(of.at)}  ").append(subject, "bold")
    if of.after is not None and of.after is not of.before:
        line.append(f" {of.after}", COLOURS[of.after])
    return line.append(f": {of.reason.text}", SEVERITY_COLOURS[of.severity])


def events(of: Iterable[EventInfo]) -> RenderableType:
    """Show events, the oldest first."""
    lines = [event(one) for one in of]
    return Group(*lines) if lines else _plain("No event in the history fits.")


def explanation(of: replies.Explanation) -> RenderableType:
    """Show questions in bold and their answers as sentences."""
    parts: list[RenderableType] = []
    for answer in of.answers:
        parts.append(Text(answer.question, style="bold"))
        parts += [_indented(_sentence(reason)) for reason in answer.reasons]
    return Group(*parts)


def _sentence(of: replies.ReasonInfo) -> str:
    """Make a clause a sentence; a name in front is kept as it is written."""
    named = any(operand and of.text.startswith(operand) for operand in of.operands)
    return f"{of.text if named else of.text[:1].upper() + of.text[1:]}."


def timing(of: replies.TimingInfo) -> RenderableType:
    """Show the timers and their derivation."""
    return Group(Text(f"Timers of the profile {of.profile}", style="bold"), *map(_plain, of.derivation))


def runs(of: replies.RunList) -> RenderableType:
    """Show runs, one a line."""
    if not of.runs:
        return _plain("No script has run yet.")
    table = table_of("Script", "Started", "Took", "Node", "End", "Failing command")
    for one in of.runs:
        table.add_row(one.script.value, instant(one.started_at), _took(one), _plain(one.node), _end(one),
                      _plain(one.command or "-"))
    return table


def _took(of: replies.RunInfo) -> str:
    if of.started_at is None or of.ended_at is None:
        return "-"
    return f"{(of.ended_at - of.started_at).total_seconds():.1f} s"


def _end(of: replies.RunInfo) -> Text:
    if of.end is RunEnd.EXITED:
        return Text("well", style="green") if of.code == 0 else Text(f"code {of.code}", style="bold red")
    return Text(f"{of.end}" + (f" (process {of.pid})" if of.end is RunEnd.OVERDUE else ""), style="bold red")


def run(of: replies.RunInfo) -> RenderableType:
    """Show one run with its output as it was written."""
    rows: list[tuple[str, RenderableType]] = [
        ("Script", _plain(f"{of.script} of {of.resource} on {of.node}")),
        ("Started", instant(of.started_at)), ("Took", _took(of)), ("End", _end(of)),
    ]
    if of.command:
        rows.append(("Failing command", _plain(of.command)))
    return Group(facts(rows), Text(), _plain((of.output or "").rstrip() or "(no output)"))
