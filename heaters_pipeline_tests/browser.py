"""A browser for tests: the Chromium of the machine, without a window."""

import os
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
    with _started_on_one_processor(), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_OPTIONS)
        page = browser.new_page()
        page.set_default_timeout(SHOWING_MILLISECONDS)
        yield page
        browser.close()


@contextmanager
def _started_on_one_processor() -> Iterator[None]:
    """Let the browser, which inherits it, have one processor.

    Chromium looks its processes up in /proc while it reaps them. On two processors Linux 6 was seen
    to spin over that for ten minutes, in the kernel, with the whole machine at a standstill.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
