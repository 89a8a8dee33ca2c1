"""Settings as the Dagster launchpad shows them.

Each default and each bound lives on the frozen dataclass that the work is done with; these classes
only mirror them with a description. A value out of bounds is refused with the dataclass's message.
They have no bounds of pydantic's: Dagster does not show those, and would meet them outside of the
asset, where the refusal has no message of ours and is tried again.
"""

import dagster as dg
from pydantic import Field

from heaters_pipeline.video.clips.settings import (
    DEFAULT_VERIFY,
    BitDepth,
    ClipMethod,
    ClipSettings,
    Codec,
    Interlaced,
    Verify,
)
from heaters_pipeline.video.detection.comparing import variants_from
from heaters_pipeline.video.detection.score_track import Scan
from heaters_pipeline.video.detection.settings import (
    DEFAULT_THRESHOLDS,
    METHODS,
    MOST_MIN_DURATION_SECONDS,
    MOST_SECONDS,
    THRESHOLD_BOUNDS,
    DetectionSettings,
    GradualFrames,
    LongScenes,
    Method,
    ShortScenes,
    ThresholdScale,
)
from heaters_pipeline.video.scoring.ignored_region import IgnoredRegion
from heaters_pipeline.video.scoring.scores import ScoreSettings
from heaters_pipeline.video.stills.keyframes import KeyframeSettings, KeyframeStrategy
from heaters_pipeline.video.stills.sprite_layout import SpriteSettings

_DETECTION = DetectionSettings()
_SCAN = ScoreSettings()
_CLIPS = ClipSettings()
_SPRITES = SpriteSettings()
_KEYFRAMES = KeyframeSettings()
_MAXIMUM, _END = _DETECTION.max_duration_seconds, _DETECTION.end_seconds
_THRESHOLDS = "; ".join(
    f"{method} {low:.10g} to {high:.10g} ({DEFAULT_THRESHOLDS[method]:g})"
    for method, (low, high) in THRESHOLD_BOUNDS.items()
)


class SourceConfig(dg.Config):
    """Where a video comes from, when it does not lie in the store yet."""

    origin: str | None = Field(
        default=None,
        description="A file of this machine or a link. Default: what was submitted or uploaded.",
    )
    source_key: str | None = Field(
        default=None,
        description="The key under source_videos/ that the video gets. Default: by its partition.",
    )


class ScanConfig(dg.Config):
    """How a video is looked at, once."""

    scan: Scan = Field(
        default=_SCAN.scan,
        description="fast decodes only what the method adaptive asks for, where that saves "
        "something; full decodes every frame, which the histogram methods need. The scenes are "
        "the same.",
    )
    ignored_regions: list[str] = Field(
        default=[str(region) for region in _SCAN.ignored],
        description="Parts of the picture that count for nothing, such as a ticker: each "
        "left,top,right,bottom in shares from 0 to 1, so 0,0.9,1,1 is the lowest tenth.",
    )

    def settings(self) -> ScoreSettings:
        """The settings that the work is done with.

        Raises:
            SettingsError: A value is out of bounds.
        """
        return ScoreSettings(
            scan=self.scan,
            ignored=tuple(IgnoredRegion.parse(region) for region in self.ignored_regions),
        )


