"""What every store promises, checked on a folder, on moto's server and on a real S3 server."""

import hashlib
import os
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mypy_boto3_s3 import S3Client

from heaters_pipeline.errors import ObjectChangedError, ObjectNotFoundError, StoreError
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.open_store import open_store
from heaters_pipeline.storage.s3.client import S3Options, connect
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline_tests.servers import S3Server

MEBIBYTE = 1024 * 1024
PART_BYTES = 5 * MEBIBYTE
OPTIONS = S3Options(max_attempts=4, multipart_threshold_bytes=PART_BYTES, part_bytes=PART_BYTES)
MP4 = "video/mp4"
ODD_NAMES = [
    "a b  c.mp4",
    "#1? 100%.mp4",
    "100%25+20.mp4",
    "a+b&c=d;e@f$g,h!i'j(k)~l.mp4",
    "größe/日本語 01.MOV",
    "grinning-\U0001f600.webm",
    "UPPER/lower.MP4",
    "[brackets]{braces}^`|.mkv",
]


@pytest.fixture(scope="module")
def store_in_bucket(request: pytest.FixtureRequest) -> Callable[[str, str], S3ObjectStore]:
    """Make stores in a bucket a server; a boto3 client takes long to make, so they share it."""
    made: dict[str, tuple[S3Client, str]] = {}

    def make(kind: str, prefix: str) -> S3ObjectStore:
        if kind not in made:
            server: S3Server = request.getfixturevalue(f"{kind}_s3")
            made[kind] = (connect(OPTIONS), server.new_bucket())
        client, bucket = made[kind]
        return S3ObjectStore(bucket, prefix, client=client, options=OPTIONS)

    return make


@pytest.fixture(params=["directory", "moto", "rclone"])
def store(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    store_in_bucket: Callable[[str, str], S3ObjectStore],
) -> ObjectStore:
    if request.param == "directory":
        return DirectoryObjectStore(tmp_path / "store")
    request.getfixturevalue(f"{request.param}_s3").use(monkeypatch)
    return store_in_bucket(request.param, f"some/{uuid.uuid4().hex}")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def facts(info: ObjectInfo | None) -> tuple[str, int, str]:
    assert info is not None
    return info.key, info.size_bytes, info.version


def test_is_an_object_store(store: ObjectStore) -> None:
    assert isinstance(store, ObjectStore)


def test_url_opens_the_same_store(store: ObjectStore, tmp_path: Path) -> None:
    store.write_bytes("a", b"1", content_type=MP4)
    again = open_store(store.url, base_folder=tmp_path)
    assert again.url == store.url
    assert again.read_bytes("a") == b"1"


@pytest.mark.parametrize("data", [b"", b"small", bytes(range(256)) * 5000], ids=len)
def test_bytes_round_trip(store: ObjectStore, data: bytes) -> None:
    written = store.write_bytes("clips/a.mp4", data, content_type=MP4)
    assert written.size_bytes == len(data)
    assert store.read_bytes("clips/a.mp4") == data


@pytest.mark.parametrize("size_bytes", [0, 10, 2 * PART_BYTES + 12345])
def test_file_round_trip(store: ObjectStore, work: Path, size_bytes: int) -> None:
    source, target = work / "source", work / "target"
    source.write_bytes(hashlib.shake_128(b"seed").digest(size_bytes))
    sent: list[int] = []
    received: list[int] = []
    written = store.put_file("clips/a.mp4", source, content_type=MP4, on_progress=sent.append)
    fetched = store.fetch("clips/a.mp4", target, on_progress=received.append)
    assert target.read_bytes() == source.read_bytes()
    assert facts(written) == facts(fetched) == facts(store.head("clips/a.mp4"))
    assert sum(sent) == sum(received) == size_bytes
    assert {path.name for path in work.iterdir()} == {"source", "target"}


def test_all_replies_agree_on_an_object(store: ObjectStore, work: Path) -> None:
    written = store.write_bytes("clips/a.mp4", b"content", content_type=MP4)
    listed = list(store.list("clips/"))
    assert len(listed) == 1
    head = store.head("clips/a.mp4")
    assert facts(written) == facts(head) == facts(listed[0])
    assert facts(head) == facts(store.fetch("clips/a.mp4", work / "a"))
    assert head is not None
    assert '"' not in head.etag
    assert head.modified.utcoffset() is not None
    assert abs((head.modified - written.modified).total_seconds()) < 60


