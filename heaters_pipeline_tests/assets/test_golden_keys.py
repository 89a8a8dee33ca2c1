"""Keys and fingerprints of stored results stay as they are, whatever is moved or renamed.

Every object is named by a digest of all that decides it, so that a digest that changes by accident
makes again everything that a store holds. ``golden/keys.json`` was written by the code as it was
before its modules were moved; who changes it on purpose raises a format version, too.
"""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from heaters_pipeline.assets.clip_work import clip_units
from heaters_pipeline.assets.keyframes import keyframe_units
from heaters_pipeline.assets.records import Source, settings_json
from heaters_pipeline.assets.sprite_sheets import sprite_units
from heaters_pipeline.assets.storyboards import storyboard_unit
from heaters_pipeline.assets.units import Scene
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.records.manifests import fingerprint_of
from heaters_pipeline.video.clips.settings import ClipMethod, ClipSettings
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.media.timing import Span, Timeline
from heaters_pipeline.video.stills.settings import (
    KeyframeSettings,
    SpriteSettings,
    StoryboardSettings,
)
from heaters_pipeline_tests.video.detection.tracks import made_track

GOLDEN = Path(__file__).parent / "golden" / "keys.json"

VIDEO_ID = "holiday"
SOURCE = Source("source_videos/holiday.mp4", "etag-1", "5e" * 32, "h264")
TIMELINE = Timeline(tuple(range(0, 200 * 512, 512)), 200 * 512, Fraction(1, 12800))
TRACK = replace(made_track(200, {}), timeline=TIMELINE)
SCENES = [
    Scene(span, TIMELINE.seconds_at(span.start), TIMELINE.seconds_at(span.end))
    for span in (Span(0, 75), Span(75, 76), Span(76, 200))
]

CLIP_SETTINGS = (
    ClipSettings(mode="copy"),
    ClipSettings(mode="reencode"),
    ClipSettings(
        mode="reencode",
        crf=18,
        preset="veryfast",
        codec="hevc",
        bit_depth="source",
        audio_bitrate_kbps=96,
    ),
    ClipSettings(mode="reencode", interlaced="keep"),
)
# The mode that came after the golden file was written.
AUTO_SETTINGS = (ClipSettings(), ClipSettings(min_psnr_db=40))
SPRITE_SETTINGS = (SpriteSettings(), SpriteSettings(tiles_per_second=24, tile_width_px=320))
KEYFRAME_SETTINGS = (KeyframeSettings(), KeyframeSettings(strategy="multi", max_side_px=640))
# The stage that came after the golden file was written.
STORYBOARD_SETTINGS = (StoryboardSettings(), StoryboardSettings(interval_seconds=5, columns=3))
DETECTION_SETTINGS = (
    DetectionSettings(),
    DetectionSettings(method="correl", threshold=0.5, min_duration_seconds=1),
    DetectionSettings(scale="unit", threshold=0.6, gradual="exclude", max_duration_seconds=10),
)


def found() -> dict[str, Any]:
    """The keys and fingerprints of a video with all kinds of settings."""
    clips = clip_units(VIDEO_ID, SOURCE, SCENES, ClipSettings(mode="copy"))
    items = [unit.scene.item(unit.keys[0], 1, unit.details) for unit in clips]
    return {
        "clips": [
            [unit.keys[0] for unit in clip_units(VIDEO_ID, SOURCE, SCENES, settings)]
            for settings in CLIP_SETTINGS
        ],
        "sprite_sheets": [
            [unit.keys for unit, _ in sprite_units(VIDEO_ID, items, TRACK, settings)]
            for settings in SPRITE_SETTINGS
        ],
        "keyframes": [
            [unit.keys for unit in keyframe_units(VIDEO_ID, items, settings, [])]
            for settings in KEYFRAME_SETTINGS
        ],
        "detection": [fingerprint_of(settings_json(settings)) for settings in DETECTION_SETTINGS],
        "clips_auto": [
            [unit.keys[0] for unit in clip_units(VIDEO_ID, SOURCE, SCENES, settings)]
            for settings in AUTO_SETTINGS
        ],
        "storyboards": [
            storyboard_unit(VIDEO_ID, SOURCE, TRACK, settings)[0].keys
            for settings in STORYBOARD_SETTINGS
        ],
        "frame_scores": [
            keys.frame_scores_key(VIDEO_ID, "7a" * 32, kind) for kind in ("fast", "full")
        ],
    }


@pytest.mark.parametrize(
    "kind",
    [
        "clips",
        "clips_auto",
        "sprite_sheets",
        "keyframes",
        "storyboards",
        "detection",
        "frame_scores",
    ],
)
def test_nothing_stored_gets_another_name(kind: str) -> None:
    as_stored = json.loads(json.dumps(found()[kind]))
    assert as_stored == json.loads(GOLDEN.read_text())[kind]


def names(settings: ClipSettings, codec: str) -> list[str]:
    source = replace(SOURCE, codec=codec)
    return [unit.keys[0] for unit in clip_units(VIDEO_ID, source, SCENES, settings)]


@pytest.mark.parametrize("mode", ["auto", "copy", "reencode"])
def test_the_container_decides_nothing_of_clips_that_are_mp4(mode: ClipMethod) -> None:
    settings = ClipSettings(mode)
    as_before = names(settings, "h264")
    as_mp4 = replace(settings, container="mp4")
    assert as_before == names(as_mp4, "h264") == names(as_mp4, "prores") == names(as_mp4, "dnxhd")
    if mode == "reencode":
        assert names(settings, "prores") == as_before


@pytest.mark.parametrize("mode", ["auto", "copy"])
def test_masters_that_are_copied_have_names_of_their_own(mode: ClipMethod) -> None:
    found = names(ClipSettings(mode), "prores")
    assert found == names(ClipSettings(mode), "dnxhd")
    assert found == json.loads(GOLDEN.read_text())["clips_mov"][mode]
    before = names(ClipSettings(mode), "h264")
    for key, key_before in zip(found, before, strict=True):
        assert key.endswith(".mov")
        assert key.removesuffix(".mov") != key_before.removesuffix(".mp4")


def test_closeness_decides_nothing_but_in_auto() -> None:
    for mode in ("copy", "reencode"):
        names = [
            [unit.keys[0] for unit in clip_units(VIDEO_ID, SOURCE, SCENES, settings)]
            for settings in (ClipSettings(mode), ClipSettings(mode, min_psnr_db=30))
        ]
        assert names[0] == names[1]
    assert settings_json(ClipSettings())["min_psnr_db"] == 44
