"""Files come into the store once, whole, and never one over another."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from heaters_pipeline.errors import InvalidVideoError, ObjectNotFoundError, SourceChangedError
from heaters_pipeline.intake.bring import (
    Brought,
    KnownSource,
    bring_file,
    choose_key,
    find_stored,
)
from heaters_pipeline.intake.sources import LocalFile, StoreKey, classify
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore, ProgressCallback
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline_tests.servers import S3Server
from heaters_pipeline_tests.videos import make_video

KEY = "source_videos/0001.mp4"


class Records:
    """What is recorded of source objects, as the source manifests say it."""

    def __init__(self) -> None:
        self.by_key: dict[str, KnownSource] = {}

    def __call__(self, source_key: str) -> KnownSource | None:
        return self.by_key.get(source_key)

    def keep(self, brought: Brought, file: LocalFile) -> None:
        """Record a file that was brought."""
        self.by_key[brought.source_key] = KnownSource(
            brought.sha256, brought.object.version, file.origin
        )


@pytest.fixture
def store(tmp_path: Path) -> DirectoryObjectStore:
    return DirectoryObjectStore(tmp_path / "store")


@pytest.fixture
def records() -> Records:
    return Records()


def video(path: Path, frames: int = 3) -> LocalFile:
    """A video in a folder of its own; other frames, other content."""
    path.parent.mkdir(exist_ok=True)
    make_video(path, [frames])
    file = classify(str(path))
    assert isinstance(file, LocalFile)
    return file


def bring(store: ObjectStore, file: LocalFile, records: Records) -> Brought:
    """Bring a file as the pipeline does: choose its key, copy it, keep the record."""
    key = choose_key(store, file, records)
    brought = bring_file(store, file.path, source_key=key, known=records)
    records.keep(brought, file)
    return brought


def puts(store: ObjectStore) -> int:
    """Uploads so far."""
    return store.requests["put_file"]


def sha256_of(path: Path) -> str:
    """Of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_new_file_is_copied_and_hashed(
    tmp_path: Path, store: DirectoryObjectStore, records: Records
) -> None:
    file = video(tmp_path / "a" / "0001.mp4")
    moved: list[int] = []
    brought = bring_file(store, file.path, source_key=KEY, known=records, on_progress=moved.append)
    size_bytes = file.path.stat().st_size
    assert brought == Brought(KEY, sha256_of(file.path), size_bytes, brought.object, copied=True)
    assert brought.object == store.head(KEY)
    assert store.read_bytes(KEY) == file.path.read_bytes()
    assert sum(moved) == size_bytes


def test_a_file_larger_than_a_part_is_hashed_whole(
    tmp_path: Path, moto_s3: S3Server, monkeypatch: pytest.MonkeyPatch, records: Records
) -> None:
    moto_s3.use(monkeypatch)
    store = S3ObjectStore(moto_s3.new_bucket(), "prefix")
    file = video(tmp_path / "a" / "0001.mp4")
    with file.path.open("ab") as end:
        end.write(os.urandom(17 * 1024 * 1024))
    brought = bring(store, file, records)
    assert brought.copied
    assert brought.sha256 == sha256_of(file.path)
    assert brought.size_bytes == file.path.stat().st_size
    again = bring(store, file, records)
    assert not again.copied
    assert again.sha256 == brought.sha256


def test_the_same_file_is_never_copied_again(
    tmp_path: Path, store: DirectoryObjectStore, records: Records
) -> None:
    file = video(tmp_path / "a" / "0001.mp4")
    first = bring(store, file, records)
    again = bring(store, file, records)
    assert puts(store) == 1
    assert again == Brought(KEY, first.sha256, first.size_bytes, first.object, copied=False)


def test_an_edited_file_replaces_itself(
    tmp_path: Path, store: DirectoryObjectStore, records: Records
) -> None:
    bring(store, video(tmp_path / "a" / "0001.mp4"), records)
    edited = video(tmp_path / "a" / "0001.mp4", frames=5)
    brought = bring(store, edited, records)
    assert (brought.source_key, brought.copied) == (KEY, True)
    assert store.read_bytes(KEY) == edited.path.read_bytes()


def test_files_of_one_name_from_two_folders_are_both_kept(
    tmp_path: Path, store: DirectoryObjectStore, records: Records
) -> None:
    one = video(tmp_path / "a" / "0001.mp4")
    other = video(tmp_path / "b" / "0001.mp4", frames=5)
    bring(store, one, records)
    brought = bring(store, other, records)
    assert brought.source_key == other.source_key_apart != KEY
    assert store.read_bytes(KEY) == one.path.read_bytes()
    assert store.read_bytes(brought.source_key) == other.path.read_bytes()
    assert not bring(store, other, records).copied
    assert not bring(store, one, records).copied
    edited = video(tmp_path / "b" / "0001.mp4", frames=7)
    assert bring(store, edited, records).source_key == other.source_key_apart
    assert store.read_bytes(KEY) == one.path.read_bytes()
    assert store.read_bytes(other.source_key_apart) == edited.path.read_bytes()


def test_the_same_content_from_two_folders_is_stored_once(
    tmp_path: Path, store: DirectoryObjectStore, records: Records
) -> None:
    bring(store, video(tmp_path / "a" / "0001.mp4"), records)
    brought = bring(store, video(tmp_path / "b" / "0001.mp4"), records)
    assert (brought.source_key, brought.copied) == (KEY, False)


