"""``heaters verify``: what was done behind our back is seen, and only that is mended."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory_store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.s3_store import S3ObjectStore
from heaters_pipeline_tests.cli.heaters_command import Ended, Heaters
from heaters_pipeline_tests.pipeline import STAGES
from heaters_pipeline_tests.servers import S3Server

Damage = Callable[[Path], object]

OBJECTS = {
    "frame_scores": "frame_scores/film/*.parquet",
    "clips": "clips/film/00000020-*.mp4",
    "sheet": "sprite_sheets/film/00000020-*.jpg",
    "index": "sprite_sheets/film/00000020-*.json",
    "keyframes": "keyframes/film/00000020-*.jpg",
}
PICTURES = {
    "similarity": "reports/film/scenes-*[0-9a-f].png",
    "contact sheet": "reports/film/clips-*.jpg",
}
PRODUCTS = ("source_videos/", "frame_scores/", "clips/", "sprite_sheets/", "keyframes/")


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES: dict[str, Damage] = {
    "deleted": Path.unlink,
    "emptied": lambda path: path.write_bytes(b""),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-2]),
    "overwritten": flip_a_bit,
}


@pytest.fixture
def store(home: Path, film: Path, processed_folder: Path) -> DirectoryObjectStore:
    """The commands' store, in which the film was processed."""
    shutil.copytree(processed_folder, home / "data")
    return DirectoryObjectStore(home / "data")


def path_of(store: DirectoryObjectStore, pattern: str) -> Path:
    """The one file that a pattern means, or the first page."""
    root = Path(store.url.removeprefix("file://"))
    return sorted(root.glob(pattern))[0]


def versions(store: ObjectStore) -> dict[str, str]:
    return {found.key: found.version for prefix in PRODUCTS for found in store.list(prefix)}


def faults(ended: Ended) -> list[tuple[str, str]]:
    """Kind and key of each fault."""
    return [
        (fault["kind"], fault["key"])
        for video in ended.document["videos"]
        for fault in video["faults"]
    ]


def test_a_store_that_is_well_is_said_to_be(store: DirectoryObjectStore, heaters: Heaters) -> None:
    for arguments in ([], ["--deep"], ["film"], ["film", "--deep"], ["source_videos/film.mp4"]):
        ended = heaters("verify", *arguments)
        assert (ended.code, ended.err) == (0, "")
        assert ended.out.startswith("1 videos, 0 of them unfinished; objects: 17 valid, 0 missing")
    document = heaters("verify", "--json").document
    assert document["totals"]["valid"] == 17
    assert document["videos"] == []


@pytest.mark.parametrize(
    ("name", "damage"),
    [(name, damage) for name in OBJECTS for damage in ("deleted", "overwritten")]
    + [("clips", "emptied"), ("clips", "cut short"), ("index", "cut short")],
)
def test_each_object_that_was_touched_is_named_and_mended_alone(
    store: DirectoryObjectStore, heaters: Heaters, name: str, damage: str
) -> None:
    path = path_of(store, OBJECTS[name])
    root = Path(store.url.removeprefix("file://"))
    key = str(path.relative_to(root))
    content, before = path.read_bytes(), versions(store)
    DAMAGES[damage](path)
    kind = {"deleted": "missing", "overwritten": "altered"}.get(damage, "damaged")
    plain, deep = heaters("verify", "--json"), heaters("verify", "film", "--deep", "--json")
    assert faults(plain) == ([] if kind == "altered" else [(kind, key)])
    assert plain.code == (0 if kind == "altered" else 1)
    assert faults(deep) == [(kind, key)]
    assert deep.code == 1
    repaired = heaters("verify", "--deep", "--repair", "--json")
    assert (repaired.code, faults(repaired)) == (0, []), repaired.err
    assert path.read_bytes() == content
    (video,) = repaired.document["videos"]
    assert made(video) == {"sprite_sheets" if name in ("sheet", "index") else name: 1}
    # The pages and the index of a clip are made in one piece.
    unit = {each for each in before if name in ("sheet", "index") and stem(each) == stem(key)}
    after = versions(store)
    assert {each for each in before if after[each] != before[each]} <= {key, *unit}
    assert heaters("verify", "--deep").code == 0


def made(video: dict[str, Any]) -> dict[str, int]:
    """What a repair made by stage. The source is registered anew, since it is a copy here."""
    counts = dict(video["repaired"]["made"])
    counts.pop("source_videos", None)
    return counts


def stem(key: str) -> str:
    return "-".join(key.partition(".")[0].split("-")[:3])


@pytest.mark.parametrize(
    ("stage", "damage"),
    [(stage, "deleted") for stage in STAGES]
    + [(stage, damage) for stage in ("scenes", "clips") for damage in DAMAGES],
)
def test_manifests_are_looked_at_too_and_nothing_is_made_again_for_one(
    store: DirectoryObjectStore, heaters: Heaters, stage: str, damage: str
) -> None:
    path = path_of(store, f"manifests/{stage}/film.json")
    before = versions(store)
    # A bit is seen even where the size tells nothing, since there are two records of it.
    DAMAGES[damage](path)
    assert heaters("verify", "--deep").code == 1
    if damage != "overwritten":
        assert heaters("verify").code == 1
    ended = heaters("verify", "--deep", "--repair")
    assert ended.code == 0, ended.err
    assert versions(store) == before
    assert heaters("verify", "--deep").code == 0