def test_a_replaced_object_has_another_version(store: ObjectStore) -> None:
    first = store.write_bytes("a", b"one", content_type=MP4)
    second = store.write_bytes("a", b"two", content_type=MP4)
    assert first.version != second.version
    assert facts(store.head("a")) == facts(second)
    assert store.read_bytes("a") == b"two"


def test_an_untouched_object_keeps_its_version(store: ObjectStore) -> None:
    version = store.write_bytes("a", b"one", content_type=MP4).version
    store.write_bytes("b", b"two", content_type=MP4)
    store.read_bytes("a")
    head = store.head("a")
    assert head is not None
    assert head.version == version
    assert [info.version for info in store.list("a")] == [version]


def test_absent_objects(store: ObjectStore, work: Path) -> None:
    assert store.head("clips/none.mp4") is None
    assert store.local_path("clips/none.mp4") is None
    with pytest.raises(ObjectNotFoundError, match=r"none\.mp4"):
        store.read_bytes("clips/none.mp4")
    with pytest.raises(ObjectNotFoundError, match=r"none\.mp4"):
        store.fetch("clips/none.mp4", work / "target")
    assert list(work.iterdir()) == []
    store.write_bytes("clips/none.mp4.json", b"{}", content_type="application/json")
    assert store.head("clips/none.mp4") is None
    assert store.head("clips") is None


def test_delete_twice(store: ObjectStore) -> None:
    store.write_bytes("a/b", b"1", content_type=MP4)
    store.write_bytes("a/c", b"1", content_type=MP4)
    store.delete("a/b")
    store.delete("a/b")
    assert store.head("a/b") is None
    assert [info.key for info in store.list("")] == ["a/c"]


def test_a_list_is_in_order_of_bytes(store: ObjectStore) -> None:
    keys = ["a!", "a-b", "a-c/d", "a.mp4", "a/b", "a/b-c", "a/b0/d", "a0", "Z", "a/ä", "a/z"]
    keys += ["a/\uffee", "a/\U0001f600", "b/a"]
    keys.sort(key=lambda key: key.encode())
    for key in reversed(keys):
        store.write_bytes(key, b"1", content_type=MP4)

    def listed(prefix: str, start_after: str = "") -> list[str]:
        return [info.key for info in store.list(prefix, start_after=start_after)]

    assert listed("") == keys
    for prefix in ["a", "a/", "a/b", "a-", "a-c/", "b/", "c", "a/b/", "Z"]:
        assert listed(prefix) == [key for key in keys if key.startswith(prefix)]
    for after in [*keys, "a", "a/", "a/a", "a/b/", "a/zz", "b", "zzz"]:
        later = [key for key in keys if key.encode() > after.encode()]
        assert listed("", after) == later
        assert listed("a/", after) == [key for key in later if key.startswith("a/")]


def test_a_list_of_several_pages(
    store: ObjectStore, rclone_s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder: Path | None = None
    count = 2500
    if isinstance(store, DirectoryObjectStore):
        folder = Path(store.url.removeprefix("file://"))
    elif rclone_s3.endpoint_url == os.environ["AWS_ENDPOINT_URL"]:
        store = S3ObjectStore(rclone_s3.new_bucket(), "some/prefix")
        assert rclone_s3.folder is not None
        folder = rclone_s3.folder / store.url.removeprefix("s3://")
    else:
        monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "100")
        count = 250
    keys = [f"many/{number // 700}/{number:05d}" for number in range(count)]
    if folder is None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: store.write_bytes(key, b"1", content_type=MP4), keys))
    else:
        fill(folder, keys)
    assert [info.key for info in store.list("many/")] == keys
    if not isinstance(store, DirectoryObjectStore):
        assert store.requests["ListObjectsV2"] == 3
    assert [info.key for info in store.list("many/", start_after=keys[-5])] == keys[-4:]


def fill(folder: Path, keys: list[str]) -> None:
    """Create files as other programs would: quickly, not waiting for the disk."""
    for key in keys:
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"1")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_of_uploads(store: ObjectStore, work: Path, name: str) -> None:
    key = f"source_videos/{name}"
    written = store.write_bytes(key, name.encode(), content_type=MP4)
    assert facts(store.head(key)) == facts(written)
    assert [info.key for info in store.list("source_videos/")] == [key]
    assert store.read_bytes(key) == name.encode()
    store.fetch(key, work / "target")
    assert (work / "target").read_bytes() == name.encode()
    store.delete(key)
    assert store.head(key) is None


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt])
def test_a_broken_fetch_leaves_what_was_there(
    store: ObjectStore, work: Path, fault: type[BaseException]
) -> None:
    store.write_bytes("a", b"new", content_type=MP4)
    (work / "target").write_bytes(b"old")

    def fail(_: int) -> None:
        raise fault

    with pytest.raises(fault):
        store.fetch("a", work / "target", on_progress=fail)
    assert (work / "target").read_bytes() == b"old"
    assert [path.name for path in work.iterdir()] == ["target"]


