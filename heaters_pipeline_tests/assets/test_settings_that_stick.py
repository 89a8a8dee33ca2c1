"""The settings of the store count for each way in, and what a run was given by hand stays."""

from pathlib import Path
from typing import Any

import pytest

from heaters_pipeline.intake.submissions import submit
from heaters_pipeline.names import GIVEN_TAG, SUBMISSION_TAG
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline_tests.pipeline import SOURCE_KEY, STAGES, VIDEO_ID, Pipeline

MULTI = {"keyframes": {"strategy": "multi"}}
RULES = """
ops:
  keyframes: {config: {strategy: multi}}
  clips: {config: {crf: 30, preset: ultrafast}}
videos:
  - match: fil*
    ops: {clips: {config: {mode: reencode, crf: 20}}}
  - match: film.mp4
    ops: {clips: {config: {crf: 10}}}
  - match: "*"
    ops: {clips: {config: {crf: 40}}}
  - match: other/
    ops: {clips: {config: {crf: 45}}}
"""


def write_settings(pipeline: Pipeline, text: str) -> None:
    """As somebody uploads the file by hand."""
    pipeline.store.write_bytes(keys.SETTINGS, text.encode(), content_type="application/yaml")


def settings_of(pipeline: Pipeline, stage: str) -> dict[str, Any]:
    """What a stage was made with."""
    found: dict[str, Any] = pipeline.manifest(stage).inputs["settings"]
    return found


def test_a_run_without_config_works_with_the_file_of_the_store(
    processed: Pipeline,
) -> None:
    write_settings(processed, RULES)
    outcome = processed.process()
    assert outcome.success, outcome.error
    assert settings_of(processed, "keyframes")["strategy"] == "multi"
    clips = settings_of(processed, "clips")
    # The rule that names the video wins over the later one that is a pattern.
    assert (clips["mode"], clips["crf"], clips["preset"]) == ("reencode", 10, "ultrafast")
    again = processed.process()
    assert again.count("skipped") == dict.fromkeys(STAGES, True)


def test_a_failed_backfill_keeps_what_the_video_was_given(processed: Pipeline) -> None:
    assert processed.process(**MULTI).success
    # As a backfill starts it, and a sensor, and any button: without config.
    again = processed.process()
    assert again.success, again.error
    assert again.count("skipped") == dict.fromkeys(STAGES, True)
    assert settings_of(processed, "keyframes")["strategy"] == "multi"
    assert read_video(processed.store, VIDEO_ID).given == MULTI
    only = processed.materialize("keyframes")
    assert only.metadata["keyframes"]["skipped"] is True


def test_what_was_given_stays_with_a_video_that_is_replaced(
    processed: Pipeline, film: Path
) -> None:
    assert processed.process(**MULTI).success
    content = bytearray(film.read_bytes())
    place = content.index(b"VideoHandler")
    content[place : place + 5] = b"video"
    processed.store.write_bytes(SOURCE_KEY, bytes(content), content_type="video/mp4")
    assert processed.process().success
    assert settings_of(processed, "keyframes")["strategy"] == "multi"


def test_what_the_launchpad_filled_in_was_given_by_nobody(processed: Pipeline) -> None:
    assert processed.process(**MULTI).success
    defaults = {"strategy": "midpoint"}
    assert processed.process(keyframes=defaults).success
    assert settings_of(processed, "keyframes")["strategy"] == "multi"
    assert processed.process(keyframes={**defaults, "jpeg_quality": 70}).success
    assert read_video(processed.store, VIDEO_ID).given == {
        "keyframes": {"strategy": "multi", "jpeg_quality": 70}
    }


def test_what_was_typed_counts_also_if_it_is_the_default(processed: Pipeline) -> None:
    assert processed.process(**MULTI).success
    typed = {"keyframes": {"strategy": "midpoint"}}
    assert processed.process(tags={GIVEN_TAG: "given"}, **typed).success
    assert settings_of(processed, "keyframes")["strategy"] == "midpoint"
    assert read_video(processed.store, VIDEO_ID).given == typed


def test_what_is_given_is_recorded_although_nothing_is_to_be_made(processed: Pipeline) -> None:
    write_settings(processed, "ops: {keyframes: {config: {strategy: multi}}}")
    assert processed.process().success
    outcome = processed.process(**MULTI)
    assert outcome.count("skipped") == dict.fromkeys(STAGES, True)
    write_settings(processed, "ops: {}")
    assert processed.process().count("skipped") == dict.fromkeys(STAGES, True)
    assert settings_of(processed, "keyframes")["strategy"] == "multi"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ops:\n  clips:\n    config:\n      crf: 99\n", "must be from 0 to 51, got 99 (line 4)"),
        ("ops: [unclosed", "settings.yaml is not YAML: line 1"),
        ("ops: {clips: {config: {crv: 9}}}", "has no 'crv'"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_with_a_broken_file_no_run_begins(pipeline: Pipeline, text: str, said: str) -> None:
    write_settings(pipeline, text)
    outcome = pipeline.process(source_videos={"origin": "https://127.0.0.1:9/film.mp4"})
    assert not outcome.success
    assert said in str(outcome.error)
    assert outcome.events["STEP_UP_FOR_RETRY"] == 0
    assert list(pipeline.versions()) == [keys.SETTINGS]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"clips": {"crf": 99}}, "crf must be from 0 to 51, got 99"),
        (
            {"scenes": {"method": "correl", "threshold": 5.0}},
            "scenes.threshold, given by hand in this run: the threshold of correl must be from -1",
        ),
    ],
)
def test_all_settings_are_checked_before_anything_is_brought_in_or_decoded(
    pipeline: Pipeline, film: Path, config: dict[str, Any], said: str
) -> None:
    outcome = pipeline.process(source_videos={"origin": str(film)}, **config)
    assert not outcome.success
    assert said in str(outcome.error)
    assert not pipeline.versions()


def test_a_method_of_the_file_has_a_new_video_scanned_in_full_at_once(
    pipeline: Pipeline, film: Path
) -> None:
    write_settings(pipeline, "ops: {scenes: {config: {method: correl}}}")
    outcome = pipeline.process(source_videos={"origin": str(film)})
    assert outcome.success, outcome.error
    assert outcome.metadata["frame_scores"]["scan"] == "full"
    assert "seconds/scan in full" not in outcome.metadata["scenes"]


def test_a_submission_that_started_the_run_gives_its_settings_to_a_finished_video(
    processed: Pipeline,
) -> None:
    submit(processed.store, SOURCE_KEY, None, MULTI)
    assert processed.process().success
    assert settings_of(processed, "keyframes")["strategy"] == "midpoint"
    assert processed.process(tags={SUBMISSION_TAG: "film@1"}).success
    assert settings_of(processed, "keyframes")["strategy"] == "multi"
    submit(processed.store, SOURCE_KEY, None, {"clips": {"crf": "much"}})
    refused = processed.process(tags={SUBMISSION_TAG: "film@2"})
    assert "submissions/film.json: clips.crf: it should be a valid integer" in str(refused.error)
