"""``stanchion script``: a resource's scripts and their revisions, what differs between them, and what they would do."""

import difflib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from stanchion.cli import editing, orders
from stanchion.cli.changes import text_of
from stanchion.cli.completing import AResource, MaybeNode, MaybeResource
from stanchion.cli.resources import tell_saved
from stanchion.cli.session import COMMON, Common, Session
from stanchion.model.errors import InvalidInput, NotFound, StanchionError
from stanchion.model.resource import ScriptKind

if TYPE_CHECKING:
    from stanchion.wire.scripts import RevisionDetail

app = App(name="script", help="Look at a resource's scripts and their revisions, change, restore and try them.")

PARTS = ("template", "live", "machine", "files", "preferred", "size", "parameters", "policies", "monitoring")


@app.command(name="list")
async def list_(resource: AResource, /, *, common: Common = COMMON) -> None:
    """List the revisions of a resource's configuration: who saved it when and why, and what was changed.

    Parameters
    ----------
    resource
        Name of the resource, in any case.
    """
    async with common.session() as session:
        from stanchion.cli import show_configuring

        session.tell(await session.client.revisions(resource), show_configuring.revisions)


@app.command
async def show(resource: AResource, script: ScriptKind | None = None, /, *, revision: int | None = None,
               common: Common = COMMON) -> None:
    """Show scripts as they stand, or as they stood in a revision.

    Parameters
    ----------
    resource
        Name of the resource, in any case.
    script
        The script to show, bare; left out, the whole configuration.
    revision
        The revision to show; left out, the newest. `stanchion script list RESOURCE` lists them.
    """
    async with common.session() as session:
        from stanchion.cli import show_configuring

        told = await _revision(session, resource, revision)
        if script is None or session.json:
            session.tell(told, show_configuring.revision)
            return
        if not told.scripts[script].text.strip():
            raise NotFound(f"{told.resource} has no {script} script in revision {told.revision}")
        session.terminal.write(told.scripts[script].text.rstrip("\n"))


@app.command
async def edit(resource: AResource, script: ScriptKind, /, *, file: Path | None = None, why: str = "",
               now: Annotated[bool, Parameter(negative="")] = False, revision: int | None = None,
               common: Common = COMMON) -> None:
    """Change one script: in $EDITOR, or by a file.

    Parameters
    ----------
    resource
        Name of the resource, in any case.
    script
        The script to change.
    file
        File with the new script.
    why
        Why, for the list of revisions.
    now
        Let it count at once for a resource that is loaded, not only from its next load on.
    revision
        Refuse to save when the configuration is not at this revision any more.
    """
    from stanchion.wire.requests import ResourceChange, ScriptChange

    async with common.session() as session:
        found = await session.client.resource(resource)
        place, edited = None, {script: text_of(file)} if file is not None else {}
        if not now and edited.get(script) == found.scripts[script].text:
            edited = {}
        if file is None:
            place, edited = editing.edit(found.name, {script: found.scripts[script].text})
        if not edited:
            session.say("nothing was changed")
        else:
            change = ResourceChange(scripts={script: ScriptChange(text=edited[script])}, why=why, at_once=now)
            try:
                saved = await session.client.edit(found.name, change, seen=revision or found.spec_revision)
            except StanchionError:
                if place is not None:
                    session.terminal.complain(f"not saved; what you typed is kept in {place}")
                raise
            tell_saved(session, saved, "saved")
        if place is not None:
            shutil.rmtree(place, ignore_errors=True)


@app.command
async def diff(resource: AResource, old: int | None = None, new: int | None = None, /, *,
               common: Common = COMMON) -> None:
    """Show what differs between two revisions; without any, what waits for the next load, else the last edit.

    Parameters
    ----------
    resource
        Name of the resource, in any case.
    old
        The earlier revision.
    new
        The later one; left out, the newest.
    """
    async with common.session() as session:
        if old is None:
            old = await _before(session, resource)
        before, after = await session.client.revision(resource, old), await _revision(session, resource, new)
        lines = list(differences(before, after))
        if session.json:
            session.terminal.write(json.dumps({"resource": after.resource, "old": before.revision,
                                               "new": after.revision, "lines": lines}, indent=2))
            return
        session.terminal.write("\n".join(lines) or f"revisions {before.revision} and {after.revision} are the same")


