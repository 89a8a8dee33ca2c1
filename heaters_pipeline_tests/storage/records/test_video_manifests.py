"""The manifest of a video is read as it was written; older ones are upgraded, others refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from heaters_pipeline.errors import ManifestError, StoreUnavailableError
from heaters_pipeline.names import VIDEO_STAGES
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records.manifests import Manifest, fingerprint_of, write_manifest
from heaters_pipeline.storage.records.video_manifests import (
    FORMAT_VERSION,
    OLDEST_VERSION,
    VideoManifest,
    read_video,
    recorded_videos,
    write_video,
)

KEY = keys.video_manifest_key("film")
GOLDEN = Path(__file__).parent / "golden"


def manifest(stage: str, fingerprint: str = "f") -> Manifest:
    return Manifest(stage, "film", fingerprint, {}, {}, {}, ())


VIDEO = VideoManifest(
    "film",
    {stage: manifest(stage, stage) for stage in VIDEO_STAGES},
    {"reports/film/scenes-1.png": b"\x89PNG"},
)


@pytest.fixture
def store(tmp_path: Path) -> DirectoryObjectStore:
    return DirectoryObjectStore(tmp_path)


def test_a_manifest_is_read_as_it_was_written(store: DirectoryObjectStore) -> None:
    write_video(store, VIDEO)
    note, key = (found.key for found in store.list(""))
    assert note.startswith("catalog/changes/film-")
    assert key == KEY == "manifests/videos/film.json"
    assert read_video(store, "film") == VIDEO
    assert VIDEO.to_bytes().endswith(b"}\n")


def test_of_a_video_without_records_two_are_looked_for(store: DirectoryObjectStore) -> None:
    assert read_video(store, "film") == VideoManifest("film")
    assert store.requests["read_bytes"] == 2


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"format_version": FORMAT_VERSION + 1}, f"reads up to {FORMAT_VERSION}"),
        ({"format_version": OLDEST_VERSION - 1}, "no format version"),
        ({"format": "heaters_pipeline/manifest"}, "it is not a heaters_pipeline/video"),
        ({"video_id": "other"}, "it is that of 'other'"),
        ({"stages": {"clips": {}}}, "KeyError"),
        ({"stages": {"method_comparison": json.loads(manifest("x").to_bytes())}}, "none"),
        ({"stages": None}, "AttributeError"),
        ({"pictures": {"a": "no base64!"}}, "Error"),
        ({"pictures": []}, "AttributeError"),
    ],
)
def test_what_cannot_be_read_is_refused_and_not_hidden(
    store: DirectoryObjectStore, change: dict[str, Any], why: str
) -> None:
    content = json.loads(VIDEO.to_bytes()) | change
    store.write_bytes(KEY, json.dumps(content).encode(), content_type="application/json")
    # Of older versions: they must not stand in for it.
    write_manifest(store, manifest("source_videos"))
    with pytest.raises(ManifestError, match=why) as refused:
        read_video(store, "film")
    assert str(refused.value).startswith(KEY)


def test_a_video_whose_records_lack_what_they_were_made_of_is_not_finished() -> None:
    assert VIDEO.stages.keys() == set(VIDEO_STAGES)
    assert not VIDEO.is_finished


@pytest.mark.parametrize("end", [0, 1, 100, -2])
def test_a_manifest_cut_short_is_damaged(end: int) -> None:
    way_out = "delete it and run the video again with its options: what is stored is adopted"
    with pytest.raises(ManifestError, match=way_out):
        VideoManifest.from_bytes(VIDEO.to_bytes()[:end], "film")


def test_manifests_of_the_first_version_become_one(store: DirectoryObjectStore) -> None:
    goldens = {path.stem.removeprefix("manifest-1-"): path for path in GOLDEN.glob("*-1-*.json")}
    (video_id,) = {json.loads(path.read_bytes())["video_id"] for path in goldens.values()}
    for stage, path in goldens.items():
        key = keys.manifest_key(stage, video_id)
        store.write_bytes(key, path.read_bytes(), content_type="application/json")
    # Without that of the source, which is always written first, the others are not looked at.
    assert not read_video(store, video_id).stages
    source = replace(manifest("source_videos"), video_id=video_id)
    write_manifest(store, source)
    video = read_video(store, video_id)
    assert video.is_older
    assert video.stages.keys() == {"source_videos", *goldens}
    for stage in goldens:
        one = video.stages[stage]
        assert one.fingerprint == fingerprint_of(one.inputs)
        assert all(item.details["sha256"] is None for item in one.items)
    write_video(store, video)
    key = keys.video_manifest_key(video_id)
    assert [found.key for found in store.list("manifests/")] == [key]
    assert read_video(store, video_id) == replace(video, is_older=False)


def test_older_manifests_that_cannot_be_removed_are_left_unread(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(DirectoryObjectStore):
        def delete(self, key: str) -> None:
            raise StoreUnavailableError("the store is restarting")

    store = Failing(tmp_path)
    write_manifest(store, manifest("source_videos", "older"))
    write_video(store, replace(VIDEO, is_older=True))
    assert read_video(store, "film") == VIDEO
    assert "manifests of an older version stay beside" in caplog.text


def test_the_newest_record_of_each_video_is_found_by_one_listing(
    store: DirectoryObjectStore,
) -> None:
    write_video(store, VIDEO)
    write_manifest(store, manifest("source_videos"))
    write_manifest(store, manifest("method_comparison"))
    write_manifest(store, replace(manifest("source_videos"), video_id="older"))
    store.write_bytes("manifests/videos/notes.txt", b"", content_type="text/plain")
    before = store.requests
    found = recorded_videos(store)
    assert {video_id: each.key for video_id, each in found.items()} == {
        "film": KEY,
        "older": keys.manifest_key("source_videos", "older"),
    }
    assert store.requests - before == {"list": 1}
