"""Shards of WebDataset: every clip with its whole name, in files that change only where it does."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import av
import pytest
import webdataset

from heaters_pipeline.datasets.clip_files import ClipFiles
from heaters_pipeline.datasets.parts import extension_of
from heaters_pipeline.datasets.selecting import SAMPLE_SCHEMA
from heaters_pipeline.errors import ManifestError, SettingsError
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline_tests.datasets.conftest import VIDEO_IDS
from heaters_pipeline_tests.datasets.stores import (
    ANY,
    CLIPS,
    change_clips,
    copy_film,
    export,
    export_killed,
    files_in,
    marked,
)
from heaters_pipeline_tests.servers import S3Server

# The package closes no shard that it has read.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a megabyte be so little that a shard holds the clips of a video and no more."""
    monkeypatch.setattr("heaters_pipeline.datasets.exporting.MEGABYTE", 150_000)


def shards(folder: Path) -> list[dict]:
    return json.loads((folder / "shards.json").read_bytes())["shards"]


def samples(folder: Path) -> dict[str, dict]:
    """All samples by key, as a training job gets them."""
    urls = [str(folder / shard["name"]) for shard in shards(folder)]
    return {
        sample["__key__"]: sample
        for sample in webdataset.WebDataset(urls, shardshuffle=False, empty_check=False)
    }


def test_each_clip_comes_back_with_its_whole_name_and_its_row(
    store: DirectoryObjectStore, tmp_path: Path
) -> None:
    done = export(store, tmp_path / "out")
    assert (done.clips, done.videos, done.rejected, done.kept) == (16, 4, 0, 0)
    found = samples(tmp_path / "out")
    assert found.keys() == {
        f"{video_id.replace('.', '~')}_clip_{number:03d}"
        for video_id in VIDEO_IDS
        for number in range(1, CLIPS + 1)
    }
    for sample in found.values():
        row = json.loads(sample["json"])
        assert list(row) == sorted(SAMPLE_SCHEMA.names)
        assert sample["mp4"] == store.read_bytes(row["clip_filepath"])
        assert sample["__key__"] == row["clip_identifier"].replace(".", "~")
        with av.open(io.BytesIO(sample["mp4"])) as clip:
            assert sum(1 for _ in clip.decode(video=0)) == row["frames"]


def test_the_index_tells_what_each_shard_is(
    store: DirectoryObjectStore, tmp_path: Path, small_shards: None
) -> None:
    export(store, tmp_path, shard_megabytes=1)
    listed = shards(tmp_path)
    assert len(listed) > 1
    assert sum(shard["samples"] for shard in listed) == 16
    for shard in listed:
        content = (tmp_path / shard["name"]).read_bytes()
        assert len(content) == shard["size_bytes"]
        assert hashlib.sha256(content).hexdigest() == shard["sha256"]
        with tarfile.open(tmp_path / shard["name"]) as archive:
            members = archive.getmembers()
            rows = [
                json.load(archive.extractfile(one)) for one in members if one.name.endswith("json")
            ]
        assert len(members) == 2 * shard["samples"]
        assert {(one.mtime, one.uid, one.gid, one.uname, one.mode) for one in members} == {
            (0, 0, 0, "", 0o644)
        }
        assert {row["video_id"] for row in rows} == set(shard["videos"])
    # No video is in two of them, so that what is trained on and what is tested can be told apart.
    together = [video_id for shard in listed for video_id in shard["videos"]]
    assert sorted(together) == sorted(VIDEO_IDS)


def test_the_same_clips_are_the_same_bytes_and_are_not_written_again(
    store: DirectoryObjectStore, tmp_path: Path, small_shards: None
) -> None:
    export(store, tmp_path / "one", shard_megabytes=1)
    export(store, tmp_path / "other", shard_megabytes=1)
    before = files_in(tmp_path / "one")
    assert before.keys() == files_in(tmp_path / "other").keys()
    for name in before:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()
    again = export(store, tmp_path / "one", shard_megabytes=1)
    assert (again.kept, again.written, again.documents) == (len(shards(tmp_path / "one")), [], [])
    assert files_in(tmp_path / "one") == before


