"""Key frames in the store: their thumbnails, and the sharpest frame outside of transitions."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from heaters_pipeline.assets.planning import plan_video
from heaters_pipeline.assets.run_settings import RunSettings
from heaters_pipeline.config import SourceConfig
from heaters_pipeline.storage.records.manifests import ManifestItem
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline.video.stills.picture_files import decoded_picture
from heaters_pipeline.video.stills.sharpest import candidates
from heaters_pipeline_tests.pipeline import SOURCE_KEY, SPANS, STAGES, Pipeline
from heaters_pipeline_tests.videos import frame_number_of, make_video

SHARPEST = {"strategy": "sharpest"}
NOTHING_MADE = dict.fromkeys(STAGES, 0)


def pictures(pipeline: Pipeline) -> Iterator[tuple[ManifestItem, ManifestItem]]:
    """The key frames of a video, each with its thumbnail."""
    items = pipeline.manifest("keyframes").items
    for keyframe, small in zip(items[::2], items[1::2], strict=True):
        assert keyframe.details["thumbnail"] == small.key
        assert small.details["thumbnail_of"] == keyframe.key
        yield keyframe, small


@pytest.mark.usefixtures("config_is_all")
def test_a_thumbnail_lies_beside_each_key_frame(pipeline: Pipeline, tmp_path: Path) -> None:
    film = make_video(tmp_path / "film.mp4", (20, 30), size_px=(640, 360))
    for settings in ({"strategy": "multi"}, {"format": "webp"}, {"max_side_px": 100}):
        outcome = pipeline.process(source_videos={"origin": str(film)}, keyframes=settings)
        assert outcome.success, outcome.error
        assert not outcome.failed_checks
        found = list(pictures(pipeline))
        assert len(found) == (6 if "strategy" in settings else 2)
        for keyframe, small in found:
            large, little = (
                decoded_picture(pipeline.store.read_bytes(item.key)) for item in (keyframe, small)
            )
            assert large.shape[1::-1] == size_px(keyframe)
            assert little.shape[1::-1] == size_px(small)
            assert size_px(small) == ((100, 56) if "max_side_px" in settings else (256, 144))
            frame = keyframe.details["frame"]
            assert frame == small.details["frame"] == frame_number_of(little)
            assert abs(large.mean() - little.mean()) < 2


def size_px(item: ManifestItem) -> tuple[Any, Any]:
    return item.details["width_px"], item.details["height_px"]


def test_a_lost_thumbnail_is_made_again_and_is_the_same(processed: Pipeline) -> None:
    _, small = list(pictures(processed))[1]
    content, before = processed.store.read_bytes(small.key), processed.versions("keyframes/")
    processed.store.delete(small.key)
    assert processed.process().count("made")["keyframes"] == 1
    assert processed.store.read_bytes(small.key) == content
    after = processed.versions("keyframes/")
    assert [key for key in before if after[key] != before[key]] == [small.key]


def test_the_sharpest_frame_is_recorded_and_found_once(processed: Pipeline) -> None:
    outcome = processed.process(keyframes=SHARPEST)
    assert outcome.success, outcome.error
    assert outcome.count("made")["keyframes"] == len(SPANS)
    for (keyframe, _), (start, end) in zip(pictures(processed), SPANS, strict=True):
        data = processed.store.read_bytes(keyframe.key)
        frame = keyframe.details["frame"]
        assert start <= frame < end
        assert frame == frame_number_of(decoded_picture(data))
        assert keyframe.details["percent"] == 100 * (frame - start) // (end - start)
        assert keyframe.key.endswith("-sharpest.jpg")
    again = processed.process(keyframes=SHARPEST)
    assert set(again.count("skipped").values()) == {True}


def test_without_a_record_the_sharpest_is_found_again(processed: Pipeline) -> None:
    assert processed.process(keyframes=SHARPEST).success
    before = processed.manifest("keyframes")
    processed.forget("keyframes")
    settings = RunSettings.of({"keyframes": SHARPEST})
    plan = plan_video(processed.workspace(), "film", SourceConfig(), settings)
    (planned,) = (stage for stage in plan.stages if stage.stage == "keyframes")
    outcome = processed.process(keyframes=SHARPEST)
    assert outcome.count("made")["keyframes"] == planned.made == len(SPANS)
    found = processed.manifest("keyframes")
    assert [replace(item, details={}) for item in found.items] == [
        replace(item, details={}) for item in before.items
    ]
    assert [item.details["sha256"] for item in found.items] == [
        item.details["sha256"] for item in before.items
    ]


def test_without_its_source_the_sharpest_is_found_in_the_clip(processed: Pipeline) -> None:
    processed.store.delete(SOURCE_KEY)
    outcome = processed.materialize("keyframes", keyframes=SHARPEST)
    assert outcome.success, outcome.error
    for (keyframe, _), (start, end) in zip(pictures(processed), SPANS, strict=True):
        frame = keyframe.details["frame"]
        assert frame in candidates([Span(start, end)])
        assert frame == frame_number_of(decoded_picture(processed.store.read_bytes(keyframe.key)))


def test_no_key_frame_is_one_of_a_transition(processed: Pipeline) -> None:
    assert processed.process(keyframes=SHARPEST).success
    before = [keyframe for keyframe, _ in pictures(processed)]
    # A dissolve where the sharpest frame of the second clip was found.
    at = int(before[1].details["frame"])
    rows = [{"kind": "dissolve", "start_frame": at - 1, "end_frame": at + 2}]
    scenes = processed.manifest("scenes")
    processed.record(replace(scenes, summary={**scenes.summary, "transitions": rows}))
    outcome = processed.process(keyframes=SHARPEST)
    assert outcome.count("made") == NOTHING_MADE | {"keyframes": 1}
    after = [keyframe for keyframe, _ in pictures(processed)]
    assert [item.key for item in after[2:]] == [item.key for item in before[2:]]
    assert after[1].key != before[1].key
    assert not at - 1 <= after[1].details["frame"] < at + 2
