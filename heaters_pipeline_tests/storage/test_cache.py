"""Local copies: fetched once, never stale, bounded, and safe among threads and processes."""

import errno
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from heaters_pipeline.errors import ObjectNotFoundError, SettingsError, StoreUnavailableError
from heaters_pipeline.storage import cache as cache_module
from heaters_pipeline.storage.cache import LocalCache
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline_tests.storage.remote_folder import RemoteFolder

SIZE_BYTES = 100
Holder = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def store(tmp_path: Path) -> RemoteFolder:
    return RemoteFolder(tmp_path / "store")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def cache(folder: Path) -> LocalCache:
    return LocalCache(folder, max_bytes=1000)


@pytest.fixture
def holder(store: RemoteFolder, folder: Path) -> Iterator[Holder]:
    """Start processes that hold a copy until their standard input is closed."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(key: str, version: str, *, fetch_seconds: float = 0) -> "subprocess.Popen[bytes]":
        module = "heaters_pipeline_tests.storage.remote_folder"
        root = store.url.removeprefix("file://")
        process = subprocess.Popen(
            [sys.executable, "-m", module, root, folder, key, version, str(fetch_seconds)],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def wait_for(process: "subprocess.Popen[bytes]", line: bytes) -> None:
    assert process.stdout is not None
    for printed in process.stdout:
        if printed.startswith(line):
            return
    pytest.fail(f"the process ended before it printed {line!r}")


def put(store: DirectoryObjectStore, key: str, size_bytes: int = SIZE_BYTES) -> str:
    return store.write_bytes(key, key[:1].encode() * size_bytes, content_type="x").version


def use(cache: LocalCache, store: DirectoryObjectStore, key: str, version: str) -> bytes:
    with cache.local_copy(store, key, version) as path:
        return path.read_bytes()


def files(folder: Path) -> list[Path]:
    """All but the number that says how many bytes they have."""
    found = (path for path in folder.rglob("*") if not path.is_dir())
    return sorted(path for path in found if path.name != "bytes_of_copies")


def test_objects_that_are_local_are_used_in_place(cache: LocalCache, tmp_path: Path) -> None:
    store = DirectoryObjectStore(tmp_path / "store")
    version = put(store, "a.mp4")
    with cache.local_copy(store, "a.mp4", version) as path:
        assert path == tmp_path / "store" / "a.mp4"
    cache.add(store, "a.mp4", version, path)
    assert not (tmp_path / "cache").exists()
    put(store, "a.mp4")
    with pytest.raises(StoreUnavailableError, match=r"a\.mp4 was replaced"):
        use(cache, store, "a.mp4", version)


def test_an_object_is_fetched_once(cache: LocalCache, store: RemoteFolder, folder: Path) -> None:
    version = put(store, "dir/a.mp4")
    for _ in range(3):
        with cache.local_copy(store, "dir/a.mp4", version=version) as path:
            assert path.read_bytes() == b"d" * SIZE_BYTES
            assert path.suffix == ".mp4"
            assert path.is_relative_to(folder)
    assert store.fetched == ["dir/a.mp4"]
    assert files(folder) == [path]


def test_versions_keys_and_stores_have_copies_of_their_own(
    cache: LocalCache, store: RemoteFolder, tmp_path: Path
) -> None:
    first = put(store, "a", 10)
    assert len(use(cache, store, "a", first)) == 10
    second = put(store, "a", 20)
    assert len(use(cache, store, "a", second)) == 20
    assert len(use(cache, store, "a", first)) == 10, "the copy of a version stays what it was"
    stores = [store, RemoteFolder(tmp_path / "other")]
    made = {
        (remote, key): tmp_path / f"{remote.url[-5:]}{key}" for remote in stores for key in "bc"
    }
    for (remote, key), path in made.items():
        path.write_text(path.name)
        cache.add(remote, key, "the-same-version", path)
    for (remote, key), path in made.items():
        assert use(cache, remote, key, "the-same-version").decode() == path.name


def test_a_replaced_object_is_not_taken_for_the_old_one(
    cache: LocalCache, store: RemoteFolder, folder: Path
) -> None:
    version = put(store, "a")
    put(store, "a", 5)
    with pytest.raises(StoreUnavailableError, match="a was replaced"):
        use(cache, store, "a", version)
    assert files(folder) == []


def test_a_failed_fetch_leaves_nothing(
    cache: LocalCache, store: RemoteFolder, folder: Path
) -> None:
    with pytest.raises(ObjectNotFoundError):
        use(cache, store, "a", "1-1")
    assert files(folder) == []
    assert use(cache, store, "a", put(store, "a")) == b"a" * SIZE_BYTES


def test_an_error_of_the_user_is_theirs(cache: LocalCache, store: RemoteFolder) -> None:
    version = put(store, "a")
    with pytest.raises(OSError, match="mine"), cache.local_copy(store, "a", version):
        raise OSError(errno.ENOSPC, "mine")


def test_threads_fetch_an_object_once(store: RemoteFolder, folder: Path, tmp_path: Path) -> None:
    version = put(store, "a")
    slow = RemoteFolder(tmp_path / "store", fetch_seconds=0.2)
    start = threading.Barrier(8)

    def work(_: int) -> bytes:
        start.wait()
        return use(LocalCache(folder, max_bytes=1000), slow, "a", version)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(work, range(8))) == {b"a" * SIZE_BYTES}
    assert store.fetched == ["a"]


def test_processes_fetch_an_object_once(store: RemoteFolder, holder: Holder) -> None:
    version = put(store, "a")
    processes = [holder("a", version, fetch_seconds=1) for _ in range(4)]
    for process in processes:
        wait_for(process, b"holding 100")
    assert store.fetched == ["a"]


def test_the_oldest_copies_go_first(store: RemoteFolder, folder: Path) -> None:
    cache = LocalCache(folder, max_bytes=2 * SIZE_BYTES)
    versions = {key: put(store, key) for key in "abc"}
    for key in "abac":
        use(cache, store, key, versions[key])
    assert store.fetched == ["a", "b", "c"]
    assert len(files(folder)) == 2
    use(cache, store, "a", versions["a"])
    assert store.fetched == ["a", "b", "c"]
    use(cache, store, "b", versions["b"])
    assert store.fetched == ["a", "b", "c", "b"]


def test_a_copy_in_use_stays(store: RemoteFolder, folder: Path) -> None:
    cache = LocalCache(folder, max_bytes=0)
    a, b = put(store, "a"), put(store, "b")
    with cache.local_copy(store, "a", a) as path:
        assert use(cache, store, "b", b) == b"b" * SIZE_BYTES
        assert use(cache, store, "a", a) == b"a" * SIZE_BYTES
        assert path.read_bytes() == b"a" * SIZE_BYTES
        assert files(folder) == [path]
    assert files(folder) == []


def test_a_copy_in_use_by_another_process_stays(
    store: RemoteFolder, folder: Path, holder: Holder
) -> None:
    cache = LocalCache(folder, max_bytes=0)
    a, b = put(store, "a"), put(store, "b")
    process = holder("a", a)
    wait_for(process, b"holding")
    use(cache, store, "b", b)
    assert len(files(folder)) == 1
    process.kill()
    process.wait()
    use(cache, store, "b", b)
    assert files(folder) == []


def test_a_killed_process_blocks_nobody(
    cache: LocalCache, store: RemoteFolder, folder: Path, holder: Holder
) -> None:
    versions = {key: put(store, key) for key in "ab"}
    for key, version in versions.items():
        process = holder(key, version, fetch_seconds=600)
        wait_for(process, b"fetching")
        process.kill()
        process.wait()
    left = files(folder)
    assert len([path for path in left if path.name == "half-made"]) == 2
    assert use(cache, store, "a", versions["a"]) == b"a" * SIZE_BYTES
    (copy,) = files(folder)
    assert copy.parent.name == "copies"


def test_an_unfinished_copy_of_a_living_process_is_left_alone(
    cache: LocalCache, store: RemoteFolder, folder: Path, holder: Holder
) -> None:
    a, b = put(store, "a"), put(store, "b")
    process = holder("a", a, fetch_seconds=600)
    wait_for(process, b"fetching")
    use(cache, store, "b", b)
    assert "half-made" in [path.name for path in files(folder)]


@pytest.mark.parametrize("hard_links", [True, False])
def test_a_file_just_stored_is_not_fetched(
    cache: LocalCache,
    store: RemoteFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hard_links: bool,
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "another file system")

    if not hard_links:
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    made = tmp_path / "made.mp4"
    made.write_bytes(b"m" * SIZE_BYTES)
    modified_ns = made.stat().st_mtime_ns
    version = store.put_file("clips/m.mp4", made, content_type="video/mp4").version
    cache.add(store, "clips/m.mp4", version, made)
    cache.add(store, "clips/m.mp4", version, made)
    assert made.stat().st_nlink == (2 if hard_links else 1)
    assert made.stat().st_mtime_ns == modified_ns
    made.unlink()
    assert use(cache, store, "clips/m.mp4", version) == b"m" * SIZE_BYTES
    assert store.fetched == []


def test_adding_keeps_the_bound(store: RemoteFolder, folder: Path, tmp_path: Path) -> None:
    cache = LocalCache(folder, max_bytes=SIZE_BYTES)
    made = tmp_path / "made"
    versions = {}
    for key, size_bytes in {"a": SIZE_BYTES, "b": SIZE_BYTES, "c": SIZE_BYTES + 1}.items():
        made.write_bytes(bytes(size_bytes))
        versions[key] = store.put_file(key, made, content_type="x").version
        cache.add(store, key, versions[key], made)
        made.unlink()
    assert len(files(folder)) == 1
    use(cache, store, "b", versions["b"])
    assert store.fetched == []


def test_copies_are_looked_at_once_and_not_for_each_that_comes_or_goes(
    store: RemoteFolder, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    looked = cache_module._facts_of_files
    monkeypatch.setattr(
        cache_module, "_facts_of_files", lambda path: looks.append(path) or looked(path)
    )
    versions = {key: put(store, key) for key in "abcdefgh"}
    cache = LocalCache(folder, max_bytes=4 * SIZE_BYTES)
    for key in "abcd":
        use(cache, store, key, versions[key])
    # Others count with it.
    other = LocalCache(folder, max_bytes=4 * SIZE_BYTES)
    for key in "ef":
        use(other, store, key, versions[key])
    assert len(looks) == 2
    use(cache, store, "a", versions["a"])
    assert store.fetched == [*"abcdef", "a"]
    assert len(files(folder)) == 4


def test_copies_that_somebody_removed_by_hand_make_room(store: RemoteFolder, folder: Path) -> None:
    versions = {key: put(store, key) for key in "abcdef"}
    cache = LocalCache(folder, max_bytes=3 * SIZE_BYTES)
    for key in "abc":
        use(cache, store, key, versions[key])
    for path in files(folder)[:2]:
        path.unlink()
    for key in "de":
        use(cache, store, key, versions[key])
    assert len(files(folder)) == 3


def test_the_folder_may_be_removed_at_any_time(
    cache: LocalCache, store: RemoteFolder, folder: Path
) -> None:
    version = put(store, "a")
    with cache.local_copy(store, "a", version):
        shutil.rmtree(folder)
    assert use(cache, store, "a", version) == b"a" * SIZE_BYTES


def test_room_is_not_negative(folder: Path) -> None:
    with pytest.raises(SettingsError, match="-1"):
        LocalCache(folder, max_bytes=-1)
    assert not folder.exists()