@app.command
async def restore(resource: AResource, revision: int, script: ScriptKind | None = None, /, *, why: str = "",
                  now: Annotated[bool, Parameter(negative="")] = False, common: Common = COMMON) -> None:
    """Save a past revision anew: all of it, or one script. Nothing of what stands now is lost.

    Parameters
    ----------
    resource
        Name of the resource, in any case.
    revision
        The revision to restore; `stanchion script list RESOURCE` lists them.
    script
        Restore only this script.
    why
        Why, for the list of revisions.
    now
        Let it count at once for a resource that is loaded, not only from its next load on.
    """
    from stanchion.wire.scripts import Restore

    async with common.session() as session:
        found = await session.client.resource(resource)
        asked = Restore(revision=revision, script=script, why=why, at_once=now)
        tell_saved(session, await session.client.restore(found.name, asked, seen=found.spec_revision), "restored")


@app.command
async def lint(resource: MaybeResource = None, /, *, file: tuple[Path, ...] = (), common: Common = COMMON) -> int:
    """Read scripts as saving does: what bash cannot read, and what is likely wrong. The exit code is 1 for errors.

    Parameters
    ----------
    resource
        Resource whose scripts to read.
    file
        File to read; give it again for more.
    """
    if (resource is None) == (not file):
        raise InvalidInput("say what to read: a resource, or files with --file")
    async with common.session() as session:
        from stanchion.cli import show_configuring

        texts = {str(each): text_of(each) for each in file}
        if resource is not None:
            found = await session.client.resource(resource)
            texts = {f"{kind} script": script.text for kind, script in found.scripts.items() if script.text.strip()}
        reports = {name: await session.client.lint(text) for name, text in texts.items()}
        if session.json:
            session.terminal.write(show_configuring.as_json(reports))
        else:
            for name, report in reports.items():
                session.terminal.console().print(show_configuring.lint(name, report))
        return int(any(report.errors for report in reports.values()))


@app.command(name="test")
async def try_(resource: AResource, script: ScriptKind, /, *, node: MaybeNode = None,
               real: Annotated[bool, Parameter(negative="--dry")] = False, common: Common = COMMON) -> int:
    """Try one script. Dry, which is the default, nothing runs: the commands that would run are told.

    For real, the resource must be offline, and only scripts that start nothing are run. Either way the run is kept:
    `stanchion runs RESOURCE`. The exit code is 1 when the script did not end with 0.

    Parameters
    ----------
    resource
        Name of the resource, in any case.
    script
        The script to try.
    node
        Node to try it on; left out, where the resource is, else the node that answers.
    real
        Run it.
    """
    async with common.session() as session:
        from stanchion.cli import show

        told = await session.client.test_script(resource, script, node=node, dry=not real)
        while not told.ended:
            told = await session.client.intent(told.id, wait_s=orders.STEP_S)
        if told.resource is None or told.operation is None:
            raise StanchionError(f"the {script} script of {resource} was not tried: "
                                 f"{told.reason.text if told.reason else told.outcome}")
        run = await session.client.run_of(told.resource, script, told.operation)
        session.tell(run, show.run)
        return int(run.code != 0)


async def _revision(session: Session, resource: str, number: int | None) -> "RevisionDetail":
    if number is None:
        number = (await session.client.resource(resource)).spec_revision
    return await session.client.revision(resource, number)


async def _before(session: Session, resource: str) -> int:
    """Give the revision that is worth comparing with the newest one."""
    listed = (await session.client.revisions(resource)).revisions
    loaded = next((each for each in listed if each.loaded and not each.current), None)
    if loaded is not None:
        return loaded.revision
    if len(listed) < 2:  # noqa: PLR2004 - two make a difference
        raise NotFound(f"{resource} has only one revision, so there is nothing to compare it with")
    return listed[1].revision


def differences(old: "RevisionDetail", new: "RevisionDetail") -> Iterator[str]:
    """Give the lines of a unified difference: first the settings, then each script."""
    names = f"revision {old.revision}", f"revision {new.revision}"
    yield from difflib.unified_diff(list(_settings(old)), list(_settings(new)), *names, "settings", "settings", n=0,
                                    lineterm="")
    for kind in ScriptKind:
        before, after = (each.scripts[kind].text.splitlines() for each in (old, new))
        yield from difflib.unified_diff(before, after, *names, f"{kind} script", f"{kind} script", lineterm="")


def _settings(of: "RevisionDetail") -> Iterator[str]:
    plain = of.model_dump(mode="json")
    for part in PARTS:
        value = plain[part]
        if isinstance(value, dict):
            yield from (f"{part}.{key}: {each}" for key, each in value.items())
        else:
            yield f"{part}: {', '.join(value) if isinstance(value, list) else value}"
    for kind in ScriptKind:
        yield f"{kind} timeout: {of.scripts[kind].timeout_s:g} s"
