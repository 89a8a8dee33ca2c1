"""What each setting may remake: the stages that it decides, and nothing else.

The table names every field of every config, so that a new one cannot be forgotten.
"""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from heaters_pipeline.assets.run_settings import RunSettings
from heaters_pipeline.config import (
    ClipConfig,
    DetectionConfig,
    KeyframeConfig,
    ScanConfig,
    SpriteConfig,
    StoryboardConfig,
)
from heaters_pipeline.storage import keys
from heaters_pipeline_tests.pipeline import (
    SOURCE_KEY,
    STAGES,
    Outcome,
    Pipeline,
    folder_pipeline,
    spans,
)
from heaters_pipeline_tests.pipeline_fixtures import FILM_SCENES
from heaters_pipeline_tests.videos import make_video

pytestmark = pytest.mark.usefixtures("config_is_all")

CONFIGS = {
    "frame_scores": ScanConfig,
    "scenes": DetectionConfig,
    "clips": ClipConfig,
    "sprite_sheets": SpriteConfig,
    "keyframes": KeyframeConfig,
    "storyboards": StoryboardConfig,
}
TRACK = frozenset({"frame_scores"})
SCENES = frozenset({"frame_scores", "scenes", "clips", "sprite_sheets", "keyframes"})
CLIPS = frozenset({"clips", "sprite_sheets", "keyframes"})
SPRITES, KEYFRAMES = frozenset({"sprite_sheets"}), frozenset({"keyframes"})
STORYBOARDS = frozenset({"storyboards"})
NOTHING: frozenset[str] = frozenset()

CHANGES: dict[tuple[str, str], tuple[object, frozenset[str]]] = {
    ("frame_scores", "scan"): ("full", TRACK),
    ("frame_scores", "ignored_regions"): (["0,0.8,1,1"], TRACK | {"scenes"}),
    ("frame_scores", "video_stream"): (0, SCENES | STORYBOARDS),
    ("scenes", "method"): ("correl", SCENES),
    ("scenes", "threshold"): (20.0, SCENES),
    ("scenes", "scale"): ("unit", SCENES),
    ("scenes", "gradual"): ("exclude", SCENES),
    ("scenes", "min_duration_seconds"): (0.9, SCENES),
    ("scenes", "short_scenes"): ("drop", SCENES),
    ("scenes", "max_duration_seconds"): (1.0, SCENES),
    ("scenes", "long_scenes"): ("keep", SCENES),
    ("scenes", "start_seconds"): (0.9, SCENES),
    ("scenes", "end_seconds"): (3.0, SCENES),
    ("clips", "mode"): ("reencode", CLIPS),
    ("clips", "crf"): (30, CLIPS),
    ("clips", "preset"): ("ultrafast", CLIPS),
    ("clips", "codec"): ("hevc", CLIPS),
    ("clips", "bit_depth"): ("source", CLIPS),
    ("clips", "interlaced"): ("keep", CLIPS),
    ("clips", "audio_bitrate_kbps"): (64, CLIPS),
    ("clips", "audio_languages"): (["deu"], CLIPS),
    ("clips", "min_psnr_db"): (40, CLIPS),
    # The film is H.264, which is MP4 in any case.
    ("clips", "container"): ("mp4", NOTHING),
    ("clips", "verify"): ("full", NOTHING),
    ("sprite_sheets", "tiles_per_second"): (3.0, SPRITES),
    ("sprite_sheets", "tile_width_px"): (80, SPRITES),
    ("sprite_sheets", "columns"): (2, SPRITES),
    ("sprite_sheets", "rows"): (1, SPRITES),
    ("sprite_sheets", "jpeg_quality"): (50, SPRITES),
    ("sprite_sheets", "max_tiles"): (2, SPRITES),
    ("sprite_sheets", "format"): ("webp", SPRITES),
    ("keyframes", "strategy"): ("multi", KEYFRAMES),
    ("keyframes", "max_side_px"): (80, KEYFRAMES),
    ("keyframes", "jpeg_quality"): (50, KEYFRAMES),
    ("keyframes", "format"): ("webp", KEYFRAMES),
    ("storyboards", "tile_width_px"): (80, STORYBOARDS),
    ("storyboards", "interval_seconds"): (2, STORYBOARDS),
    ("storyboards", "columns"): (2, STORYBOARDS),
    ("storyboards", "rows"): (1, STORYBOARDS),
    ("storyboards", "jpeg_quality"): (50, STORYBOARDS),
    ("storyboards", "format"): ("webp", STORYBOARDS),
}

IN_SHORT_FORM = {
    ("frame_scores", "scan"),
    ("frame_scores", "ignored_regions"),
    ("frame_scores", "video_stream"),
    ("scenes", "threshold"),
    ("scenes", "max_duration_seconds"),
    ("clips", "crf"),
    ("clips", "mode"),
    ("clips", "audio_languages"),
    ("clips", "verify"),
    ("sprite_sheets", "tile_width_px"),
    ("keyframes", "strategy"),
    ("storyboards", "interval_seconds"),
}


