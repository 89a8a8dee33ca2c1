"""Options that several commands of ``heaters`` share."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.clips.settings import (
    DEFAULT_VERIFY,
    PRESETS,
    BitDepth,
    ClipMethod,
    ClipSettings,
    Codec,
    Interlaced,
    Verify,
)
from heaters_pipeline.video.detection.score_track import Scan
from heaters_pipeline.video.detection.settings import (
    METHODS,
    DetectionSettings,
    GradualFrames,
    LongScenes,
    ShortScenes,
    ThresholdScale,
)

Result = TypeVar("Result")

_DEFAULT = DetectionSettings()
_CLIP_DEFAULT = ClipSettings()


def _picture_path(
    context: click.Context, parameter: click.Parameter, value: Path | None
) -> Path | None:
    """Refuse a file that could not be written before the work for it is done."""
    if value is None:
        return None
    if value.suffix.lower() != ".png":
        raise click.BadParameter(f"{value} must end with .png", context, parameter)
    if not value.absolute().parent.is_dir():
        raise click.BadParameter(f"{value.parent} is no folder", context, parameter)
    return value


def given(**options: Any) -> dict[str, Any]:
    """The options that were typed; the others keep the defaults of the settings."""
    return {name: value for name, value in options.items() if value is not None}


def _seconds(option: str, setting: str, help_text: str) -> Callable[..., Any]:
    return click.option(option, setting, type=float, metavar="SECONDS", help=help_text)


def _choice(
    option: str, setting: str, kind: Any, help_text: str, defaults: Any = _DEFAULT
) -> Callable[..., Any]:
    return click.option(
        option,
        setting,
        type=click.Choice(get_args(kind)),
        help=f"{help_text} Default: {getattr(defaults, setting)}.",
    )


# Named like the settings that they set; a setting that is not typed keeps its default.
_DETECTION = {
    "method": click.option(
        "--method", type=click.Choice(METHODS), help="How changes between frames are judged."
    ),
    "threshold": click.option(
        "--threshold", type=float, help="Where a change is a cut. Default: the method's own."
    ),
    "scale": _choice(
        "--scale",
        "scale",
        ThresholdScale,
        "own: --threshold is on the method's own scale; unit: a similarity from 0 to 1, the same "
        "for all methods.",
    ),
    "gradual": _choice(
        "--gradual",
        "gradual",
        GradualFrames,
        "Where the frames of a dissolve, fade or wipe belong: half to each scene, to none, or all "
        "to the scene before or after.",
    ),
    "min_duration_seconds": _seconds(
        "--min-duration",
        "min_duration_seconds",
        "Shorter scenes are treated as --short-scenes says. "
        f"Default: {float(_DEFAULT.min_duration_seconds):g}.",
    ),
    "short_scenes": _choice(
        "--short-scenes",
        "short_scenes",
        ShortScenes,
        "Join a short scene to the one before, leave it out, or keep it.",
    ),
    "max_duration_seconds": _seconds(
        "--max-duration",
        "max_duration_seconds",
        "Longer scenes are treated as --long-scenes says. Default: no maximum.",
    ),
    "long_scenes": _choice(
        "--long-scenes",
        "long_scenes",
        LongScenes,
        "Divide a long scene evenly into the fewest parts, or keep it whole.",
    ),
    "start_seconds": _seconds(
        "--start", "start_seconds", "Leave out what starts before. Default: the first frame."
    ),
    "end_seconds": _seconds(
        "--end", "end_seconds", "Leave out what starts then or later. Default: the end."
    ),
}


# Named like the settings of the asset that scans.
_SCAN = {
    "scan": click.option(
        "--scan",
        type=click.Choice(get_args(Scan)),
        help="fast decodes only what the method adaptive asks for, full every frame; the scenes "
        "are the same. Default: fast, or full for the methods that need it.",
    ),
    "ignored_regions": click.option(
        "--ignore",
        "ignored_regions",
        multiple=True,
        metavar="LEFT,TOP,RIGHT,BOTTOM",
        help="A part of the picture that counts for nothing, such as a ticker, in shares from 0 "
        "to 1: 0,0.9,1,1 is the lowest tenth. May be given more than once.",
    ),
}


def detection_options(command: Callable[..., Result]) -> Callable[..., Result]:
    """Give a command the options of detection.

    The command gets them as two arguments, ``scan`` and ``detection``: what was typed, by setting.
    """

    @functools.wraps(command)
    def with_detection(**options: Any) -> Result:
        detection = given(**{setting: options.pop(setting) for setting in _DETECTION})
        scan = given(scan=options.pop("scan"))
        if regions := options.pop("ignored_regions"):
            scan["ignored_regions"] = list(regions)
        return command(**options, scan=scan, detection=detection)

    decorated: Callable[..., Result] = with_detection
    for option in reversed((*_DETECTION.values(), *_SCAN.values())):
        decorated = option(decorated)
    return decorated


# Named like the settings that they set. The settings themselves refuse what is out of bounds.
_CLIPS = {
    "mode": _choice(
        "--clips",
        "mode",
        ClipMethod,
        "Copy the packets, bit for bit, or encode anew as the next options say; they also count "
        "for what cannot be copied.",
        _CLIP_DEFAULT,
    ),
    "crf": click.option(
        "--crf",
        type=int,
        help="Quality when encoding, 0 (best) to 51 (worst), the encoder's constant rate factor. "
        f"Default: {_CLIP_DEFAULT.crf}.",
    ),
    "preset": click.option(
        "--preset",
        type=click.Choice(PRESETS),
        help=f"Slower makes smaller clips. Default: {_CLIP_DEFAULT.preset}.",
    ),
    "codec": _choice("--codec", "codec", Codec, "H.264 or HEVC.", _CLIP_DEFAULT),
    "bit_depth": _choice(
        "--bit-depth",
        "bit_depth",
        BitDepth,
        "8: all become 8-bit, HDR becomes BT.709; source: more than 8 bits become 10, with their "
        "colours as they are.",
        _CLIP_DEFAULT,
    ),
    "interlaced": _choice(
        "--interlaced",
        "interlaced",
        Interlaced,
        "Make each interlaced picture a whole one, or keep its two fields (H.264 alone).",
        _CLIP_DEFAULT,
    ),
    "audio_bitrate_kbps": click.option(
        "--audio-bitrate",
        "audio_bitrate_kbps",
        type=int,
        metavar="KBPS",
        help="AAC bit rate of each stream of sound, in kbit/s, 8 to 512. "
        f"Default: {_CLIP_DEFAULT.audio_bitrate_kbps}.",
    ),
    "verify": click.option(
        "--verify",
        type=click.Choice(get_args(Verify)),
        help="How closely each new clip is checked before it is stored; full decodes all of it. "
        f"Default: {DEFAULT_VERIFY}.",
    ),
}


def clip_options(command: Callable[..., Result]) -> Callable[..., Result]:
    """Give a command the options of clips.

    The command gets them as one argument, ``clips``: what was typed, by setting.
    """

    @functools.wraps(command)
    def with_clips(**options: Any) -> Result:
        clips = given(**{setting: options.pop(setting) for setting in _CLIPS})
        return command(**options, clips=clips)

    decorated: Callable[..., Result] = with_clips
    for option in reversed(_CLIPS.values()):
        decorated = option(decorated)
    return decorated


_KEYFRAMES = click.option(
    "--keyframes",
    "strategy",
    type=click.Choice(["midpoint", "multi"]),
    help="One key frame a clip (default), or three.",
)


def run_options(command: Callable[..., Result]) -> Callable[..., Result]:
    """Give a command the options of a run.

    The command gets them as one argument, ``config``: by asset what was typed, by setting.
    """

    @functools.wraps(command)
    def with_config(
        scan: dict[str, Any],
        detection: dict[str, Any],
        clips: dict[str, Any],
        strategy: str | None,
        **options: Any,
    ) -> Result:
        config = {
            "frame_scores": scan,
            "scenes": detection,
            "clips": clips,
            "keyframes": given(strategy=strategy),
        }
        return command(**options, config=config)

    return detection_options(clip_options(_KEYFRAMES(with_config)))


JSON = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)

LABELS = click.option(
    "--labels",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE.json",
    help="What is true, by file name; docs/formats.md describes it.",
)
PLOT = click.option(
    "--plot",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE.png",
    callback=_picture_path,
    help="Draw a picture of it into this file.",
)


def save_plot(path: Path, png: bytes) -> None:
    """Write a picture, and say so.

    Raises:
        SettingsError: It cannot be written there.
    """
    try:
        path.write_bytes(png)
    except OSError as error:
        raise SettingsError(f"cannot write {path}: {error.strerror}; name another file") from error
    click.echo(f"The picture is in {path}", err=True)
