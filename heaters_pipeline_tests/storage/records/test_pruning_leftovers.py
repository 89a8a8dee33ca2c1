"""What killed runs and older versions left is pruned: claims, manifests, files and uploads."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from heaters_pipeline.names import VIDEO_STAGES
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.claims import Claims
from heaters_pipeline.storage.records.manifests import write_manifest
from heaters_pipeline.storage.records.pruning import Pruner
from heaters_pipeline.storage.records.video_keys import OWN_RECORDS
from heaters_pipeline.storage.records.video_manifests import VideoManifest, write_video
from heaters_pipeline.storage.s3.client import S3Options, connect
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline_tests.servers import S3Server
from heaters_pipeline_tests.storage.records.aged_store import (
    CLIP,
    DIGEST,
    LIMIT,
    NOW,
    OLD,
    YOUNG,
    AgedStore,
    look,
    manifest,
    prune,
)


@pytest.fixture
def store(tmp_path: Path) -> AgedStore:
    return AgedStore(tmp_path / "store")


def test_a_dead_claim_is_removed_without_a_manifest_too(store: AgedStore, tmp_path: Path) -> None:
    claim = keys.claim_key("film", DIGEST * 2)
    store.fill({claim: OLD, "source_videos/film.mp4": OLD, CLIP: YOUNG})
    (removal,) = prune(store, tmp_path / "locks")
    assert (removal.removed, removal.errors) == (1, [])
    assert store.all_keys() == {"source_videos/film.mp4", CLIP}


OLDER_RECORDS = [
    keys.manifest_key(stage, "film") for stage in (*VIDEO_STAGES, "finished") if stage != "clips"
]


@pytest.mark.parametrize("asked", [None, ["film"], ["other"]])
@pytest.mark.parametrize("state", ["readable", "missing", "damaged"])
def test_manifests_of_older_versions_are_removed_beside_one_that_is_readable(
    store: AgedStore, tmp_path: Path, asked: list[str] | None, state: str
) -> None:
    # The key of its records begins with that of the film's.
    other = "film.json.0123456789abcdef"
    for stage in VIDEO_STAGES:
        write_manifest(store, manifest(stage))
    of_others = [
        *(keys.manifest_key(stage, "film") for stage in OWN_RECORDS),
        keys.manifest_key("scenes", other),
        "manifests/scenes/notes.txt",
    ]
    write_manifest(store, replace(manifest("scenes"), video_id=other))
    for stage in OWN_RECORDS:
        write_manifest(store, manifest(stage))
    store.fill({keys.manifest_key("finished", "film"): OLD, of_others[-1]: OLD})
    # That of the clips is young.
    store.ages |= dict.fromkeys([*OLDER_RECORDS, *of_others], OLD)
    if state != "missing":
        write_video(store, VideoManifest("film", {"source_videos": manifest("source_videos")}))
    if state == "damaged":
        store.write_bytes(keys.video_manifest_key("film"), b"{", content_type="x")
    before = store.all_keys()
    store.clock = NOW - LIMIT
    look(store, tmp_path)
    store.clock = NOW
    pruner = Pruner(store, Claims(store, tmp_path / "locks"), LIMIT)
    removals = [each for each in pruner.look(asked) if each.objects or each.errors]
    assert store.all_keys() == before
    for removal in removals:
        pruner.remove(removal)
    wanted = OLDER_RECORDS if state == "readable" and asked != ["other"] else []
    assert [found.key for each in removals for found in each.objects] == wanted
    assert before - store.all_keys() == set(wanted)
    assert bool([each for each in removals if each.errors]) == (
        state == "damaged" and asked != ["other"]
    )


def test_half_written_files_are_removed_when_they_are_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = DirectoryObjectStore(tmp_path / "store")
    store.write_bytes("a", b"a", content_type="x")
    left = tmp_path / "store" / ".tmp" / ".left.partial"
    left.touch()
    assert prune(store, tmp_path / "locks", older_than=timedelta(0)) == []
    monkeypatch.setattr("heaters_pipeline.storage.records.pruning.LEAST_AGE", timedelta(0))
    (removal,) = prune(store, tmp_path / "locks", older_than=timedelta(0))
    assert removal.removed == 1
    assert not left.exists()
    shutil.rmtree(tmp_path / "store")
    assert prune(store, tmp_path / "locks") == []


@pytest.mark.parametrize("server", ["moto", "rclone"])
def test_unfinished_uploads_are_ended_when_they_are_old(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: str,
) -> None:
    s3: S3Server = request.getfixturevalue(f"{server}_s3")
    s3.use(monkeypatch)
    bucket, client = s3.new_bucket(), connect(S3Options())
    for key in (f"videos/{CLIP}", f"elsewhere/{CLIP}"):
        client.create_multipart_upload(Bucket=bucket, Key=key)
    store = S3ObjectStore(bucket, "videos")
    if server == "rclone":
        # Begun just now, so that it may be of a run at work; moto dates all of them to 2010.
        assert prune(store, tmp_path / "locks", older_than=timedelta(0)) == []
        monkeypatch.setattr(
            "heaters_pipeline.storage.records.pruning.LEAST_AGE", timedelta(days=-1)
        )
    (removal,) = prune(store, tmp_path / "locks", older_than=timedelta(days=-1))
    assert (removal.removed, removal.errors) == (1, [])
    left = client.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert [upload["Key"] for upload in left] == [f"elsewhere/{CLIP}"]


@pytest.mark.parametrize("server", ["directory", "moto", "rclone"])
def test_the_stores_clock_is_the_one_that_stamps_objects(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: str,
) -> None:
    store: ObjectStore = DirectoryObjectStore(tmp_path / "store")
    if server != "directory":
        s3: S3Server = request.getfixturevalue(f"{server}_s3")
        s3.use(monkeypatch)
        store = S3ObjectStore(s3.new_bucket(), "videos")
    store.write_bytes("a", b"a", content_type="x")
    found = store.head("a")
    assert found is not None
    assert abs(store.now() - found.modified) < timedelta(seconds=10)
