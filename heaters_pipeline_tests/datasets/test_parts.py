"""What a clip is called in a data set, and what its JSON says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heaters_pipeline.datasets.parts import extension_of, is_part, row_json, sample_key
from heaters_pipeline.errors import ManifestError
from heaters_pipeline.storage import keys

names = st.text(min_size=1, max_size=40).map(lambda name: keys.video_id_of(f"source_videos/{name}"))


def key_of(identifier: str) -> str:
    return sample_key({"video_id": "film", "clip_identifier": identifier})


@given(names, names)
def test_different_clips_have_different_keys_without_a_dot(one: str, other: str) -> None:
    keys_of_both = [key_of(f"{each}_clip_001") for each in (one, other)]
    assert not any("." in key or "/" in key for key in keys_of_both)
    assert (keys_of_both[0] == keys_of_both[1]) == (one == other)


@pytest.mark.parametrize("name", ["../../film", "film/clip", "", "film~mov", "a\nb", "ﬁlm"])
def test_a_name_that_no_clip_has_is_refused(name: str) -> None:
    with pytest.raises(ManifestError, match="which no clip is called"):
        key_of(name)


@pytest.mark.parametrize("key", ["manifests/videos/film.json", "clips/film", "clips/film/a.mp4/x"])
def test_an_object_that_is_no_clip_is_refused(key: str) -> None:
    with pytest.raises(ManifestError, match="as a clip, which is none"):
        extension_of({"video_id": "film", "clip_filepath": key})


def test_json_has_no_infinite_number() -> None:
    row = {
        "loudness_lufs": float("-inf"),
        "sharpness": float("nan"),
        "tags": ["söka"],
        "end_frame": 20,
    }
    assert json.loads(row_json(row)) == {
        "loudness_lufs": None,
        "sharpness": None,
        "tags": ["söka"],
        "end_frame": 20,
    }
    assert row_json(row) == row_json(dict(reversed(row.items())))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("clips-0123456789abcdef.tar", True),
        (f"data/0a/{'0a' * 16}.mp4", True),
        ("clips-0123456789abcdef.tar/../../x", False),
        ("../clips-0123456789abcdef.tar", False),
        ("data/mine.mp4", False),
        ("source_videos/film.mp4", False),
    ],
)
def test_only_names_of_parts_are_names_of_parts(name: str, expected: bool) -> None:
    assert is_part(name) is expected
