"""A resource is configured by filling in the console's forms; ``playing.act`` then plays it on pretend hosts.

So a requirement is followed from what somebody clicks to what the machine does, as ``playing.py`` follows it from the
command line. The pages are the real application's; the browser is that of ``tests/browsing.py``.
"""

import asyncio
from collections.abc import Awaitable, Callable

from browsing import Browser, Page, signed_in
from stanchion.model.ids import ResourceName
from stanchion.model.resource import ResourceSpec
from surface import World

NEW = "/console/new"
AT = "/console/resources/web"

Clicks = Callable[[Browser, World], Awaitable[None]]


def clicked(clicks: Clicks) -> World:
    """Let an administrator click in a cluster of his own, and give what became of it."""
    world = World()

    async def look() -> None:
        await clicks(await signed_in(world, name="anna"), world)

    asyncio.run(look())
    return world


def saved(world: World, name: str = "web") -> ResourceSpec:
    """Give the configuration as it was saved."""
    return world.view().specs[ResourceName(name)].value


def step(page: Page) -> str:
    """Say at which step of the wizard somebody is."""
    return page.one(aria_current="step").text


async def go_next(browser: Browser, page: Page, button: str = "Next", **entered: str | list[str]) -> Page:
    """Fill in a step of the wizard and go on."""
    return await browser.send(page.form(NEW), button, **entered)


async def named(browser: Browser, name: str, template: str = "XenLive_Template", **more: str) -> Page:
    """Say in the wizard that a resource is to be made, give its name, and choose its template."""
    page = await go_next(browser, await browser.get(NEW), kind="resource")
    assert step(page) == "Name and template"
    return await go_next(browser, page, name=name, template=template, **more)


async def made(browser: Browser, name: str = "web", template: str = "XenLive_Template", **answers: str) -> Page:
    """Make a resource of a template; of its form only what is named here is entered. Gives the resource's page."""
    page = await named(browser, name, template)
    if step(page) == "Parameters":
        page = await go_next(browser, page, **{f"parameters.{blank}": value for blank, value in answers.items()})
    page = await go_next(browser, page, "Make the resource")
    assert page.path.startswith(f"/console/resources/{name}"), page.error
    return page


async def tab(browser: Browser, path: str, **entered: str | None) -> Page:
    """Fill in the form of one of the resource's tabs, and save it."""
    page = await browser.get(f"{AT}/{path}")
    return await browser.send(page.form(page.path), "Save", **entered)


async def watch_it(browser: Browser, **entered: str) -> Page:
    """Enable its monitoring: every 10 s, three failures within 10 min, and then comatose; or as is entered."""
    every = {"enabled": "yes", "interval": "10", "interval:unit": "s", "max_failures": "3", "window": "10",
             "window:unit": "min", "action": "comatose"}
    return await tab(browser, "monitoring", **(every | entered))


async def prefer(browser: Browser, *nodes: str) -> Page:
    """Put its preferred nodes in order, node by node, and save them."""
    page = await browser.get(f"{AT}/preferred")
    for step_ in ("none", *(f"add:{node}" for node in nodes), "save"):
        form = page.form(f"{AT}/preferred")
        page = await browser.post(form.path, [*form.fields, ("do", step_)])
    return page
