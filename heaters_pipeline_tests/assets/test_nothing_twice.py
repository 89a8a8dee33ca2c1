"""Nothing is done twice: what a second run makes, and what it writes, after all that can happen."""

from pathlib import Path

import pytest

from heaters_pipeline.assets.stage_work import SHOWN_SKIP_REASON, SKIP_REASON
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline.video.clips.write import inspect_clip
from heaters_pipeline.video.detection.cuts import cut_strengths
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.pipeline import (
    SOURCE_KEY,
    SPANS,
    STAGES,
    VIDEO_ID,
    Outcome,
    Pipeline,
    spans,
)
from heaters_pipeline_tests.pipeline_fixtures import FILM_SCENES
from heaters_pipeline_tests.servers import S3Server
from heaters_pipeline_tests.videos import make_video

pytestmark = pytest.mark.usefixtures("config_is_all")

FROM_CLIPS = ("sprite_sheets", "keyframes")
SHOWN_PICTURES = {"scenes": "similarity", "clips": "contact_sheet"}


@pytest.fixture
def made(pipeline: Pipeline, film: Path) -> Outcome:
    """The first run, which makes everything, on the store of ``pipeline``."""
    outcome = pipeline.process(source_videos={"origin": str(film)})
    assert outcome.success, outcome.error
    return outcome


def assert_nothing_made(outcome: Outcome) -> None:
    """Each asset was materialized, as skipped."""
    assert outcome.success, outcome.error
    assert outcome.count("made") == dict.fromkeys(STAGES, 0)
    assert outcome.count("skipped") == dict.fromkeys(STAGES, True)
    assert outcome.count("reason") == dict.fromkeys(STAGES, SHOWN_SKIP_REASON)
    assert not outcome.failed_checks


def test_the_first_run_makes_everything(pipeline: Pipeline, made: Outcome) -> None:
    units = {"source_videos": 1, "frame_scores": 1, "storyboards": 1}
    assert made.count("made") == {stage: units.get(stage, len(SPANS)) for stage in STAGES}
    assert made.count("reused") == dict.fromkeys(STAGES, 0)
    assert made.count("skipped") == dict.fromkeys(STAGES, False)
    assert not any("reason" in facts for facts in made.metadata.values())
    assert not made.failed_checks
    clips = pipeline.manifest("clips")
    assert spans(clips, reused=False) == SPANS
    assert [item.details["clip_identifier"] for item in clips.items] == [
        f"{VIDEO_ID}_clip_00{number}" for number in (1, 2, 3, 4)
    ]
    stored = pipeline.versions()
    for stage in STAGES[1:]:
        assert all(item.key in stored for item in pipeline.manifest(stage).items)


def test_a_second_run_makes_and_writes_nothing(pipeline: Pipeline, made: Outcome) -> None:
    before = pipeline.versions()
    again = pipeline.process()
    assert_nothing_made(again)
    assert again.data_versions == made.data_versions
    assert again.count("reused") == made.count("made")
    assert pipeline.versions() == before


def test_bringing_the_same_file_again_makes_and_writes_nothing(
    pipeline: Pipeline, made: Outcome, film: Path
) -> None:
    before = pipeline.versions()
    again = pipeline.process(source_videos={"origin": str(film)})
    assert_nothing_made(again)
    assert again.data_versions == made.data_versions
    assert pipeline.versions() == before


def test_with_the_database_lost_nothing_is_made_and_all_is_recorded_again(
    pipeline: Pipeline, made: Outcome
) -> None:
    before = pipeline.versions()
    pipeline.lose_database()
    again = pipeline.process()
    assert_nothing_made(again)
    assert again.data_versions == made.data_versions
    assert pipeline.versions() == before


def test_another_threshold_makes_only_the_clips_whose_span_is_new(
    pipeline: Pipeline, made: Outcome
) -> None:
    before = pipeline.versions("clips/")
    outcome = pipeline.process(scenes=settings_without_second_cut(pipeline))
    assert outcome.success, outcome.error
    clips = pipeline.manifest("clips")
    assert spans(clips) == [(0, 20), (20, 75), (75, 95)]
    assert spans(clips, reused=False) == [(20, 75)]
    assert [item.details["clip_identifier"] for item in clips.items] == [
        f"{VIDEO_ID}_clip_00{number}" for number in (1, 2, 3)
    ]
    made_counts, reused_counts = outcome.count("made"), outcome.count("reused")
    assert made_counts["frame_scores"] == made_counts["source_videos"] == 0
    for stage in ("clips", *FROM_CLIPS):
        assert (made_counts[stage], reused_counts[stage]) == (1, 2)
    after = pipeline.versions("clips/")
    assert {key: after[key] for key in before} == before
    assert len(after) == len(before) + 1


