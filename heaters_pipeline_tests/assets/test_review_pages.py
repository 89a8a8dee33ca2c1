"""The page of a video lies in the store: made once, renewed when it has to be, and openable."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from heaters_pipeline.assets import review_pages
from heaters_pipeline.latest_runs import latest_runs
from heaters_pipeline.names import REVIEW_ASSET, REVIEW_JOB
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records.video_keys import keys_of_video
from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline_tests.browser import open_page
from heaters_pipeline_tests.pipeline import SPANS, VIDEO_ID, Outcome, Pipeline
from heaters_pipeline_tests.review_server import shown
from heaters_pipeline_tests.servers import S3Server


def made(pipeline: Pipeline) -> Outcome:
    outcome = pipeline.review()
    assert outcome.success, outcome.error
    return outcome


def page_keys(pipeline: Pipeline) -> list[str]:
    return [found.key for found in pipeline.store.list(f"review_pages/{VIDEO_ID}/")]


def decide(pipeline: Pipeline, number: int) -> None:
    """Approve the first clip."""
    sha256 = pipeline.manifest("source_videos").summary["sha256"]
    decision = {
        "id": f"{number:032x}",
        "kind": "approve",
        "start_frame": 0,
        "end_frame": 20,
        "source_sha256": sha256,
        "at": "2026-11-30T10:00:00.000Z",
    }
    document = {
        "format": "heaters_pipeline/corrections",
        "format_version": 1,
        "video_id": VIDEO_ID,
        "decisions": [decision],
    }
    pipeline.store.write_bytes(
        f"corrections/{VIDEO_ID}.json", json.dumps(document).encode(), content_type="text/json"
    )


def wait_for_picture(page: Page) -> None:
    """Until the picture of the first clip is there."""
    page.wait_for_selector(".card img[src]", state="attached")
    page.evaluate("document.querySelector('.card img').decode()")


def test_it_is_made_once_and_again_only_when_something_changed(processed: Pipeline) -> None:
    before = read_video(processed.store, VIDEO_ID).to_bytes()
    first = made(processed)
    (key,) = page_keys(processed)
    assert first.count("made") == {REVIEW_ASSET: 1}
    assert first.metadata[REVIEW_ASSET]["page"] == str(processed.store.local_path(key))
    again = made(processed)
    assert (again.count("made"), again.count("skipped")) == (
        {REVIEW_ASSET: 0},
        {REVIEW_ASSET: True},
    )
    assert again.data_versions == first.data_versions
    # The manifest of the video, its corrections, the record of the page, and whether it is there.
    assert again.requests == {"read_bytes": 3, "list": 1}
    decide(processed, 1)
    assert made(processed).count("made") == {REVIEW_ASSET: 1}
    assert len(page_keys(processed)) == 2
    # What was there of the video stays as it was: only the page is new.
    assert read_video(processed.store, VIDEO_ID).to_bytes() == before


def test_a_page_that_was_lost_is_made_again(processed: Pipeline) -> None:
    made(processed)
    (key,) = page_keys(processed)
    content = processed.store.read_bytes(key)
    processed.store.delete(key)
    assert made(processed).count("made") == {REVIEW_ASSET: 1}
    assert processed.store.read_bytes(key) == content


def test_it_opens_from_the_folder_with_what_was_decided(processed: Pipeline) -> None:
    decide(processed, 1)
    made(processed)
    (key,) = page_keys(processed)
    path = processed.store.local_path(key)
    assert path is not None
    failed: list[str] = []
    with open_page() as page:
        page.on("requestfailed", lambda request: failed.append(request.url))
        page.goto(path.as_uri())
        assert shown(page)["way"] == "sought"
        assert page.locator(".card").count() == len(SPANS)
        assert page.inner_text("#waiting") == "3 waiting"
        assert not page.is_visible("#save")
        wait_for_picture(page)
    assert failed == []


def test_a_video_that_is_not_finished_is_refused(pipeline: Pipeline, film: Path) -> None:
    pipeline.materialize("source_videos", source_videos={"origin": str(film)})
    outcome = pipeline.review()
    assert not outcome.success
    assert "nothing to review yet: run heaters process film" in str(outcome.error)


def test_its_run_leaves_the_state_of_the_video_alone(processed: Pipeline) -> None:
    outcome = made(processed)
    run = processed.instance.get_run_by_id(outcome.run_id)
    assert run is not None
    assert run.job_name == REVIEW_JOB
    assert latest_runs(processed.instance, [VIDEO_ID]) == {}


def test_nothing_of_it_is_left_when_the_video_is_removed(processed: Pipeline) -> None:
    made(processed)
    named = {found.key for found in keys_of_video(processed.store, VIDEO_ID)}
    assert {*page_keys(processed), f"manifests/review_pages/{VIDEO_ID}.json"} <= named


@pytest.fixture
def in_bucket(
    processed_folder: Path,
    tmp_path: Path,
    rclone_s3: S3Server,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Pipeline]:
    """The processed film in a bucket of a server that checks signatures."""
    from heaters_pipeline.storage.s3.store import S3ObjectStore

    rclone_s3.use(monkeypatch)
    bucket = rclone_s3.new_bucket()
    created = Pipeline(lambda: S3ObjectStore(bucket, "store"), tmp_path / "local")
    folder = DirectoryObjectStore(processed_folder)
    for found in folder.list(""):
        path = folder.local_path(found.key)
        assert path is not None
        kind = "video/mp4" if found.key.endswith(".mp4") else "application/octet-stream"
        created.store.put_file(found.key, path, content_type=kind)
    yield created
    created.instance.dispose()


def test_a_presigned_link_to_it_is_enough(in_bucket: Pipeline) -> None:
    facts: dict[str, Any] = made(in_bucket).metadata[REVIEW_ASSET]
    assert "Signature" in facts["page"]
    with open_page() as page:
        page.goto(facts["page"])
        assert shown(page)["way"] == "decoded"
        page.keyboard.press("ArrowDown")
        state = shown(page)
        assert (state["way"], state["frame"]) == ("decoded", 20)
        wait_for_picture(page)


def test_links_that_end_soon_are_renewed(
    in_bucket: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made(in_bucket)
    assert made(in_bucket).count("skipped") == {REVIEW_ASSET: True}
    (key,) = page_keys(in_bucket)
    # Links of the same second are the same: what lies there now tells whether it was written again.
    in_bucket.store.write_bytes(key, b"links that end soon", content_type="text/html")
    monkeypatch.setattr(review_pages, "RENEWED_BEFORE", timedelta(days=8))
    later = made(in_bucket)
    assert later.count("made") == {REVIEW_ASSET: 1}
    assert later.data_versions == first.data_versions
    assert page_keys(in_bucket) == [key]
    assert b"links_until" in in_bucket.store.read_bytes(key)
