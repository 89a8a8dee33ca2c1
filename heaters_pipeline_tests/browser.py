"""A browser for tests: the Chromium of the machine, without a window."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, sync_playwright

SHOWING_MILLISECONDS = 60_000
_OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def open_page() -> Iterator[Page]:
    """A page of a browser that lasts as long as the block; without Chromium the test is skipped."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is missing: install the package chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_OPTIONS)
        page = browser.new_page()
        page.set_default_timeout(SHOWING_MILLISECONDS)
        yield page
        browser.close()
