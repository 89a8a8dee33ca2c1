"""A camera's master goes through the pipeline, and its clips are MOV wherever they are used."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from heaters_pipeline.assets.changed_settings import made_as
from heaters_pipeline.assets.planning import plan_video
from heaters_pipeline.assets.repairing import RunOutcome, recorded_config, repair_video
from heaters_pipeline.assets.run_settings import RunSettings
from heaters_pipeline.config import SourceConfig
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectInfo
from heaters_pipeline.storage.records.verification import Verifier
from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline.video.clips.write import inspect_clip
from heaters_pipeline.workspace import Workspace
from heaters_pipeline_tests.pipeline import Pipeline, folder_pipeline, spans
from heaters_pipeline_tests.pipeline_fixtures import FILM_SCENES, FILM_SIZE_PX
from heaters_pipeline_tests.videos import make_video

VIDEO_ID = "master.mov"
SCENES = FILM_SCENES[:2]
AS_MP4 = {"clips": {"container": "mp4", "preset": "ultrafast"}}


@pytest.fixture
def master(tmp_path: Path) -> Path:
    return make_video(
        tmp_path / "master.mov",
        SCENES,
        size_px=FILM_SIZE_PX,
        codec="prores_ks",
        options={"profile": "standard"},
        pixel_format="yuv422p10le",
        audio="pcm_s24le",
    )


@pytest.fixture
def stored(master: Path, tmp_path: Path) -> Iterator[Pipeline]:
    pipeline = folder_pipeline(tmp_path / "store", tmp_path / "local")
    outcome = pipeline.process(VIDEO_ID, source_videos={"origin": str(master)})
    assert outcome.success, outcome.error
    assert not outcome.failed_checks
    assert "left_out" not in outcome.metadata["clips"]
    yield pipeline
    pipeline.instance.dispose()


def test_the_store_is_told_what_they_are(
    master: Path, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, str] = {}
    put_file = Workspace.put_file

    def noted(
        self: Workspace, key: str, path: Path, content_type: str, *, keep_local: bool = False
    ) -> ObjectInfo:
        told[key] = content_type
        return put_file(self, key, path, content_type, keep_local=keep_local)

    monkeypatch.setattr(Workspace, "put_file", noted)
    outcome = pipeline.process(VIDEO_ID, source_videos={"origin": str(master)})
    assert outcome.success, outcome.error
    assert {told[key] for key in clip_keys(pipeline)} == {"video/quicktime"}


def clip_keys(pipeline: Pipeline) -> list[str]:
    return [item.key for item in pipeline.manifest("clips", VIDEO_ID).items]


def test_its_clips_are_mov_and_all_is_made_of_them(stored: Pipeline) -> None:
    clips = stored.manifest("clips", VIDEO_ID)
    assert spans(clips) == [(0, SCENES[0]), (SCENES[0], sum(SCENES))]
    for item in clips.items:
        assert item.key.endswith(".mov")
        assert keys.is_product(item.key)
        assert (item.details["method"], item.details["container"]) == ("auto", "mov")
        assert item.details["copied"] == [[item.start_frame, item.end_frame]]
        path = stored.store.local_path(item.key)
        assert path is not None
        assert inspect_clip(path).container == "mov"
    for stage in ("sprite_sheets", "keyframes"):
        assert sorted(set(spans(stored.manifest(stage, VIDEO_ID)))) == spans(clips)
    again = stored.process(VIDEO_ID)
    assert again.count("made") == dict.fromkeys(again.metadata, 0)
    catalog = stored.build_catalog()
    assert catalog.success, catalog.error


def test_a_lost_clip_is_made_again_and_one_without_a_record_adopted(stored: Pipeline) -> None:
    kept, lost = clip_keys(stored)
    before = stored.versions("clips/")
    (report,) = Verifier(stored.store, deep=True).videos([VIDEO_ID])
    assert not report.findings
    stored.store.delete(lost)

    def run(config: dict[str, dict[str, object]], workspace: Workspace) -> RunOutcome:
        outcome = stored.process(VIDEO_ID, workspace, **config)
        return RunOutcome(outcome.error, outcome.count("made"), outcome.count("reused"))

    done = repair_video(stored.workspace(), VIDEO_ID, run, deep=True)
    assert done.error is None
    assert done.outcome is not None
    assert done.outcome.made["clips"] == 1
    assert not done.after.findings
    assert stored.versions("clips/")[kept] == before[kept]
    assert clip_keys(stored) == [kept, lost]

    stored.forget("clips", VIDEO_ID)
    adopted = stored.process(VIDEO_ID)
    assert (adopted.metadata["clips"]["made"], adopted.metadata["clips"]["reused"]) == (0, 2)
    assert {item.details["container"] for item in stored.manifest("clips", VIDEO_ID).items} == {
        "mov"
    }


@pytest.mark.usefixtures("config_is_all")
def test_clips_that_were_mp4_before_are_told_of(stored: Pipeline) -> None:
    as_mov = clip_keys(stored)
    outcome = stored.process(VIDEO_ID, **AS_MP4)
    assert outcome.success, outcome.error
    clips = stored.manifest("clips", VIDEO_ID)
    assert {item.key[-4:] for item in clips.items} == {".mp4"}
    # As clips were recorded before the setting existed.
    assert "container" not in clips.inputs["settings"]
    video = read_video(stored.store, VIDEO_ID)
    now = RunSettings.of({"clips": {"preset": "ultrafast"}})
    assert not made_as(video, now)
    assert made_as(video, RunSettings.of(AS_MP4))
    plan = plan_video(stored.workspace(), VIDEO_ID, SourceConfig(), now)
    made = {stage.stage: stage.made for stage in plan.stages if stage.made}
    assert made["clips"] == len(SCENES)
    assert all(key.startswith("clips/") for unit in plan.stages[3].to_make for key in unit.keys)
    # A repair makes again what was there.
    stored.store.delete(clips.items[0].key)
    (report,) = Verifier(stored.store, deep=True).videos([VIDEO_ID])
    assert recorded_config(report)["clips"]["container"] == "mp4"
    # And the others are still there.
    assert set(as_mov) <= stored.versions("clips/").keys()


def test_clips_of_a_stream_that_was_chosen_are_mp4(master: Path, pipeline: Pipeline) -> None:
    chosen = {"source_videos": {"origin": str(master)}, "frame_scores": {"video_stream": 0}}
    outcome = pipeline.process(VIDEO_ID, **chosen)
    assert outcome.success, outcome.error
    made = clip_keys(pipeline)
    assert all(key.endswith(".mp4") for key in made)
    for item in pipeline.manifest("clips", VIDEO_ID).items:
        assert item.details["container"] == "mp4"
    assert pipeline.process(VIDEO_ID, **chosen).count("made")["clips"] == 0
    assert clip_keys(pipeline) == made
