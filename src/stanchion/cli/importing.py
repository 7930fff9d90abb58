"""``stanchion import`` and ``stanchion export``: resources and templates from files, and into files.

What is imported is read here and judged by the agent, document by document. Every line of the answer says what became
of one thing, and what is not taken over stands there with its reason; ``--dry-run`` says the same and makes nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from stanchion.cli import orders
from stanchion.cli.session import COMMON, Common, Session
from stanchion.model.errors import AlreadyExists, InvalidInput, NotFound, StanchionError

if TYPE_CHECKING:
    from stanchion.cli.ncs.found import Found
    from stanchion.wire.documents import Bundle, ImportItem, ResourceDocument, TemplateDocument

BATCH_BYTES = 512 * 1024
"""So much is sent in one request; an agent takes a megabyte."""


async def import_(path: Path, /, *, dry_run: Annotated[bool, Parameter(negative="")] = False,
                  adopt: str | None = None, rename: Annotated[tuple[str, ...], Parameter(negative="")] = (),
                  common: Common = COMMON) -> int:
    """Make resources and templates of files: a directory of NCS scripts, an NCS export, or what export wrote.

    Parameters
    ----------
    path
        Directory with NAME.load, NAME.unload and NAME.monitor; or a file in XML, YAML or JSON.
    dry_run
        Only tell what would be made.
    adopt
        Node on which the machines run already: each resource that is made is taken over there, without a restart.
    rename
        OLD=NEW: import the resource or template OLD under the name NEW; give it again for more.
    """
    found = renamed(read(path), rename)
    async with common.session() as session:
        return int(not await take(session, found, dry_run=dry_run, adopt=adopt))


async def export(*names: str, file: Path | None = None, form: Annotated[
        Literal["yaml", "json"], Parameter(name="--format")] = "yaml", common: Common = COMMON) -> None:
    """Write resources and templates as a document that `stanchion import` reads; without names, all of them.

    Parameters
    ----------
    names
        Names of resources and templates, in any case; a resource comes before a template of the same name.
    file
        File to write, which must not exist; left out, it is shown.
    form
        How to write it.
    """
    async with common.session() as session:
        await put(session, names, file, "json" if session.json else form)


async def put(session: Session, names: Sequence[str], file: Path | None, form: Literal["yaml", "json"]) -> None:
    """Write what is named, or all, into a new file, or show it. Raises ``NotFound``, ``AlreadyExists``."""
    from stanchion.wire import written

    bundle = await _named(session, names) if names else await session.client.export()
    give(session, written.written(bundle, form), file,
         f"{_count(len(bundle.resources), 'resource')} and {_count(len(bundle.templates), 'template')} are in {file}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def give(session: Session, text: str, file: Path | None, told: str) -> None:
    """Show a document, or write it into a new file and tell."""
    if file is None:
        session.terminal.write(text.rstrip("\n"))
        return
    _write(file, text)
    session.say(told)


async def _named(session: Session, names: Sequence[str]) -> "Bundle":
    known = {each.name.casefold() for each in (await session.client.resources()).resources}
    templates = {each.name.casefold() for each in (await session.client.templates()).templates}
    missing = [name for name in names if name.casefold() not in known | templates]
    if missing:
        raise NotFound(f"there is no resource and no template {missing[0]}; `stanchion resource list` and "
                       "`stanchion template list` list them")
    return await session.client.export(resources=[name for name in names if name.casefold() in known],
                                       templates=[name for name in names if name.casefold() not in known])


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise AlreadyExists(f"the file {file} exists; name another, or remove it first") from None
    except OSError as problem:
        raise InvalidInput(f"the file {file} cannot be written: {problem.strerror}") from None


def read(path: Path) -> "Found":
    """Read a directory or a file in any of the forms that import knows. Raises ``InvalidInput``."""
    from stanchion.cli import documents
    from stanchion.cli.ncs import directory
    from stanchion.cli.ncs import export as ncs_export
    from stanchion.cli.ncs.found import Found
    from stanchion.wire import written

    if path.is_dir():
        return directory.read(path)
    data = documents.content(path)
    if b"\0" in data:
        raise InvalidInput(f"the file {path} is not a text; import reads XML, YAML and JSON")
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return ncs_export.read(data)
    bundle = written.bundle(data, f"the file {path}")
    return Found(resources=list(bundle.resources), templates=list(bundle.templates))


def renamed(found: "Found", words: Sequence[str]) -> "Found":
    """Give what was read under other names; a resource's template goes by its new one too. Raises ``InvalidInput``."""
    names: dict[str, str] = {}
    for word in words:
        old, equals, new = word.partition("=")
        if not equals or not old or not new:
            raise InvalidInput(f"{word!r} renames nothing; write OLD=NEW")
        names[old.casefold()] = new
    known = {*(each.name.casefold() for each in found.resources), *(each.name.casefold() for each in found.templates)}
    if missing := [old for old in names if old not in known]:
        raise NotFound(f"nothing of the name {missing[0]} is imported, so it cannot be renamed")

    def name_of(name: str) -> str:
        return names.get(name.casefold(), name)

    return replace(
        found, templates=[each.model_copy(update={"name": name_of(each.name)}) for each in found.templates],
        resources=[each.model_copy(update={"name": name_of(each.name), "template": name_of(each.template)})
                   for each in found.resources],
        remarks=[replace(each, about=name_of(each.about)) for each in found.remarks])


