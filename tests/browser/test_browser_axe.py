"""Every page of the console, looked at by axe: nothing serious, in light and wide as in dark and narrow.

And without a mouse: signing in and ordering by the keyboard alone.
"""

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it says nothing of its types
from playwright.sync_api import Browser, BrowserContext, Page, expect

from chromium import PASSWORD, open_context, watched
from realhosts import Cluster, Sleeper
from stanchion.model.state import State
from stanchion.web.shell import WAYS

pytestmark = pytest.mark.slow

SERIOUS = {"serious", "critical"}
OF_ONE = ("", "/scripts", "/scripts/load", "/monitoring", "/preferred", "/policies", "/runs", "/events", "/revisions")
PATHS = (*(way.path for way in WAYS), "/console/new", "/console/import", "/console/me", "/console/nodes/node1",
         "/console/templates/Xen_Template", "/console/what-if?node-dies=node1",
         *(f"/console/resources/axed{tab}" for tab in OF_ONE), "/console/no-such-page")
LOOKS = (("light", 1280), ("dark", 380))


@pytest.fixture(scope="module")
def axed(lab: Cluster) -> str:
    """A resource that runs, with runs and events to show."""
    lab.make("axed", Sleeper("axed", lab.place).change(monitored=True))
    return "axed"


def faults(page: Page) -> list[str]:
    """Give what axe finds seriously wrong with the page as it is now."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['help']}: {[node['target'] for node in each['nodes'][:3]]}" for each in found
            if each["impact"] in SERIOUS]


@pytest.mark.parametrize("look", LOOKS, ids=[look[0] for look in LOOKS])
def test_axe_finds_nothing_serious_on_any_page(anna: BrowserContext, axed: str, look: tuple[str, int]) -> None:
    assert axed
    page = anna.new_page()
    scheme, width = look
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its words
    page.set_viewport_size({"width": width, "height": 800})
    wrong: dict[str, list[str]] = {}
    for path in PATHS:
        page.goto(path)
        expect(page.locator("h1, main h2").first).to_be_visible()
        if found := faults(page):
            wrong[path] = found
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 1:
            wrong.setdefault(path, []).append(f"the page itself has to be scrolled sideways by {wide} px")
    page.close()
    assert wrong == {}


def test_axe_finds_nothing_serious_at_the_door(browser: Browser, base: str) -> None:
    context = open_context(browser, base)
    page = context.new_page()
    page.goto("/console/")
    expect(page.get_by_label("Password")).to_be_visible()
    found = faults(page)
    context.close()
    assert found == []


def test_who_has_no_mouse_signs_in_and_orders_a_machine_offline(browser: Browser, base: str, lab: Cluster,
                                                                anna: BrowserContext) -> None:
    assert anna  # she has a password by now
    lab.make("keyed", Sleeper("keyed", lab.place).change())
    context = open_context(browser, base)
    page = context.new_page()
    complaints = watched(page)
    page.goto("/console/resources/keyed")
    page.keyboard.type("anna")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("keyed")
    _tab_to(page, "Offline …")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("?")
    _tab_to(page, "Take")
    page.keyboard.press("Enter")
    expect(page.locator("#live_title .badge").first).to_have_text("Offline")
    context.close()
    assert lab.resource("keyed").state is State.OFFLINE
    assert complaints == []


def _tab_to(page: Page, text: str) -> None:
    """Go on from one thing to the next until the one with this text has the focus."""
    for _ in range(80):
        if page.evaluate("document.activeElement.innerText ?? ''").startswith(text):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{text} is not reached by the keyboard")
