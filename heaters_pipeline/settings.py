"""The settings of a run: what each is called, takes and means.

The launchpad and the command ``heaters`` both show them from here. Each default and each bound
lives on the frozen dataclass that the work is done with. Imports nothing that does the work, so
that the help of the command comes at once.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from heaters_pipeline.video.clips.settings import (
    DEFAULT_VERIFY,
    PRESETS,
    BitDepth,
    ClipMethod,
    ClipSettings,
    Codec,
    Container,
    Interlaced,
    Verify,
)
from heaters_pipeline.video.detection.settings import (
    DEFAULT_THRESHOLDS,
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
from heaters_pipeline.video.stills.settings import (
    AUTO_TILES,
    MOST_INTERVAL_SECONDS,
    KeyframeSettings,
    KeyframeStrategy,
    PictureFormat,
    SpriteSettings,
    StoryboardSettings,
)

_DETECTION = DetectionSettings()
_CLIPS = ClipSettings()
_SPRITES = SpriteSettings()
_KEYFRAMES = KeyframeSettings()
_STORYBOARDS = StoryboardSettings()
_FORMATS = "jpg, or webp, which is smaller and takes longer to make."
_THRESHOLDS = "; ".join(
    f"{method} {low:,.10g} to {high:,.10g} ({DEFAULT_THRESHOLDS[method]:g})"
    for method, (low, high) in THRESHOLD_BOUNDS.items()
)


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a run.

    Attributes:
        field: Its name in the config of the asset.
        kind: The values that it takes, as an annotation.
        default: Its default.
        description: Its effect, unit and accepted forms.
        option: Its option of ``heaters``; empty if only ``--config`` sets it there.
        heading: Under which the help of the command shows it.
        default_meaning: What the default comes to where the value does not say it.
        metavar: What the help calls the value; empty for the name of its kind.
        choices: The values, where the kind does not name them.
    """

    field: str
    kind: Any
    default: Any
    description: str
    option: str = ""
    heading: str = ""
    default_meaning: str = ""
    metavar: str = ""
    choices: tuple[str, ...] = ()


def _seconds(value: Fraction | float | None) -> float | None:
    return None if value is None else float(value)


