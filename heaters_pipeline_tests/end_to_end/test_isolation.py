"""Whole runs whose videos are decoded in child processes."""

from pathlib import Path
from typing import Any

import av
import pytest

from heaters_pipeline.assets import (
    clip_work,
    keyframes,
    source_pictures,
    sprite_sheets,
    track_work,
)
from heaters_pipeline.storage import keys
from heaters_pipeline_tests.cli.heaters_command import Heaters
from heaters_pipeline_tests.isolation import doomed
from heaters_pipeline_tests.pipeline import SOURCE_KEY, SPANS, VIDEO_ID, Pipeline
from heaters_pipeline_tests.videos import make_video

RESULTS = ("frame_scores", "storyboards", "clips", "sprite_sheets", "keyframes", "reports")


@pytest.fixture(autouse=True)
def isolation(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let videos be decoded in child processes."""
    monkeypatch.setenv("HEATERS_ISOLATION", "process")


def results(store: Path) -> dict[str, bytes]:
    """All objects that were made of the film."""
    return {
        str(path.relative_to(store)): path.read_bytes()
        for stage in RESULTS
        for path in (store / keys.objects_prefix(stage, VIDEO_ID)).rglob("*")
        if path.is_file()
    }


def test_results_are_the_same_and_this_process_opens_no_video(
    film: Path,
    pipeline: Pipeline,
    processed_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("it was opened here")

    monkeypatch.setattr(av, "open", refuse)
    outcome = pipeline.process(source_videos={"origin": str(film)})
    assert outcome.success, outcome.error
    made = results(tmp_path / "store")
    assert made == results(processed_folder)
    assert len(made) > 3 * len(SPANS)
    assert not outcome.failed_checks


def test_a_crash_takes_one_video_down_and_the_next_goes_on(
    home: Path, film: Path, heaters: Heaters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = make_video(tmp_path / "bad.mp4", [25, 25])
    monkeypatch.setattr(track_work, "score_frames", doomed.score_or_crash)
    ended = heaters("process", bad, film, "--json")
    assert ended.code == 1
    first, second = ended.videos
    assert "signal 11" in first["error"]
    assert "frames of source_videos/bad.mp4 were scored" in first["error"]
    assert second["state"] == "spliced"
    (rejection,) = (home / "data").glob("rejections/**/*.json")
    assert "decoder_crashed" in rejection.read_text()


def test_clips_that_were_finished_before_a_crash_are_kept(
    film: Path, pipeline: Pipeline, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(clip_work, "write_clips", doomed.cut_two_and_crash)
        outcome = pipeline.process(source_videos={"origin": str(film)})
    assert not outcome.success
    assert "clips of source_videos/film.mp4 were made" in str(outcome.error)
    assert list((tmp_path / "local" / "scratch").iterdir()) == []
    outcome = pipeline.process()
    assert outcome.success, outcome.error
    assert outcome.count("made")["clips"] == len(SPANS) - 2


@pytest.mark.parametrize(
    ("module", "function", "settings"),
    [
        (sprite_sheets, "write_sprites", {"columns": 3}),
        (keyframes, "write_keyframes", {"strategy": "multi"}),
    ],
)
def test_a_crash_at_a_clip_fails_that_clip_alone(
    module: Any, function: str, settings: dict[str, Any], processed: Pipeline
) -> None:
    # Where the source is gone, pictures are made of the clips.
    processed.store.delete(SOURCE_KEY)
    stage = module.__name__.rpartition(".")[2]
    with pytest.MonkeyPatch.context() as monkeypatch:
        start, end = SPANS[1]
        crash = doomed.CrashAtClip(getattr(module, function), end - start)
        monkeypatch.setattr(module, function, crash)
        outcome = processed.materialize(stage, **{stage: settings})
    assert not outcome.success
    assert f"1 of 4 {stage} failed" in str(outcome.error)
    assert processed.materialize(stage, **{stage: settings}).success


def test_a_crash_at_pictures_of_the_source_fails_the_video(
    film: Path, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_pictures, "make_pictures", doomed.crash_at_pictures)
    outcome = pipeline.process(source_videos={"origin": str(film)})
    assert not outcome.success
    assert "pictures of source_videos/film.mp4 were made" in str(outcome.error)


def test_limits_change_no_key_and_no_digest(
    processed: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEATERS_MAX_MEMORY_MB", "4000")
    made = processed.process().count("made")
    # Its files are copies, of other versions.
    assert made.pop("source_videos") == 1
    assert set(made.values()) == {0}
