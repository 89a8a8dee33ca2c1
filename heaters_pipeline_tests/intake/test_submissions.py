"""Requests to bring a video in are records that can be read back, strictly."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from heaters_pipeline.errors import DownloadError, ManifestError, ObjectNotFoundError
from heaters_pipeline.intake.submissions import (
    Submission,
    forget_link,
    read_submission,
    submit,
    whole_link,
)
from heaters_pipeline.storage.directory.store import DirectoryObjectStore

URL = "https://example.org/holiday.mp4"
KEY = "submissions/holiday.json"


@pytest.fixture
def store(tmp_path: Path) -> DirectoryObjectStore:
    return DirectoryObjectStore(tmp_path / "store")


@pytest.mark.parametrize("url", [URL, None])
def test_a_submission_is_read_back_as_it_was_written(
    store: DirectoryObjectStore, url: str | None
) -> None:
    before = datetime.now(UTC)
    submission = submit(store, "source_videos/holiday.mp4", url)
    assert submission == read_submission(store, "holiday")
    assert submission == Submission(
        "holiday", "source_videos/holiday.mp4", url, False, submission.submitted_at
    )
    assert timedelta(0) <= submission.submitted_at - before < timedelta(minutes=1)


def test_the_record_names_its_format(store: DirectoryObjectStore) -> None:
    submission = submit(store, "source_videos/holiday.mp4", URL)
    assert json.loads(store.read_bytes(KEY)) == {
        "format": "heaters_pipeline/submission",
        "format_version": 2,
        "video_id": "holiday",
        "source_key": "source_videos/holiday.mp4",
        "url": URL,
        "is_shortened": False,
        "submitted_at": submission.submitted_at.isoformat(),
    }


SECRET_URL = "https://me:CANARY@example.org/holiday.mp4?sig=CANARY#CANARY"


def test_what_may_be_secret_is_an_object_of_its_own_until_it_is_used(
    store: DirectoryObjectStore,
) -> None:
    submit(store, "source_videos/holiday.mp4", SECRET_URL)
    submission = read_submission(store, "holiday")
    assert (submission.url, submission.is_shortened) == ("https://example.org/holiday.mp4?…", True)
    assert b"CANARY" not in store.read_bytes(KEY)
    assert whole_link(store, submission) == SECRET_URL
    version = store.head(KEY)
    forget_link(store, "holiday", submission)
    assert [found.key for found in store.list("")] == [KEY]
    # Else the sensor would take it for a new one.
    assert store.head(KEY) == version
    with pytest.raises(DownloadError, match=r"holiday\.mp4\?… is no longer kept.*submit the link"):
        whole_link(store, submission)


@pytest.mark.parametrize(("url", "is_kept"), [(SECRET_URL, False), (URL, True)])
def test_a_record_of_version_1_that_holds_a_secret_is_removed_after_its_use(
    store: DirectoryObjectStore, url: str, is_kept: bool
) -> None:
    older = {**GOOD, "format_version": 1, "url": url}
    del older["is_shortened"]
    store.write_bytes(KEY, json.dumps(older).encode(), content_type="application/json")
    submission = read_submission(store, "holiday")
    assert whole_link(store, submission) == url
    forget_link(store, "holiday", submission)
    assert (store.head(KEY) is not None) is is_kept


def test_a_link_that_is_damaged_is_said_without_its_text(store: DirectoryObjectStore) -> None:
    submission = submit(store, "source_videos/holiday.mp4", SECRET_URL)
    for content in (b'{"CANARY"', b'{"format": "heaters_pipeline/link", "format_version": 1}'):
        store.write_bytes("links/holiday.json", content, content_type="application/json")
        with pytest.raises(ManifestError, match=r"links/holiday\.json is damaged") as error:
            whole_link(store, submission)
        assert "CANARY" not in str(error.value)


def test_submitting_again_makes_another_object(store: DirectoryObjectStore) -> None:
    submit(store, "source_videos/holiday.mp4", URL)
    content, version = store.read_bytes(KEY), store.head(KEY)
    submit(store, "source_videos/holiday.mp4", URL)
    assert store.read_bytes(KEY) != content
    assert store.head(KEY) != version


def test_what_was_not_submitted_cannot_be_read(store: DirectoryObjectStore) -> None:
    with pytest.raises(ObjectNotFoundError):
        read_submission(store, "holiday")


GOOD = {
    "format": "heaters_pipeline/submission",
    "format_version": 2,
    "video_id": "holiday",
    "source_key": "source_videos/holiday.mp4",
    "url": URL,
    "is_shortened": False,
    "submitted_at": "2026-01-02T03:04:05+00:00",
}


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({"format": "something/else"}, "damaged"),
        ({"format_version": 3}, "update heaters_pipeline"),
        ({"source_key": None}, "submit the video again"),
        ({"video_id": "other"}, "submit the video again"),
        ({"url": 7}, "submit the video again"),
        ({"is_shortened": 1}, "submit the video again"),
        ({"submitted_at": "yesterday"}, "submit the video again"),
        ({"submitted_at": "2026-01-02T03:04:05"}, "submit the video again"),
    ],
    ids=str,
)
def test_a_damaged_or_newer_record_is_refused_with_advice(
    store: DirectoryObjectStore, change: dict[str, object], advice: str
) -> None:
    content = json.dumps({**GOOD, **change}).encode()
    store.write_bytes(KEY, content, content_type="application/json")
    with pytest.raises(ManifestError, match=advice) as error:
        read_submission(store, "holiday")
    assert KEY in str(error.value)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe"])
def test_what_is_no_record_is_refused(store: DirectoryObjectStore, content: bytes) -> None:
    store.write_bytes(KEY, content, content_type="application/json")
    with pytest.raises(ManifestError, match="damaged"):
        read_submission(store, "holiday")
