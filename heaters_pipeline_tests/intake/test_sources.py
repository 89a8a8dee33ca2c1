"""What users type is understood, and everything gets a key that keeps it apart."""

import hashlib
import traceback
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.intake.sources import (
    HttpLink,
    LocalFile,
    S3Link,
    StoreKey,
    classify,
    content_type_of,
    shown_url,
    shown_video,
)
from heaters_pipeline.storage import keys

# Bytes of a name that are no UTF-8 are lone surrogates in Python.
BAD_BYTES = [chr(0xDC00 + byte) for byte in range(0x80, 0x100)]
CHARACTERS = st.characters(codec="utf-8", exclude_characters="/\0") | st.sampled_from(BAD_BYTES)
NAMES = st.text(CHARACTERS, min_size=1, max_size=80).filter(lambda name: name not in (".", ".."))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path.resolve()


@pytest.mark.parametrize(
    "text",
    ["holiday.mp4", "holiday", "./trip/day 1.mov", "source_videos/a.mp4", " odd .mp4 ", "-\udcff"],
)
def test_what_exists_here_is_that_file(here: Path, text: str) -> None:
    path = here / text
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    assert classify(text) == LocalFile(path)
    assert classify(str(path)) == LocalFile(path)
    assert classify(path.as_uri()) == LocalFile(path)


def test_one_file_has_one_spelling(here: Path) -> None:
    (here / "real").mkdir()
    (here / "real" / "a.mp4").touch()
    (here / "linked").symlink_to("real")
    assert classify("linked/a.mp4") == classify("real/../real/a.mp4") == classify("real/a.mp4")


def test_the_home_folder_is_known(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(here))
    assert classify("~/a.mp4") == LocalFile(here / "a.mp4")
    with pytest.raises(SettingsError, match="no such user"):
        classify("~nobody-of-this-name/a.mp4")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("source_videos/holiday.mp4", StoreKey("holiday", "source_videos/holiday.mp4")),
        ("source_videos/trip/1.mp4", StoreKey("trip-1.mp4.a14fa2d8d3d45a45", None)),
        ("holiday", StoreKey("holiday", "source_videos/holiday.mp4")),
        ("holiday.mov", StoreKey("holiday.mov", "source_videos/holiday.mov")),
        ("trip-1.mp4.a14fa2d8d3d45a45", StoreKey("trip-1.mp4.a14fa2d8d3d45a45", None)),
        ("http://127.0.0.1/a.mp4", HttpLink("http://127.0.0.1/a.mp4")),
        (" HTTPS://example.org/a?b=1\n", HttpLink("HTTPS://example.org/a?b=1")),
        ("s3://bucket/in/a b?#.mp4", S3Link("bucket", "in/a b?#.mp4")),
    ],
)
def test_links_keys_and_ids_are_told_apart(
    text: str, expected: HttpLink | S3Link | StoreKey
) -> None:
    if isinstance(expected, StoreKey) and text.startswith(keys.SOURCE_PREFIX):
        expected = StoreKey(keys.video_id_of(text), text)
    assert classify(text) == expected


@pytest.mark.parametrize("text", ["missing.mp4", "trip/missing", "./missing", "/missing.mov", ".."])
def test_everything_else_is_a_file_even_if_it_is_missing(text: str) -> None:
    assert isinstance(classify(text), LocalFile)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "a\0b",
        "lone surrogate \ud800.mp4",
        "ftp://example.org/a.mp4",
        "http:///a.mp4",
        "http:/example.org/a.mp4",
        "https://[broken/a.mp4",
        "s3://bucket",
        "s3://bucket/",
        "s3://bucket/folder/",
        "s3:/bucket/a.mp4",
        "file://elsewhere/a.mp4",
        "rtsp://user:hunter2@camera/1",
    ],
)
def test_what_cannot_be_brought_in_is_refused_with_what_can(text: str) -> None:
    with pytest.raises(
        SettingsError, match=r"give a file, a link .* or the id of a video"
    ) as error:
        classify(text)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.org/v/holiday.mp4", "holiday-{}.mp4"),
        ("https://example.org/v/holiday.MOV?sig=x#t=5", "holiday-{}.mov"),
        ("https://example.org/My%20trip%20(1).webm", "My-trip-1-{}.webm"),
        ("https://example.org/watch?v=abc", "watch-{}.mp4"),
        ("https://example.org/v1.2/", "v1-2-{}.mp4"),
        ("https://example.org/get.php", "get-php-{}.mp4"),
        ("https://example.org/film.part", "film-part-{}.mp4"),
        ("https://example.org/../..", "video-{}.mp4"),
        ("https://example.org/", "video-{}.mp4"),
        ("https://example.org/" + "a" * 300 + ".mp4", "a" * 60 + "-{}.mp4"),
    ],
)
def test_a_link_keeps_the_readable_part_of_its_name(url: str, name: str) -> None:
    digest = hashlib.sha256(url.encode()).hexdigest()[:10]
    assert HttpLink(url).source_key == f"source_videos/{name.format(digest)}"