def test_a_broken_put_leaves_what_was_there(store: ObjectStore, work: Path) -> None:
    before = store.write_bytes("a", b"old", content_type=MP4)
    (work / "large").write_bytes(bytes(2 * PART_BYTES))

    def fail(_: int) -> None:
        raise RuntimeError("stop")

    for key in ["a", "b"]:
        with pytest.raises(RuntimeError, match="stop"):
            store.put_file(key, work / "large", content_type=MP4, on_progress=fail)
    assert [facts(info) for info in store.list("")] == [facts(before)]


def test_a_file_that_cannot_be_stored(store: ObjectStore, work: Path) -> None:
    with pytest.raises(StoreError, match="missing"):
        store.put_file("a", work / "missing", content_type=MP4)
    with pytest.raises(StoreError, match="no regular file"):
        store.put_file("a", work, content_type=MP4)
    assert list(store.list("")) == []


def test_a_folder_that_cannot_be_fetched_into(store: ObjectStore, work: Path) -> None:
    store.write_bytes("a", b"1", content_type=MP4)
    with pytest.raises(StoreError, match="not exist"):
        store.fetch("a", work / "missing" / "target")


def test_writers_of_one_key_end_with_one_whole_content(store: ObjectStore) -> None:
    contents = [bytes([letter]) * 300_000 for letter in b"abcd"]
    start = threading.Barrier(len(contents))

    def write(content: bytes) -> str:
        start.wait()
        for _ in range(4):
            info = store.write_bytes("a", content, content_type=MP4)
            assert store.read_bytes("a") in contents
        return info.version

    with ThreadPoolExecutor(len(contents)) as pool:
        versions = list(pool.map(write, contents))
    assert len(set(versions)) == len(contents)
    final = store.head("a")
    assert final is not None
    assert contents[versions.index(final.version)] == store.read_bytes("a")
    assert [info.key for info in store.list("")] == ["a"]


def test_requests_are_counted(store: ObjectStore) -> None:
    def sent_by(action: Callable[[], object]) -> int:
        before = store.requests.total()
        action()
        return store.requests.total() - before

    assert store.requests.total() == 0
    assert sent_by(lambda: store.write_bytes("a", b"1", content_type=MP4)) == 1
    assert sent_by(lambda: store.head("a")) == 1
    assert sent_by(lambda: store.read_bytes("a")) == 1
    assert sent_by(lambda: list(store.list("a"))) == 1
    assert sent_by(lambda: store.delete("a")) == 1
    store.requests.clear()
    assert store.requests.total() == 5


def test_an_object_is_replaced_only_as_it_was_seen(store: ObjectStore) -> None:
    def replace(data: bytes, expected: ObjectInfo | None) -> None:
        store.replace_bytes("a.yaml", data, content_type="text/plain", expected=expected)

    replace(b"first", None)
    first = store.head("a.yaml")
    with pytest.raises(ObjectChangedError, match="was changed meanwhile"):
        replace(b"late", None)
    replace(b"second", first)
    with pytest.raises(ObjectChangedError, match="was changed meanwhile"):
        replace(b"late", first)
    store.delete("a.yaml")
    with pytest.raises(ObjectChangedError, match="was changed meanwhile"):
        replace(b"late", first)
    assert store.head("a.yaml") is None


def test_of_two_who_saw_the_same_object_one_is_refused_by_the_server(
    moto_s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    moto_s3.use(monkeypatch)
    store = S3ObjectStore(moto_s3.new_bucket(), "some", options=OPTIONS)
    for expected in (None, store.write_bytes("b", b"0", content_type=MP4)):
        key = "b" if expected else "a"
        seen = store.head(key)
        store.write_bytes(key, b"another", content_type=MP4)
        with monkeypatch.context() as patch:
            # Looked just before the other wrote.
            patch.setattr(store, "head", lambda _, seen=seen: seen)
            with pytest.raises(ObjectChangedError):
                store.replace_bytes(key, b"late", content_type=MP4, expected=seen)
            # The same content is what a lost reply leaves.
            store.replace_bytes(key, b"another", content_type=MP4, expected=seen)
        assert store.read_bytes(key) == b"another"
