"""Templates in the console: looked at, edited under the eyes of others, cloned, deleted, made of resources."""

from browsing import signed_in
from stanchion.model.access import Role
from stanchion.model.cluster import Kind
from stanchion.model.template import ParameterKind, Template
from surface import World, held

LIST = "/console/templates"


def template(world: World, name: str) -> Template:
    found = held(world, Kind.TEMPLATE, name)
    assert found is not None
    assert isinstance(found.value, Template)
    return found.value


async def test_the_list_tells_what_each_is_for_and_how_often_it_is_used() -> None:
    world = World()
    await world.resource("files")
    browser = await signed_in(world, Role.VIEWER)
    page = await browser.get(LIST)
    rows = {row[0]: row[1:] for row in page.id("template-rows").rows()}
    assert {"Xen_Template", "XenLive_Template"} <= set(rows)
    assert "migrates live" in rows["XenLive_Template"][0]
    assert (rows["Generic_FS"][1], rows["Xen_Template"][1]) == ("1 resource", "\N{EN DASH}")
    assert page.main.all("button") == []
    assert "An administrator can make, edit and delete templates." in page.main.text


async def test_a_template_is_shown_with_its_form_its_scripts_and_who_uses_it() -> None:
    world = World()
    await world.resource("files")
    browser = await signed_in(world, Role.VIEWER)
    page = await browser.get(f"{LIST}/generic_fs")
    assert "LVM volume group" in page.main.text
    assert page.id("live_users").text == "files"
    scripts = [each.text for each in page.main.all("pre")]
    assert "@DIRECTORY@" in scripts[0] + scripts[1]
    assert "Start mode" in page.main.text
    assert page.main.all("button") == []
    assert (await browser.get(f"{LIST}/nothing")).status == 404



async def test_everything_of_a_template_can_be_edited() -> None:
    world = World()
    browser = await signed_in(world)
    page = await browser.get(f"{LIST}/XenLive_Template/edit")
    rows = len(template(world, "XenLive_Template").parameters)
    page = await browser.send(page.form(), "Save the template", **{
        "title": "Our machines", "description": "For the shop.\r\nAnd the office.",
        f"parameter.{rows}.name": "OWNER", f"parameter.{rows}.label": "Whose it is",
        f"parameter.{rows}.kind": "name", f"parameter.{rows}.choices": "shop, office",
        f"parameter.{rows}.default": "shop", f"parameter.{rows}.required": "yes",
        "overrides.scripts.monitor.text": "# @OWNER@\nexit 0\n", "overrides.scripts.monitor.timeout_s": "2",
        "overrides.scripts.monitor.timeout_s:unit": "min", "overrides.policies.start": "MANUAL",
        "overrides.monitoring.enabled": "yes", "files": "@CONFIG@ /etc/shop.conf"})
    assert page.notice == "The template XenLive_Template is saved."
    now = template(world, "XenLive_Template")
    assert (now.title, now.description) == ("Our machines", "For the shop.\nAnd the office.")
    asked = now.parameters[-1]
    assert (asked.name, asked.kind, asked.choices, asked.required) == ("OWNER", ParameterKind.NAME, ("shop", "office"),
                                                                     True)
    assert (now.scripts.monitor.text, now.scripts.monitor.timeout_s) == ("# @OWNER@\nexit 0\n", 120)
    assert (now.policies.start, now.monitoring.enabled, now.files) == ("MANUAL", True, ("@CONFIG@", "/etc/shop.conf"))
    assert now.scripts.load == next(each for each in World().view().templates.values()
                                    if each.value.name == "XenLive_Template").value.scripts.load


async def test_an_emptied_parameter_is_gone_and_a_blank_without_one_is_refused() -> None:
    world = World()
    browser = await signed_in(world)
    page = await browser.get(f"{LIST}/XenLive_Template/edit")
    page = await browser.send(page.form(), "Save the template", **{"parameter.1.name": "", "title": "kept"})
    assert page.status == 422
    assert "has a blank @CONFIG@ that its form does not ask for" in page.error
    assert page.form().value("title") == "kept"
    assert page.form().value("parameter.1.name") == ""


