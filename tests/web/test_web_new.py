"""The wizard: the original's steps one after the other, nothing made before the end, nothing lost on the way."""

from browsing import Browser, Page, signed_in
from stanchion.model.access import Role
from stanchion.model.capacity import Size
from stanchion.model.cluster import Kind
from stanchion.model.orders import Intent, Outcome, Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import FailbackMode, ResourceSpec
from stanchion.model.template import Template
from surface import World, held

NEW = "/console/new"


async def begun(world: World) -> Browser:
    return await signed_in(world)


async def go(browser: Browser, page: Page, button: str = "Next", **entered: str | list[str]) -> Page:
    return await browser.send(page.form(NEW), button, **entered)


def step(page: Page) -> str:
    return page.one(aria_current="step").text


def spec(world: World, name: str) -> ResourceSpec:
    found = held(world, Kind.SPEC, name)
    assert found is not None
    assert isinstance(found.value, ResourceSpec)
    return found.value


async def named(browser: Browser, name: str = "web", template: str = "XenLive_Template", **more: str) -> Page:
    page = await go(browser, await browser.get(NEW), kind="resource")
    return await go(browser, page, name=name, template=template, **more)


async def test_a_name_and_a_template_are_enough() -> None:
    world = World()
    browser = await begun(world)
    page = await browser.get(NEW)
    assert step(page) == "Type"
    page = await go(browser, page, kind="resource")
    assert step(page) == "Name and template"
    assert "A manual migrate moves it while it runs." in page.main.text, "the template is described"
    page = await go(browser, page, name="web", template="Xen_Template")
    assert step(page) == "Parameters"
    form = page.form(NEW)
    assert form.value("parameters.DIRECTORY") == "/mnt/web"
    assert form.value("parameters.FSTYPE") == "ext4"
    page = await go(browser, page, **{"parameters.FSTYPE": "xfs"})
    assert step(page) == "Summary"
    assert held(world, Kind.SPEC, "web") is None, "nothing is made before the last button"
    assert "xfs" in page.main.text
    page = await go(browser, page, "Make the resource")
    assert spec(world, "web").parameters["FSTYPE"] == "xfs"
    assert spec(world, "web").parameters["DIRECTORY"] == "/mnt/web"


async def test_additional_properties_come_in_the_original_s_order_and_are_all_saved() -> None:
    world = World()
    world.end_orders(Outcome.DONE, reason(Why.LOADED))
    browser = await begun(world)
    page = await named(browser, additional="yes", online="yes")
    titles = ["Parameters", "Load Script", "Unload Script", "Monitor Script", "Policies", "Preferred Nodes",
              "Monitoring", "Summary"]
    entered: list[dict[str, str | list[str]]] = [
        {"parameters.VM": "web-vm"},
        {"overrides.scripts.load.timeout_s": "5", "overrides.scripts.load.timeout_s:unit": "min"},
        {},
        {"overrides.scripts.monitor.text": "exit 0\r\n"},
        {"overrides.policies.failback": "AUTO", "overrides.policies.ignore_quorum": "yes"},
        {"overrides.preferred": ["node2", "node1", ""], "overrides.size.memory_mib": "2048",
         "overrides.size.cpus": "1.5"},
        {"overrides.monitoring.enabled": "yes", "overrides.monitoring.interval_s": "2",
         "overrides.monitoring.interval_s:unit": "min", "overrides.monitoring.max_failures": "5"},
    ]
    for title, fields in zip(titles, entered, strict=False):
        assert step(page) == title
        assert not page.error
        page = await go(browser, page, **fields)
    assert step(page) == "Summary"
    assert "node2, node1" in page.main.text
    assert "5th failure within 10 min" in page.main.text, "what the monitoring will do stands there as a sentence"
    page = await go(browser, page, "Make the resource and bring it online")
    made = spec(world, "web")
    assert made.machine.name == "web-vm"
    assert "web-vm" in made.scripts.load.text, "an answer is in the scripts that were not edited"
    assert made.scripts.load.timeout_s == 300
    assert made.scripts.monitor.text == "exit 0\n"
    assert (made.policies.failback, made.policies.ignore_quorum) == (FailbackMode.AUTO, True)
    assert made.preferred == ("node2", "node1")
    assert made.size == Size(memory_mib=2048, cpus=1.5)
    assert (made.monitoring.enabled, made.monitoring.interval_s, made.monitoring.max_failures) == (True, 120, 5)
    orders = [each.value for key, each in world.engine.records.items() if key.kind is Kind.INTENT]
    assert [each.verb for each in orders if isinstance(each, Intent)] == [Verb.ONLINE]


