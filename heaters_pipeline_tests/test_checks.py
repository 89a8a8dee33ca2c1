"""Each check is green on what the pipeline made, and red for each of its reasons, alone."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import dagster as dg
import numpy as np
import pytest

from heaters_pipeline.assets.stage_checks import FINDINGS_SHOWN
from heaters_pipeline.checks import all_checks
from heaters_pipeline.storage.records.manifests import Manifest, ManifestItem
from heaters_pipeline_tests.pipeline import STAGES, VIDEO_ID, Pipeline

ALL_CHECKS = {
    "source_is_stored",
    "scenes_tile_the_video",
    "frame_scores_exist",
    "clips_exist",
    "sprite_sheets_exist",
    "keyframes_exist",
    "storyboards_exist",
    "storyboard_has_its_tiles",
    "clips_have_their_frames",
    "sprites_have_their_tiles",
}
FILLER = "application/octet-stream"


@dataclass(frozen=True)
class Fault:
    """Something done to a good store, and what has to be said of it.

    Attributes:
        name: Of the test.
        do: Does it.
        expected: By check, a pattern that its description matches.
    """

    name: str
    do: Callable[[Pipeline], None]
    expected: dict[str, str]


def change(stage: str, edit: Callable[[Manifest], Manifest]) -> Callable[[Pipeline], None]:
    """Rewrite a stage's manifest."""
    return lambda pipeline: _write(pipeline, edit(pipeline.manifest(stage)))


def change_scene(position: int, **frames: int) -> Callable[[Pipeline], None]:
    """Move the edges of a scene."""

    def edit(manifest: Manifest) -> Manifest:
        rows = [dict(row) for row in manifest.summary["scenes"]]
        rows[position] |= frames
        return replace(manifest, summary={**manifest.summary, "scenes": rows})

    return change("scenes", edit)


def drop_scene(position: int, listed: str | None) -> Callable[[Pipeline], None]:
    """Take a scene out, and list it as dropped, as excluded, or not at all."""

    def edit(manifest: Manifest) -> Manifest:
        rows = list(manifest.summary["scenes"])
        taken = rows.pop(position)
        lists = {listed: [taken]} if listed else {}
        return replace(manifest, summary={**manifest.summary, "scenes": rows, **lists})

    return change("scenes", edit)


def change_page(**details: int) -> Callable[[Pipeline], None]:
    """Change what the manifest says of the first page."""

    def edit(manifest: Manifest) -> Manifest:
        first, *others = manifest.items
        assert "page" in first.details
        return replace(
            manifest, items=(replace(first, details={**first.details, **details}), *others)
        )

    return change("sprite_sheets", edit)


def keep_items(keep: Callable[[ManifestItem], bool], *, twice: bool = False) -> Any:
    """Leave only some rows of the sprite sheets' manifest; the index of the first clip twice."""

    def edit(manifest: Manifest) -> Manifest:
        items = [item for item in manifest.items if keep(item)]
        extra = [item for item in items if is_index(item)][:1] if twice else []
        return replace(manifest, items=(*items, *extra))

    return change("sprite_sheets", edit)


def is_index(item: ManifestItem) -> bool:
    return "page" not in item.details


def delete_object(stage: str) -> Callable[[Pipeline], None]:
    """Delete the first object of a stage."""
    return lambda pipeline: pipeline.store.delete(pipeline.manifest(stage).items[0].key)


def lengthen_object(stage: str) -> Callable[[Pipeline], None]:
    """Append a byte to the first object of a stage."""

    def do(pipeline: Pipeline) -> None:
        key = pipeline.manifest(stage).items[0].key
        longer = pipeline.store.read_bytes(key) + b"\0"
        pipeline.store.write_bytes(key, longer, content_type=FILLER)

    return do


def exchange_clips(pipeline: Pipeline) -> None:
    """Put the clip of 25 frames where that of 20 should be, with the size that is recorded."""
    manifest = pipeline.manifest("clips")
    first, second, *others = manifest.items
    content = pipeline.store.read_bytes(second.key)
    pipeline.store.write_bytes(first.key, content, content_type=FILLER)
    first = replace(first, size_bytes=len(content))
    _write(pipeline, replace(manifest, items=(first, second, *others)))


def overwrite(stage: str, content: Callable[[int], bytes]) -> Callable[[Pipeline], None]:
    """Replace the first object of a stage by something as long."""

    def do(pipeline: Pipeline) -> None:
        item = pipeline.manifest(stage).items[0]
        pipeline.store.write_bytes(item.key, content(item.size_bytes), content_type=FILLER)

    return do


def small_jpeg(size_bytes: int) -> bytes:
    """A picture of 32 x 18 pixels in so many bytes."""
    _, data = cv2.imencode(".jpg", np.zeros((18, 32, 3), np.uint8))
    return data.tobytes().ljust(size_bytes, b"\0")


