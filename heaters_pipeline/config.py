"""Settings as the Dagster launchpad shows them.

What they are called and mean stands in ``settings``; each default and each bound lives on the
frozen dataclass that the work is done with. A value out of bounds is refused with the dataclass's
message. They have no bounds of pydantic's: Dagster does not show those, and would meet them outside
of the asset, where the refusal has no message of ours and is tried again.
"""

from typing import Any

import dagster as dg
from pydantic import Field

from heaters_pipeline.settings import setting
from heaters_pipeline.video.clips.settings import (
    BitDepth,
    ClipMethod,
    ClipSettings,
    Codec,
    Container,
    Interlaced,
    Verify,
)
from heaters_pipeline.video.detection.comparing import variants_from
from heaters_pipeline.video.detection.score_track import Scan
from heaters_pipeline.video.detection.settings import (
    METHODS,
    DetectionSettings,
    GradualFrames,
    LongScenes,
    Method,
    ShortScenes,
    ThresholdScale,
)
from heaters_pipeline.video.scoring.ignored_region import IgnoredRegion
from heaters_pipeline.video.scoring.scores import ScoreSettings
from heaters_pipeline.video.stills.settings import (
    KeyframeSettings,
    KeyframeStrategy,
    PictureFormat,
    SpriteSettings,
    StoryboardSettings,
)


def _field(asset: str, name: str) -> Any:
    known = setting(asset, name)
    meaning = f" Default: {known.default_meaning}." if known.default is None else ""
    return Field(default=known.default, description=f"{known.description}{meaning}")


class SourceConfig(dg.Config):
    """Where a video comes from, when it does not lie in the store yet."""

    origin: str | None = Field(
        default=None,
        description="A file of this machine or a link. Default: what was submitted or uploaded. "
        "What is typed here is recorded: submit a link that holds a secret by heaters submit.",
    )
    source_key: str | None = Field(
        default=None,
        description="The key under source_videos/ that the video gets. Default: by its partition.",
    )
    title: str | None = Field(
        default=None,
        description="What people call the video; the catalog shows it. Default: as it is recorded.",
    )
    tags: list[str] | None = Field(
        default=None,
        description="What people sort it by; the catalog shows it. Default: as it is recorded.",
    )


class CatalogConfig(dg.Config):
    """What a new catalog looks at."""

    all_videos: bool = Field(
        default=True,
        description="Look at the records of all videos, also at what others changed by hand. Else, "
        "where there are 1,000 videos or more, only at those that the pipeline noted as changed.",
    )


class ScanConfig(dg.Config):
    """How a video is looked at, once."""

    scan: Scan = _field("frame_scores", "scan")
    ignored_regions: list[str] = _field("frame_scores", "ignored_regions")
    video_stream: int | None = _field("frame_scores", "video_stream")

    def settings(self) -> ScoreSettings:
        """The settings that the work is done with.

        Raises:
            SettingsError: A value is out of bounds.
        """
        return ScoreSettings(
            scan=self.scan,
            ignored=tuple(IgnoredRegion.parse(region) for region in self.ignored_regions),
            video_stream=self.video_stream,
        )


class DetectionConfig(dg.Config):
    """How scenes are found. Changing it decodes nothing."""

    method: Method = _field("scenes", "method")
    threshold: float | None = _field("scenes", "threshold")
    scale: ThresholdScale = _field("scenes", "scale")
    gradual: GradualFrames = _field("scenes", "gradual")
    min_duration_seconds: float = _field("scenes", "min_duration_seconds")
    short_scenes: ShortScenes = _field("scenes", "short_scenes")
    max_duration_seconds: float | None = _field("scenes", "max_duration_seconds")
    long_scenes: LongScenes = _field("scenes", "long_scenes")
    start_seconds: float = _field("scenes", "start_seconds")
    end_seconds: float | None = _field("scenes", "end_seconds")

    def settings(self) -> DetectionSettings:
        """The settings that the work is done with.

        Raises:
            SettingsError: A value is out of bounds.
        """
        return DetectionSettings(**self.model_dump())


