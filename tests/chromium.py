"""A real Chromium: where it is, how a person comes with it, and what its pages complain about."""

import re
import shutil

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

PASSWORD = "correct horse battery"
WITHIN_MS = 20_000
REFUSED = re.compile(r"status of (4\d\d|503)")
"""What a browser logs by itself when a page is answered with a refusal; tests that ask for one see it."""


def found() -> str | None:
    """Give the browser's path; None: there is none."""
    return shutil.which("chromium") or shutil.which("google-chrome")


def watched(page: Page) -> list[str]:
    """Listen to what a page complains about."""
    complaints: list[str] = []

    def said(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not REFUSED.search(message.text):
            complaints.append(message.text)

    page.on("console", said)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints


def open_context(browser: Browser, base: str) -> BrowserContext:
    """Open a browser of somebody who is not signed in."""
    context = browser.new_context(base_url=base, viewport={"width": 1280, "height": 900}, locale="en-GB",
                                  timezone_id="Europe/Berlin")
    context.set_default_timeout(WITHIN_MS)
    return context