FAULTS = [
    Fault(
        "a gap between scenes",
        change_scene(1, start_frame=21),
        {
            "scenes_tile_the_video": "a scene starts at frame 21, not at 20",
            "clips_have_their_frames": r"no clip of frames \[21, 45\); "
            r"a clip of frames \[20, 45\) belongs to no scene",
        },
    ),
    Fault(
        "scenes that overlap",
        change_scene(1, end_frame=46),
        {
            "scenes_tile_the_video": "a scene starts at frame 45, not at 46",
            "clips_have_their_frames": r"no clip of frames \[20, 46\); .*",
        },
    ),
    Fault(
        "a first scene that starts late",
        change_scene(0, start_frame=1),
        {
            "scenes_tile_the_video": "a scene starts at frame 1, not at 0",
            "clips_have_their_frames": ".*",
        },
    ),
    Fault(
        "a last scene that ends early",
        change_scene(3, end_frame=94),
        {
            "scenes_tile_the_video": "the scenes end at frame 94, the video at 95",
            "clips_have_their_frames": ".*",
        },
    ),
    Fault(
        "a scene that is neither kept nor listed",
        drop_scene(2, listed=None),
        {
            "scenes_tile_the_video": "a scene starts at frame 75, not at 45",
            "clips_have_their_frames": r"a clip of frames \[45, 75\) belongs to no scene",
        },
    ),
    Fault(
        "a clip of a dropped scene",
        drop_scene(2, listed="dropped"),
        {"clips_have_their_frames": r"a clip of frames \[45, 75\) belongs to no scene"},
    ),
    Fault(
        "a clip of excluded frames",
        drop_scene(2, listed="excluded"),
        {"clips_have_their_frames": r"a clip of frames \[45, 75\) belongs to no scene"},
    ),
    Fault(
        "no score track",
        delete_object("frame_scores"),
        {"frame_scores_exist": r"frame_scores/film/[\w-]+\.parquet is missing"},
    ),
    Fault(
        "a score track of another size",
        lengthen_object("frame_scores"),
        {"frame_scores_exist": r"frame_scores/film/[\w-]+\.parquet has (\d+) bytes, not \d+"},
    ),
    Fault(
        "a missing clip",
        delete_object("clips"),
        {"clips_exist": r"clips/film/[\w-]+\.mp4 is missing"},
    ),
    Fault(
        "a clip of another size",
        lengthen_object("clips"),
        {
            "clips_exist": r"clips/film/[\w-]+\.mp4 has \d+ bytes, not \d+",
            "clips_have_their_frames": r"clips/film/[\w-]+\.mp4 does not open: .*",
        },
    ),
    Fault(
        "a clip with too many frames",
        exchange_clips,
        {"clips_have_their_frames": r"clips/film/[\w-]+\.mp4 shows 25 frames, not 20"},
    ),
    Fault(
        "a clip that is no video",
        overwrite("clips", lambda size_bytes: b"x" * size_bytes),
        {"clips_have_their_frames": r"clips/film/[\w-]+\.mp4 does not open: .*"},
    ),
    Fault(
        "a missing sprite page",
        delete_object("sprite_sheets"),
        {"sprite_sheets_exist": r"sprite_sheets/film/[\w-]+\.jpg is missing"},
    ),
    Fault(
        "a sprite page of another length",
        lengthen_object("sprite_sheets"),
        {"sprite_sheets_exist": r"sprite_sheets/film/[\w-]+\.jpg has \d+ bytes, not \d+"},
    ),
    Fault(
        "a sprite page of other pixels",
        overwrite("sprite_sheets", small_jpeg),
        {"sprites_have_their_tiles": r"sprite_sheets/film/[\w-]+\.jpg is 32x18, not 256x72"},
    ),
    Fault(
        "a sprite page that is no picture",
        overwrite("sprite_sheets", lambda size_bytes: b"x" * size_bytes),
        {"sprites_have_their_tiles": r"sprite_sheets/film/[\w-]+\.jpg does not open: .*"},
    ),
    Fault(
        "a page with a tile too few",
        change_page(tile_count=1),
        {"sprites_have_their_tiles": "film_clip_001 has 1 tiles on its pages, not 2"},
    ),
    Fault(
        "a page with more tiles than room",
        change_page(tile_count=3),
        {
            "sprites_have_their_tiles": "film_clip_001 has 3 tiles on its pages, not 2; "
            "film_clip_001 has 3 tiles on a page for 2"
        },
    ),
    Fault(
        "a page whose size does not fit its grid",
        change_page(rows=2),
        {"sprites_have_their_tiles": "film_clip_001 has a page whose size does not fit its grid"},
    ),
    Fault(
        "a clip without sprites",
        keep_items(lambda item: item.details["clip_identifier"] != "film_clip_002"),
        {"sprites_have_their_tiles": "film_clip_002 has no sprite sheet"},
    ),
    Fault(
        "sprites without index",
        keep_items(lambda item: not is_index(item) or item.start_frame > 0),
        {"sprites_have_their_tiles": "film_clip_001 has 0 sprite indexes, not 1"},
    ),
    Fault(
        "sprites with two indexes",
        keep_items(lambda item: True, twice=True),
        {"sprites_have_their_tiles": "film_clip_001 has 2 sprite indexes, not 1"},
    ),
    Fault(
        "a missing key frame",
        delete_object("keyframes"),
        {"keyframes_exist": r"keyframes/film/[\w-]+\.jpg is missing"},
    ),
    Fault(
        "a key frame of another size",
        lengthen_object("keyframes"),
        {"keyframes_exist": r"keyframes/film/[\w-]+\.jpg has \d+ bytes, not \d+"},
    ),
    Fault(
        "a missing storyboard sheet",
        delete_object("storyboards"),
        {"storyboards_exist": r"storyboards/film/[\w-]+\.jpg is missing"},
    ),
    Fault(
        "a storyboard sheet of other pixels",
        overwrite("storyboards", small_jpeg),
        {"storyboard_has_its_tiles": r"storyboards/film/[\w-]+\.jpg is 32x18, not 512x72"},
    ),
]