async def test_more_parameters_are_offered_when_asked_for() -> None:
    world = World()
    browser = await signed_in(world)
    page = await browser.get(f"{LIST}/XenLive_Template/edit")
    before = int(page.form().value("rows"))
    page = await browser.send(page.form(), "More parameters", title="not lost")
    assert page.form().value("title") == "not lost"
    assert f"parameter.{before + 1}.name" in page.form().names
    assert template(world, "XenLive_Template").title != "not lost"


async def test_two_who_edit_at_once_do_not_overwrite_each_other_unseen() -> None:
    world = World()
    anna, bert = await signed_in(world, name="anna"), await signed_in(world, name="bert")
    path = f"{LIST}/Xen_Template/edit"
    seen_by_bert = await bert.get(path)
    await anna.send((await anna.get(path)).form(), "Save the template", title="of Anna")
    page = await bert.send(seen_by_bert.form(), "Save the template", title="of Bert")
    assert page.status == 412
    assert "was saved by somebody after you had read it" in page.error
    assert page.form().value("title") == "of Bert"
    assert template(world, "Xen_Template").title == "of Anna"
    await bert.send(page.form(), "Save the template")
    assert template(world, "Xen_Template").title == "of Bert"


async def test_a_clone_is_made_and_deleted_after_a_question() -> None:
    world = World()
    browser = await signed_in(world)
    page = await browser.get(f"{LIST}/Xen_Template")
    page = await browser.send(page.form(f"{LIST}/Xen_Template/clone"), "Clone", name="xen_template")
    assert page.status == 409
    page = await browser.send(page.form(f"{LIST}/Xen_Template/clone"), "Clone", name="Mine", title="My own")
    assert page.path == f"{LIST}/Mine"
    assert template(world, "Mine").scripts == template(world, "Xen_Template").scripts
    page = await browser.send(page.form(f"{LIST}/Mine/delete"), "Delete")
    assert held(world, Kind.TEMPLATE, "Mine") is not None
    page = await browser.send(page.form(f"{LIST}/Mine/delete"), "Delete the template")
    assert page.notice == "The template Mine is deleted."
    assert held(world, Kind.TEMPLATE, "Mine") is None


async def test_a_template_in_use_is_not_deleted() -> None:
    world = World()
    await world.resource("files")
    browser = await signed_in(world)
    for confirmed in ({}, {"confirmed": "yes"}):
        page = await browser.post(f"{LIST}/Generic_FS/delete", confirmed)
        assert page.status == 409, "it is not asked about what is refused anyhow"
    assert page.status == 409
    assert "Generic_FS is in use: files came from it" in page.error


async def test_a_template_is_made_of_a_resource() -> None:
    world = World()
    await world.resource("files")
    browser = await signed_in(world)
    page = await browser.get(LIST)
    page = await browser.send(page.form(LIST), "Make the template", resource="files")
    assert page.error == "The new template has no name yet; enter one."
    page = await browser.send(page.form(LIST), "Make the template", name="Files", title="Like files")
    assert page.path == f"{LIST}/Files"
    assert template(world, "Files").title == "Like files"


async def test_an_operator_changes_no_template() -> None:
    world = World()
    browser = await signed_in(world, Role.OPERATOR)
    assert (await browser.get(f"{LIST}/Xen_Template/edit")).status == 403
    for path in (LIST, f"{LIST}/Xen_Template/edit", f"{LIST}/Xen_Template/clone", f"{LIST}/Xen_Template/delete"):
        assert (await browser.post(path, {"confirmed": "yes", "name": "Mine"})).status == 403
    assert len(world.view().templates) == len(World().view().templates)