@pytest.mark.parametrize("damage", ["deleted", "emptied"])
@pytest.mark.parametrize("name", PICTURES)
def test_pictures_of_the_ui_are_drawn_again(
    store: DirectoryObjectStore, heaters: Heaters, name: str, damage: str
) -> None:
    path = path_of(store, PICTURES[name])
    content, before = path.read_bytes(), versions(store)
    DAMAGES[damage](path)
    assert heaters("verify").code == 1
    assert heaters("verify", "--repair").code == 0
    assert path.read_bytes() == content
    assert versions(store) == before


@pytest.mark.parametrize("damage", DAMAGES)
def test_without_its_source_nothing_is_touched(
    store: DirectoryObjectStore, heaters: Heaters, damage: str
) -> None:
    path_of(store, OBJECTS["clips"]).unlink()
    DAMAGES[damage](path_of(store, "source_videos/film.mp4"))
    before = versions(store)
    ended = heaters("verify", "--deep", "--repair")
    assert ended.code == 1
    assert "upload it again, or process the video if it was replaced on purpose" in ended.out
    assert "it cannot be repaired without its source" in ended.out
    assert versions(store) == before


def test_an_unfinished_video_has_no_faults(store: DirectoryObjectStore, heaters: Heaters) -> None:
    for stage in ("finished", "clips", "sprite_sheets", "keyframes"):
        store.delete(keys.manifest_key(stage, "film"))
    document = heaters("verify", "film", "--json").document
    assert document["totals"] | {"stale": 16} == document["totals"]
    assert (document["totals"]["unfinished"], document["totals"]["faulty"]) == (1, 0)


def test_a_repair_keeps_the_settings_that_the_video_was_made_with(
    home: Path, film: Path, heaters: Heaters
) -> None:
    options = [
        "--clips",
        "reencode",
        "--crf",
        "31",
        "--min-duration",
        "0.1",
        "--ignore",
        "0,0,1,0.1",
    ]
    heaters("process", film, *options)
    store = DirectoryObjectStore(home / "data")
    before = versions(store)
    path_of(store, OBJECTS["clips"]).unlink()
    store.delete(keys.manifest_key("keyframes", "film"))
    (video,) = heaters("verify", "--repair", "--json").document["videos"]
    assert made(video) == {"clips": 1}
    assert versions(store).keys() == before.keys()
    again = heaters("process", film, *options, "--json").videos
    assert again[0]["counts"]["made"] == 0


def test_settings_that_this_version_does_not_have_are_refused(
    store: DirectoryObjectStore, heaters: Heaters
) -> None:
    path_of(store, OBJECTS["clips"]).unlink()
    store.delete(keys.finished_key("film"))
    path = path_of(store, "manifests/clips/film.json")
    content = json.loads(path.read_text())
    content["inputs"]["settings"]["colour"] = "sepia"
    path.write_text(json.dumps(content))
    before = versions(store)
    ended = heaters("verify", "--repair")
    assert ended.code == 1
    assert "film was made with settings that this version does not have" in ended.out
    assert versions(store) == before


def test_what_no_manifest_names_is_counted_and_no_fault(
    store: DirectoryObjectStore, heaters: Heaters
) -> None:
    store.write_bytes("clips/film/00000000-00000095-0123456789abcdef.mp4", b"x", content_type="x")
    store.write_bytes("clips/nobody/00000000-00000095-0123456789abcdef.mp4", b"x", content_type="x")
    document = heaters("verify", "--json").document
    assert document["totals"]["stale"] == 1
    assert heaters("verify").code == 0


def test_items_without_a_digest_are_valid_by_their_size_and_said_to_be_unread(
    store: DirectoryObjectStore, heaters: Heaters
) -> None:
    store.delete(keys.finished_key("film"))
    path = path_of(store, "manifests/keyframes/film.json")
    content = json.loads(path.read_text())
    for item in content["items"]:
        del item["details"]["sha256"]
    path.write_text(json.dumps(content))
    assert heaters("verify", "--json").document["totals"]["unread"] == 0
    ended = heaters("verify", "--deep")
    assert ended.code == 0
    assert "4 objects were made by a version that recorded no digests" in ended.out


def test_a_video_that_there_is_not_is_said(store: DirectoryObjectStore, heaters: Heaters) -> None:
    ended = heaters("verify", "holiday")
    assert ended.code == 1
    assert ended.err == ("Error: there is no record of a video holiday; heaters status lists all\n")


def test_all_videos_are_verified_by_listings_alone_on_s3(
    rclone_s3: S3Server, home: Path, film: Path, heaters: Heaters, monkeypatch: pytest.MonkeyPatch
) -> None:
    rclone_s3.use(monkeypatch)
    bucket = rclone_s3.new_bucket()
    monkeypatch.setenv("HEATERS_STORE", f"s3://{bucket}/videos")
    store = S3ObjectStore(bucket, "videos")
    heaters("process", film)
    requests = heaters("verify", "--json").document["store_requests"]
    assert requests == {"GetObject": 1, "ListObjectsV2": 13}
    clip = next(store.list("clips/")).key
    content = bytearray(store.read_bytes(clip))
    content[-1] ^= 1
    store.write_bytes(clip, bytes(content), content_type="video/mp4")
    assert faults(heaters("verify", "film", "--deep", "--json")) == [("altered", clip)]
    assert heaters("verify", "film", "--deep", "--repair").code == 0