@pytest.mark.parametrize("format_name", ["webdataset", "videofolder"])
def test_a_copy_of_the_store_gives_the_same_bytes(
    store: DirectoryObjectStore, tmp_path: Path, format_name: str
) -> None:
    moved = DirectoryObjectStore(tmp_path / "another place")
    for each in store.list(""):
        moved.write_bytes(each.key, store.read_bytes(each.key), content_type=ANY)
    change_clips(moved, "film", marked(made_at="2026-01-02T03:04:05+00:00"))
    export(store, tmp_path / "one", format=format_name)
    export(moved, tmp_path / "other", format=format_name)
    names = files_in(tmp_path / "one").keys()
    assert names == files_in(tmp_path / "other").keys()
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_what_changes_touches_its_own_shard_alone(
    store: DirectoryObjectStore, processed_folder: Path, tmp_path: Path, small_shards: None
) -> None:
    out = tmp_path / "out"

    def changes() -> tuple[set[str], set[str]]:
        """The videos whose shards were written, and those whose shards were left as they are."""
        before = files_in(out)
        done = export(store, out, shard_megabytes=1)
        after = files_in(out)
        written = {name for name in after if after[name] != before.get(name)}
        assert {name for name in written if name.endswith(".tar")} == set(done.written)
        touched = {
            video_id
            for shard in shards(out)
            if shard["name"] in done.written
            for video_id in shard["videos"]
        }
        return touched, {video_id for shard in shards(out) for video_id in shard["videos"]}

    export(store, out, shard_megabytes=1)
    # Somebody tags one clip, and rejects those of another video.
    change_clips(store, "film", marked(tags=["goal"]))
    touched, _ = changes()
    assert "film" in touched
    assert len(touched) < len(VIDEO_IDS)
    change_clips(store, "holiday.mov", marked(review="rejected"))
    touched, left = changes()
    assert "holiday.mov" not in left
    assert len(touched) < len(VIDEO_IDS) - 1
    # A video comes.
    copy_film(DirectoryObjectStore(processed_folder), store, "aaaa")
    touched, left = changes()
    assert "aaaa" in touched
    assert len(touched) < len(left)
    assert {shard["name"] for shard in shards(out)} == {path.name for path in out.glob("*.tar")}


def test_an_export_that_is_killed_goes_on_and_shows_nothing_half_written(
    store: DirectoryObjectStore, tmp_path: Path, small_shards: None
) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    export(store, whole, shard_megabytes=1)
    export_killed(store, out, after=2, shard_megabytes=1)
    before = files_in(out)
    assert len(before) == 2
    for name in before:
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    done = export(store, out, shard_megabytes=1)
    assert done.kept == 2
    after = files_in(out)
    assert before.items() <= after.items()
    assert after.keys() == files_in(whole).keys()
    assert (out / "shards.json").read_bytes() == (whole / "shards.json").read_bytes()


def test_what_a_killed_export_left_goes_once_something_else_is_asked_for(
    store: DirectoryObjectStore, tmp_path: Path, small_shards: None
) -> None:
    export_killed(store, tmp_path, after=1, shard_megabytes=1)
    (left,) = tmp_path.glob("*.tar")
    done = export(store, tmp_path, shard_megabytes=1000)
    assert done.removed == [left.name]
    assert not left.exists()


def test_files_of_others_stay(store: DirectoryObjectStore, tmp_path: Path) -> None:
    export(store, tmp_path, "film")
    theirs = tmp_path / f"clips-{'0' * 16}.tar"
    theirs.write_bytes(b"mine")
    (tmp_path / "notes.txt").write_bytes(b"mine")
    export(store, tmp_path)
    assert theirs.read_bytes() == b"mine"
    assert (tmp_path / "notes.txt").exists()


