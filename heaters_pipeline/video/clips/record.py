"""What a clip is: the facts that its record holds, and the note of them in the file itself.

The note stands in the comment of the file as canonical JSON. So a file that was stored, but
whose record was lost with the run that made it, still says how it was made and what it shows.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeGuard, get_args

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.settings import ClipContainer, ClipMethod, Verify
from heaters_pipeline.video.media.timing import Span

_FORMAT = "heaters_clip"
_FORMAT_VERSION = 2

_TIMES = ("frame_count", "every_pts", "duration", "frame_rate", "last_frame")
_QUICK_CHECKS: Mapping[ClipMethod, tuple[str, ...]] = {
    "auto": (*_TIMES, "sound", "packets", "first_picture", "psnr"),
    "copy": (*_TIMES, "sound", "packets", "first_picture"),
    "reencode": (*_TIMES, "sound"),
}
_FULL_CHECKS: Mapping[ClipMethod, tuple[str, ...]] = {
    "auto": ("every_picture",),
    "copy": ("every_picture",),
    "reencode": ("every_frame_decodes",),
}


def checks_of(method: ClipMethod, verify: Verify) -> tuple[str, ...]:
    """What is checked of every clip before it is published, by the names that its record has."""
    return _QUICK_CHECKS[method] + (_FULL_CHECKS[method] if verify == "full" else ())


@dataclass(frozen=True, slots=True)
class ClipSound:
    """The first track of sound of a clip; a player that shows no choice plays it.

    Attributes:
        codec: FFmpeg's name of the codec.
        channels: Their number.
        sample_rate_hz: Samples a second of each.
        loudness_lufs: Integrated loudness by EBU R 128; None where it was not measured, and of less
            than 0.4 s.
        silence_share: Share of the time in which it is silent; None where it was not measured.
    """

    codec: str
    channels: int
    sample_rate_hz: int
    loudness_lufs: float | None = None
    silence_share: float | None = None


@dataclass(frozen=True, slots=True)
class ClipFile:
    """A clip that was made and checked.

    Attributes:
        method: How it was made.
        container: What it is stored in.
        fallback_reason: Why it was not made by the method that was asked for, else None.
        frames: Number of frames that it shows.
        first_pts: When its first frame is shown, in ticks of ``time_base``.
        last_pts: When its last frame is shown.
        time_base: Seconds per tick.
        duration_seconds: From the start of the first frame to the end of the last.
        size_bytes: Length of the file.
        checked: What was checked, such as ``frame_count``.
        copied: Frames of the source whose packets it holds as they are.
        hidden_frames: How many frames it holds besides those that it shows.
        width_px: Width of the stored picture, before rotation.
        height_px: Height of the stored picture, before rotation.
        codec: FFmpeg's name of the video codec.
        sound: Of its first track; None without any.
    """

    method: ClipMethod
    container: ClipContainer
    fallback_reason: str | None
    frames: int
    first_pts: int
    last_pts: int
    time_base: Fraction
    duration_seconds: Fraction
    size_bytes: int
    checked: tuple[str, ...]
    copied: tuple[Span, ...]
    hidden_frames: int
    width_px: int
    height_px: int
    codec: str
    sound: ClipSound | None


@dataclass(frozen=True, slots=True)
class ClipFacts(ClipFile):
    """What a clip file says of itself.

    Attributes:
        span: Frames of the source that it shows.
        tags: What the caller wrote into it.
    """

    span: Span
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ClipNote:
    """The part of a clip's record that is written into the file."""

    method: ClipMethod
    fallback_reason: str | None
    span: Span
    checked: tuple[str, ...]
    tags: Mapping[str, str]
    copied: tuple[Span, ...] = ()

    def encode(self) -> str:
        """As canonical JSON."""
        content = {
            "checked": list(self.checked),
            "copied": [[part.start, part.end] for part in self.copied],
            "fallback_reason": self.fallback_reason,
            "format": _FORMAT,
            "format_version": _FORMAT_VERSION,
            "method": self.method,
            "span": [self.span.start, self.span.end],
            "tags": dict(self.tags),
        }
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def decode(cls, text: str) -> "ClipNote":
        """Read what ``encode`` wrote.

        Raises:
            ClipError: It is something else.
        """
        try:
            content = json.loads(text)
            if (content["format"], content["format_version"]) != (_FORMAT, _FORMAT_VERSION):
                raise ClipError(f"the clip was written in an unknown format: {text:.80}")
            method = content["method"]
            if not _is_method(method):
                raise ClipError(f"the clip was made by an unknown method: {method!r:.80}")
            span = Span(*content["span"])
            # Clips of earlier versions do not say it; they were copied as a whole or not at all.
            copied = content.get("copied", [content["span"]] if method == "copy" else [])
            return cls(
                method=method,
                fallback_reason=content["fallback_reason"],
                span=span,
                copied=tuple(Span(*part) for part in copied),
                checked=tuple(content["checked"]),
                tags=content["tags"],
            )
        except (ValueError, TypeError, LookupError) as error:
            raise ClipError(f"the file has no note of a clip but {text!r:.80}") from error


def _is_method(value: Any) -> TypeGuard[ClipMethod]:
    return isinstance(value, str) and value in get_args(ClipMethod)
