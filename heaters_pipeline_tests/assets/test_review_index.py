"""The page of all videos lies in the store: it lists what there is, and opens without a server."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from playwright.sync_api import Page

from heaters_pipeline.definitions import defs
from heaters_pipeline.names import REVIEW_ASSET, REVIEW_INDEX_ASSET, VIDEO_STAGES
from heaters_pipeline.storage import keys
from heaters_pipeline_tests.assets.test_review_pages import decide, in_bucket, made
from heaters_pipeline_tests.browser import open_page
from heaters_pipeline_tests.firefox import open_firefox
from heaters_pipeline_tests.pipeline import VIDEO_ID, Outcome, Pipeline
from heaters_pipeline_tests.review_server import shown

__all__ = ["in_bucket"]
CHOSEN = dg.AssetSelection.assets(REVIEW_ASSET, REVIEW_INDEX_ASSET)


def listed(pipeline: Pipeline) -> Outcome:
    outcome = pipeline.list_pages()
    assert outcome.success, outcome.error
    return outcome


def rows(pipeline: Pipeline) -> list[dict[str, Any]]:
    """The videos as the stored page has them."""
    text = pipeline.store.read_bytes(keys.REVIEW_INDEX).decode()
    data = re.search(r'<script id="data" type="application/json">(.*?)</script>', text)
    assert data is not None
    return list(json.loads(data[1])["videos"])


def test_it_lists_what_waits_and_is_written_only_if_something_changed(processed: Pipeline) -> None:
    assert processed.build_catalog().success
    first = listed(processed)
    assert first.metadata[REVIEW_INDEX_ASSET]["to_review"] == 1
    assert [(row["state"], row["page"]) for row in rows(processed)] == [("waiting", None)]
    again = listed(processed)
    assert again.count("skipped") == {REVIEW_INDEX_ASSET: True}
    assert again.data_versions == first.data_versions
    made(processed)
    assert listed(processed).count("skipped") == {REVIEW_INDEX_ASSET: False}
    decide(processed, 1)
    listed(processed)
    assert [(row["state"], row["waiting"]) for row in rows(processed)] == [("begun", 3)]


def test_it_leads_to_the_latest_page_of_a_video(processed: Pipeline) -> None:
    made(processed)
    (before,) = processed.store.list(f"review_pages/{VIDEO_ID}/")
    decide(processed, 1)
    made(processed)
    pages = {found.key for found in processed.store.list(f"review_pages/{VIDEO_ID}/")}
    listed(processed)
    assert pages == {before.key, f"review_pages/{rows(processed)[0]['page']}"} != {before.key}
    processed.store.delete(f"manifests/{REVIEW_ASSET}/{VIDEO_ID}.json")
    assert "run make_review_pages" in str(processed.list_pages().error)


@pytest.fixture
def index(processed: Pipeline) -> str:
    """The address of the page in a folder, with the page of the one video."""
    assert processed.build_catalog().success
    made(processed)
    listed(processed)
    path = processed.store.local_path(keys.REVIEW_INDEX)
    assert path is not None
    return Path(path).as_uri()


def test_it_opens_from_the_folder_and_finds_videos_by_words_and_state(index: str) -> None:
    with open_page() as page:
        page.goto(index)
        assert page.inner_text("#counts") == "1 video, 1 to review"
        found = page.locator("#videos tbody tr")
        assert found.inner_text().split("\t") == ["film.mp4", "4", "waiting", ""]
        page.fill("#search", "holiday")
        assert (found.count(), page.inner_text("#counts")) == (0, "0 videos, 0 to review")
        page.fill("#search", "FILM")
        page.click("#filters button[value=reviewed]")
        assert found.count() == 0
        page.click("#filters button[value=waiting]")
        page.click("#videos a")
        assert shown(page)["frame"] == 0
        page.click("#home")
        assert page.inner_text("#counts") == "1 video, 1 to review"


def test_a_page_that_was_opened_by_itself_leads_to_no_list(index: str) -> None:
    with open_page() as page:
        page.goto(index)
        address = page.evaluate("document.querySelector('#videos a').href.split('#')[0]")
    with open_page() as page:
        page.goto(address)
        assert shown(page)["frame"] == 0
        assert page.is_hidden("#home")


def test_firefox_opens_it_from_the_folder_and_the_page_of_a_video(index: str) -> None:
    with open_firefox() as page:
        page.goto(index)
        assert page.evaluate("document.getElementById('counts').textContent") == (
            "1 video, 1 to review"
        )
        page.goto(page.evaluate("document.querySelector('#videos a').href"))
        assert shown(page)["frame"] == 0
        assert page.evaluate("document.querySelectorAll('.card').length") == 4
        page.evaluate("document.getElementById('approve').click()")
        page.send("WebDriver:Refresh")
        shown(page)
        assert page.evaluate("document.querySelector('.card').dataset.review") == "approved"
        page.goto(page.evaluate("document.getElementById('home').href"))
        assert page.evaluate("document.querySelector('h1').textContent") == "Videos"


def test_presigned_links_lead_from_it_to_the_pages(in_bucket: Pipeline) -> None:
    made(in_bucket)
    facts: dict[str, Any] = listed(in_bucket).metadata[REVIEW_INDEX_ASSET]
    assert facts["links_until"]
    # Each run makes it anew there, with links that hold a whole week again.
    assert listed(in_bucket).count("skipped") == {REVIEW_INDEX_ASSET: False}
    with open_page() as page:
        page.goto(facts["page"])
        page.click("#videos a")
        assert shown(page)["way"] == "decoded"
        page.click("#home")
        assert page.inner_text("h1") == "Videos"
        tell_that_time_has_passed(page)
        assert "The links have expired" in page.inner_text("#counts")
        # A place elsewhere, whoever left it there, is not followed.
        page.evaluate("sessionStorage.setItem('heaters-review list', 'https://elsewhere.example/')")
        page.goto(page.evaluate("document.querySelector('#videos a').href"))
        shown(page)
        assert page.is_hidden("#home")


def tell_that_time_has_passed(page: Page) -> None:
    """Open the page once more, ten days later."""
    page.add_init_script("const now = Date.now(); Date.now = () => now + 10 * 86_400_000;")
    page.reload()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def test_pages_follow_a_video_that_is_finished_once_somebody_wants_that(
    instance: dg.DagsterInstance,
) -> None:
    sensor = next(one for one in defs.sensors or () if one.name == "make_pages_when_finished")
    assert sensor.default_status is dg.DefaultSensorStatus.STOPPED
    instance.add_dynamic_partitions("source_videos", ["a", "b"])

    def due(cursor: Any = None) -> tuple[dict[str, int], Any]:
        found = dg.evaluate_automation_conditions(
            defs, instance, asset_selection=CHOSEN, cursor=cursor
        )
        counts = {
            name: found.get_num_requested(dg.AssetKey(name))
            for name in (REVIEW_ASSET, REVIEW_INDEX_ASSET)
        }
        return counts, found.cursor

    nothing, cursor = due()
    assert nothing == {REVIEW_ASSET: 0, REVIEW_INDEX_ASSET: 0}
    for stage in VIDEO_STAGES:
        instance.report_runless_asset_event(dg.AssetMaterialization(stage, partition="a"))
    counts, cursor = due(cursor)
    assert counts == {REVIEW_ASSET: 1, REVIEW_INDEX_ASSET: 0}
    instance.report_runless_asset_event(dg.AssetMaterialization(REVIEW_ASSET, partition="a"))
    counts, cursor = due(cursor)
    assert counts == {REVIEW_ASSET: 0, REVIEW_INDEX_ASSET: 1}
    instance.report_runless_asset_event(dg.AssetMaterialization(REVIEW_INDEX_ASSET))
    counts, cursor = due(cursor)
    assert counts == {REVIEW_ASSET: 0, REVIEW_INDEX_ASSET: 0}
    # The catalog is made once a day at least, and with it the links of the list.
    instance.report_runless_asset_event(dg.AssetMaterialization("catalog"))
    assert due(cursor)[0] == {REVIEW_ASSET: 0, REVIEW_INDEX_ASSET: 1}
