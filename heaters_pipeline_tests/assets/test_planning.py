"""What a plan says is what a following run does, and planning leaves no trace."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from heaters_pipeline.assets.planning import StagePlan, VideoPlan, plan_video
from heaters_pipeline.assets.run_settings import RunSettings
from heaters_pipeline.config import SourceConfig
from heaters_pipeline.errors import InvalidVideoError, ObjectNotFoundError
from heaters_pipeline.intake.submissions import submit
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline_tests.pipeline import (
    SOURCE_KEY,
    SPANS,
    STAGES,
    VIDEO_ID,
    Outcome,
    Pipeline,
)
from heaters_pipeline_tests.pipeline_fixtures import FILM_SCENES
from heaters_pipeline_tests.servers import S3Server
from heaters_pipeline_tests.videos import make_video

pytestmark = pytest.mark.usefixtures("config_is_all")

READS = {"head", "list", "read_bytes", "fetch", "HeadObject", "ListObjectsV2", "GetObject"}
CLIPS = len(SPANS)

Config = Mapping[str, Mapping[str, Any]]
Counts = dict[str, int]


def plan_of(pipeline: Pipeline, video_id: str = VIDEO_ID, **config: Mapping[str, Any]) -> VideoPlan:
    """Plan a run, and see that nothing was written anywhere."""
    stored, local = pipeline.versions(), set(pipeline.folder.rglob("*"))
    workspace = pipeline.workspace()
    source = SourceConfig(**config.get("source_videos", {}))
    plan = plan_video(workspace, video_id, source, RunSettings.of(config))
    assert set(workspace.store.requests) <= READS
    assert pipeline.versions() == stored
    assert set(pipeline.folder.rglob("*")) == local
    assert [stage.stage for stage in plan.stages] == list(STAGES)
    return plan


def assert_agrees(plan: VideoPlan, outcome: Outcome) -> None:
    """The run made and reused what was planned, in each stage of which that was known."""
    assert outcome.success, outcome.error
    for stage in plan.stages:
        if not stage.known:
            continue
        facts = outcome.metadata[stage.stage]
        assert facts["skipped"] is stage.done, stage.stage
        if stage.stage == "source_videos":
            # What has no record is registered, which counts as made.
            assert facts["made"] == int(not stage.done)
        else:
            assert (facts["made"], facts["reused"]) == (stage.made, stage.reused), stage.stage


def assert_all_done(plan: VideoPlan) -> None:
    assert plan.known
    for stage in plan.stages:
        assert stage.done, stage.stage
        assert stage.made == stage.unrecorded == 0
        assert not stage.to_make


def stage_of(plan: VideoPlan, name: str) -> StagePlan:
    (stage,) = [stage for stage in plan.stages if stage.stage == name]
    return stage


def counts(plan: VideoPlan, name: str) -> Counts:
    """The counts of a stage that are not 0."""
    stage = stage_of(plan, name)
    assert stage.known
    found = {
        "valid": stage.valid,
        "unrecorded": stage.unrecorded,
        "missing": stage.missing,
        "damaged": stage.damaged,
        "stale": len(stage.stale),
    }
    return {state: count for state, count in found.items() if count}


def test_a_new_video_is_planned_then_processed_then_all_is_done(
    pipeline: Pipeline, film: Path
) -> None:
    source = {"origin": str(film)}
    plan = plan_of(pipeline, source_videos=source)
    assert plan.scenes is None
    assert counts(plan, "source_videos") == counts(plan, "frame_scores") == {"missing": 1}
    assert [stage.stage for stage in plan.stages if not stage.known] == list(STAGES[2:])
    outcome = pipeline.process(source_videos=source)
    assert_agrees(plan, outcome)
    for config in ({}, {"source_videos": source}):
        after = plan_of(pipeline, **config)
        assert_all_done(after)
        assert after.scenes is not None
        assert [(scene.span.start, scene.span.end) for scene in after.scenes] == SPANS
        assert after.total(lambda stage: stage.reused) == 2 + 3 * CLIPS
        assert not any(stage.stale for stage in after.stages)


def delete_clip(pipeline: Pipeline) -> Config:
    pipeline.store.delete(pipeline.manifest("clips").items[1].key)
    return {}


def truncate_clip(pipeline: Pipeline) -> Config:
    key = pipeline.manifest("clips").items[1].key
    whole = pipeline.store.read_bytes(key)
    pipeline.store.write_bytes(key, whole[:-1], content_type="video/mp4")
    return {}


def lose_manifests(pipeline: Pipeline) -> Config:
    delete(pipeline, keys.MANIFEST_PREFIX)
    return {}


def lose_record_of_clips(pipeline: Pipeline) -> Config:
    pipeline.forget("clips")
    return {}


def lose_pictures(pipeline: Pipeline) -> Config:
    delete(pipeline, "reports/")
    return {}


def lose_track(pipeline: Pipeline) -> Config:
    delete(pipeline, "frame_scores/")
    delete(pipeline, "keyframes/")
    return {}


def lose_sheet_page(pipeline: Pipeline) -> Config:
    pipeline.store.delete(pipeline.manifest("sprite_sheets").items[0].key)
    return {}


def end_earlier(pipeline: Pipeline) -> Config:
    return {"scenes": {"end_seconds": 2.2}}


def other_pictures(pipeline: Pipeline) -> Config:
    return {"keyframes": {"strategy": "multi"}, "sprite_sheets": {"columns": 2}}


def encode(pipeline: Pipeline) -> Config:
    return {"clips": {"mode": "reencode"}}


def nothing(pipeline: Pipeline) -> Config:
    return {}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        # The store is a copy of the one that was processed: its source has another version.
        (nothing, {"source_videos": {"unrecorded": 1}}),
        (delete_clip, {"clips": {"valid": CLIPS - 1, "damaged": 1}}),
        (truncate_clip, {"clips": {"valid": CLIPS - 1, "damaged": 1}}),
        (
            lose_manifests,
            {
                "frame_scores": {"unrecorded": 1},
                "scenes": {"missing": CLIPS},
                "storyboards": {"unrecorded": 1},
                "clips": {"unrecorded": CLIPS},
                "sprite_sheets": {"unrecorded": CLIPS},
                "keyframes": {"unrecorded": CLIPS},
            },
        ),
        (lose_record_of_clips, {"clips": {"unrecorded": CLIPS}}),
        (lose_pictures, {"scenes": {"missing": CLIPS}, "clips": {"valid": CLIPS}}),
        (
            lose_track,
            {
                "frame_scores": {"damaged": 1},
                "scenes": {"valid": CLIPS},
                "keyframes": {"damaged": CLIPS},
            },
        ),
        (lose_sheet_page, {"sprite_sheets": {"valid": CLIPS - 1, "damaged": 1}}),
        (
            end_earlier,
            {
                "frame_scores": {"valid": 1},
                "scenes": {"missing": 3},
                "clips": {"valid": 2, "missing": 1, "stale": 2},
                "sprite_sheets": {"valid": 2, "missing": 1, "stale": 4},
                "keyframes": {"valid": 2, "missing": 1, "stale": 4},
            },
        ),
        (
            other_pictures,
            {
                "clips": {"valid": CLIPS},
                "sprite_sheets": {"missing": CLIPS, "stale": 2 * CLIPS},
                "keyframes": {"missing": CLIPS, "stale": 2 * CLIPS},
            },
        ),
        (encode, {"clips": {"missing": CLIPS, "stale": CLIPS}}),
    ],
)
def test_whatever_changed_the_run_does_what_was_planned(
    processed: Pipeline,
    change: Callable[[Pipeline], Config],
    expected: Mapping[str, Counts],
) -> None:
    config = change(processed)
    plan = plan_of(processed, **config)
    assert plan.known
    assert {stage: counts(plan, stage) for stage in expected} == expected
    assert_agrees(plan, processed.process(**config))
    after = plan_of(processed, **config)
    assert_all_done(after)
    # The run left alone what was stale.
    for before, now in zip(plan.stages, after.stages, strict=True):
        assert {found.key for found in before.stale} == {found.key for found in now.stale}


def test_a_damaged_clip_is_named(processed: Pipeline) -> None:
    delete_clip(processed)
    plan = plan_of(processed)
    assert [unit.identifier for unit in stage_of(plan, "clips").to_make] == [f"{VIDEO_ID}_clip_002"]


def test_a_source_that_was_replaced_has_to_be_scanned(processed: Pipeline, tmp_path: Path) -> None:
    # The same spans, so that nothing but the content tells the two apart.
    other = make_video(tmp_path / "other.mp4", FILM_SCENES)
    processed.store.put_file(SOURCE_KEY, other, content_type="video/mp4")
    plan = plan_of(processed)
    assert counts(plan, "source_videos") == {"unrecorded": 1}
    assert counts(plan, "frame_scores") == {"missing": 1, "stale": 1}
    assert plan.scenes is None
    outcome = processed.process()
    assert_agrees(plan, outcome)
    assert outcome.count("reused") == dict.fromkeys(STAGES, 0)
    after = plan_of(processed)
    assert_all_done(after)
    assert counts(after, "clips") == {"valid": CLIPS, "stale": CLIPS}


def test_a_file_with_other_content_replaces_what_came_from_its_path(
    pipeline: Pipeline, film: Path, tmp_path: Path
) -> None:
    path = make_video(tmp_path / "film.mp4", (20, 25))
    source = {"origin": str(path), "source_key": SOURCE_KEY}
    assert pipeline.process(source_videos=source).success
    path.write_bytes(film.read_bytes())
    plan = plan_of(pipeline, source_videos=source)
    assert counts(plan, "source_videos") == {"missing": 1}
    assert counts(plan, "frame_scores") == {"missing": 1, "stale": 1}
    assert_agrees(plan, pipeline.process(source_videos=source))
    assert_all_done(plan_of(pipeline, source_videos=source))


def test_a_lost_source_that_is_brought_in_again_keeps_its_results(
    processed: Pipeline, film: Path
) -> None:
    processed.store.delete(SOURCE_KEY)
    source = {"origin": str(film), "source_key": SOURCE_KEY}
    plan = plan_of(processed, source_videos=source)
    assert counts(plan, "source_videos") == {"damaged": 1}
    assert [stage.stage for stage in plan.stages if not stage.done] == ["source_videos"]
    assert plan.source.size_bytes == film.stat().st_size
    assert_agrees(plan, processed.process(source_videos=source))


def test_a_full_scan_leaves_the_fast_track_stale(processed: Pipeline) -> None:
    config = {"frame_scores": {"scan": "full"}, "scenes": {"method": "correl"}}
    plan = plan_of(processed, **config)
    assert counts(plan, "frame_scores") == {"missing": 1, "stale": 1}
    assert not stage_of(plan, "scenes").known
    assert_agrees(plan, processed.process(**config))
    # A full track serves a fast scan, too; its scenes are those of the other method.
    back = plan_of(processed)
    assert counts(back, "frame_scores") == {"valid": 1, "stale": 1}
    assert counts(back, "scenes") == {"missing": CLIPS}
    assert_agrees(back, processed.process())


def test_on_s3_nothing_is_written_and_little_is_asked(
    rclone_s3: S3Server, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rclone_s3.use(monkeypatch)
    bucket = rclone_s3.new_bucket()
    pipeline = Pipeline(lambda: S3ObjectStore(bucket, "videos"), tmp_path / "local")
    pipeline.store.put_file(SOURCE_KEY, film, content_type="video/mp4")
    plan = plan_of(pipeline)
    assert counts(plan, "source_videos") == {"unrecorded": 1}
    assert counts(plan, "frame_scores") == {"missing": 1}
    # Nothing to reuse, so the upload was not fetched; its size is all that is known.
    assert plan.source.size_bytes == film.stat().st_size
    assert plan.source.info == {}
    assert_agrees(plan, pipeline.process())
    workspace = pipeline.workspace()
    workspace.takes_config_as_it_is = False
    assert_all_done(plan_video(workspace, VIDEO_ID, SourceConfig(), RunSettings.of({})))
    # The manifest, a listing of each stage with objects, two of what people decided, and the
    # source's facts.
    assert workspace.store.requests.total() == 9
    delete(pipeline, keys.MANIFEST_PREFIX)
    # On another machine: the source is fetched to be known again, and not kept.
    pipeline.folder = tmp_path / "elsewhere"
    lost = plan_of(pipeline)
    assert counts(lost, "clips") == {"unrecorded": CLIPS}
    assert_agrees(lost, pipeline.process())
    truncate_clip(pipeline)
    damaged = plan_of(pipeline)
    assert counts(damaged, "clips") == {"valid": CLIPS - 1, "damaged": 1}
    assert_agrees(damaged, pipeline.process())
    pipeline.instance.dispose()


def test_of_a_link_that_was_not_downloaded_no_size_is_known(pipeline: Pipeline) -> None:
    url = "http://127.0.0.1:9/films/day.mp4"
    key = "source_videos/day-0123456789.mp4"
    submit(pipeline.store, key, url)
    for config in ({"source_videos": {"origin": url, "source_key": key}}, {}):
        plan = plan_of(pipeline, keys.video_id_of(key), **config)
        assert counts(plan, "source_videos") == {"missing": 1}
        assert counts(plan, "frame_scores") == {"missing": 1}
        assert plan.source.size_bytes is None


def test_what_a_run_would_refuse_is_refused(pipeline: Pipeline, tmp_path: Path) -> None:
    with pytest.raises(ObjectNotFoundError, match=r"film is neither in file://.* nor submitted"):
        plan_of(pipeline)
    text = tmp_path / "notes.mp4"
    text.write_text("no video")
    with pytest.raises(InvalidVideoError, match=r"notes\.mp4"):
        plan_of(pipeline, source_videos={"origin": str(text)})
    with pytest.raises(InvalidVideoError, match="No such file"):
        plan_of(pipeline, source_videos={"origin": str(tmp_path / "absent.mp4")})


def delete(pipeline: Pipeline, prefix: str) -> None:
    """Delete all objects under a prefix."""
    for found in list(pipeline.store.list(prefix)):
        pipeline.store.delete(found.key)