@pytest.fixture(scope="module")
def settled(processed_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A store on which a run has nothing to do; each test leaves it so, with some objects more."""
    folder = tmp_path_factory.mktemp("settled")
    shutil.copytree(processed_folder, folder / "store", symlinks=True)
    pipeline = folder_pipeline(folder / "store", folder)
    assert pipeline.process().success
    yield pipeline
    pipeline.instance.dispose()


def test_every_setting_is_in_the_table() -> None:
    configs: dict[str, Any] = dict(CONFIGS)
    fields = {(stage, name) for stage, one in configs.items() for name in one.model_fields}
    assert fields == CHANGES.keys()
    assert set(RunSettings.of({}).__slots__) == {
        "scan",
        "detection",
        "clips",
        "sprites",
        "keyframes",
        "storyboards",
    }


@pytest.mark.parametrize(
    ("stage", "name"),
    [
        pytest.param(*one, id="-".join(one), marks=() if one in IN_SHORT_FORM else pytest.mark.slow)
        for one in CHANGES
    ],
)
def test_a_setting_remakes_what_it_decides_and_back_makes_nothing(
    settled: Pipeline, stage: str, name: str
) -> None:
    value, may_remake = CHANGES[stage, name]
    first = {one: settled.manifest(one) for one in STAGES}
    before = objects(settled)
    config: Mapping[str, Any] = {stage: {name: value}}
    changed = settled.process(**config)
    assert changed.success, changed.error
    remade = {one for one, count in changed.count("made").items() if count}
    assert remade <= may_remake
    # A setting that changes what is wanted must not be answered with what was there.
    assert bool(remade) is bool(may_remake)
    after = objects(settled)
    assert {key: after[key] for key in before} == before
    assert_current(settled, changed, before)
    back = settled.process()
    assert back.success, back.error
    assert {**back.count("made"), "scenes": 0} == dict.fromkeys(STAGES, 0)
    for one in STAGES[1:]:
        items = settled.manifest(one).items
        if one != "frame_scores":
            assert [item.key for item in items] == [item.key for item in first[one].items]
    assert objects(settled) == after


def objects(pipeline: Pipeline) -> dict[str, str]:
    """The versions of all objects but records and pictures for people."""
    return {
        key: version
        for key, version in pipeline.versions().items()
        if not key.startswith((keys.MANIFEST_PREFIX, "reports/"))
    }


def assert_current(pipeline: Pipeline, outcome: Outcome, before: Mapping[str, str]) -> None:
    """The manifests name what was made just now or is reused, of the scenes that now count."""
    stored = {found.key: found.size_bytes for found in pipeline.store.list("")}
    scenes = [
        (row["start_frame"], row["end_frame"])
        for row in pipeline.manifest("scenes").summary["scenes"]
    ]
    assert spans(pipeline.manifest("clips")) == scenes
    for stage in ("clips", "sprite_sheets", "keyframes"):
        manifest = pipeline.manifest(stage)
        skipped = outcome.metadata[stage]["skipped"]
        assert manifest.fingerprint == outcome.data_versions[stage]
        assert sorted(set(spans(manifest))) == scenes
        for item in manifest.items:
            assert stored[item.key] == item.size_bytes
            assert skipped or item.reused is (item.key in before)
        made = {key for key in stored if key.startswith(f"{stage}/")} - before.keys()
        assert made == {item.key for item in manifest.items if not (item.reused or skipped)}


def test_a_source_of_the_same_size_under_the_same_name_is_another(
    processed: Pipeline, film: Path
) -> None:
    old = {item.key for stage in STAGES for item in processed.manifest(stage).items}
    content = bytearray(film.read_bytes())
    # A name of the handler: the pictures stay, the bytes are others.
    place = content.index(b"VideoHandler")
    content[place : place + 5] = b"video"
    processed.store.write_bytes(SOURCE_KEY, bytes(content), content_type="video/mp4")
    outcome = processed.process()
    assert outcome.success, outcome.error
    assert outcome.count("reused") == dict.fromkeys(STAGES, 0)
    new = {item.key for stage in STAGES for item in processed.manifest(stage).items}
    assert new
    assert not new & old


@pytest.mark.parametrize("at", ["frame_scores", "clips"])
def test_a_source_replaced_during_a_run_is_never_mixed_with_the_new_one(
    processed: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    other = make_video(tmp_path / "other.mp4", FILM_SCENES)
    third = make_video(tmp_path / "third.mp4", FILM_SCENES, audio="aac")
    processed.store.put_file(SOURCE_KEY, other, content_type="video/mp4")
    replaced: list[str] = []
    publish = type(processed.workspace()).publish

    def publish_and_replace(workspace: Any, manifest: Any) -> None:
        publish(workspace, manifest)
        if manifest.stage == {"frame_scores": "source_videos", "clips": "scenes"}[at]:
            if not replaced:
                processed.store.put_file(SOURCE_KEY, third, content_type="video/mp4")
            replaced.append(at)

    monkeypatch.setattr("heaters_pipeline.workspace.Workspace.publish", publish_and_replace)
    monkeypatch.setattr("dagster.RetryPolicy.calculate_delay", lambda *_: 0)
    during = processed.process()
    assert replaced
    assert not during.success
    assert during.error
    assert "replaced" in during.error
    monkeypatch.undo()
    outcome = processed.process()
    assert outcome.success, outcome.error
    sha = processed.manifest("source_videos").summary["sha256"]
    assert processed.manifest("clips").inputs["source_sha256"] == sha
    assert spans(processed.manifest("clips"), reused=False) == spans(processed.manifest("clips"))