def test_every_check_is_green_on_a_good_store(processed: Pipeline) -> None:
    outcome = processed.check()
    assert outcome.success, outcome.error
    assert outcome.passed_checks == ALL_CHECKS
    assert not outcome.failed_checks
    names = [spec.name for each in all_checks for spec in each.check_specs]
    assert sorted(names) == sorted(ALL_CHECKS)
    evaluated = processed.process()
    assert evaluated.passed_checks == ALL_CHECKS
    # Each stage evaluates its own, without a step for them.
    assert evaluated.events["STEP_START"] == len(STAGES)
    records = processed.instance.get_records_for_run(evaluated.run_id).records
    evaluations = [
        record.event_log_entry.dagster_event.asset_check_evaluation_data
        for record in records
        if record.event_log_entry.dagster_event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION
        and record.event_log_entry.dagster_event
    ]
    assert sorted(each.check_name for each in evaluations) == sorted(ALL_CHECKS)
    assert all(each.partition == VIDEO_ID and not each.blocking for each in evaluations)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_fault_makes_its_checks_red_and_no_other(processed: Pipeline, fault: Fault) -> None:
    fault.do(processed)
    outcome = processed.check()
    assert outcome.failed_checks.keys() == fault.expected.keys()
    assert outcome.passed_checks == ALL_CHECKS - fault.expected.keys()
    for name, pattern in fault.expected.items():
        assert re.fullmatch(pattern, outcome.failed_checks[name]), outcome.failed_checks[name]


def test_processing_the_video_again_turns_a_red_check_green(processed: Pipeline) -> None:
    delete_object("clips")(processed)
    mended = processed.process()
    assert mended.success, mended.error
    assert mended.passed_checks == ALL_CHECKS


def test_many_faults_are_cut_short_and_counted(processed: Pipeline) -> None:
    def edit(manifest: Manifest) -> Manifest:
        times = {"start_seconds": "0/1", "end_seconds": "1/1"}
        spans = [{"start_frame": 2 * at, "end_frame": 2 * at + 1} for at in range(20)]
        rows = [{**span, **times} for span in spans]
        return replace(manifest, summary={**manifest.summary, "scenes": rows})

    change("scenes", edit)(processed)
    description = processed.check().failed_checks["scenes_tile_the_video"]
    # 19 gaps, and an end that is too early.
    assert description.count("; ") == FINDINGS_SHOWN
    assert description.endswith("; and 10 more")


def test_checks_of_a_video_that_was_never_processed_say_what_to_do(pipeline: Pipeline) -> None:
    outcome = pipeline.check("unknown")
    assert not outcome.success
    assert outcome.error is not None
    assert re.search(r"unknown has no \w+ yet; materialize \w+ first, or run", outcome.error)


def test_manifests_in_these_tests_are_those_of_the_format(processed: Pipeline) -> None:
    # The faults above edit what is read; were the layout another, they would test nothing.
    content = json.loads(processed.store.read_bytes("manifests/videos/film.json"))
    rows = content["stages"]["scenes"]["summary"]["scenes"]
    assert [row["start_frame"] for row in rows] == [0, 20, 45, 75]


def _write(pipeline: Pipeline, manifest: Manifest) -> None:
    pipeline.record(manifest)
