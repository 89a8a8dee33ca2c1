"""Files that appear whole, and what the operating system's refusals are turned into."""

import errno
import os
import stat
from pathlib import Path

import pytest

from heaters_pipeline.errors import StoreError
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.local_files import make_folder, sync_folder


@pytest.mark.parametrize(
    ("number", "words", "transient"),
    [
        (errno.ENOSPC, "free some", False),
        (errno.EDQUOT, "quota", False),
        (errno.EACCES, "permission", False),
        (errno.EROFS, "read-only", False),
        (errno.EIO, "fault", True),
        (errno.ESTALE, "network drive", True),
        (errno.ETIMEDOUT, "in time", True),
        (errno.ENOTTY, "Inappropriate ioctl", False),
    ],
)
def test_a_refused_write_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str, transient: bool
) -> None:
    store = DirectoryObjectStore(tmp_path / "store")
    store.write_bytes("a", b"old", content_type="x")

    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    for action in (
        lambda: store.write_bytes("a", b"new", content_type="x"),
        lambda: store.fetch("a", tmp_path / "target"),
    ):
        with pytest.raises(StoreError, match=words) as caught:
            action()
        assert caught.value.transient is transient
        assert str(tmp_path) in str(caught.value)
    assert store.read_bytes("a") == b"old"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a"]


def test_missing_folders_are_made(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b" / "c")
    make_folder(tmp_path / "a" / "b" / "c")
    assert (tmp_path / "a" / "b" / "c").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        make_folder(tmp_path / "file")


def test_drives_that_cannot_sync_a_folder_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def like_some_network_drives(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", like_some_network_drives)
    store = DirectoryObjectStore(tmp_path / "store")
    store.write_bytes("a/b", b"1", content_type="x")
    assert store.read_bytes("a/b") == b"1"


def test_a_fault_of_a_folder_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="Input/output"):
        sync_folder(tmp_path)