@given(st.text(CHARACTERS, max_size=40), st.text(CHARACTERS, max_size=40))
def test_links_get_clean_ids_and_never_share_a_key(one: str, other: str) -> None:
    assume(one != other)
    key = HttpLink(f"https://example.org/{one}").source_key
    assert keys.is_video_upload(key)
    assert keys.guess_source_key(keys.video_id_of(key)) == key
    assert key != HttpLink(f"https://example.org/{other}").source_key
    assert S3Link("bucket", one).source_key != S3Link("bucket", other).source_key


@given(NAMES, NAMES)
def test_files_get_clean_ids_and_never_share_a_key(one: str, other: str) -> None:
    assume(one != other)
    key = LocalFile(Path("/videos") / one).source_key
    assert keys.is_video_upload(key)
    assert keys.guess_source_key(keys.video_id_of(key)) == key
    assert key != LocalFile(Path("/videos") / other).source_key


@pytest.mark.parametrize(
    ("name", "stays"),
    [
        ("holiday.mp4", True),
        ("0001.mov", True),
        ("UPPER.MP4", True),
        ("a-b_c.webm", True),
        ("my holiday.mp4", False),
        ("v1.2.mp4", False),
        ("noext", False),
        (".hidden.mp4", False),
        ("clip.part", False),
        ("été.mp4", False),
        ("bad-\udcff.mp4", False),
    ],
)
def test_a_clean_file_name_stays_as_it_is(name: str, stays: bool) -> None:
    key = LocalFile(Path("/videos") / name).source_key
    assert (key == f"source_videos/{name}") is stays
    assert keys.guess_source_key(keys.video_id_of(key)) == key


def test_files_of_one_name_from_two_folders_can_be_kept_apart() -> None:
    one, other = LocalFile(Path("/a/0001.mp4")), LocalFile(Path("/b/0001.mp4"))
    digest = hashlib.sha256(b"/b/0001.mp4").hexdigest()[:8]
    assert one.source_key == other.source_key == "source_videos/0001.mp4"
    assert other.source_key_apart == f"source_videos/0001-{digest}.mp4"
    assert one.source_key_apart != other.source_key_apart


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.org/x.mp4", "https://a.org/x.mp4"),
        ("https://me:hunter2@a.org:8443/x.mp4", "https://a.org:8443/x.mp4"),
        (
            "https://a.org/x?v=1&X-Amz-Signature=ab&t=2",
            "https://a.org/x?…",
        ),
        ("https://a.org/x?token=ab#access_token=cd", "https://a.org/x?…"),
        ("https://a.org/x?h=" + "f" * 40, "https://a.org/x?…"),
        ("https://a.org/x#access_token=cd", "https://a.org/x"),
        ("https://a.org/x?", "https://a.org/x"),
        ("https://a.org/@me/x.mp4", "https://a.org/@me/x.mp4"),
        ("https://me:a@b@a.org/x.mp4", "https://a.org/x.mp4"),
        ("https://me:a/b@a.org/x.mp4", "https://…"),
        ("https://me:a?b@a.org/x.mp4", "https://…"),
        ("https://[::1]:80/x.mp4?a", "https://[::1]:80/x.mp4?…"),
        ("http:/me:hunter2@a.org/x", "http:/a.org/x"),
        ("ftp://me:hunter2@a.org/x?a", "ftp://a.org/x?…"),
    ],
)
def test_links_are_shown_without_secrets(url: str, shown: str) -> None:
    assert shown_url(url) == shown
    assert shown_url(shown) == shown
    assert HttpLink(url).origin == shown
    assert HttpLink(shown).is_shortened is shown.endswith("?…")


@pytest.mark.parametrize(
    "text",
    [
        "http:/me:CANARY@a.org/x.mp4?CANARY",
        "https:me:CANARY@a.org/x.mp4?CANARY",
        "https://me:CANARY/a@a.org/x.mp4",
        "https://me:CANARY?a@a.org/x.mp4",
        "https://me:CANARY@[::1/x.mp4?CANARY",
        "https://me:CANARY@\u2100.org/x.mp4",
        "ftp://me:CANARY@a.org/x.mp4?CANARY#CANARY",
        "s3://me:CANARY@bucket/x.mp4",
        "https://?CANARY",
        "https://a.org/x\0?CANARY",
        "file://a.org/x?CANARY",
    ],
)
def test_no_secret_stands_in_the_message_of_a_link_that_is_refused(text: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        classify(text)
    assert "CANARY" not in "".join(traceback.format_exception(refusal.value))
    assert "CANARY" not in shown_video(text)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("source_videos/a.mp4", "video/mp4"),
        ("source_videos/a.MKV", "video/x-matroska"),
        ("source_videos/a.xyz", "application/octet-stream"),
    ],
)
def test_content_types_follow_the_extension(key: str, expected: str) -> None:
    assert content_type_of(key) == expected