@pytest.mark.parametrize("is_folder_store", [True, False])
@pytest.mark.parametrize(("frames", "is_same"), [(3, True), (5, False)])
def test_an_upload_that_nothing_is_recorded_of_is_compared(
    tmp_path: Path,
    moto_s3: S3Server,
    monkeypatch: pytest.MonkeyPatch,
    records: Records,
    is_folder_store: bool,
    frames: int,
    is_same: bool,
) -> None:
    moto_s3.use(monkeypatch)
    store: ObjectStore = (
        DirectoryObjectStore(tmp_path / "store")
        if is_folder_store
        else S3ObjectStore(moto_s3.new_bucket())
    )
    store.put_file(KEY, video(tmp_path / "up" / "load.mp4").path, content_type="video/mp4")
    uploaded = store.read_bytes(KEY)
    file = video(tmp_path / "a" / "0001.mp4", frames)
    brought = bring(store, file, records)
    assert brought.source_key == (KEY if is_same else file.source_key_apart)
    assert brought.copied is not is_same
    assert store.read_bytes(KEY) == uploaded


def test_a_record_of_an_object_that_was_replaced_is_not_believed(
    tmp_path: Path, store: DirectoryObjectStore, records: Records
) -> None:
    file = video(tmp_path / "a" / "0001.mp4")
    bring(store, file, records)
    other = video(tmp_path / "up" / "load.mp4", frames=5)
    store.put_file(KEY, other.path, content_type="video/mp4")
    brought = bring(store, file, records)
    assert (brought.source_key, brought.copied) == (file.source_key_apart, True)
    assert store.read_bytes(KEY) == other.path.read_bytes()


def test_an_object_that_is_gone_is_brought_again(
    tmp_path: Path, store: DirectoryObjectStore, records: Records
) -> None:
    file = video(tmp_path / "a" / "0001.mp4")
    bring(store, file, records)
    store.delete(KEY)
    assert bring(store, file, records).copied
    assert store.head(KEY) is not None


class BusyStore(DirectoryObjectStore):
    """A store in which something happens while each file is uploaded."""

    def __init__(self, root: Path, happening: Callable[[], None]) -> None:
        super().__init__(root)
        self._happening = happening

    def put_file(
        self,
        key: str,
        path: Path,
        *,
        content_type: str,
        on_progress: ProgressCallback | None = None,
    ) -> ObjectInfo:
        """Create or replace an object from a local file."""
        info = super().put_file(key, path, content_type=content_type, on_progress=on_progress)
        self._happening()
        return info


def _append(path: Path) -> None:
    with path.open("ab") as end:
        end.write(b"more")


def _overwrite(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def _replace(path: Path) -> None:
    make_video(path.with_name("new.mp4"), [9]).replace(path)


@pytest.mark.parametrize("change", [_append, _overwrite, _replace, Path.touch])
def test_a_file_that_is_written_to_meanwhile_does_not_stay_in_the_store(
    tmp_path: Path, records: Records, change: Callable[[Path], None]
) -> None:
    file = video(tmp_path / "a" / "0001.mp4")
    store = BusyStore(tmp_path / "store", lambda: change(file.path))
    with pytest.raises(SourceChangedError, match="try again when it is complete") as fault:
        bring_file(store, file.path, source_key=KEY, known=records)
    assert fault.value.transient
    assert store.head(KEY) is None


def _missing(path: Path) -> None:
    del path


def _empty(path: Path) -> None:
    path.touch()


def _text(path: Path) -> None:
    path.write_text("no video")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (_missing, "missing"),
        (_empty, "empty"),
        (_text, "not_video"),
        (Path.mkdir, "not_regular_file"),
        (os.mkfifo, "not_regular_file"),
    ],
)
def test_what_is_no_video_never_reaches_the_store(
    tmp_path: Path,
    store: DirectoryObjectStore,
    records: Records,
    make: Callable[[Path], None],
    reason: str,
) -> None:
    path = tmp_path / "0001.mp4"
    make(path)
    with pytest.raises(InvalidVideoError) as refusal:
        bring_file(store, path, source_key=KEY, known=records)
    assert refusal.value.reason == reason
    assert list(store.list("")) == []


def test_a_link_to_a_file_is_followed(
    tmp_path: Path, store: DirectoryObjectStore, records: Records
) -> None:
    file = video(tmp_path / "a" / "0001.mp4")
    link = tmp_path / "link.mp4"
    link.symlink_to(file.path)
    assert bring_file(store, link, source_key=KEY, known=records).sha256 == sha256_of(file.path)


@pytest.mark.parametrize(
    ("key", "typed"),
    [
        ("source_videos/holiday.mp4", "holiday"),
        ("source_videos/holiday.mp4", "source_videos/holiday.mp4"),
        ("source_videos/trip/day 1.mp4", "source_videos/trip/day 1.mp4"),
        ("source_videos/trip/day 1.mp4", "trip-day-1.mp4.7732ef5d50a45de3"),
    ],
)
def test_videos_in_the_store_are_found_by_key_and_by_id(
    store: DirectoryObjectStore, key: str, typed: str
) -> None:
    for each in ("source_videos/a.mp4", key, "source_videos/z.mp4"):
        store.write_bytes(each, b"content", content_type="video/mp4")
    wanted = classify(typed)
    assert isinstance(wanted, StoreKey)
    found = find_stored(store, wanted)
    assert found == store.head(key)


@pytest.mark.parametrize("typed", ["holiday", "trip-day-1.mp4.0123456789abcdef"])
def test_a_video_that_is_nowhere_is_missed(store: DirectoryObjectStore, typed: str) -> None:
    store.write_bytes("source_videos/a.mp4", b"content", content_type="video/mp4")
    wanted = classify(typed)
    assert isinstance(wanted, StoreKey)
    with pytest.raises(ObjectNotFoundError, match="neither a file here nor a video in file:"):
        find_stored(store, wanted)
