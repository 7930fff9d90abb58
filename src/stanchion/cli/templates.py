"""``stanchion template``: make, look at, edit, clone, export, import and delete templates."""

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from stanchion.cli import editing, importing
from stanchion.cli.completing import ATemplate
from stanchion.cli.session import COMMON, Common, Session
from stanchion.model.errors import InvalidInput, StanchionError

if TYPE_CHECKING:
    from stanchion.wire.documents import TemplateDocument
    from stanchion.wire.replies import TemplateSaved

app = App(name="template", help="Make, look at, edit and delete the templates that resources are made from.")


@app.command(name="list")
async def list_(*, common: Common = COMMON) -> None:
    """List the templates."""
    async with common.session() as session:
        from stanchion.cli import show

        session.tell(await session.client.templates(), show.templates)


@app.command
async def show(template: ATemplate, /, *, common: Common = COMMON) -> None:
    """Look at one template: what it asks, and what a resource made from it will have.

    Parameters
    ----------
    template
        Name of the template, in any case.
    """
    async with common.session() as session:
        from stanchion.cli import show

        session.tell(await session.client.template(template), show.template)


@app.command
async def form(template: ATemplate, /, *, common: Common = COMMON) -> None:
    """Look at everything that is asked when a resource is made from a template, page by page, as a console asks it.

    Parameters
    ----------
    template
        Name of the template, in any case.
    """
    async with common.session() as session:
        from stanchion.cli import show_configuring

        session.tell(await session.client.form(template), show_configuring.form)


@app.command
async def create(name: str, /, *, resource: Annotated[str | None, Parameter(name="--from")] = None,
                 file: Path | None = None, title: str = "", common: Common = COMMON) -> None:
    """Make a template of a resource or from a file.

    Parameters
    ----------
    name
        Name of the new template: 1 to 63 letters, digits and underscores.
    resource
        Resource to make it of: its scripts, policies and monitoring.
    file
        File with the template as a document, in YAML or JSON, as `stanchion template export` writes it.
    title
        What it is, in a few words.
    """
    from stanchion.wire.documents import CloneOrder

    if (resource is None) == (file is None):
        raise InvalidInput("say what to make it of: --from RESOURCE or --file FILE")
    async with common.session() as session:
        if resource is not None:
            saved = await session.client.template_of(resource, CloneOrder(name=name, title=title))
        else:
            assert file is not None
            document = _document(file).model_copy(update={"name": name} | ({"title": title} if title else {}))
            saved = await session.client.create_template(document)
        _tell(session, saved, "made")


@app.command
async def edit(template: ATemplate, /, *, file: Path | None = None, revision: int | None = None,
               common: Common = COMMON) -> None:
    """Change a template: in $EDITOR as one document, or by a file. Resources that exist are not changed by it.

    Parameters
    ----------
    template
        Name of the template, in any case.
    file
        File with the whole template as a document, in YAML or JSON.
    revision
        Refuse to save when the template is not at this revision any more.
    """
    async with common.session() as session:
        found = await session.client.template(template)
        seen = revision or found.revision
        if file is not None:
            document = _document(file)
            _tell(session, await session.client.edit_template(found.name, document, seen=seen), "saved")
            return
        await _edit(session, found.name, seen)


@app.command
async def clone(template: ATemplate, name: str, /, *, title: str = "", common: Common = COMMON) -> None:
    """Make a template that is like another one.

    Parameters
    ----------
    template
        Name of the template to copy, in any case.
    name
        Name of the new template.
    title
        What it is, in a few words.
    """
    from stanchion.wire.documents import CloneOrder

    async with common.session() as session:
        _tell(session, await session.client.clone_template(template, CloneOrder(name=name, title=title)), "made")


@app.command
async def delete(template: ATemplate, /, *, yes: Annotated[bool, Parameter(negative="")] = False,
                 common: Common = COMMON) -> None:
    """Delete a template that no resource came from.

    Parameters
    ----------
    template
        Name of the template, in any case.
    yes
        Do not ask.
    """
    async with common.session() as session:
        found = await session.client.template(template)
        if not yes:
            answer = session.terminal.ask(f"Delete the template {found.name}? [y/N] ")
            if answer is None:
                raise InvalidInput("nobody can be asked here; add --yes to delete without a question")
            if answer.lower() not in {"y", "yes"}:
                raise StanchionError(f"{found.name} was not deleted")
        await session.client.delete_template(found.name)
        session.say(f"the template {found.name} was deleted")


@app.command
async def export(template: ATemplate, /, *, file: Path | None = None, common: Common = COMMON) -> None:
    """Write one template as a document, which create, edit and import read.

    Parameters
    ----------
    template
        Name of the template, in any case.
    file
        File to write, which must not exist; left out, it is shown.
    """
    from stanchion.wire import written

    async with common.session() as session:
        document = await session.client.template_document(template)
        importing.give(session, written.written(document, "json" if session.json else "yaml"), file,
                       f"the template {document.name} is in {file}")


app.command(importing.import_, name="import")


async def _edit(session: Session, name: str, seen: int) -> None:
    """Open the template in the operator's editor; what was typed is kept when it cannot be saved."""
    from stanchion.wire import written

    place = Path(tempfile.mkdtemp(prefix=f"stanchion-{name}-"))
    file = place / f"{name}.yaml"
    before = written.written(await session.client.template_document(name), "yaml")
    file.write_text(before, encoding="utf-8")
    editing.run_editor(place, [file])
    if file.read_text(encoding="utf-8") == before:
        session.say("nothing was changed")
    else:
        try:
            saved = await session.client.edit_template(name, _document(file), seen=seen)
        except StanchionError:
            session.terminal.complain(f"not saved; what you typed is kept in {place}")
            raise
        _tell(session, saved, "saved")
    shutil.rmtree(place, ignore_errors=True)


def _document(file: Path) -> "TemplateDocument":
    """Read one template from a file: bare, or the only one in an export."""
    from stanchion.cli import documents
    from stanchion.wire import written
    from stanchion.wire.documents import Bundle, TemplateDocument

    plain = written.parsed(documents.content(file), f"the file {file}")
    if isinstance(plain, dict) and "templates" in plain:
        bundle = written.checked(Bundle, plain, f"the file {file}")
        if len(bundle.templates) != 1 or bundle.resources:
            raise InvalidInput(f"the file {file} holds more than one template; import it: stanchion import {file}")
        return bundle.templates[0]
    return written.checked(TemplateDocument, plain, f"the file {file}")


def _tell(session: Session, saved: "TemplateSaved", done: str) -> None:
    for warning in saved.warnings:
        session.terminal.complain(f"warning: {warning}")
    if session.json:
        session.terminal.write(saved.model_dump_json(indent=2))
        return
    session.say(f"the template {saved.template.name} was {done}, revision {saved.template.revision}")