def test_a_place_with_something_else_is_refused(
    store: DirectoryObjectStore, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "metadata.parquet").write_bytes(b"mine")
    with pytest.raises(SettingsError, match=r"metadata\.parquet that is not of this program"):
        export(store, tmp_path / "other")
    export(store, tmp_path / "shards")
    with pytest.raises(SettingsError, match="has a data set of the format webdataset"):
        export(store, tmp_path / "shards", format="videofolder")
    (tmp_path / "shards" / ".heaters-dataset.json").write_bytes(b"{")
    with pytest.raises(SettingsError, match=r"is damaged.*another folder"):
        export(store, tmp_path / "shards")


def test_rejected_clips_are_left_out_unless_they_are_asked_for(
    store: DirectoryObjectStore, tmp_path: Path
) -> None:
    change_clips(
        store,
        "film",
        lambda item: marked(review="rejected")(item) if item.start_frame else item,
    )
    done = export(store, tmp_path, "film")
    assert (done.clips, done.rejected) == (1, 3)
    assert list(samples(tmp_path)) == ["film_clip_001"]
    assert export(store, tmp_path, "film", with_rejected=True).clips == 4
    change_clips(store, "film", marked(review="rejected"))
    with pytest.raises(SettingsError, match="4 rejected ones are left out"):
        export(store, tmp_path, "film")
    # The data set stays as it was.
    assert len(samples(tmp_path)) == 4


def test_clips_of_a_bucket_are_fetched(
    store: DirectoryObjectStore,
    moto_s3: S3Server,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    moto_s3.use(monkeypatch)
    bucket = S3ObjectStore(moto_s3.new_bucket(), "videos")
    for each in store.list(""):
        bucket.write_bytes(each.key, store.read_bytes(each.key), content_type=ANY)
    export(bucket, tmp_path / "out")
    found = samples(tmp_path / "out")
    assert len(found) == 16
    for sample in found.values():
        assert sample["mp4"] == store.read_bytes(json.loads(sample["json"])["clip_filepath"])


def test_a_clip_of_other_content_is_refused_where_its_digest_is_recorded(
    store: DirectoryObjectStore, tmp_path: Path
) -> None:
    (item, *_) = read_video(store, "film").stages["clips"].items
    row = {"clip_filepath": item.key, "size_bytes": item.size_bytes}
    files = ClipFiles(store, tmp_path)
    assert list(files.of([{**row, "sha256": item.details["sha256"]}]))
    with pytest.raises(ManifestError, match="has another content than is recorded; heaters verif"):
        list(files.of([row, {**row, "sha256": "0" * 64}]))


def test_a_clip_that_is_not_what_is_recorded_is_refused(
    store: DirectoryObjectStore, tmp_path: Path
) -> None:
    export(store, tmp_path / "out", "film")
    before = files_in(tmp_path / "out")
    key = next(store.list("clips/holiday.mov/")).key
    content = store.read_bytes(key)
    store.write_bytes(key, content[:-1], content_type=ANY)
    with pytest.raises(ManifestError, match=f"{key} has {len(content) - 1} bytes, and"):
        export(store, tmp_path / "out", "holiday.mov")
    store.delete(key)
    with pytest.raises(ManifestError, match=f"{key} is missing; heaters verify"):
        export(store, tmp_path / "out", "holiday.mov")
    # What the description names is there still.
    assert files_in(tmp_path / "out") == before
    assert len(samples(tmp_path / "out")) == CLIPS


def test_a_record_of_somebody_else_leads_nowhere(
    store: DirectoryObjectStore, tmp_path: Path
) -> None:
    change_clips(store, "film", marked(clip_identifier="../../film"))
    with pytest.raises(ManifestError, match=r"calls a clip '../../film'"):
        export(store, tmp_path / "out")
    row = {"video_id": "film", "clip_filepath": "manifests/videos/film.json"}
    with pytest.raises(ManifestError, match="as a clip, which is none"):
        extension_of(row)


def test_a_video_that_is_not_there_or_not_finished_is_said(
    store: ObjectStore, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="there is no video nothing whose clips are finished"):
        export(store, tmp_path, "nothing")
    assert read_video(store, "film").is_finished
