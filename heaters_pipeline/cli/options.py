"""Options that several commands of ``heaters`` share."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar, get_args

import click

from heaters_pipeline.video.detection_settings import (
    METHODS,
    DetectionSettings,
    GradualFrames,
    LongScenes,
    ShortScenes,
)

Result = TypeVar("Result")

_DEFAULT = DetectionSettings()


def given(**options: Any) -> dict[str, Any]:
    """The options that were typed; the others keep the defaults of the settings."""
    return {name: value for name, value in options.items() if value is not None}


def _seconds(option: str, setting: str, help_text: str) -> Callable[..., Any]:
    return click.option(option, setting, type=float, metavar="SECONDS", help=help_text)


def _choice(option: str, setting: str, kind: Any, help_text: str) -> Callable[..., Any]:
    return click.option(
        option,
        setting,
        type=click.Choice(get_args(kind)),
        help=f"{help_text} Default: {getattr(_DEFAULT, setting)}.",
    )


# Named like the settings that they set; a setting that is not typed keeps its default.
_DETECTION = {
    "method": click.option(
        "--method", type=click.Choice(METHODS), help="How changes between frames are judged."
    ),
    "threshold": click.option(
        "--threshold", type=float, help="Where a change is a cut. Default: the method's own."
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


def detection_options(command: Callable[..., Result]) -> Callable[..., Result]:
    """Give a command the options of detection.

    The command gets them as one argument, ``detection``: what was typed, by setting.
    """

    @functools.wraps(command)
    def with_detection(**options: Any) -> Result:
        detection = given(**{setting: options.pop(setting) for setting in _DETECTION})
        return command(**options, detection=detection)

    decorated: Callable[..., Result] = with_detection
    for option in reversed(_DETECTION.values()):
        decorated = option(decorated)
    return decorated


JSON = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)
