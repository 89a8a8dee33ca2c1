"""``heaters process`` on a finished video, as a whole command over S3: what it asks for."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.httpsession import URLLib3Session

from heaters_pipeline.storage import keys
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline_tests.cli.heaters_command import Heaters
from heaters_pipeline_tests.servers import S3Server

RECORD = keys.video_manifest_key("film")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """Method and URL of each HTTP request that any S3 client of this process sends."""
    requests: list[tuple[str, str]] = []
    send = URLLib3Session.send

    def counted(session: URLLib3Session, request: Any) -> Any:
        requests.append((request.method, request.url))
        return send(session, request)

    monkeypatch.setattr(URLLib3Session, "send", counted)
    return requests


@pytest.fixture
def bucket(rclone_s3: S3Server, home: Path, monkeypatch: pytest.MonkeyPatch) -> S3ObjectStore:
    """The store of the commands."""
    rclone_s3.use(monkeypatch)
    name = rclone_s3.new_bucket()
    monkeypatch.setenv("HEATERS_STORE", f"s3://{name}/videos")
    return S3ObjectStore(name, "videos")


def test_a_finished_video_costs_nine_requests_and_nothing_is_put_or_downloaded(
    bucket: S3ObjectStore,
    film: Path,
    heaters: Heaters,
    sent: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # However long the commands take here.
    monkeypatch.setattr("heaters_pipeline.stored_settings.REMEMBERED_SECONDS", 10**6)
    (first,) = heaters("process", film, "--json").videos
    assert first["state"] == "spliced"
    for named in (film, "film", "source_videos/film.mp4"):
        sent.clear()
        ended = heaters("process", named, "--json")
        assert ended.code == 0, ended.err
        (again,) = ended.videos
        assert Counter(method for method, _ in sent) == {"GET": 9}
        (got,) = (url for method, url in sent if method == "GET" and "list-type" not in url)
        assert got.endswith(f"/videos/{RECORD}")
        assert again["counts"] == {"made": 0, "reused": 14, "failed": 0}
        assert again["state"] == "spliced"
        for name in ("source", "scenes", "dropped", "excluded"):
            assert again[name] == first[name]
        for kind in ("clips", "sprite_sheets", "keyframes"):
            assert len(again[kind]) == len(first[kind]) == 4
        storyboard = again["storyboard"]
        assert storyboard.pop("metadata")["skipped"] is True
        assert storyboard.items() <= first["storyboard"].items()
        assert storyboard["webvtt_filepath"].endswith(".vtt")
        assert storyboard["tile_count"] == 4


def test_the_settings_of_the_store_are_asked_for_once_a_while_and_a_change_here_counts_at_once(
    bucket: S3ObjectStore,
    film: Path,
    heaters: Heaters,
    sent: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def asked() -> list[str]:
        return [method for method, url in sent if url.endswith(f"/videos/{keys.SETTINGS}")]

    monkeypatch.setattr("heaters_pipeline.stored_settings.REMEMBERED_SECONDS", 10**6)
    heaters("process", film)
    heaters("settings", "set", "keyframes.strategy=multi")
    (made,) = heaters("process", "film", "--json").videos
    assert made["counts"]["made"] == 4
    sent.clear()
    assert heaters("process", "film").code == 0
    assert asked() == []
    # As somebody elsewhere changes it, once what was read here is old.
    bucket.write_bytes(keys.SETTINGS, b"ops: {clips: {config: {crf: 99}}}", content_type="text/x")
    assert heaters("process", "film").code == 0
    monkeypatch.setattr("heaters_pipeline.stored_settings.REMEMBERED_SECONDS", 0)
    sent.clear()
    refused = heaters("process", "film", "film")
    assert refused.code == 1
    assert "got 99 (line 1)" in refused.err
    bucket.delete(keys.SETTINGS)
    assert heaters("process", "film").code == 0
    sent.clear()
    heaters("process", "film", "film")
    # Once a command, however many videos it is given.
    assert asked() == ["GET"]


def test_a_catalog_that_is_missing_here_is_built_although_nothing_was_made(
    bucket: S3ObjectStore,
    film: Path,
    heaters: Heaters,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def cut_off(_: object) -> object:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("heaters_pipeline.cli.processing.build_catalog", cut_off)
        assert heaters("process", film).code != 0
    assert bucket.head(RECORD) is not None
    assert bucket.head(keys.CATALOG_CLIPS) is None
    (again,) = heaters("process", film, "--json").videos
    assert again["counts"]["made"] == 0
    written = bucket.head(keys.CATALOG_CLIPS)
    assert written is not None
    # What was made since by another run asks for a new one, also if nothing of it is made here.
    bucket.delete(again["clips"][0]["clip_filepath"])
    with monkeypatch.context() as patch:
        patch.setattr("heaters_pipeline.cli.processing.build_catalog", cut_off)
        assert heaters("process", film).code != 0
    bucket.delete(keys.CATALOG_CLIPS)
    assert heaters("process", film).code == 0
    assert bucket.head(keys.CATALOG_CLIPS) is not None
