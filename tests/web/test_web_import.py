"""Import and export in the console: looked at first, done then, each document judged by itself."""

import json

import pytest

from browsing import Browser, Page, signed_in
from stanchion.model.access import Role
from stanchion.model.cluster import Kind
from surface import World, held

PAGE = "/console/import"
BOUNDARY = "---------------------------29401"


async def send(browser: Browser, *, text: str = "", file: bytes = b"", do: str = "look") -> Page:
    """Send the form as a browser does: in parts, with the file."""
    parts = [(b'name="file"; filename="export.yaml"\r\ncontent-type: application/yaml', file),
             (b'name="text"', text.replace("\n", "\r\n").encode()), (b'name="do"', do.encode())]
    body = b"".join(b"--" + BOUNDARY.encode() + b"\r\ncontent-disposition: form-data; " + head + b"\r\n\r\n" + content
                    + b"\r\n" for head, content in parts) + b"--" + BOUNDARY.encode() + b"--\r\n"
    return Page(await browser.http.post(PAGE, content=body, headers={
        "content-type": f"multipart/form-data; boundary={BOUNDARY}"}))


def outcomes(page: Page) -> dict[str, str]:
    return {row[1]: row[2] for row in page.main.rows() if len(row) == 4 and row[0] in {"resource", "template"}}


async def exported(form: str = "yaml", **world_of: str) -> bytes:
    world = World()
    for name in world_of.values():
        await world.resource(name)
    browser = await signed_in(world)
    answer = await browser.http.get(f"/console/export?form={form}&" + "&".join(
        f"resource={name}" for name in world_of.values()))
    assert answer.headers["content-disposition"].startswith("attachment;")
    return answer.content


@pytest.mark.parametrize("form", ["yaml", "json"])
async def test_what_was_exported_is_looked_at_and_then_imported(form: str) -> None:
    file = await exported(form, one="web", two="mail")
    world = World()
    await world.resource("web")
    browser = await signed_in(world)
    page = await send(browser, file=file)
    assert outcomes(page) == {"web": "is here already, just like this", "mail": "would be made"}
    assert held(world, Kind.SPEC, "mail") is None
    page = await browser.send(page.form(button="Import 1 document"), "Import")
    assert outcomes(page)["mail"] == "made"
    assert held(world, Kind.SPEC, "mail") is not None


async def test_pasted_text_is_judged_document_by_document() -> None:
    world = World()
    browser = await signed_in(world)
    document = {"name": "good", "scripts": {each: {"text": "exit 0\n"} for each in ("load", "unload", "monitor")}}
    bundle = {"format": "stanchion/1", "resources": [document, {"name": "empty"}]}
    page = await send(browser, text=json.dumps(bundle))
    assert outcomes(page) == {"good": "would be made", "empty": "refused"}
    assert "the load script is empty" in page.main.text


@pytest.mark.parametrize(("text", "told"), [
    ("", "Nothing was given; choose a file, or paste what is to be imported."),
    ("a: [", "What you gave is neither valid YAML nor JSON"),
    ("[1]", "What you gave holds no document"),
    ("{}", "What you gave holds neither resources nor templates."),
    ("format: stanchion/1\nresources: [{name: x, colour: red}]",
     "In what you gave, resources.0.colour: is not known here."),
    ("a: &a [x]\nb: [*a]", "The YAML in what you gave uses aliases"),
    ("# " + "x" * 300_000, "The YAML in what you gave has more than 256 KiB; export it as JSON instead."),
])
async def test_what_cannot_be_read_is_refused_in_one_sentence_and_kept(text: str, told: str) -> None:
    browser = await signed_in(World())
    page = await send(browser, text=text)
    assert page.status == 422
    assert told in page.error
    assert page.form(PAGE).value("text").replace("\r\n", "\n") == text


async def test_broken_forms_are_refused() -> None:
    browser = await signed_in(World())
    for body in (b"", b"nonsense", b"--x\r\n\r\nno name\r\n--x--\r\n",
                 b'--x\r\ncontent-disposition: form-data; name="file"\r\n\r\n\xff\xfe\r\n--x--\r\n'):
        page = Page(await browser.http.post(PAGE, content=body, headers={
            "content-type": "multipart/form-data; boundary=x"}))
        assert page.status == 422
        assert "is not a form" in page.main.text


async def test_viewers_export_and_only_administrators_import() -> None:
    world = World()
    browser = await signed_in(world, Role.VIEWER)
    answer = await browser.http.get("/console/export?template=Xen_Template&form=json")
    assert [each["name"] for each in answer.json()["templates"]] == ["Xen_Template"]
    assert answer.headers["content-disposition"] == 'attachment; filename="Xen_Template.json"'
    assert (await browser.get(PAGE)).status == 403
    assert (await send(browser, text="{}", do="import")).status == 403


async def test_many_documents_are_exported_as_json_alone() -> None:
    world = World()
    for number in range(201):
        await world.resource(f"r{number}")
    browser = await signed_in(world)
    page = await browser.get(PAGE)
    assert [each.text for each in page.main.all("a") if "export" in each["href"]] == ["as JSON"]
    page = await browser.get("/console/export?form=yaml")
    assert page.status == 422
    assert "Take them as JSON" in page.main.text
    answer = await browser.http.get("/console/export?form=json")
    assert len(answer.json()["resources"]) == 201
