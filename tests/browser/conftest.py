"""A real Chromium before the console of a real cluster: three pretend hosts with real agents, one signed-in person.

Every page that a test looks at must stay silent: a script that fails or a thing that the strict policy refuses fails
the test. With ``STANCHION_PICTURES=directory`` the tests that make the documentation's pictures write them there.
"""

import os
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

import chromium
from realhosts import Cluster, cluster, stanchion, until


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Lend the driver of browsers, for one module: as long as it lives, this thread has an event loop that runs."""
    if chromium.found() is None:
        pytest.skip("needs Chromium: the package chromium is not installed")
    with sync_playwright() as lent:
        expect.set_options(timeout=chromium.WITHIN_MS)
        yield lent


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Lend a Chromium."""
    lent = playwright.chromium.launch(executable_path=chromium.found(), args=["--no-sandbox"])
    yield lent
    lent.close()


@pytest.fixture(scope="module")
def lab() -> Iterator[Cluster]:
    """Lend a cluster of three real agents, whom all tests of a module share."""
    with cluster() as made:
        yield made
        assert made.tracebacks() == []


@pytest.fixture(scope="module")
def base(lab: Cluster) -> str:
    """Give the address of one of its agents, once it answers: a node is a member before its API listens."""
    url = next(node.url for node in lab.status().nodes if node.url)
    until(lambda: _listens(url), f"{url} does not answer")
    return url


def _listens(url: str) -> bool:
    at = urlsplit(url)
    try:
        socket.create_connection((str(at.hostname), at.port or 80), timeout=1.0).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def invited(lab: Cluster) -> Callable[[str, str], str]:
    """Invite somebody on the host, by the real command; give the path of the one-time link."""
    def invite(name: str, role: str) -> str:
        done = stanchion("user", "invite", name, "--role", role, env=lab.said)
        assert done.code == 0, done.err
        found = re.search(r"https?://[^/\s]+(/console/first/\S+)", done.out)
        assert found, done.out
        return found[1]

    return invite


@pytest.fixture(scope="module")
def anna(browser: Browser, base: str, invited: Callable[[str, str], str]) -> Iterator[BrowserContext]:
    """Let the first administrator choose a password by a one-time link; she stays signed in for all tests."""
    context = chromium.open_context(browser, base)
    page = context.new_page()
    page.goto(invited("anna", "administrator"))
    for field in page.locator("input[type=password]").all():
        field.fill(chromium.PASSWORD)
    page.locator("main form button").first.click()
    page.wait_for_url("**/console/**")
    page.close()
    yield context
    context.close()


@pytest.fixture
def page(anna: BrowserContext) -> Iterator[Page]:
    """Lend an empty page of the administrator; whatever it complains about fails the test."""
    lent = anna.new_page()
    complaints = chromium.watched(lent)
    yield lent
    lent.close()
    assert complaints == []


@pytest.fixture
def shot() -> Callable[[Page, str], None]:
    """Take a picture for the documentation, where pictures are asked for."""
    place = os.environ.get("STANCHION_PICTURES")

    def take(page: Page, name: str) -> None:
        if place:
            page.screenshot(path=Path(place) / f"{name}.png", full_page=True)

    return take
