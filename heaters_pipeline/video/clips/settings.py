"""What a clip is asked to be, what it is, and the note of that in the file itself.

The note stands in the comment of the MP4 file as canonical JSON. So a file that was stored, but
whose record was lost with the run that made it, still says how it was made and what it shows.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeGuard, get_args

from heaters_pipeline.errors import ClipError, SettingsError
from heaters_pipeline.video.media.timing import Span

Method = Literal["copy", "reencode"]
Verify = Literal["quick", "full"]
"""How closely a clip is looked at before it gets its name; ``full`` decodes all of it."""
DEFAULT_VERIFY: Verify = "quick"
Codec = Literal["h264", "hevc"]
BitDepth = Literal["8", "source"]
Interlaced = Literal["deinterlace", "keep"]

_QUICK_CHECKS: Mapping[Method, tuple[str, ...]] = {
    "copy": ("frame_count", "every_pts", "duration", "packets", "first_picture"),
    "reencode": ("frame_count", "every_pts", "duration"),
}
_FULL_CHECKS: Mapping[Method, tuple[str, ...]] = {
    "copy": ("every_picture",),
    "reencode": ("every_frame_decodes",),
}


def checks_of(method: Method, verify: Verify) -> tuple[str, ...]:
    """What is checked of every clip before it gets its name."""
    return _QUICK_CHECKS[method] + (_FULL_CHECKS[method] if verify == "full" else ())


PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow", "placebo"),
)
"""The speeds of libx264 and libx265, fastest first."""

_CHOICES: Mapping[str, Any] = {
    "mode": Method,
    "codec": Codec,
    "bit_depth": BitDepth,
    "interlaced": Interlaced,
}
_FORMAT = "heaters_clip"
_FORMAT_VERSION = 2


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """How clips are made.

    Attributes:
        mode: ``copy`` or ``reencode``.
        crf: Quality when encoding, 0 (best) to 51 (worst).
        preset: The encoder's name of a speed, such as ``fast``; H.264 and HEVC have the same.
        codec: ``h264`` or ``hevc``, when encoding.
        bit_depth: ``8``, for which HDR is tone-mapped to BT.709, or ``source``: 10 bits where the
            source has more than 8, with its colours as they are.
        interlaced: ``deinterlace`` makes each interlaced picture a whole one, ``keep`` encodes
            its two fields.
        audio_bitrate_kbps: Of each AAC stream that is encoded, 8 to 512.
    """

    mode: Method = "copy"
    crf: int = 25
    preset: str = "fast"
    codec: Codec = "h264"
    bit_depth: BitDepth = "8"
    interlaced: Interlaced = "deinterlace"
    audio_bitrate_kbps: int = 128

    def __post_init__(self) -> None:
        for name, kind in _CHOICES.items():
            if getattr(self, name) not in get_args(kind):
                choices = " or ".join(get_args(kind))
                raise SettingsError(f"{name} must be {choices}, got {getattr(self, name)!r}")
        if not 0 <= self.crf <= 51:
            raise SettingsError(f"crf must be from 0 to 51, got {self.crf}")
        if self.preset not in PRESETS:
            raise SettingsError(f"preset must be one of {', '.join(PRESETS)}, got {self.preset!r}")
        if (self.codec, self.interlaced) == ("hevc", "keep"):
            raise SettingsError(
                "interlaced=keep needs codec=h264: HEVC codes each field as a picture of its own, "
                "which few players show right; use interlaced=deinterlace or codec=h264"
            )
        if not 8 <= self.audio_bitrate_kbps <= 512:
            raise SettingsError(
                f"audio_bitrate_kbps must be from 8 to 512, got {self.audio_bitrate_kbps}"
            )


@dataclass(frozen=True, slots=True)
class ClipFile:
    """A clip that was made and checked.

    Attributes:
        method: How it was made.
        fallback_reason: Why it was not made by the method that was asked for, else None.
        frames: Number of frames that it shows.
        first_pts: When its first frame is shown, in ticks of ``time_base``.
        last_pts: When its last frame is shown.
        time_base: Seconds per tick.
        duration_seconds: From the start of the first frame to the end of the last.
        size_bytes: Length of the file.
        checked: What was checked, such as ``frame_count``.
    """

    method: Method
    fallback_reason: str | None
    frames: int
    first_pts: int
    last_pts: int
    time_base: Fraction
    duration_seconds: Fraction
    size_bytes: int
    checked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClipFacts(ClipFile):
    """What a clip file says of itself.

    Attributes:
        span: Frames of the source that it shows.
        width_px: Width of the stored picture, before rotation.
        height_px: Height of the stored picture, before rotation.
        codec: FFmpeg's name of the video codec.
        tags: What the caller wrote into it.
    """

    span: Span
    width_px: int
    height_px: int
    codec: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ClipNote:
    """The part of a clip's record that is written into the file."""

    method: Method
    fallback_reason: str | None
    span: Span
    checked: tuple[str, ...]
    tags: Mapping[str, str]

    def encode(self) -> str:
        """As canonical JSON."""
        content = {
            "checked": list(self.checked),
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
            start, end = content["span"]
            return cls(
                method=method,
                fallback_reason=content["fallback_reason"],
                span=Span(start, end),
                checked=tuple(content["checked"]),
                tags=content["tags"],
            )
        except (ValueError, TypeError, LookupError) as error:
            raise ClipError(f"the file has no note of a clip but {text!r:.80}") from error


def _is_method(value: Any) -> TypeGuard[Method]:
    return isinstance(value, str) and value in get_args(Method)
