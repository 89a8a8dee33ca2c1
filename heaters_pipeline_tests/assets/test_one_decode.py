"""Pictures of a run come from its scan or from one more decode, of what the store lacks alone."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from heaters_pipeline.assets import source_pictures
from heaters_pipeline.storage import keys
from heaters_pipeline.video.media.parallel_scan import UnexpectedFramesError
from heaters_pipeline.video.scoring import scores
from heaters_pipeline.video.stills.picture_shelf import WantedPicture
from heaters_pipeline.video.stills.source_pictures import make_pictures
from heaters_pipeline_tests.pipeline import SOURCE_KEY, SPANS, STAGES, VIDEO_ID, Pipeline

TILE_PX = 160
STORYBOARD_PX = 320


@pytest.fixture
def decodes(monkeypatch: pytest.MonkeyPatch) -> list[set[WantedPicture]]:
    """What was asked of each decode of a source for pictures."""
    asked: list[set[WantedPicture]] = []

    def noting(
        path: Path, info: Any, timeline: Any, wanted: Collection[WantedPicture], on_picture: Any
    ) -> None:
        asked.append(set(wanted))
        make_pictures(path, info, timeline, wanted, on_picture)

    monkeypatch.setattr(source_pictures, "make_pictures", noting)
    return asked


@pytest.fixture
def made(pipeline: Pipeline, film: Path, decodes: list[set[WantedPicture]]) -> Pipeline:
    """A store on which the first run was done."""
    outcome = pipeline.process(source_videos={"origin": str(film)})
    assert outcome.success, outcome.error
    return pipeline


def contents(pipeline: Pipeline, *stages: str) -> dict[str, bytes]:
    keys = [item.key for stage in stages for item in pipeline.manifest(stage).items]
    return {key: pipeline.store.read_bytes(key) for key in keys}


def test_after_the_scan_a_run_decodes_what_stands_on_no_tile(
    made: Pipeline, decodes: list[set[WantedPicture]]
) -> None:
    (wanted,) = decodes
    middles = {start + (end - start) // 2 for start, end in SPANS}
    assert {one.frame for one in wanted if one.coding} == middles
    # The contact sheet shows the middle of each clip, which is its key frame.
    assert {one.frame for one in wanted if one.max_side_px == TILE_PX} == middles
    assert not any(one.max_side_px == STORYBOARD_PX for one in wanted)
    assert made.process().success
    assert len(decodes) == 1


def test_a_scan_of_a_file_that_tells_nothing_of_its_frames_makes_no_pictures(
    pipeline: Pipeline,
    film: Path,
    decodes: list[set[WantedPicture]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scores, "index_packets", lambda *_: None)
    outcome = pipeline.process(source_videos={"origin": str(film)})
    assert outcome.success, outcome.error
    (wanted,) = decodes
    assert {one.frame for one in wanted if one.max_side_px == STORYBOARD_PX} == {0, 25, 50, 75}


def test_pictures_of_a_scan_that_began_anew_are_not_used(
    pipeline: Pipeline,
    film: Path,
    decodes: list[set[WantedPicture]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing_at_its_end(self: Any, index: Any) -> Any:
        in_parts(self, index)
        raise UnexpectedFramesError("frame 99 is damaged or does not come out in its place")

    in_parts = scores._Pass.in_parts
    monkeypatch.setattr(scores._Pass, "in_parts", failing_at_its_end)
    outcome = pipeline.process(source_videos={"origin": str(film)})
    assert outcome.success, outcome.error
    (wanted,) = decodes
    assert {one.frame for one in wanted if one.max_side_px == STORYBOARD_PX} == {0, 25, 50, 75}


def test_other_sheets_decode_their_tiles_alone(
    made: Pipeline, decodes: list[set[WantedPicture]]
) -> None:
    outcome = made.process(sprite_sheets={"tile_width_px": 64})
    assert outcome.count("made") == {**dict.fromkeys(STAGES, 0), "sprite_sheets": len(SPANS)}
    (wanted,) = decodes[1:]
    assert {one.max_side_px for one in wanted} == {64}


@pytest.mark.parametrize("stage", ["sprite_sheets", "keyframes"])
def test_pictures_are_webp_where_that_is_asked_for(made: Pipeline, stage: str) -> None:
    outcome = made.process(**{stage: {"format": "webp"}})
    assert outcome.success, outcome.error
    assert not outcome.failed_checks
    assert outcome.count("made") == {**dict.fromkeys(STAGES, 0), stage: len(SPANS)}
    pictures = [key for key in contents(made, stage) if not key.endswith(".json")]
    assert all(keys.is_product(key) for key in pictures)
    assert {key.rpartition(".")[2] for key in pictures} == {"webp"}
    for key in pictures:
        data = made.store.read_bytes(key)
        assert data[:4] + data[8:12] == b"RIFFWEBP"
    # What a killed run left without a record opens, too.
    made.forget(stage)
    assert made.process(**{stage: {"format": "webp"}}).count("reused")[stage] == len(SPANS)


def test_a_lost_key_frame_decodes_one_frame_and_is_the_same_again(
    made: Pipeline, decodes: list[set[WantedPicture]]
) -> None:
    before = contents(made, "keyframes")
    made.store.delete(made.manifest("keyframes").items[4].key)
    outcome = made.process()
    assert outcome.count("made")["keyframes"] == 1
    (wanted,) = decodes[1:]
    assert [one.frame for one in wanted] == [SPANS[2][0] + (SPANS[2][1] - SPANS[2][0]) // 2]
    assert contents(made, "keyframes") == before


def test_steps_by_themselves_decode_what_they_need_and_give_the_same(
    made: Pipeline, decodes: list[set[WantedPicture]]
) -> None:
    stages = ("sprite_sheets", "keyframes", "storyboards")
    before = contents(made, *stages)
    for key in before:
        made.store.delete(key)
    assert made.materialize("keyframes").success
    assert made.materialize("sprite_sheets").success
    assert made.materialize("storyboards").success
    keyframes, tiles, storyboard = decodes[1:]
    assert {one.max_side_px for one in storyboard} == {STORYBOARD_PX}
    assert not {one.max_side_px for one in keyframes} & {TILE_PX, STORYBOARD_PX}
    assert {one.max_side_px for one in tiles} == {TILE_PX}
    assert contents(made, *stages) == before


def test_without_its_source_pictures_are_made_of_the_clips(
    made: Pipeline, decodes: list[set[WantedPicture]]
) -> None:
    before = contents(made, "sprite_sheets", "keyframes")
    for key in [*before, SOURCE_KEY]:
        made.store.delete(key)
    for stage in ("sprite_sheets", "keyframes"):
        outcome = made.materialize(stage, VIDEO_ID)
        assert outcome.success, outcome.error
        assert outcome.count("made") == {stage: len(SPANS)}
    assert len(decodes) == 1
    assert contents(made, "sprite_sheets", "keyframes").keys() == before.keys()
