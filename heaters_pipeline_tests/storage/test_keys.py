"""Keys: partition keys that never meet, and which uploads are videos."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heaters_pipeline.storage.keys import (
    SOURCE_PREFIX,
    clip_key,
    frame_scores_key,
    guess_source_key,
    is_video_upload,
    keyframe_key,
    manifest_key,
    rejection_key,
    rejection_prefix,
    source_key_for_name,
    sprite_index_key,
    sprite_sheet_key,
    submission_key,
    thumbnail_key,
    video_id_of,
    video_manifest_key,
)

# Few letters, of which names are made that come close to each other.
CLOSE_NAMES = st.text(alphabet="ab4.mp-_/ é", min_size=1, max_size=12)
ANY_NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=130)
CLEAN_NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}\.[A-Za-z0-9]{1,8}", fullmatch=True)
DIGEST = "0123456789abcdef" * 4


def id_of(name: str) -> str:
    return video_id_of(source_key_for_name(name))


@given(CLOSE_NAMES | ANY_NAMES, CLOSE_NAMES | ANY_NAMES)
def test_different_names_have_different_ids(one: str, other: str) -> None:
    assert (id_of(one) == id_of(other)) == (one == other)


@given(CLOSE_NAMES | ANY_NAMES | CLEAN_NAMES)
def test_ids_are_safe(name: str) -> None:
    video_id = id_of(name)
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,120}", video_id)
    assert ".." not in video_id
    assert video_id[0] != "."
    assert video_id[-1] != "."


@given(CLEAN_NAMES)
def test_a_clean_name_can_be_read_from_its_id(name: str) -> None:
    assert id_of(name) == name.removesuffix(".mp4")
    assert guess_source_key(id_of(name)) == f"{SOURCE_PREFIX}{name}"


@given(CLOSE_NAMES | ANY_NAMES)
def test_a_guess_is_right_or_none(name: str) -> None:
    assert guess_source_key(id_of(name)) in (None, source_key_for_name(name))


@given(CLOSE_NAMES)
def test_a_guess_for_any_text_leads_back(text: str) -> None:
    key = guess_source_key(text)
    assert key is None or video_id_of(key) == text


@pytest.mark.parametrize(
    ("name", "video_id"),
    [
        ("holiday.mp4", "holiday"),
        ("holiday.mov", "holiday.mov"),
        ("Holiday.MP4", "Holiday.MP4"),
        ("2026-01-01_a.webm", "2026-01-01_a.webm"),
    ],
)
def test_clean_names_stay(name: str, video_id: str) -> None:
    assert id_of(name) == video_id


@pytest.mark.parametrize(
    ("name", "readable"),
    [
        ("trip/day 1.mp4", "trip-day-1.mp4"),
        ("holiday", "holiday.none"),
        ("日本.mp4", "video.mp4"),
        ("a.b.mp4", "a-b.mp4"),
        ("x" * 101 + ".mp4", "x" * 60 + ".mp4"),
        ("b\udcff.mp4", "b.mp4"),
    ],
)
def test_other_names_get_a_digest(name: str, readable: str) -> None:
    assert re.fullmatch(rf"{re.escape(readable)}\.[0-9a-f]{{16}}", id_of(name))


@pytest.mark.parametrize("key", ["", SOURCE_PREFIX, "clips/a.mp4", "source_videos"])
def test_only_sources_have_ids(key: str) -> None:
    with pytest.raises(ValueError, match="source_videos/"):
        video_id_of(key)


@pytest.mark.parametrize(
    ("name", "is_video"),
    [
        ("a.mp4", True),
        ("a", True),
        ("a.txt", True),
        ("folder/A B.MOV", True),
        ("a.part.mp4", True),
        ("", False),
        ("folder/", False),
        (".hidden.mp4", False),
        (".folder/a.mp4", False),
        ("folder/.a.mp4.Xy12", False),
        ("a.mp4.part", False),
        ("a.mp4.PART", False),
        ("a.mp4.crdownload", False),
    ],
)
def test_which_uploads_are_videos(name: str, is_video: bool) -> None:
    assert is_video_upload(source_key_for_name(name)) is is_video


def test_the_layout_of_derived_objects() -> None:
    assert manifest_key("clips", "holiday") == "manifests/clips/holiday.json"
    assert video_manifest_key("holiday") == "manifests/videos/holiday.json"
    assert submission_key("holiday") == "submissions/holiday.json"
    key = frame_scores_key("holiday", DIGEST, "fast")
    assert key == "frame_scores/holiday/0123456789abcdef-fast.parquet"
    stem = "holiday/00000010-00000250-0123456789abcdef"
    assert clip_key("holiday", 10, 250, DIGEST) == f"clips/{stem}.mp4"
    assert sprite_sheet_key("holiday", 10, 250, DIGEST, 2) == f"sprite_sheets/{stem}-002.jpg"
    assert sprite_index_key("holiday", 10, 250, DIGEST) == f"sprite_sheets/{stem}.json"
    assert keyframe_key("holiday", 10, 250, DIGEST, "25") == f"keyframes/{stem}-25.jpg"
    sharpest = keyframe_key("holiday", 10, 250, DIGEST, "sharpest", "webp")
    assert sharpest == f"keyframes/{stem}-sharpest.webp"
    assert thumbnail_key(sharpest) == f"keyframes/{stem}-sharpest-thumbnail.webp"


@given(st.text(max_size=40), st.text(max_size=40))
def test_rejections_are_told_apart_by_version(one: str, other: str) -> None:
    keys = {rejection_key("holiday", version) for version in (one, other)}
    assert len(keys) == len({one, other})
    assert all(key.startswith(rejection_prefix("holiday")) for key in keys)