def test_settings_changed_back_make_nothing(pipeline: Pipeline, made: Outcome) -> None:
    other = {"keyframes": {"strategy": "multi"}, "sprite_sheets": {"columns": 2}}
    first = {stage: spans(pipeline.manifest(stage)) for stage in STAGES}
    pipeline.process(scenes=settings_without_second_cut(pipeline), **other)
    before = object_versions(pipeline)
    back = pipeline.process()
    assert back.success, back.error
    assert {**back.count("made"), "scenes": 0} == dict.fromkeys(STAGES, 0)
    assert {stage: spans(pipeline.manifest(stage)) for stage in STAGES} == first
    assert back.data_versions == made.data_versions
    assert object_versions(pipeline) == before


def test_a_method_that_asks_for_all_frames_has_them_scanned_once(
    pipeline: Pipeline, made: Outcome
) -> None:
    assert pipeline.manifest("frame_scores").summary["scan"] == "fast"
    outcome = pipeline.process(scenes={"method": "correl"})
    assert outcome.success, outcome.error
    full = pipeline.manifest("frame_scores")
    assert full.summary["scan"] == "full"
    (item,) = full.items
    assert item.key.endswith("-full.parquet")
    assert outcome.metadata["scenes"]["seconds/scan in full"] > 0
    # A full track answers everything: neither other settings nor the first ones decode again.
    versions = pipeline.versions("frame_scores/")
    other = pipeline.process(scenes={"method": "bhattacharyya"})
    back = pipeline.process()
    for later in (other, back):
        assert later.success, later.error
        assert later.metadata["frame_scores"]["skipped"] is True
        assert "seconds/scan in full" not in later.metadata["scenes"]
    assert pipeline.versions("frame_scores/") == versions
    assert back.data_versions == made.data_versions
    assert back.count("made")["clips"] == 0


def test_a_full_scan_that_is_asked_for_makes_no_new_scenes(
    pipeline: Pipeline, made: Outcome
) -> None:
    outcome = pipeline.process(frame_scores={"scan": "full"})
    assert outcome.success, outcome.error
    assert outcome.metadata["frame_scores"]["scan"] == "full"
    assert {**outcome.count("made"), "frame_scores": 0} == dict.fromkeys(STAGES, 0)
    assert outcome.data_versions == made.data_versions


def test_an_ignored_region_makes_another_track(pipeline: Pipeline, made: Outcome) -> None:
    outcome = pipeline.process(frame_scores={"ignored_regions": ["0,0.8,1,1"]})
    assert outcome.success, outcome.error
    assert outcome.count("made")["frame_scores"] == 1
    assert outcome.data_versions["frame_scores"] != made.data_versions["frame_scores"]
    assert outcome.count("made")["clips"] == 0
    # What is asked for later of the same scan keeps its region.
    pipeline.process(frame_scores={"ignored_regions": ["0,0.8,1,1"]}, scenes={"method": "correl"})
    assert pipeline.manifest("frame_scores").inputs["settings"] == {"ignored": ["0,0.8,1,1"]}


def test_without_its_manifest_what_is_stored_is_adopted(pipeline: Pipeline, made: Outcome) -> None:
    records = {stage: pipeline.manifest(stage).items for stage in STAGES}
    delete(pipeline, keys.MANIFEST_PREFIX)
    before = object_versions(pipeline)
    outcome = pipeline.process()
    assert outcome.success, outcome.error
    assert outcome.data_versions == made.data_versions
    for stage in STAGES[1:]:
        assert outcome.metadata[stage]["made"] == 0 or stage == "scenes", stage
        for item, recorded in zip(pipeline.manifest(stage).items, records[stage], strict=True):
            assert item.reused
            ours = {"skipped": True, "reason": SKIP_REASON}
            assert item.details == {**recorded.details, **ours}
            assert (item.key, item.size_bytes) == (recorded.key, recorded.size_bytes)
    assert object_versions(pipeline) == before