async def test_back_keeps_everything() -> None:
    world = World()
    browser = await begun(world)
    page = await named(browser, additional="yes")
    page = await go(browser, page, **{"parameters.CONFIG": "/vm/web"})
    page = await go(browser, page, **{"overrides.scripts.load.text": "echo mine\nexit 0\n"})
    for title in ("Load Script", "Parameters", "Name and template", "Type"):
        page = await go(browser, page, "Back")
        assert step(page) == title
    for title in ("Name and template", "Parameters", "Load Script", "Unload Script"):
        page = await go(browser, page)
        assert step(page) == title
    page = await go(browser, page, "Back")
    assert page.form(NEW).value("overrides.scripts.load.text") == "echo mine\r\nexit 0\r\n"


async def test_scripts_that_were_not_edited_follow_the_answers() -> None:
    browser = await begun(World())
    page = await named(browser, additional="yes")
    page = await go(browser, page)
    assert "/mnt/web/web" in page.form(NEW).value("overrides.scripts.load.text")
    page = await go(browser, page, "Back")
    page = await go(browser, page, **{"parameters.CONFIG": "/vm/other"})
    assert "/vm/other" in page.form(NEW).value("overrides.scripts.load.text")


async def test_what_is_refused_comes_back_at_its_step_with_all_that_was_entered() -> None:
    world = World()
    await world.resource("taken")
    browser = await begun(world)
    page = await named(browser, "Taken")
    assert (page.status, step(page)) == (409, "Name and template")
    assert "There is a resource taken already" in page.error
    page = await go(browser, page, name="we b")
    assert "'we b' is not possible" in page.error
    page = await go(browser, page, name="web", additional="yes")
    page = await go(browser, page, **{"parameters.CONFIG": "relative"})
    assert (page.status, step(page)) == (422, "Parameters")
    assert "must be a whole path" in page.error
    assert page.form(NEW).value("parameters.CONFIG") == "relative"
    page = await go(browser, page, **{"parameters.CONFIG": "/vm/web"})
    page = await go(browser, page, **{"overrides.scripts.load.text": "if true\n"})
    assert (page.status, step(page)) == (422, "Load Script")
    assert "the load script is not valid" in page.error.lower()
    assert page.form(NEW).value("overrides.scripts.load.text") == "if true\r\n"
    assert page.form(NEW).value("parameters.CONFIG") == "/vm/web"


async def test_a_number_that_is_none_is_refused_in_one_sentence() -> None:
    browser = await begun(World())
    page = await named(browser, additional="yes")
    page = await go(browser, page)
    page = await go(browser, page, **{"overrides.scripts.load.timeout_s": "soon"})
    assert page.error == "Load script timeout must be a number, not 'soon'; enter digits."
    assert page.form(NEW).value("overrides.scripts.load.timeout_s") == "soon"


async def test_a_template_is_made_of_another_one() -> None:
    world = World()
    browser = await begun(world)
    page = await go(browser, await browser.get(NEW), kind="template")
    page = await go(browser, page, name="Mine", title="My machines", template="Xen_Template", additional="yes")
    assert step(page) == "Load Script"
    assert "@RESOURCE@" in page.form(NEW).value("overrides.scripts.load.text") or (
        "@VM@" in page.form(NEW).value("overrides.scripts.load.text")), "the blanks stay blanks"
    page = await go(browser, page)
    page = await go(browser, page)
    page = await go(browser, page)
    assert step(page) == "Policies"
    page = await go(browser, page, **{"overrides.policies.start": "MANUAL"})
    page = await go(browser, page)
    assert step(page) == "Summary", "preferred nodes belong to resources alone"
    await go(browser, page, "Make the template")
    found = held(world, Kind.TEMPLATE, "Mine")
    assert found is not None
    assert isinstance(found.value, Template)
    assert (found.value.title, found.value.policies.start) == ("My machines", "MANUAL")
    assert found.value.parameters == world.view().templates["Xen_Template"].value.parameters  # type: ignore[index]


async def test_the_summary_leads_back_to_each_step() -> None:
    browser = await begun(World())
    page = await go(browser, await named(browser))
    assert step(page) == "Summary"
    page = await go(browser, page, "Change Parameters")
    assert step(page) == "Parameters"


async def test_only_administrators_make_anything() -> None:
    world = World()
    browser = await signed_in(world, Role.OPERATOR)
    page = await browser.get(NEW)
    assert page.status == 403
    assert "administrator" in page.main.text
    page = await browser.post(NEW, {"at": "summary", "go": "make", "kind": "resource", "name": "web",
                                    "template": "XenLive_Template"})
    assert page.status == 403
    assert held(world, Kind.SPEC, "web") is None