class DetectionConfig(dg.Config):
    """How scenes are found. Changing it decodes nothing."""

    method: Method = Field(
        default=_DETECTION.method,
        description="adaptive, or one of OpenCV's histogram comparisons.",
    )
    threshold: float | None = Field(
        default=_DETECTION.threshold,
        description=f"A cut is where the score passes it. By method (default): {_THRESHOLDS}.",
    )
    scale: ThresholdScale = Field(
        default=_DETECTION.scale,
        description="own: the threshold is on the method's own scale. unit: it is a similarity "
        "from 0 to 1, the same for all methods, and a cut is where the similarity is lower.",
    )
    gradual: GradualFrames = Field(
        default=_DETECTION.gradual,
        description="Frames of a dissolve, fade or wipe: split between the scenes at the middle, "
        "exclude from all, or all to the scene before or after.",
    )
    min_duration_seconds: float = Field(
        default=float(_DETECTION.min_duration_seconds),
        description="Scenes shorter than this are treated as short_scenes says; "
        f"0 to {MOST_MIN_DURATION_SECONDS}.",
    )
    short_scenes: ShortScenes = Field(
        default=_DETECTION.short_scenes,
        description="merge joins a short scene to its neighbour, drop leaves it out, keep keeps.",
    )
    max_duration_seconds: float | None = Field(
        default=None if _MAXIMUM is None else float(_MAXIMUM),
        description="Scenes longer than this are treated as long_scenes says; above 0, not below "
        f"min_duration_seconds, at most {MOST_SECONDS}. Default: no maximum.",
    )
    long_scenes: LongScenes = Field(
        default=_DETECTION.long_scenes,
        description="split divides a long scene evenly into the fewest parts, keep keeps it whole.",
    )
    start_seconds: float = Field(
        default=float(_DETECTION.start_seconds),
        description="Frames that start earlier than this are in no scene; seconds from the first "
        f"frame, 0 to {MOST_SECONDS}.",
    )
    end_seconds: float | None = Field(
        default=None if _END is None else float(_END),
        description="Frames that start then or later are in no scene; seconds from the first "
        f"frame, above start_seconds, at most {MOST_SECONDS}. Default: the end of the video.",
    )

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

    mode: ClipMethod = Field(
        default=_CLIPS.mode,
        description="copy keeps every picture bit for bit; reencode encodes all again. The other "
        "settings also count for what cannot be copied.",
    )
    crf: int = Field(
        default=_CLIPS.crf,
        description="The encoder's constant rate factor, 0 to 51; lower is better.",
    )
    preset: str = Field(
        default=_CLIPS.preset, description="The encoder's preset; slower is smaller."
    )
    codec: Codec = Field(default=_CLIPS.codec, description="h264 or hevc, when encoding.")
    bit_depth: BitDepth = Field(
        default=_CLIPS.bit_depth,
        description="8 makes all 8-bit, and HDR BT.709; source makes 10 bits of more than 8, with "
        "their colours as they are.",
    )
    interlaced: Interlaced = Field(
        default=_CLIPS.interlaced,
        description="deinterlace makes each interlaced picture a whole one; keep encodes its two "
        "fields, as H.264 alone.",
    )
    audio_bitrate_kbps: int = Field(
        default=_CLIPS.audio_bitrate_kbps, description="AAC bit rate of a stream, in kbit/s."
    )
    verify: Verify = Field(
        default=DEFAULT_VERIFY,
        description="How closely each new clip is checked before it is stored: full decodes all of "
        "it. It changes no clip, so none is made again for it.",
    )

    def settings(self) -> ClipSettings:
        """The settings that the work is done with.

        Raises:
            SettingsError: A value is out of bounds.
        """
        return ClipSettings(**self.model_dump(exclude={"verify"}))


class SpriteConfig(dg.Config):
    """How sprite sheets are made."""

    tiles_per_second: float = Field(
        default=_SPRITES.tiles_per_second, description="Tiles for each second of a clip."
    )
    tile_width_px: int = Field(
        default=_SPRITES.tile_width_px, description="Longer side of a tile, in pixels."
    )
    columns: int = Field(default=_SPRITES.columns, description="Tiles in a row.")
    rows: int = Field(default=_SPRITES.rows, description="Rows on a full page.")
    jpeg_quality: int = Field(default=_SPRITES.jpeg_quality, description="1 to 100.")
    max_tiles: int = Field(
        default=_SPRITES.max_tiles, description="Most tiles of a clip; they are spread over it."
    )

    def settings(self) -> SpriteSettings:
        """The settings that the work is done with.

        Raises:
            SettingsError: A value is out of bounds.
        """
        return SpriteSettings(**self.model_dump())


class KeyframeConfig(dg.Config):
    """Which representative pictures are taken of a clip."""

    strategy: KeyframeStrategy = Field(
        default=_KEYFRAMES.strategy,
        description="midpoint takes the middle, multi takes 25, 50 and 75 %.",
    )
    max_side_px: int = Field(
        default=_KEYFRAMES.max_side_px, description="Most pixels of the longer side."
    )
    jpeg_quality: int = Field(default=_KEYFRAMES.jpeg_quality, description="1 to 100.")

    def settings(self) -> KeyframeSettings:
        """The settings that the work is done with.

        Raises:
            SettingsError: A value is out of bounds.
        """
        return KeyframeSettings(**self.model_dump())


class VerifyConfig(dg.Config):
    """How closely a video is looked at."""

    deep: bool = Field(
        default=False,
        description="Read the content of each object and compare it with what was recorded; "
        "without it only sizes are compared, by listing.",
    )