def test_another_video_under_the_same_name_replaces_everything(
    pipeline: Pipeline, made: Outcome, tmp_path: Path
) -> None:
    old = {item.key for stage in STAGES for item in pipeline.manifest(stage).items}
    # The same spans, so that nothing but the content tells the two apart.
    other = make_video(tmp_path / "other.mp4", FILM_SCENES)
    pipeline.store.put_file(SOURCE_KEY, other, content_type="video/mp4")
    outcome = pipeline.process()
    assert outcome.success, outcome.error
    assert spans(pipeline.manifest("clips"), reused=False) == SPANS
    assert outcome.count("reused") == dict.fromkeys(STAGES, 0)
    new = {item.key for stage in STAGES for item in pipeline.manifest(stage).items}
    assert new
    assert not new & old
    assert not set(outcome.data_versions.values()) & set(made.data_versions.values())


def test_a_deleted_clip_is_made_again_alone(pipeline: Pipeline, made: Outcome) -> None:
    lost = pipeline.manifest("clips").items[1].key
    before = pipeline.versions("clips/")
    pipeline.store.delete(lost)
    outcome = pipeline.process()
    assert outcome.success, outcome.error
    assert_made_alone(pipeline, outcome, SPANS[1])
    assert outcome.data_versions == made.data_versions
    after = pipeline.versions("clips/")
    del before[lost], after[lost]
    assert after == before


@pytest.mark.parametrize("kept_bytes", [0, 10, -1, -200, "half"])
def test_a_clip_that_was_cut_short_is_made_again(
    pipeline: Pipeline, made: Outcome, kept_bytes: int | str, tmp_path: Path
) -> None:
    key = pipeline.manifest("clips").items[2].key
    whole = pipeline.store.read_bytes(key)
    end = len(whole) // 2 if kept_bytes == "half" else int(kept_bytes)
    pipeline.store.write_bytes(key, whole[:end], content_type="video/mp4")
    outcome = pipeline.process()
    assert outcome.success, outcome.error
    assert_made_alone(pipeline, outcome, SPANS[2])
    # Encoders do not give the same bytes twice.
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(pipeline.store.read_bytes(key))
    assert inspect_clip(clip).span == Span(*SPANS[2])


@pytest.mark.parametrize("stage", FROM_CLIPS)
@pytest.mark.parametrize("end", [None, 0, -1])
def test_pictures_that_are_lost_or_damaged_are_made_again(
    pipeline: Pipeline, made: Outcome, stage: str, end: int | None
) -> None:
    before = pipeline.versions(f"{stage}/")
    # The last of a clip's sprite objects is the index, the others are pages.
    for item in [item for item in pipeline.manifest(stage).items if item.start_frame == 45]:
        whole = pipeline.store.read_bytes(item.key)
        if end is None:
            pipeline.store.delete(item.key)
        else:
            pipeline.store.write_bytes(item.key, whole[:end], content_type="image/jpeg")
        outcome = pipeline.process()
        assert outcome.success, outcome.error
        assert outcome.count("made") == {**dict.fromkeys(STAGES, 0), stage: 1}
        assert pipeline.store.read_bytes(item.key) == whole
        assert not outcome.failed_checks
    after = pipeline.versions(f"{stage}/")
    untouched = [key for key in before if "00000045" not in key]
    assert len(untouched) >= 2
    assert all(after[key] == before[key] for key in untouched)


def test_damaged_objects_without_a_record_are_made_again(pipeline: Pipeline, made: Outcome) -> None:
    damaged = [
        pipeline.manifest("clips").items[1].key,
        pipeline.manifest("keyframes").items[1].key,
        # The index of the second clip's sheets, after its page.
        pipeline.manifest("sprite_sheets").items[3].key,
    ]
    whole = {key: pipeline.store.read_bytes(key) for key in damaged}
    for key in damaged:
        pipeline.store.write_bytes(key, b"{}", content_type="text/plain")
    delete(pipeline, keys.MANIFEST_PREFIX)
    outcome = pipeline.process()
    assert outcome.success, outcome.error
    for stage in ("clips", *FROM_CLIPS):
        assert outcome.metadata[stage]["made"] == 1
    assert {key: pipeline.store.read_bytes(key) for key in damaged} == whole


def test_a_damaged_score_track_is_made_again(pipeline: Pipeline, made: Outcome) -> None:
    (item,) = pipeline.manifest("frame_scores").items
    whole = pipeline.store.read_bytes(item.key)
    pipeline.store.write_bytes(item.key, whole[:-10], content_type="application/octet-stream")
    outcome = pipeline.process()
    assert outcome.success, outcome.error
    assert outcome.count("made") == {**dict.fromkeys(STAGES, 0), "frame_scores": 1}
    assert ScoreTrack.from_bytes(pipeline.store.read_bytes(item.key)).frames == SPANS[-1][1]


