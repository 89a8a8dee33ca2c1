"""How videos come into the store: by submission, by link, by upload, and what is refused."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from heaters_pipeline.cli.importing import import_uploads
from heaters_pipeline.intake.rejections import list_rejections
from heaters_pipeline.intake.sources import HttpLink
from heaters_pipeline.intake.submissions import submit
from heaters_pipeline.names import SOURCE_KEY_TAG
from heaters_pipeline.storage import keys
from heaters_pipeline_tests.pipeline import SOURCE_KEY, SPANS, STAGES, VIDEO_ID, Pipeline
from heaters_pipeline_tests.videos import make_video
from heaters_pipeline_tests.web_server import Served, WebServer, running_web_server

LETTER = b"Dear Sir or Madam,\nthis is a letter.\n" * 50
JSON = "application/json"


@pytest.fixture
def site(film: Path) -> Iterator[WebServer]:
    """A web site with the film and a letter."""
    with running_web_server() as server:
        server.served["/film.mp4"] = Served(film.read_bytes())
        server.served["/letter.mp4"] = Served(LETTER)
        yield server


def sources(pipeline: Pipeline) -> list[str]:
    return list(pipeline.versions(keys.SOURCE_PREFIX))


def test_a_submitted_link_is_downloaded_once_and_then_processed(
    pipeline: Pipeline, site: WebServer, film: Path
) -> None:
    submit(pipeline.store, SOURCE_KEY, site.url("/film.mp4?signature=secret"))
    outcome = pipeline.download(VIDEO_ID)
    assert outcome.success, outcome.error
    assert pipeline.store.read_bytes(SOURCE_KEY) == film.read_bytes()
    summary = pipeline.manifest("source_videos").summary
    assert summary["sha256"] == hashlib.sha256(film.read_bytes()).hexdigest()
    assert summary["origin"].startswith(site.url("/film.mp4"))
    assert "secret" not in summary["origin"]
    assert "secret" not in str(outcome.metadata)
    asked = len(site.requests)
    processed = pipeline.process()
    assert processed.success, processed.error
    assert processed.metadata["source_videos"]["skipped"] is True
    assert pipeline.download(VIDEO_ID).metadata["source_videos"]["skipped"] is True
    assert len(site.requests) == asked


def held_links(pipeline: Pipeline) -> list[str]:
    return [found.key for found in pipeline.store.list(keys.LINK_PREFIX)]


@pytest.mark.parametrize(("name", "is_stored"), [("film", True), ("letter", False), ("no", False)])
def test_the_secret_of_a_submitted_link_is_kept_until_its_use(
    pipeline: Pipeline, site: WebServer, name: str, is_stored: bool
) -> None:
    submit(pipeline.store, SOURCE_KEY, site.url(f"/{name}.mp4?signature=secret"))
    version = pipeline.store.head(keys.submission_key(VIDEO_ID))
    assert held_links(pipeline) == ["links/film.json"]
    assert pipeline.download(VIDEO_ID).success is is_stored
    assert [path for path, _ in site.requests] == [f"/{name}.mp4?signature=secret"]
    assert not held_links(pipeline)
    assert pipeline.store.head(keys.submission_key(VIDEO_ID)) == version


def test_the_secret_of_a_link_whose_download_broke_off_is_kept_for_the_next_try(
    pipeline: Pipeline, site: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(pipeline.store, SOURCE_KEY, site.url("/film.mp4?signature=secret"))
    whole = site.served.pop("/film.mp4")
    site.served["/film.mp4"] = Served(statuses=[503] * 99)
    with monkeypatch.context() as patched:
        patched.setattr("time.sleep", lambda _: None)
        assert not pipeline.download(VIDEO_ID).success
    assert held_links(pipeline) == ["links/film.json"]
    site.served["/film.mp4"] = whole
    assert pipeline.download(VIDEO_ID).success
    assert not held_links(pipeline)


def test_the_secret_of_a_link_is_removed_where_the_video_came_otherwise(
    pipeline: Pipeline, site: WebServer, film: Path
) -> None:
    submit(pipeline.store, SOURCE_KEY, site.url("/film.mp4?signature=secret"))
    assert pipeline.process(source_videos={"origin": str(film), "source_key": SOURCE_KEY}).success
    assert not held_links(pipeline)


def test_a_finished_video_that_is_submitted_again_keeps_no_secret(
    processed: Pipeline, site: WebServer
) -> None:
    assert processed.process().success
    submit(processed.store, SOURCE_KEY, site.url("/film.mp4?signature=secret"))
    assert processed.download(VIDEO_ID, submission=True).success
    assert not held_links(processed)
    assert not site.requests


def test_what_is_shown_of_a_link_cannot_be_followed(pipeline: Pipeline, site: WebServer) -> None:
    config = {"origin": site.url("/film.mp4?…"), "source_key": SOURCE_KEY}
    outcome = pipeline.process(source_videos=config)
    assert outcome.error is not None
    assert "give the whole link to heaters process or submit" in outcome.error
    assert not site.requests


def test_a_record_of_an_older_version_is_known_by_what_it_shows(
    pipeline: Pipeline, site: WebServer
) -> None:
    link = HttpLink(site.url("/film.mp4?id=7&signature=secret"))
    workspace = pipeline.workspace()
    workspace.given_links[SOURCE_KEY] = link
    config = {"origin": link.origin, "source_key": SOURCE_KEY}
    assert pipeline.process(workspace=workspace, source_videos=config).success
    older = pipeline.manifest("source_videos")
    origin = site.url("/film.mp4?id=7&signature=***")
    pipeline.record(replace(older, summary={**older.summary, "origin": origin}))
    asked = len(site.requests)
    again = pipeline.process(source_videos=config)
    assert again.success, again.error
    assert len(site.requests) == asked


def test_a_link_can_be_processed_at_once_and_is_not_downloaded_again(
    pipeline: Pipeline, site: WebServer
) -> None:
    config = {"source_videos": {"origin": site.url("/film.mp4"), "source_key": SOURCE_KEY}}
    outcome = pipeline.process(**config)
    assert outcome.success, outcome.error
    assert outcome.metadata["clips"]["made"] == len(SPANS)
    assert outcome.metadata["source_videos"]["seconds/download"] >= 0
    asked = len(site.requests)
    again = pipeline.process(**config)
    assert again.count("made") == dict.fromkeys(STAGES, 0)
    assert len(site.requests) == asked


def test_a_link_to_something_else_leaves_a_rejection_of_its_submission(
    pipeline: Pipeline, site: WebServer
) -> None:
    submit(pipeline.store, SOURCE_KEY, site.url("/letter.mp4"))
    found = pipeline.store.head(keys.submission_key(VIDEO_ID))
    assert found is not None
    outcome = pipeline.download(VIDEO_ID)
    assert not outcome.success
    assert outcome.error is not None
    assert "film.mp4" in outcome.error
    assert outcome.events["STEP_UP_FOR_RETRY"] == 0
    assert not sources(pipeline)
    assert list(list_rejections(pipeline.store)) == [(VIDEO_ID, keys.version_digest(found.version))]


def test_a_link_that_leads_nowhere_says_so_and_is_no_rejection(
    pipeline: Pipeline, site: WebServer
) -> None:
    submit(pipeline.store, SOURCE_KEY, site.url("/gone.mp4"))
    outcome = pipeline.download(VIDEO_ID)
    assert not outcome.success
    assert outcome.error is not None
    assert "404" in outcome.error
    assert outcome.events["STEP_UP_FOR_RETRY"] == 0
    assert not sources(pipeline)
    assert not list(list_rejections(pipeline.store))


def test_a_submission_of_a_local_file_is_refused(pipeline: Pipeline, film: Path) -> None:
    # Who can write to the store must not be able to read this machine's files.
    submit(pipeline.store, SOURCE_KEY, str(film))
    outcome = pipeline.download(VIDEO_ID)
    assert outcome.error is not None
    assert "which is no link; submit an http, https or s3 link" in outcome.error
    assert not sources(pipeline)


def test_a_damaged_submission_fails_with_what_to_do(pipeline: Pipeline) -> None:
    pipeline.store.write_bytes(keys.submission_key(VIDEO_ID), b"{", content_type=JSON)
    outcome = pipeline.download(VIDEO_ID)
    assert outcome.error is not None
    assert "submissions/film.json is damaged" in outcome.error
    assert outcome.events["STEP_UP_FOR_RETRY"] == 0


@pytest.mark.parametrize("with_record", [True, False])
def test_what_is_neither_there_nor_submitted_says_what_to_do(
    pipeline: Pipeline, with_record: bool
) -> None:
    if with_record:
        # A key was submitted, and the object deleted since.
        submit(pipeline.store, SOURCE_KEY, None)
    outcome = pipeline.process()
    assert outcome.error is not None
    assert outcome.error.startswith("film is neither in file:///")
    assert outcome.error.endswith("upload the video, or submit its link with heaters submit")
    assert outcome.events["STEP_UP_FOR_RETRY"] == 0


@pytest.mark.parametrize(
    "name", ["film.mkv", "My trip/day 1.mp4", "Ünïcode.mp4", "a.b.c.mov", "no-extension"]
)
def test_an_upload_of_any_name_is_found_by_its_partition(
    pipeline: Pipeline, tmp_path: Path, name: str
) -> None:
    key = f"{keys.SOURCE_PREFIX}{name}"
    suffix = "mkv" if name.endswith("mkv") else "mp4"
    video = make_video(tmp_path / f"made.{suffix}", (20, 25))
    # A neighbour that sorts before it, and one that is no upload.
    pipeline.store.write_bytes("source_videos/0.mp4", LETTER, content_type="video/mp4")
    pipeline.store.write_bytes(f"{key}.part", LETTER, content_type="video/mp4")
    pipeline.store.put_file(key, video, content_type="video/mp4")
    video_id = keys.video_id_of(key)
    outcome = pipeline.process(video_id)
    assert outcome.success, outcome.error
    assert outcome.metadata["source_videos"]["source_key"] == key
    assert outcome.metadata["source_videos"]["origin"] == "uploaded"
    assert outcome.metadata["clips"]["made"] == 2
    assert pipeline.process(video_id).count("made") == dict.fromkeys(STAGES, 0)


@pytest.mark.parametrize(
    ("told", "is_listed"), [("My trip/day 1.mp4", False), ("gone.mp4", True), (None, True)]
)
def test_an_upload_is_looked_for_among_all_only_where_its_key_is_not_told(
    pipeline: Pipeline,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    told: str | None,
    is_listed: bool,
) -> None:
    key = f"{keys.SOURCE_PREFIX}My trip/day 1.mp4"
    video = make_video(tmp_path / "made.mp4", (20, 25))
    pipeline.store.put_file(key, video, content_type="video/mp4")
    workspace, listed = pipeline.workspace(), list[str]()
    list_objects = workspace.store.list
    monkeypatch.setattr(
        workspace.store, "list", lambda prefix: listed.append(prefix) or list_objects(prefix)
    )
    tags = {SOURCE_KEY_TAG: keys.SOURCE_PREFIX + told} if told else {}
    outcome = pipeline.process(keys.video_id_of(key), workspace, tags)
    assert outcome.success, outcome.error
    assert outcome.metadata["source_videos"]["source_key"] == key
    assert (keys.SOURCE_PREFIX in listed) is is_listed


def test_the_first_run_of_an_import_lists_no_other_uploads(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = f"{keys.SOURCE_PREFIX}My trip/día 1.mp4"
    pipeline.store.put_file(key, make_video(tmp_path / "made.mp4", (20,)), content_type="video/mp4")
    assert import_uploads(pipeline.workspace(), pipeline.instance, "").videos == 1
    workspace, listed = pipeline.workspace(), list[str]()
    list_objects = workspace.store.list
    monkeypatch.setattr(
        workspace.store, "list", lambda prefix: listed.append(prefix) or list_objects(prefix)
    )
    outcome = pipeline.process(keys.video_id_of(key), workspace)
    assert outcome.success, outcome.error
    assert outcome.metadata["source_videos"]["source_key"] == key
    assert keys.SOURCE_PREFIX not in listed


def test_a_file_that_is_brought_over_another_of_its_key_replaces_it(
    pipeline: Pipeline, film: Path, tmp_path: Path
) -> None:
    assert pipeline.process(source_videos={"origin": str(film), "source_key": SOURCE_KEY}).success
    other = make_video(tmp_path / "other.mp4", (25, 20))
    outcome = pipeline.process(source_videos={"origin": str(other), "source_key": SOURCE_KEY})
    assert outcome.success, outcome.error
    assert outcome.metadata["clips"]["made"] == 2
    assert pipeline.store.read_bytes(SOURCE_KEY) == other.read_bytes()


def test_a_copy_of_the_store_is_read_once_and_nothing_is_made(processed: Pipeline) -> None:
    # Every file has another version than was recorded, and the same content.
    first = processed.process()
    assert first.success, first.error
    assert {**first.count("made"), "source_videos": 0} == dict.fromkeys(STAGES, 0)
    assert first.metadata["source_videos"]["seconds/read"] >= 0
    again = processed.process()
    assert again.count("skipped") == dict.fromkeys(STAGES, True)
    assert "seconds/read" not in again.metadata["source_videos"]