async def take(session: Session, found: "Found", *, dry_run: bool = False, adopt: str | None = None) -> bool:
    """Have what was read made, and tell of each; with ``adopt``, taken over there. False: not all of it was."""
    items = await _send(session, found, dry_run=dry_run)
    _tell(session, found, items)
    well = all(item.outcome != "refused" for item in items)
    if adopt is not None and not dry_run:
        well = await _adopt(session, [item.name for item in items if item.kind == "resource"
                                      and item.outcome in {"made", "same"}], adopt) and well
    return well


async def _send(session: Session, found: "Found", *, dry_run: bool) -> "list[ImportItem]":
    """Send what was read in portions that an agent takes, and what is too large for one not at all."""
    from stanchion.wire.documents import Bundle, ImportItem

    items: list[ImportItem] = []
    templates: list[TemplateDocument] = []
    resources: list[ResourceDocument] = []
    size = 0

    async def send() -> None:
        nonlocal size
        if templates or resources:
            portion = Bundle(templates=tuple(templates), resources=tuple(resources))
            items.extend((await session.client.take(portion, dry_run=dry_run)).items)
        templates.clear()
        resources.clear()
        size = 0

    documents: list[tuple[Literal["template", "resource"], TemplateDocument | ResourceDocument]] = [
        *(("template", each) for each in found.templates), *(("resource", each) for each in found.resources)]
    for kind, document in documents:
        weight = len(document.model_dump_json(exclude_none=True).encode())
        if weight > BATCH_BYTES:
            items.append(ImportItem(kind=kind, name=document.name, outcome="refused",
                                    text=f"it has {weight} bytes; at most {BATCH_BYTES} are possible"))
            continue
        if size + weight > BATCH_BYTES:
            await send()
        (templates if kind == "template" else resources).append(document)  # type: ignore[arg-type]  # by its kind
        size += weight
    await send()
    return items


def _tell(session: Session, found: "Found", items: "list[ImportItem]") -> None:
    if session.json:
        remarks = [{"about": each.about, "text": each.text, "lost": each.lost} for each in found.remarks]
        session.terminal.write(json.dumps({"items": [item.model_dump(mode="json") for item in items],
                                           "remarks": remarks}, indent=2))
        return
    for item in items:
        said = {"same": "is here already, just like this", "refused": f"refused: {item.text}"}.get(
            item.outcome, item.outcome)
        session.say(f"{item.kind} {item.name}: {said}")
        for warning in item.warnings:
            session.say(f"    warning: {warning}")
        for each in found.remarks:
            if each.about == item.name and not each.lost:
                session.say(f"    {each.text}")
    if any(item.outcome == "refused" and " already" in item.text for item in items):
        session.say("note: what has a name that is taken can be imported under another one: --rename OLD=NEW")
    told = {item.name for item in items}
    for each in found.remarks:
        if each.lost:
            session.say(f"not taken over: {each.about}: {each.text}")
        elif each.about not in told:
            session.say(f"note: {each.about}: {each.text}")


async def _adopt(session: Session, names: list[str], node: str) -> bool:
    """Adopt each; one that is not found there does not keep the others from it."""
    well = True
    for name in names:
        try:
            await orders.finish(session, await session.client.adopt(name, node), wait=True)
        except StanchionError as fault:
            session.terminal.complain(f"{name}: {' '.join(str(fault).split())}")
            well = False
    return well

