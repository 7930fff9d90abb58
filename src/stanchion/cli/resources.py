"""``stanchion resource``: make, look at, edit, delete and list resources."""

import shutil
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from stanchion.cli import editing, orders
from stanchion.cli.changes import Changes
from stanchion.cli.completing import ANode, AResource, ATemplate
from stanchion.cli.session import COMMON, Common, Session
from stanchion.model.errors import InvalidInput, StanchionError
from stanchion.model.resource import ScriptKind

if TYPE_CHECKING:
    from stanchion.wire.replies import Saved

app = App(name="resource", help="Make, look at, edit and delete resources.")

NO_CHANGES = Changes()


@app.command(name="list")
async def list_(*, common: Common = COMMON) -> None:
    """List all resources."""
    async with common.session() as session:
        from stanchion.cli import show

        session.tell(await session.client.resources(), lambda told: show.resources(told.resources))


@app.command
async def show(resource: AResource, /, *, common: Common = COMMON) -> None:
    """Look at one resource: its state, configuration, scripts and last runs.

    Parameters
    ----------
    resource
        Name of the resource, in any case.
    """
    async with common.session() as session:
        from stanchion.cli import show

        session.tell(await session.client.resource(resource), show.resource)


@app.command
async def create(name: str, template: ATemplate, /, *parameters: str,
                 online: Annotated[bool, Parameter(negative="")] = False,
                 changes: Changes = NO_CHANGES, common: Common = COMMON) -> None:
    """Make a resource from a template. It begins Offline unless --online is given.

    Parameters
    ----------
    name
        Name of the new resource: 1 to 63 letters, digits and underscores.
    template
        Name of the template; `stanchion template list` lists them.
    parameters
        Answers to the template's form, as NAME=VALUE; `stanchion template show TEMPLATE` lists what it asks.
    online
        Bring it online after creation.
    """
    from stanchion.wire.requests import ResourceCreate

    asked = ResourceCreate(name=name, template=template, parameters=_answers(parameters), overrides=changes.change())
    async with common.session() as session:
        saved = await session.client.create(asked)
        tell_saved(session, saved, "made", quiet=online)
        if online:
            await orders.finish(session, await session.client.online(saved.resource.name), wait=True)


@app.command
async def adopt(resource: AResource, /, *, node: ANode, wait: bool = True, common: Common = COMMON) -> None:
    """Take a machine over where it runs already, without a restart. The node looks first.

    Parameters
    ----------
    resource
        Name of the resource, in any case; it must be offline.
    node
        Node on which the machine runs.
    wait
        Wait until the order has ended.
    """
    async with common.session() as session:
        await orders.finish(session, await session.client.adopt(resource, node), wait=wait)


@app.command
async def edit(resource: AResource, /, *, editor: Annotated[bool, Parameter(negative="")] = False,
               revision: int | None = None, now: Annotated[bool, Parameter(negative="")] = False,
               dry: Annotated[bool, Parameter(negative="")] = False, changes: Changes = NO_CHANGES,
               common: Common = COMMON) -> None:
    """Change a resource's configuration.

    While it is loaded it goes by the scripts that it was loaded with; everything else counts at once.

    Parameters
    ----------
    resource
        Name of the resource, in any case.
    editor
        Open the load, unload and monitor scripts in $EDITOR.
    revision
        Refuse to save when the configuration is not at this revision any more.
    now
        Let the newest scripts count at once for a resource that is loaded; alone, those that were saved before.
    dry
        Save nothing; tell in words what the monitoring would do with these options.
    """
    async with common.session() as session:
        if dry:
            await _describe(session, resource, changes)
            return
        if editor:
            await _edit_scripts(session, resource, changes, revision)
            return
        change = changes.change()
        if now:
            change = change.model_copy(update={"at_once": True})
        if not change.model_fields_set:
            raise InvalidInput("nothing to change was given; `stanchion resource edit --help` lists the options")
        tell_saved(session, await session.client.edit(resource, change, seen=revision), "saved")


async def _describe(session: Session, resource: str, changes: Changes) -> None:
    """Tell what the monitoring would do. Raises ``InvalidInput`` for one that cannot be saved."""
    from stanchion.wire.monitoring import MonitoringDraft

    change = changes.change()
    script = change.scripts.get(ScriptKind.MONITOR)
    told = await session.client.describe_monitoring(MonitoringDraft(
        resource=resource, monitoring=change.monitoring, preferred=change.preferred,
        script=None if script is None or script.text is None else bool(script.text.strip()),
        timeout_s=None if script is None else script.timeout_s))
    if told.faults:
        raise InvalidInput("; ".join(told.faults))
    session.tell(told, lambda of: of.text)


@app.command
async def delete(resource: AResource, /, *, yes: Annotated[bool, Parameter(negative="")] = False,
                 common: Common = COMMON) -> None:
    """Delete a resource that is offline.

    Parameters
    ----------
    resource
        Name of the resource, in any case.
    yes
        Do not ask.
    """
    async with common.session() as session:
        found = await session.client.resource(resource)
        if not yes:
            answer = session.terminal.ask(f"Delete {found.name} and its configuration? [y/N] ")
            if answer is None:
                raise InvalidInput("nobody can be asked here; add --yes to delete without a question")
            if answer.lower() not in {"y", "yes"}:
                raise StanchionError(f"{found.name} was not deleted")
        await session.client.delete(found.name)
        session.say(f"{found.name} was deleted")


async def _edit_scripts(session: Session, name: str, changes: Changes, revision: int | None) -> None:
    found = await session.client.resource(name)
    place, texts = editing.edit(found.name, {kind: found.scripts[kind].text for kind in editing.KINDS})
    change = changes.change(texts)
    if change.model_fields_set:
        try:
            saved = await session.client.edit(found.name, change, seen=revision or found.spec_revision)
        except StanchionError:
            session.terminal.complain(f"not saved; what you typed is kept in {place}")
            raise
        tell_saved(session, saved, "saved")
    else:
        session.say("nothing was changed")
    shutil.rmtree(place, ignore_errors=True)


def _answers(parameters: tuple[str, ...]) -> dict[str, str]:
    answers = {}
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if not equals or not name:
            raise InvalidInput(f"{parameter!r} is not an answer to the template's form; write NAME=VALUE")
        if name in answers:
            raise InvalidInput(f"the parameter {name} is given twice; give it once")
        answers[name] = value
    return answers


def tell_saved(session: Session, saved: "Saved", done: str, *, quiet: bool = False) -> None:
    """Tell that a configuration was saved, what the lint doubts, and what waits for the next load."""
    for warning in saved.warnings:
        session.terminal.complain(f"warning: {warning}")
    if session.json:
        if not quiet:
            session.terminal.write(saved.model_dump_json(indent=2))
        return
    waits = " and ".join(f"{kind} script" for kind in saved.resource.pending_scripts) or "files"
    later = (f"; until its next load it goes by the {waits} that it was loaded with "
             f"(stanchion resource edit {saved.resource.name} --now changes that)" if saved.resource.pending else "")
    session.say(f"{saved.resource.name} was {done}, revision {saved.resource.spec_revision}{later}")
