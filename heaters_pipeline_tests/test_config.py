"""The launchpad's settings are those of the dataclasses: the same names, defaults and bounds."""

from dataclasses import fields
from fractions import Fraction
from typing import Any

import dagster as dg
import pytest

from heaters_pipeline.config import ClipConfig, DetectionConfig, KeyframeConfig, SpriteConfig
from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.clips.settings import ClipSettings
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.stills.settings import KeyframeSettings, SpriteSettings
from heaters_pipeline_tests.pipeline import Pipeline

PAIRS: list[tuple[Any, Any]] = [
    (DetectionConfig, DetectionSettings),
    (ClipConfig, ClipSettings),
    (SpriteConfig, SpriteSettings),
    (KeyframeConfig, KeyframeSettings),
]
OUT_OF_BOUNDS: list[tuple[Any, dict[str, Any]]] = [
    (DetectionConfig, {"threshold": 100.5}),
    (DetectionConfig, {"method": "correl", "threshold": 1.5}),
    (DetectionConfig, {"min_duration_seconds": -0.5}),
    (DetectionConfig, {"min_duration_seconds": 3600.5}),
    (DetectionConfig, {"max_duration_seconds": 0.0}),
    (DetectionConfig, {"max_duration_seconds": 0.2}),
    (DetectionConfig, {"max_duration_seconds": 1e7}),
    (DetectionConfig, {"start_seconds": -1.0}),
    (DetectionConfig, {"end_seconds": 1e7}),
    (DetectionConfig, {"start_seconds": 2.0, "end_seconds": 1.0}),
    (ClipConfig, {"crf": 52}),
    (ClipConfig, {"preset": "warp"}),
    (ClipConfig, {"audio_bitrate_kbps": 7}),
    (ClipConfig, {"codec": "hevc", "interlaced": "keep"}),
    (SpriteConfig, {"tiles_per_second": 0.0}),
    (SpriteConfig, {"tile_width_px": 15}),
    (SpriteConfig, {"columns": 0}),
    (SpriteConfig, {"rows": 1000}),
    (SpriteConfig, {"jpeg_quality": 0}),
    (SpriteConfig, {"max_tiles": 0}),
    (KeyframeConfig, {"max_side_px": 15}),
    (KeyframeConfig, {"jpeg_quality": 101}),
]
SETTINGS_OF = dict(PAIRS)


@pytest.mark.parametrize(("config", "settings"), PAIRS)
def test_each_setting_has_the_name_and_the_default_of_the_dataclass(
    config: Any, settings: Any
) -> None:
    # How closely clips are checked changes none of them, and so is no setting of theirs.
    names = set(config.model_fields) - {"verify"}
    assert names == {field.name for field in fields(settings)}
    assert config().settings() == settings()
    assert all(field.description for field in config.model_fields.values())


@pytest.mark.parametrize(
    ("config", "values"),
    [
        (DetectionConfig, {"method": "correl", "threshold": 0.5, "min_duration_seconds": 1.5}),
        (DetectionConfig, {"short_scenes": "drop", "gradual": "exclude", "long_scenes": "keep"}),
        (DetectionConfig, {"max_duration_seconds": 9.5, "start_seconds": 1.5, "end_seconds": 60}),
        (ClipConfig, {"mode": "reencode", "crf": 18, "preset": "slow", "audio_bitrate_kbps": 64}),
        (ClipConfig, {"codec": "hevc", "bit_depth": "source", "interlaced": "deinterlace"}),
        (ClipConfig, {"codec": "h264", "interlaced": "keep"}),
        (ClipConfig, {"mode": "auto", "min_psnr_db": 40}),
        (SpriteConfig, {"tiles_per_second": 1.5, "columns": 3, "rows": 2, "max_tiles": 9}),
        (SpriteConfig, {"tile_width_px": 64, "jpeg_quality": 50, "format": "webp"}),
        (KeyframeConfig, {"strategy": "multi", "max_side_px": 640, "jpeg_quality": 50}),
        (KeyframeConfig, {"format": "webp"}),
    ],
)
def test_what_is_given_arrives(config: Any, values: dict[str, Any]) -> None:
    assert config(**values).settings() == SETTINGS_OF[config](**values)


@pytest.mark.parametrize(("config", "values"), OUT_OF_BOUNDS)
def test_out_of_bounds_is_refused_with_the_message_of_the_dataclass(
    config: Any, values: dict[str, Any]
) -> None:
    with pytest.raises(SettingsError) as expected:
        SETTINGS_OF[config](**values)
    with pytest.raises(SettingsError) as refused:
        config(**values).settings()
    assert str(refused.value) == str(expected.value)


@pytest.mark.parametrize(
    ("config", "values"),
    [
        (DetectionConfig, {"method": "guess"}),
        (DetectionConfig, {"short_scenes": "hide"}),
        (DetectionConfig, {"gradual": "blur"}),
        (DetectionConfig, {"long_scenes": "cut"}),
        (ClipConfig, {"mode": "magic"}),
        (ClipConfig, {"codec": "av1"}),
        (ClipConfig, {"bit_depth": "10"}),
        (ClipConfig, {"interlaced": "weave"}),
        (KeyframeConfig, {"strategy": "first"}),
    ],
)
def test_unknown_choices_are_refused(config: Any, values: dict[str, Any]) -> None:
    (name,) = values
    with pytest.raises(ValueError, match=name):
        config(**values)


def test_a_default_that_is_a_fraction_is_the_same_number() -> None:
    assert DetectionConfig().settings().min_duration_seconds == Fraction(1, 4)


@pytest.mark.parametrize(
    ("name", "bounds"),
    [
        (
            "threshold",
            "adaptive 1 to 100 (4.3); correl -1 to 1 (0.6); chisqr 0 to 1,000,000,000 (20)",
        ),
        ("min_duration_seconds", "0 to 3600"),
        ("max_duration_seconds", "above 0, not below min_duration_seconds, at most 1,000,000"),
        ("start_seconds", "0 to 1,000,000"),
        ("end_seconds", "above start_seconds, at most 1,000,000"),
    ],
)
def test_the_launchpad_shows_the_bounds_of_detection(name: str, bounds: str) -> None:
    shown = DetectionConfig.to_fields_dict()[name].description
    assert shown is not None
    assert bounds in shown


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"clips": {"crf": 99}},
            "clips.crf, given by hand in this run: crf must be from 0 to 51, got 99",
        ),
        (
            {"scenes": {"min_duration_seconds": 3600.5}},
            "scenes.min_duration_seconds, given by hand in this run: "
            "min_duration_seconds must be from 0 to 3,600, got 3600.5",
        ),
        (
            {"scenes": {"start_seconds": 60}},
            "no frame starts in the window from 60 s to the end: the video is 3.8 s long; "
            "change start_seconds or end_seconds",
        ),
    ],
)
def test_in_the_launchpad_out_of_bounds_ends_the_run_at_once_with_that_message(
    processed: Pipeline, config: dict[str, Any], message: str
) -> None:
    outcome = processed.process(**config)
    assert outcome.error == message
    assert outcome.events["STEP_UP_FOR_RETRY"] == 0


def test_in_the_launchpad_unknown_names_are_refused_before_anything_runs(
    processed: Pipeline,
) -> None:
    with pytest.raises(dg.DagsterInvalidConfigError, match="colums"):
        processed.process(sprite_sheets={"colums": 3})
