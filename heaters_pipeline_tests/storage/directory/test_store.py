"""What is particular to a store that is a folder."""

import errno
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from heaters_pipeline.errors import ObjectNotFoundError, StoreError, StoreUnavailableError
from heaters_pipeline.storage.directory.store import DirectoryObjectStore

MP4 = "video/mp4"
DAY_SECONDS = 24 * 3600


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> DirectoryObjectStore:
    return DirectoryObjectStore(root)


def write(store: DirectoryObjectStore, key: str, data: bytes = b"1") -> str:
    return store.write_bytes(key, data, content_type=MP4).version


def keys(store: DirectoryObjectStore, prefix: str = "") -> list[str]:
    return [info.key for info in store.list(prefix)]


def version(store: DirectoryObjectStore, key: str) -> str:
    info = store.head(key)
    assert info is not None
    return info.version


def every_file(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_temporary_folder_goes_if_it_is_empty(store: DirectoryObjectStore, root: Path) -> None:
    store.remove_temporary_folder()
    assert not root.exists()
    write(store, "a")
    left = root / ".tmp" / ".left.partial"
    left.touch()
    store.remove_temporary_folder()
    assert left.exists()
    left.unlink()
    store.remove_temporary_folder()
    assert [path.name for path in root.iterdir()] == ["a"]


def actions(store: DirectoryObjectStore, key: str, work: Path) -> list[Callable[[], object]]:
    source = work / "source"
    source.write_bytes(b"1")
    return [
        lambda: store.head(key),
        lambda: store.read_bytes(key),
        lambda: write(store, key),
        lambda: store.put_file(key, source, content_type=MP4),
        lambda: store.fetch(key, work / "target"),
        lambda: store.local_path(key),
        lambda: store.delete(key),
    ]


@pytest.mark.parametrize(
    "key",
    [
        *("", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../../b", "a/./b"),
        *("a\0b", "\ud800", ".tmp", ".tmp/a"),
    ],
)
def test_keys_that_are_no_paths_inside(
    store: DirectoryObjectStore, root: Path, tmp_path: Path, key: str
) -> None:
    write(store, "here")
    for action in actions(store, key, tmp_path):
        with pytest.raises(StoreError, match="cannot be the key"):
            action()
    assert every_file(tmp_path) == ["source", "store/here"]


@pytest.mark.parametrize("prefix", ["../", "/", "//", "./", "..", ".tmp/", ".t", "a\0/", "a/../"])
def test_prefixes_that_no_key_has(store: DirectoryObjectStore, root: Path, prefix: str) -> None:
    write(store, "a/b")
    (root.parent / "outside").write_bytes(b"1")
    (root / ".tmp" / "x").write_bytes(b"1")
    assert keys(store, prefix) == []


@pytest.mark.parametrize("inside", [True, False])
def test_links_to_folders_are_not_followed(
    store: DirectoryObjectStore, root: Path, tmp_path: Path, inside: bool
) -> None:
    write(store, "real/a")
    other = root / "real" if inside else tmp_path / "outside"
    other.mkdir(exist_ok=True)
    (other / "b").write_bytes(b"1")
    (root / "link").symlink_to(other)
    work = tmp_path / "work"
    work.mkdir()
    for key in ["link/b", "link/deeper/b"]:
        for action in [*actions(store, key, work), lambda: keys(store, "link/")]:
            with pytest.raises(StoreError, match="link"):
                action()
    assert not any(key.startswith("link") for key in keys(store))
    assert (other / "b").read_bytes() == b"1"
    assert not (other / "deeper").exists()


def test_the_temporary_folder_is_not_followed_outside(
    store: DirectoryObjectStore, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    root.mkdir()
    (root / ".tmp").symlink_to(tmp_path / "outside")
    with pytest.raises(StoreError, match=r"\.tmp is a link"):
        write(store, "a")
    assert every_file(tmp_path) == []


def test_a_link_to_a_file_inside_is_an_object(store: DirectoryObjectStore, root: Path) -> None:
    write(store, "real/a", b"content")
    (root / "link").symlink_to("real/a")
    assert keys(store) == ["link", "real/a"]
    assert store.read_bytes("link") == b"content"
    assert store.local_path("link") == (root / "real" / "a").resolve()
    write(store, "link", b"new")
    assert store.read_bytes("real/a") == b"content"
    assert not (root / "link").is_symlink()


def test_what_is_no_regular_file_is_no_object(
    store: DirectoryObjectStore, root: Path, tmp_path: Path
) -> None:
    write(store, "file")
    (tmp_path / "outside").write_bytes(b"secret")
    (root / "folder").mkdir()
    os.mkfifo(root / "fifo")
    (root / "dangling").symlink_to("nowhere")
    (root / "loop").symlink_to("loop")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "up").symlink_to("../outside")
    (root / "to_folder").symlink_to("folder")
    (root / "to_fifo").symlink_to("fifo")
    names = {"folder", "fifo", "dangling", "loop", "out", "up", "to_folder", "to_fifo", "socket"}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(root / "socket"))
        assert keys(store) == ["file"]
        for name in names:
            assert store.head(name) is None
            assert store.local_path(name) is None
            with pytest.raises(ObjectNotFoundError):
                store.read_bytes(name)
            with pytest.raises(ObjectNotFoundError):
                store.fetch(name, tmp_path / "target")
            store.delete(name)
        assert {path.name for path in root.iterdir()} == {*names, "file", ".tmp"}


def test_names_that_are_not_utf_8(store: DirectoryObjectStore, root: Path) -> None:
    folder = root / "source_videos"
    folder.mkdir(parents=True)
    names = [b"a.mp4", b"caf\xc3\xa9.mp4", b"caf\xe9.mp4", b"\xff.mp4"]
    for name in names:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(name)
    listed = keys(store, "source_videos/")
    assert [os.fsencode(key) for key in listed] == [b"source_videos/" + name for name in names]
    assert [store.read_bytes(key) for key in listed] == names
    assert store.head("source_videos/caf\udce9.mp4") is not None


def test_a_list_reads_only_the_folders_that_it_needs(
    store: DirectoryObjectStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ["clips/a/1", "clips/ab/1", "clips/b/1", "keyframes/a/1", "top"]:
        write(store, key)
    read: list[str] = []
    scandir = os.scandir

    def spy(folder: Path) -> object:
        read.append(str(folder.relative_to(root)))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", spy)

    def read_for(prefix: str, start_after: str = "") -> list[str]:
        read.clear()
        assert list(store.list(prefix, start_after=start_after)) != []
        return sorted(read)

    assert read_for("clips/a") == ["clips", "clips/a", "clips/ab"]
    assert read_for("clips/a/") == ["clips/a"]
    assert read_for("to") == ["."]
    assert read_for("clips/", "clips/ab/0") == ["clips", "clips/ab", "clips/b"]
    assert read_for("", "keyframes/a/0") == [".", "keyframes", "keyframes/a"]


def test_files_may_vanish_while_they_are_listed(store: DirectoryObjectStore, root: Path) -> None:
    for key in ["a", "b", "c/d", "e/f", "g"]:
        write(store, key)
    listing = store.list("")
    assert next(listing).key == "a"
    (root / "b").unlink()
    (root / "c" / "d").unlink()
    (root / "c").rmdir()
    (root / "e" / "f").unlink()
    (root / "e").rmdir()
    (root / "e").write_bytes(b"now a file")
    assert [info.key for info in listing] == ["g"]


def test_a_store_that_is_not_there_yet_is_empty(store: DirectoryObjectStore, root: Path) -> None:
    assert keys(store) == []
    assert keys(store, "clips/a/") == []
    assert store.head("clips/a") is None
    store.delete("clips/a")
    assert not root.exists()


def test_a_store_that_is_a_file(store: DirectoryObjectStore, root: Path) -> None:
    root.write_bytes(b"1")
    with pytest.raises(StoreError, match="name a folder"):
        keys(store)
    with pytest.raises(StoreError, match="a file"):
        write(store, "a")


def test_files_and_folders_in_the_way(store: DirectoryObjectStore, root: Path) -> None:
    write(store, "file")
    write(store, "folder/a")
    for key in ["file/a", "file/a/b", "folder"]:
        with pytest.raises(StoreError, match=r"in the way|folder is needed") as caught:
            write(store, key)
        assert not caught.value.transient
    assert every_file(root) == ["file", "folder/a"]
    assert store.head("file/a") is None
    with pytest.raises(StoreError, match="shorter"):
        write(store, "n" * 300)
    assert store.head("n" * 300) is None


def test_a_change_in_place_is_another_version(store: DirectoryObjectStore, root: Path) -> None:
    before = write(store, "a", b"one")
    facts = (root / "a").stat()
    time.sleep(0.02)  # The system's clock for files is that coarse.
    with (root / "a").open("r+b") as file:
        file.write(b"two")
    os.utime(root / "a", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert (root / "a").stat().st_mtime_ns == facts.st_mtime_ns
    assert version(store, "a") != before


def test_versions_written_at_once_differ(
    store: DirectoryObjectStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = [write(store, "a", b"%03d" % number) for number in range(20)]
    assert len(set(versions)) == len(versions)
    assert version(store, "a") == versions[-1]
    monkeypatch.setattr(time, "time_ns", lambda: 1_800_000_000_123_456_789)
    write(store, "a")
    assert (root / "a").stat().st_mtime_ns == 1_800_000_000_123_456_789


@pytest.mark.parametrize("modified_at", [0, 4_000_000_000, -1])
def test_modified_is_when_it_came_here(
    store: DirectoryObjectStore, root: Path, modified_at: int
) -> None:
    """A camera with a wrong clock and ``cp -p`` made files that never seemed to stand still."""
    write(store, "a")
    os.utime(root / "a", (modified_at, modified_at))
    info = store.head("a")
    assert info is not None
    assert abs((info.modified - datetime.now(UTC)).total_seconds()) < DAY_SECONDS
    assert [listed.version for listed in store.list("")] == [info.version]


def test_what_is_written_to_while_it_is_read(
    store: DirectoryObjectStore, root: Path, tmp_path: Path
) -> None:
    write(store, "a", bytes(3_000_000))

    def append_once(_: int) -> None:
        if (root / "a").stat().st_size == 3_000_000:
            with (root / "a").open("ab") as file:
                file.write(b"more")

    with pytest.raises(StoreUnavailableError, match="written to"):
        store.fetch("a", tmp_path / "target", on_progress=append_once)
    assert every_file(tmp_path) == ["store/a"]


def test_a_refused_read(
    store: DirectoryObjectStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, "a")

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "")

    monkeypatch.setattr(Path, "lstat", refuse)
    with pytest.raises(StoreUnavailableError, match=str(root / "a")):
        store.head("a")
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(StoreUnavailableError, match=str(root)):
        keys(store)


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_write_leaves_what_was_there(
    store: DirectoryObjectStore, tmp_path: Path, fault: type[BaseException]
) -> None:
    write(store, "a", b"old")
    (tmp_path / "source").write_bytes(bytes(3_000_000))

    def fail(_: int) -> None:
        raise fault

    for key in ["a", "b/c"]:
        with pytest.raises(fault):
            store.put_file(key, tmp_path / "source", content_type=MP4, on_progress=fail)
    assert store.read_bytes("a") == b"old"
    assert every_file(tmp_path) == ["source", "store/a"]


WRITES_SLOWLY = """
import sys, time
from pathlib import Path
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
def wait(_):
    print("writing", flush=True)
    time.sleep(600)
root, source = map(Path, sys.argv[1:])
DirectoryObjectStore(root).put_file("a", source, content_type="x", on_progress=wait)
"""


def test_a_killed_writer_leaves_no_object_and_what_it_left_is_removed(
    root: Path, tmp_path: Path
) -> None:
    (tmp_path / "source").write_bytes(bytes(3_000_000))
    command = [sys.executable, "-c", WRITES_SLOWLY, str(root), str(tmp_path / "source")]
    store = DirectoryObjectStore(root)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        (being_written,) = (root / ".tmp").iterdir()
        os.utime(being_written, (0, 0))
        store.tidy()
        assert being_written.exists()
        process.kill()
    assert keys(store) == []
    assert being_written.exists()
    store.tidy()
    assert every_file(root) == []


def test_on_a_drive_without_locks_what_may_still_be_written_is_left(
    store: DirectoryObjectStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: int) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    write(store, "a", b"a")
    (root / ".tmp" / ".left.partial").touch()
    store.tidy()
    assert every_file(root) == [".tmp/.left.partial", "a"]


def test_others_may_read_what_is_written(store: DirectoryObjectStore, root: Path) -> None:
    before = os.umask(0o022)
    try:
        write(store, "a")
    finally:
        os.umask(before)
    assert (root / "a").stat().st_mode & 0o777 == 0o644


def test_objects_are_read_in_place(store: DirectoryObjectStore, root: Path) -> None:
    write(store, "a/b")
    assert store.local_path("a/b") == root / "a" / "b"
    assert store.local_path("a") is None


def test_settle_seconds(root: Path) -> None:
    assert DirectoryObjectStore(root).settle_seconds == 5
    assert DirectoryObjectStore(root, settle_seconds=0.5).settle_seconds == 0.5