def test_a_check_of_its_own_looks_for_the_track_of_a_finished_video(
    pipeline: Pipeline, made: Outcome
) -> None:
    pipeline.store.delete(pipeline.manifest("frame_scores").items[0].key)
    assert list(pipeline.check().failed_checks) == ["frame_scores_exist"]


def test_deleted_report_pictures_are_drawn_again_when_something_is_made_before_them(
    pipeline: Pipeline, made: Outcome
) -> None:
    pictures = set(pipeline.versions("reports/"))
    assert len(pictures) == 6
    shown = {stage: made.metadata[stage][name] for stage, name in SHOWN_PICTURES.items()}
    delete(pipeline, "reports/")
    # No earlier run shows them.
    pipeline.lose_database()
    finished = pipeline.process()
    assert_nothing_made(finished)
    assert {
        stage: finished.metadata[stage][name] for stage, name in SHOWN_PICTURES.items()
    } == shown
    pipeline.store.delete(pipeline.manifest("frame_scores").items[0].key)
    outcome = pipeline.process()
    assert outcome.success, outcome.error
    assert outcome.metadata["clips"]["made"] == 0
    assert set(pipeline.versions("reports/")) == pictures


def test_a_closer_check_makes_no_clip_again(pipeline: Pipeline, made: Outcome) -> None:
    assert_nothing_made(pipeline.process(clips={"verify": "full"}))
    lost = pipeline.manifest("clips").items[0]
    pipeline.store.delete(lost.key)
    outcome = pipeline.process(clips={"verify": "full"})
    assert_made_alone(pipeline, outcome, SPANS[0])
    closer, *others = (item.details["checked"] for item in pipeline.manifest("clips").items)
    assert closer[-1] == "every_picture"
    assert all("every_picture" not in checked for checked in others)


def test_on_s3_the_second_run_puts_nothing_and_asks_little(
    rclone_s3: S3Server, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rclone_s3.use(monkeypatch)
    bucket = rclone_s3.new_bucket()
    pipeline = Pipeline(lambda: S3ObjectStore(bucket, "videos"), tmp_path / "local")
    made = pipeline.process(source_videos={"origin": str(film)})
    assert made.success, made.error
    before = pipeline.versions()
    pipeline.lose_database()
    # On another machine: no local copies either.
    pipeline.folder = tmp_path / "elsewhere"
    again = pipeline.process()
    assert_nothing_made(again)
    assert again.data_versions == made.data_versions
    assert pipeline.versions() == before
    # The source's facts, the manifest, and the track, storyboard, clips, sheets and key frames.
    assert again.requests == {"GetObject": 1, "ListObjectsV2": 6}
    pipeline.store.delete(pipeline.manifest("clips").items[0].key)
    mended = pipeline.process()
    assert mended.success, mended.error
    assert_made_alone(pipeline, mended, SPANS[0])
    pipeline.instance.dispose()


def assert_made_alone(pipeline: Pipeline, outcome: Outcome, span: tuple[int, int]) -> None:
    """One clip was made, nothing else, and no check is red."""
    assert outcome.count("made") == {**dict.fromkeys(STAGES, 0), "clips": 1}
    assert spans(pipeline.manifest("clips"), reused=False) == [span]
    assert not outcome.failed_checks


def delete(pipeline: Pipeline, prefix: str) -> None:
    """Delete all objects under a prefix."""
    for found in list(pipeline.store.list(prefix)):
        pipeline.store.delete(found.key)


def object_versions(pipeline: Pipeline) -> dict[str, str]:
    """The versions of all objects but the records."""
    found = pipeline.versions()
    return {key: found[key] for key in found if not key.startswith(keys.MANIFEST_PREFIX)}


def settings_without_second_cut(pipeline: Pipeline) -> dict[str, object]:
    """Detection settings with which all cuts are found but the one at frame 45."""
    (item,) = pipeline.manifest("frame_scores").items
    strengths = cut_strengths(ScoreTrack.from_bytes(pipeline.store.read_bytes(item.key)))
    others = min(strengths[start] for start, _ in SPANS[1:] if start != 45)
    assert 0 < strengths[45] < others
    return {"threshold": float(others + strengths[45]) / 2}
