"""Which places are stores, and what a user reads about those that are none."""

import socket
from pathlib import Path

import pytest

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.open_store import open_store
from heaters_pipeline.storage.s3.store import S3ObjectStore

BASE = Path("/base/folder")


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("data", "file:///base/folder/data"),
        ("./data", "file:///base/folder/data"),
        ("/srv/my videos", "file:///srv/my%20videos"),
        ("~/videos", "file:///home/me/videos"),
        ("file:///srv/my%20videos", "file:///srv/my%20videos"),
        ("file://localhost/srv", "file:///srv"),
        ("file:///srv/%FF", "file:///srv/%FF"),
        (" data ", "file:///base/folder/data"),
        ("a:b", "file:///base/folder/a%3Ab"),
    ],
)
def test_folders(monkeypatch: pytest.MonkeyPatch, location: str, url: str) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    store = open_store(location, base_folder=BASE)
    assert isinstance(store, DirectoryObjectStore)
    assert store.url == url
    assert open_store(store.url, base_folder=BASE).url == url


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("s3://films", "s3://films"),
        ("s3://films/", "s3://films"),
        (" s3://films\n", "s3://films"),
        ("S3://films/p/q/", "s3://films/p/q"),
        ("s3://films/a b?c#d%20", "s3://films/a b?c#d%20"),
        ("s3://old_Bucket.name", "s3://old_Bucket.name"),
    ],
)
def test_buckets(location: str, url: str) -> None:
    store = open_store(location, base_folder=BASE)
    assert isinstance(store, S3ObjectStore)
    assert store.url == url
    assert open_store(store.url, base_folder=BASE).url == url


@pytest.mark.parametrize(
    "location",
    [
        "",
        "   ",
        "a\0b",
        "http://host/films",
        "https://films.s3.amazonaws.com",
        "gs://films",
        "s3://",
        "s3:///prefix",
        "s3:films",
        "s3:/films/p",
        "s3://fi lms",
        "s3://fi",
        "s3://-films",
        "s3://fi..lms",
        "s3://" + "f" * 64,
        "s3://films/a//b",
        "s3://films/../b",
        "file:data",
        "file://data",
        "file://host/data",
        "~nobody-of-this-name/data",
    ],
)
def test_other_places(location: str) -> None:
    with pytest.raises(SettingsError, match=r"name a folder .* or s3://bucket/prefix"):
        open_store(location, base_folder=BASE)


def test_opening_asks_and_creates_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"]:
        monkeypatch.delenv(name, raising=False)
    open_store("s3://films/p", base_folder=tmp_path)
    open_store("data", base_folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
