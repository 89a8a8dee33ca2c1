"""Manifests say the same thing in the same bytes, and what cannot be read is refused."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heaters_pipeline.errors import ManifestError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records.manifest_upgrades import FORMAT_VERSION
from heaters_pipeline.storage.records.manifests import (
    FORMAT,
    Manifest,
    ManifestItem,
    canonical_json,
    exact_seconds,
    fingerprint_of,
    read_manifest,
    write_manifest,
)

KEY = "manifests/clips/film.json"

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False).filter(lambda number: abs(number) != float("inf")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
json_objects = st.dictionaries(st.text(), json_values, max_size=4)
frames = st.integers(0, 10**9)
seconds = st.fractions(min_value=0)
items = st.builds(
    ManifestItem,
    key=st.text(min_size=1),
    size_bytes=st.integers(0, 2**50),
    start_frame=frames,
    end_frame=frames,
    start_seconds=seconds,
    end_seconds=seconds,
    reused=st.booleans(),
    details=json_objects,
)
manifests = st.builds(
    Manifest,
    stage=st.sampled_from(["clips", "scenes"]),
    video_id=st.text(min_size=1),
    fingerprint=st.text("0123456789abcdef", min_size=64, max_size=64),
    inputs=json_objects,
    producer=st.dictionaries(st.text(), st.text(), max_size=2),
    summary=json_objects,
    items=st.lists(items, max_size=3).map(tuple),
)

GOLDEN = sorted((Path(__file__).parent / "golden").glob("manifest-*.json"))
"""Written by the program when it was of that version."""

MANIFEST = Manifest(
    stage="clips",
    video_id="film",
    fingerprint="0" * 64,
    inputs={"crf": 25},
    producer={"av": "18.1.0"},
    summary={"units": 1},
    items=(
        ManifestItem("clips/film/a.mp4", 5, 0, 30, Fraction(0), Fraction(1001, 1000), False, {}),
    ),
)


@given(manifests)
def test_a_manifest_comes_back_as_it_was_written(manifest: Manifest) -> None:
    assert Manifest.from_bytes(manifest.to_bytes(), KEY) == manifest


@given(json_objects)
def test_equal_values_have_one_spelling(value: dict[str, object]) -> None:
    turned = dict(reversed(value.items()))
    assert canonical_json(turned) == canonical_json(value)  # type: ignore[arg-type]
    assert json.loads(canonical_json(value)) == value  # type: ignore[arg-type]


@given(json_objects, json_objects)
def test_fingerprints_are_equal_only_for_equal_inputs(
    one: dict[str, object], other: dict[str, object]
) -> None:
    same = canonical_json(one) == canonical_json(other)  # type: ignore[arg-type]
    assert (fingerprint_of(one) == fingerprint_of(other)) is same  # type: ignore[arg-type]


def test_the_spelling_is_the_documented_one() -> None:
    assert canonical_json({"b": [1, None], "a": "é"}) == b'{"a":"\\u00e9","b":[1,null]}'
    # A change of these digests means that everything would be made again.
    assert fingerprint_of({"crf": 25, "source": "abc"}) == (
        "6f6e349ee1f467016d4dcc29bc3c0035bd6d04b12b32cf0155a48b372a785105"
    )


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        canonical_json({"threshold": float("nan")})


@given(seconds)
def test_seconds_are_written_exactly(value: Fraction) -> None:
    assert Fraction(exact_seconds(value)) == value


def test_the_file_says_what_it_is() -> None:
    content = json.loads(MANIFEST.to_bytes())
    assert (content["format"], content["format_version"]) == (FORMAT, FORMAT_VERSION)
    assert content["items"][0]["end_seconds"] == "1001/1000"
    assert MANIFEST.to_bytes().endswith(b"}\n")


def test_a_store_gives_the_manifest_of_the_stage_and_video(tmp_path: Path) -> None:
    store = DirectoryObjectStore(tmp_path)
    assert read_manifest(store, "clips", "film") is None
    write_manifest(store, MANIFEST)
    assert [found.key for found in store.list("")] == [keys.manifest_key("clips", "film")] == [KEY]
    assert read_manifest(store, "clips", "film") == MANIFEST
    assert read_manifest(store, "clips", "other") is None
    assert read_manifest(store, "scenes", "film") is None


def test_the_manifest_of_another_video_is_refused(tmp_path: Path) -> None:
    store = DirectoryObjectStore(tmp_path)
    key = keys.manifest_key("clips", "other")
    store.write_bytes(key, MANIFEST.to_bytes(), content_type="application/json")
    with pytest.raises(ManifestError, match="it is that of clips of film"):
        read_manifest(store, "clips", "other")


def test_a_newer_manifest_is_refused_with_the_way_out() -> None:
    content = json.loads(MANIFEST.to_bytes()) | {"format_version": FORMAT_VERSION + 1}
    with pytest.raises(ManifestError, match="this program reads up to 2; update heaters_pipeline"):
        Manifest.from_bytes(json.dumps(content).encode(), KEY)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_manifest_of_an_older_version_is_read_and_written_as_a_current_one(path: Path) -> None:
    content = json.loads(path.read_bytes())
    manifest = Manifest.from_bytes(path.read_bytes(), KEY)
    assert content["format_version"] == 1
    assert manifest.fingerprint == content["fingerprint"] == fingerprint_of(content["inputs"])
    assert [item.key for item in manifest.items] == [row["key"] for row in content["items"]]
    assert all(item.details["sha256"] is None for item in manifest.items)
    written = json.loads(manifest.to_bytes())
    assert written["format_version"] == FORMAT_VERSION
    for row in written["items"]:
        del row["details"]["sha256"]
    assert written | {"format_version": 1} == content


def test_a_first_manifest_of_scenes_excluded_no_frames() -> None:
    (path,) = (path for path in GOLDEN if path.stem.endswith("scenes"))
    content = json.loads(path.read_bytes())
    del content["summary"]["excluded"]
    assert Manifest.from_bytes(json.dumps(content).encode(), KEY).summary["excluded"] == []


@pytest.mark.parametrize("name", ["stage", "video_id", "fingerprint", "inputs", "producer"])
def test_a_manifest_without_one_of_its_fields_is_damaged(name: str) -> None:
    content = json.loads(MANIFEST.to_bytes())
    del content[name]
    assert_damaged(json.dumps(content).encode())


@pytest.mark.parametrize(
    "change",
    [
        {"format": "something/else"},
        {"format_version": None},
        {"format_version": 0},
        {"format_version": "1"},
        {"items": None},
        {"items": [{}]},
    ],
)
def test_a_manifest_with_a_wrong_field_is_damaged(change: dict[str, object]) -> None:
    assert_damaged(json.dumps(json.loads(MANIFEST.to_bytes()) | change).encode())


@pytest.mark.parametrize(
    "change",
    [
        {"size_bytes": "5"},
        {"size_bytes": 5.0},
        {"start_frame": True},
        {"end_seconds": "1/0"},
        {"end_seconds": "soon"},
        {"end_seconds": None},
    ],
)
def test_a_row_with_a_wrong_field_is_damaged(change: dict[str, object]) -> None:
    content = json.loads(MANIFEST.to_bytes())
    content["items"][0] |= change
    assert_damaged(json.dumps(content).encode())


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'"text"', b"\xff\xfe", b"{}", b"null"])
def test_what_is_no_manifest_is_damaged(data: bytes) -> None:
    assert_damaged(data)


@given(st.integers(0, len(MANIFEST.to_bytes()) - 3))
def test_a_manifest_cut_short_is_damaged(end: int) -> None:
    assert_damaged(MANIFEST.to_bytes()[:end])


def test_two_manifests_that_differ_in_a_detail_differ() -> None:
    (item,) = MANIFEST.items
    other = replace(MANIFEST, items=(replace(item, reused=True),))
    assert other.to_bytes() != MANIFEST.to_bytes()


def assert_damaged(data: bytes) -> None:
    """It is refused with its key and what to do."""
    what_to_do = "delete it and run the video again with its options: what is stored is adopted"
    with pytest.raises(ManifestError, match=rf"^{KEY} is damaged \(.*\); {what_to_do}$"):
        Manifest.from_bytes(data, KEY)
