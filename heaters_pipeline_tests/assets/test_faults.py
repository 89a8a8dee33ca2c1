"""Faults cost what they hit: the rest is kept, and the next run makes what is missing."""

import re
from pathlib import Path

import dagster as dg
import pytest

from heaters_pipeline.errors import ClipError, StoreError, StoreUnavailableError
from heaters_pipeline.storage.records.manifests import Manifest
from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline.video.clips.auto import AutoMaker
from heaters_pipeline.video.clips.maker import ClipMaker
from heaters_pipeline.video.clips.splice_plan import SplicePlan
from heaters_pipeline.workspace import Workspace
from heaters_pipeline_tests.pipeline import SPANS, VIDEO_ID, Pipeline, spans


def test_a_clip_that_fails_is_named_and_the_next_run_makes_it_alone(
    pipeline: Pipeline, film: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        fail_clips(patch, SPANS[1])
        failed = pipeline.process(source_videos={"origin": str(film)})
    assert not failed.success
    assert failed.error == (
        f"1 of 4 clips failed, 3 are kept and will be reused: {VIDEO_ID}_clip_002: the disc "
        "is bent (it was copied because: the disc is bent)"
    )
    assert failed.events["STEP_UP_FOR_RETRY"] == 0
    assert set(failed.metadata) == {"source_videos", "frame_scores", "scenes", "storyboards"}
    kept = pipeline.versions("clips/")
    assert len(kept) == 3
    assert "clips" not in read_video(pipeline.store, VIDEO_ID).stages
    outcome = pipeline.process()
    assert outcome.success, outcome.error
    assert outcome.metadata["clips"]["made"] == 1
    assert spans(pipeline.manifest("clips"), reused=False) == [SPANS[1]]
    after = pipeline.versions("clips/")
    assert {key: after[key] for key in kept} == kept


def test_a_run_cut_off_before_its_manifest_loses_nothing(
    pipeline: Pipeline, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        """Stands for a kill: nothing in the pipeline catches it."""

    def killed(workspace: Workspace, manifest: Manifest) -> None:
        if manifest.stage == "clips":
            raise KilledError
        publish(workspace, manifest)

    publish = Workspace.publish
    with monkeypatch.context() as patch:
        patch.setattr(Workspace, "publish", killed)
        assert not pipeline.process(source_videos={"origin": str(film)}).success
    stored = pipeline.versions("clips/")
    assert len(stored) == len(SPANS)
    assert "clips" not in read_video(pipeline.store, VIDEO_ID).stages
    outcome = pipeline.process()
    assert outcome.success, outcome.error
    assert outcome.metadata["clips"]["made"] == 0
    assert outcome.metadata["clips"]["reused"] == len(SPANS)
    assert pipeline.versions("clips/") == stored


def test_a_store_that_fails_for_a_moment_is_asked_again(
    pipeline: Pipeline, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [StoreUnavailableError("the store is restarting")]
    write_bytes = Workspace.write_bytes

    def flaky(workspace: Workspace, key: str, *args: object, **kwargs: object) -> object:
        if key.startswith("keyframes/") and failures:
            raise failures.pop()
        return write_bytes(workspace, key, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Workspace, "write_bytes", flaky)
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    outcome = pipeline.process(source_videos={"origin": str(film)})
    assert outcome.success, outcome.error
    assert outcome.events["STEP_UP_FOR_RETRY"] == 1
    assert outcome.metadata["keyframes"]["made"] == 1


def test_an_upload_that_is_refused_fails_its_clip_alone(
    pipeline: Pipeline, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_file = Workspace.put_file

    def refuse(workspace: Workspace, key: str, *args: object, **kwargs: object) -> object:
        if key.startswith("clips/film/00000020-"):
            raise StoreError("the bucket is full")
        return put_file(workspace, key, *args, **kwargs)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Workspace, "put_file", refuse)
        failed = pipeline.process(source_videos={"origin": str(film)})
    assert failed.error is not None
    assert failed.error.endswith(f"{VIDEO_ID}_clip_002: the bucket is full")
    assert failed.events["STEP_UP_FOR_RETRY"] == 0
    assert len(pipeline.versions("clips/")) == 3
    assert pipeline.process().metadata["clips"]["made"] == 1


def test_many_failures_are_cut_short(
    pipeline: Pipeline, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heaters_pipeline.assets.stage_work.FAILURES_SHOWN", 2)
    fail_clips(monkeypatch, *SPANS)
    failed = pipeline.process(source_videos={"origin": str(film)})
    assert re.fullmatch(
        r"4 of 4 clips failed, 0 are kept and will be reused: "
        r"(film_clip_00[1-4]: the disc is bent \([^)]+\); ){2}and 2 more",
        failed.error or "",
    )


def fail_clips(patch: pytest.MonkeyPatch, *bad: tuple[int, int]) -> None:
    """Let some spans be impossible to cut, by copying and by encoding."""
    splice = AutoMaker.splice

    def splice_or_fail(
        maker: AutoMaker, reader: object, pictures: object, plan: SplicePlan, *args: object
    ) -> object:
        if (plan.span.start, plan.span.end) in bad:
            raise ClipError("it cannot be joined")
        return splice(maker, reader, pictures, plan, *args)  # type: ignore[arg-type]

    def fail(*_: object) -> object:
        raise ClipError("the disc is bent")

    patch.setattr(AutoMaker, "splice", splice_or_fail)
    patch.setattr(AutoMaker, "encode", fail)
    patch.setattr(ClipMaker, "copy", fail)