class ComparisonConfig(dg.Config):
    """Which methods are compared, and by what they are judged."""

    methods: list[str] = Field(
        default=list(METHODS),
        description="METHOD or METHOD=THRESHOLD each, such as adaptive, correl=0.3, correl=0.6.",
    )
    labels: str | None = Field(
        default=None,
        description="A file of this machine that says what is true, by the video's file name.",
    )
    full_scan: bool = Field(
        default=False,
        description="Decode the video once more, in full, if its stored track cannot answer for a "
        "method. Without it such a method is left out.",
    )

    def variants(self) -> tuple[DetectionSettings, ...]:
        """The methods that are compared.

        Raises:
            SettingsError: One is unknown, repeated or out of bounds.
        """
        return variants_from(self.methods)


class ClipConfig(dg.Config):
    """How clips are made."""

    mode: ClipMethod = _field("clips", "mode")
    crf: int = _field("clips", "crf")
    preset: str = _field("clips", "preset")
    codec: Codec = _field("clips", "codec")
    bit_depth: BitDepth = _field("clips", "bit_depth")
    interlaced: Interlaced = _field("clips", "interlaced")
    audio_bitrate_kbps: int = _field("clips", "audio_bitrate_kbps")
    audio_languages: list[str] = _field("clips", "audio_languages")
    min_psnr_db: int = _field("clips", "min_psnr_db")
    container: Container = _field("clips", "container")
    verify: Verify = _field("clips", "verify")

    def settings(self) -> ClipSettings:
        """The settings that the work is done with.

        Raises:
            SettingsError: A value is out of bounds.
        """
        values = self.model_dump(exclude={"verify", "audio_languages"})
        return ClipSettings(**values, audio_languages=tuple(self.audio_languages))


class SpriteConfig(dg.Config):
    """How sprite sheets are made."""

    tiles_per_second: float = _field("sprite_sheets", "tiles_per_second")
    tile_width_px: int = _field("sprite_sheets", "tile_width_px")
    columns: int = _field("sprite_sheets", "columns")
    rows: int = _field("sprite_sheets", "rows")
    jpeg_quality: int = _field("sprite_sheets", "jpeg_quality")
    max_tiles: int = _field("sprite_sheets", "max_tiles")
    format: PictureFormat = _field("sprite_sheets", "format")

    def settings(self) -> SpriteSettings:
        """The settings that the work is done with.

        Raises:
            SettingsError: A value is out of bounds.
        """
        return SpriteSettings(**self.model_dump())


class KeyframeConfig(dg.Config):
    """Which representative pictures are taken of a clip."""

    strategy: KeyframeStrategy = _field("keyframes", "strategy")
    max_side_px: int = _field("keyframes", "max_side_px")
    jpeg_quality: int = _field("keyframes", "jpeg_quality")
    format: PictureFormat = _field("keyframes", "format")

    def settings(self) -> KeyframeSettings:
        """The settings that the work is done with.

        Raises:
            SettingsError: A value is out of bounds.
        """
        return KeyframeSettings(**self.model_dump())


class StoryboardConfig(dg.Config):
    """How the storyboard of a video is made."""

    tile_width_px: int = _field("storyboards", "tile_width_px")
    interval_seconds: int = _field("storyboards", "interval_seconds")
    columns: int = _field("storyboards", "columns")
    rows: int = _field("storyboards", "rows")
    jpeg_quality: int = _field("storyboards", "jpeg_quality")
    format: PictureFormat = _field("storyboards", "format")

    def settings(self) -> StoryboardSettings:
        """The settings that the work is done with.

        Raises:
            SettingsError: A value is out of bounds.
        """
        return StoryboardSettings(**self.model_dump())


class VerifyConfig(dg.Config):
    """How closely a video is looked at."""

    deep: bool = Field(
        default=False,
        description="Read the content of each object and compare it with what was recorded; "
        "without it only sizes are compared, by listing.",
    )
