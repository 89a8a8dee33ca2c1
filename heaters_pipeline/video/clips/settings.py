"""What a clip is asked to be: methods, codecs, presets, and their limits.

What became of it stands in ``record``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from heaters_pipeline.errors import SettingsError

ClipMethod = Literal["copy", "reencode"]
Verify = Literal["quick", "full"]
"""How closely a clip is verified before it is published; ``full`` decodes all of it."""
DEFAULT_VERIFY: Verify = "quick"
Codec = Literal["h264", "hevc"]
BitDepth = Literal["8", "source"]
Interlaced = Literal["deinterlace", "keep"]

PRESETS = (
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
    "placebo",
)
"""The speeds of libx264 and libx265, fastest first."""

_CHOICES: Mapping[str, Any] = {
    "mode": ClipMethod,
    "codec": Codec,
    "bit_depth": BitDepth,
    "interlaced": Interlaced,
}


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """How clips are made.

    Attributes:
        mode: ``copy`` takes the source's packets, ``reencode`` makes new ones. The rest counts for
            what is encoded, also where copying is impossible.
        crf: Constant rate factor, 0 (best and largest) to 51.
        preset: One of ``PRESETS``: slower ones make smaller files of the same quality.
        codec: ``h264`` or ``hevc``, when encoding.
        bit_depth: ``8``, for which HDR is tone-mapped to BT.709, or ``source``: 10 bits where the
            source has more than 8, with its colours as they are.
        interlaced: ``deinterlace`` makes each interlaced picture a whole one, ``keep`` encodes
            its two fields.
        audio_bitrate_kbps: Of each AAC stream that is encoded, 8 to 512. In ``copy`` only sound
            that MP4 players do not know is encoded.
    """

    mode: ClipMethod = "copy"
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
