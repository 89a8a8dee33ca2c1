"""What decides the results of a run, all stages together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heaters_pipeline.config import (
    ClipConfig,
    DetectionConfig,
    KeyframeConfig,
    ScanConfig,
    SpriteConfig,
    StoryboardConfig,
)
from heaters_pipeline.video.clips.write import ClipSettings
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.scoring.scores import ScoreSettings
from heaters_pipeline.video.stills.settings import (
    KeyframeSettings,
    SpriteSettings,
    StoryboardSettings,
)


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What decides the results of a run, stage by stage."""

    scan: ScoreSettings
    detection: DetectionSettings
    clips: ClipSettings
    sprites: SpriteSettings
    keyframes: KeyframeSettings
    storyboards: StoryboardSettings

    @classmethod
    def of(cls, config: Mapping[str, Mapping[str, Any]]) -> "RunSettings":
        """From config by asset, as a run gets it; an asset that is left out has its defaults.

        Raises:
            SettingsError: A value is out of bounds.
        """
        return cls(
            ScanConfig(**config.get("frame_scores", {})).settings(),
            DetectionConfig(**config.get("scenes", {})).settings(),
            ClipConfig(**config.get("clips", {})).settings(),
            SpriteConfig(**config.get("sprite_sheets", {})).settings(),
            KeyframeConfig(**config.get("keyframes", {})).settings(),
            StoryboardConfig(**config.get("storyboards", {})).settings(),
        )
