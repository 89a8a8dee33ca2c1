"""What the page says and keeps when the server stops, or files are gone or made anew meanwhile."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records.corrections import read_corrections
from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline_tests.browser import SHOWING_MILLISECONDS, open_page
from heaters_pipeline_tests.pipeline import VIDEO_ID
from heaters_pipeline_tests.review_server import serving, shown


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    expect.set_options(timeout=SHOWING_MILLISECONDS)
    with open_page() as page:
        yield page


@pytest.fixture
def store(processed_folder: Path, tmp_path: Path) -> DirectoryObjectStore:
    shutil.copytree(processed_folder, tmp_path / "store", symlinks=True)
    return DirectoryObjectStore(tmp_path / "store")


def test_decisions_outlive_the_server(
    page: Page, store: DirectoryObjectStore, tmp_path: Path
) -> None:
    with serving(store, tmp_path / "cache") as url:
        page.goto(f"{url}videos/{VIDEO_ID}")
        shown(page)
        page.keyboard.press("a")
    page.click("#save")
    expect(page.locator("#said")).to_contain_text("Not saved: heaters serve does not answer")
    expect(page.locator("#unsaved")).to_have_text("1 not saved")
    with serving(store, tmp_path / "cache", port=urlsplit(url).port or 0) as again:
        assert again == url
        page.reload()
        shown(page)
        page.click("#save")
        expect(page.locator("#unsaved")).to_have_text("saved")
    assert [one.kind for one in read_corrections(store, VIDEO_ID).decisions] == ["approve"]


def test_a_clip_that_is_gone_is_named(
    page: Page, store: DirectoryObjectStore, tmp_path: Path
) -> None:
    second = read_video(store, VIDEO_ID).stages["clips"].items[1]
    with serving(store, tmp_path / "cache") as url:
        page.goto(f"{url}videos/{VIDEO_ID}")
        assert shown(page)["way"] == "decoded"
        store.delete(second.key)
        page.keyboard.press("ArrowDown")
        assert shown(page)["way"] == "near"
        assert "The file of this clip is gone. Reload the page" in page.inner_text("#note")
        page.keyboard.press("ArrowDown")
        assert shown(page)["way"] == "decoded"
        assert page.inner_text("#note") == ""