SETTINGS: dict[str, tuple[Setting, ...]] = {
    "frame_scores": (
        Setting(
            "scan",
            Literal["fast", "full"],
            "fast",
            "fast decodes only what the method adaptive asks for, where that saves something; full "
            "decodes every frame, which the histogram methods need. The scenes are the same.",
            "--scan",
            "Detection",
            "fast, or full for the methods that need it",
        ),
        Setting(
            "ignored_regions",
            list[str],
            [],
            "Parts of the picture that count for nothing, such as a ticker: each "
            "left,top,right,bottom in shares from 0 to 1, so 0,0.9,1,1 is the lowest tenth.",
            "--ignore",
            "Detection",
            "none; may be given more than once",
            "LEFT,TOP,RIGHT,BOTTOM",
        ),
        Setting(
            "video_stream",
            int | None,
            None,
            "Which video stream of the file is taken, counted among all of its streams from 0, as "
            "ffprobe does.",
            "--video-stream",
            "Detection",
            "the largest that is no cover",
            "INDEX",
        ),
    ),
    "scenes": (
        Setting(
            "method",
            Method,
            _DETECTION.method,
            "How changes between frames are judged: adaptive, or one of OpenCV's histogram "
            "comparisons.",
            "--method",
        ),
        Setting(
            "threshold",
            float | None,
            _DETECTION.threshold,
            f"A cut is where the score passes it. By method (default): {_THRESHOLDS}.",
            "--threshold",
            "",
            "the method's own",
        ),
        Setting(
            "scale",
            ThresholdScale,
            _DETECTION.scale,
            "own: the threshold is on the method's own scale. unit: it is a similarity from 0 to "
            "1, the same for all methods, and a cut is where the similarity is lower.",
            "--scale",
            "Detection",
        ),
        Setting(
            "gradual",
            GradualFrames,
            _DETECTION.gradual,
            "Frames of a dissolve, fade or wipe: split between the scenes at the middle, exclude "
            "from all, or all to the scene before or after.",
            "--gradual",
            "Scenes",
        ),
        Setting(
            "min_duration_seconds",
            float,
            _seconds(_DETECTION.min_duration_seconds),
            "Scenes shorter than this are treated as short_scenes says; "
            f"0 to {MOST_MIN_DURATION_SECONDS}.",
            "--min-duration",
            metavar="SECONDS",
        ),
        Setting(
            "short_scenes",
            ShortScenes,
            _DETECTION.short_scenes,
            "merge joins a short scene to its neighbour, drop leaves it out, keep keeps it.",
            "--short-scenes",
            "Scenes",
        ),
        Setting(
            "max_duration_seconds",
            float | None,
            _seconds(_DETECTION.max_duration_seconds),
            "Scenes longer than this are treated as long_scenes says; above 0, not below "
            f"min_duration_seconds, at most {MOST_SECONDS:,}.",
            "--max-duration",
            "Scenes",
            "no maximum",
            "SECONDS",
        ),
        Setting(
            "long_scenes",
            LongScenes,
            _DETECTION.long_scenes,
            "split divides a long scene evenly into the fewest parts, keep keeps it whole.",
            "--long-scenes",
            "Scenes",
        ),
        Setting(
            "start_seconds",
            float,
            _seconds(_DETECTION.start_seconds),
            "Frames that start earlier than this are in no scene; seconds from the first frame, "
            f"0 to {MOST_SECONDS:,}.",
            "--start",
            "Scenes",
            metavar="SECONDS",
        ),
        Setting(
            "end_seconds",
            float | None,
            _seconds(_DETECTION.end_seconds),
            "Frames that start then or later are in no scene; seconds from the first frame, above "
            f"start_seconds, at most {MOST_SECONDS:,}.",
            "--end",
            "Scenes",
            "the end of the video",
            "SECONDS",
        ),
    ),
    "storyboards": (
        Setting(
            "tile_width_px",
            int,
            _STORYBOARDS.tile_width_px,
            "Longer side of a tile, in pixels, 16 up.",
        ),
        Setting(
            "interval_seconds",
            int,
            _STORYBOARDS.interval_seconds,
            f"Whole seconds from one tile to the next, up to {MOST_INTERVAL_SECONDS}; 0 for 1, and "
            f"for more where a video would have over {AUTO_TILES} tiles.",
        ),
        Setting("columns", int, _STORYBOARDS.columns, "Tiles in a row."),
        Setting("rows", int, _STORYBOARDS.rows, "Rows on a full sheet."),
        Setting("jpeg_quality", int, _STORYBOARDS.jpeg_quality, "1 to 100, also of WebP."),
        Setting("format", PictureFormat, _STORYBOARDS.format, _FORMATS),
    ),
    "clips": (
        Setting(
            "mode",
            ClipMethod,
            _CLIPS.mode,
            "auto copies what it can and encodes the rest almost without loss, so that no clip "
            "holds a hidden frame; copy keeps every picture bit for bit and hides frames by edit "
            "lists; reencode encodes all of them.",
            "--clips",
        ),
        Setting(
            "crf",
            int,
            _CLIPS.crf,
            "The encoder's constant rate factor, 0 (best) to 51 (worst).",
            "--crf",
            "Encoding of clips",
        ),
        Setting(
            "preset",
            str,
            _CLIPS.preset,
            "The encoder's preset; slower is smaller.",
            "--preset",
            "Encoding of clips",
            choices=PRESETS,
        ),
        Setting(
            "codec",
            Codec,
            _CLIPS.codec,
            "H.264 or HEVC, when encoding.",
            "--codec",
            "Encoding of clips",
        ),
        Setting(
            "bit_depth",
            BitDepth,
            _CLIPS.bit_depth,
            "8 makes all 8-bit, and HDR BT.709; source makes 10 bits of more than 8, with their "
            "colours as they are.",
            "--bit-depth",
            "Encoding of clips",
        ),
        Setting(
            "interlaced",
            Interlaced,
            _CLIPS.interlaced,
            "deinterlace makes each interlaced picture a whole one; keep encodes its two fields, "
            "as H.264 alone.",
            "--interlaced",
            "Encoding of clips",
        ),
        Setting(
            "audio_bitrate_kbps",
            int,
            _CLIPS.audio_bitrate_kbps,
            "AAC bit rate of each audio stream that is encoded, in kbit/s, 8 to 512.",
            "--audio-bitrate",
            "Encoding of clips",
            metavar="KBPS",
        ),
        Setting(
            "audio_languages",
            list[str],
            [],
            "Sound of these languages alone, as the file names them, such as deu; und is that of "
            "no language. Where the file has none of them, all sound is kept.",
            "--audio-language",
            "Clips and key frames",
            "all; may be given more than once",
            "CODE",
        ),
        Setting(
            "min_psnr_db",
            int,
            _CLIPS.min_psnr_db,
            "In auto, how close each encoded frame is to the source's at least: the PSNR of its "
            "luma in dB, 30 to 60; 19 of 20 are closer by 4 dB.",
            "--min-psnr",
            "Encoding of clips",
            metavar="DB",
        ),
        Setting(
            "container",
            Container,
            _CLIPS.container,
            "auto copies ProRes and DNxHD, and the PCM sound beside them, into MOV where clips are "
            "not all encoded, and makes MP4 of all else; mp4 encodes them and makes MP4 alone.",
            "--container",
            "Clips and key frames",
        ),
        Setting(
            "verify",
            Verify,
            DEFAULT_VERIFY,
            "How closely each new clip is checked before it is stored: full decodes all of it. It "
            "changes no clip, so none is made again for it.",
            "--verify",
            "Clips and key frames",
        ),
    ),
    "sprite_sheets": (
        Setting(
            "tiles_per_second",
            float,
            _SPRITES.tiles_per_second,
            "Most tiles for each second of a clip, 0.001 to 1000. The first and the last show its "
            "first and its last frame.",
        ),
        Setting(
            "tile_width_px", int, _SPRITES.tile_width_px, "Longer side of a tile, in pixels, 16 up."
        ),
        Setting("columns", int, _SPRITES.columns, "Tiles in a row."),
        Setting("rows", int, _SPRITES.rows, "Rows on a full page."),
        Setting("jpeg_quality", int, _SPRITES.jpeg_quality, "1 to 100, also of WebP."),
        Setting(
            "max_tiles", int, _SPRITES.max_tiles, "Most tiles of a clip; they are spread over it."
        ),
        Setting("format", PictureFormat, _SPRITES.format, _FORMATS),
    ),
    "keyframes": (
        Setting(
            "strategy",
            KeyframeStrategy,
            _KEYFRAMES.strategy,
            "midpoint takes one key frame in the middle of each clip, multi three at 25, 50 and "
            "75 %, sharpest the sharpest and best exposed of 8 that are in no transition.",
            "--keyframes",
            "Clips and key frames",
        ),
        Setting(
            "max_side_px",
            int,
            _KEYFRAMES.max_side_px,
            "Most pixels of the longer side, 16 to 8192.",
        ),
        Setting("jpeg_quality", int, _KEYFRAMES.jpeg_quality, "1 to 100, also of WebP."),
        Setting("format", PictureFormat, _KEYFRAMES.format, _FORMATS),
    ),
}
"""The settings of each asset of ``process_videos``, in the order in which they run.

``source_videos`` is left out: where a video comes from is no setting.
"""


def setting(asset: str, field: str) -> Setting:
    """The setting of an asset by its name."""
    return next(one for one in SETTINGS[asset] if one.field == field)
