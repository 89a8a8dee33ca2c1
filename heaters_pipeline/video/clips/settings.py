"""What a clip is asked to be: methods, codecs, presets, and their limits.

What became of it stands in ``record``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from heaters_pipeline.errors import SettingsError

ClipMethod = Literal["auto", "copy", "reencode"]
Verify = Literal["quick", "full"]
"""How closely a clip is verified before it is published; ``full`` decodes all of it."""
DEFAULT_VERIFY: Verify = "quick"
Codec = Literal["h264", "hevc"]
BitDepth = Literal["8", "source"]
Interlaced = Literal["deinterlace", "keep"]
Container = Literal["auto", "mp4"]
ClipContainer = Literal["mp4", "mov"]
"""What a clip is stored in, which is its file name's extension, too."""

MOV_CODECS = frozenset({"prores", "dnxhd"})
"""Codecs of camera and edit masters that MP4 cannot hold and QuickTime (MOV) does.

``dnxhd`` is FFmpeg's name of DNxHR, too. Each picture of theirs stands for itself.
"""

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
    "container": Container,
}


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """How clips are made.

    Attributes:
        mode: ``auto`` takes the source's packets where it can without hiding a frame, and encodes
            the others almost without loss; ``copy`` takes the source's packets, and hides frames
            that others need; ``reencode`` makes new ones. The rest counts for what is encoded.
        min_psnr_db: In ``auto``, 30 to 60: the least PSNR in dB of the luma of each encoded frame
            against the source's; 19 of 20 are closer by 4 dB. It decides, not ``crf``.
        container: ``auto`` stores ProRes and DNxHD as they are, in MOV, with PCM sound as it is,
            and all else in MP4; ``mp4`` encodes them for it. ``reencode`` always makes MP4.
        crf: Constant rate factor, 0 (best and largest) to 51.
        preset: One of ``PRESETS``: slower ones make smaller files of the same quality.
        codec: ``h264`` or ``hevc``, when encoding.
        bit_depth: ``8``, for which HDR is tone-mapped to BT.709, or ``source``: 10 bits where the
            source has more than 8, with its colours as they are, as always in ``auto``.
        interlaced: ``deinterlace`` makes each interlaced picture a whole one, ``keep`` encodes
            its two fields, as in ``auto``.
        audio_bitrate_kbps: Of each AAC stream that is encoded, 8 to 512. In ``auto`` and ``copy``
            only sound that MP4 players do not know is encoded.
        audio_languages: Of the audio streams that clips have, as the file names them; all streams
            if there are none, or if no stream has one of these.
    """

    mode: ClipMethod = "auto"
    crf: int = 25
    preset: str = "fast"
    codec: Codec = "h264"
    bit_depth: BitDepth = "8"
    interlaced: Interlaced = "deinterlace"
    audio_bitrate_kbps: int = 128
    min_psnr_db: int = 44
    container: Container = "auto"
    audio_languages: tuple[str, ...] = ()

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
        if not 30 <= self.min_psnr_db <= 60:
            raise SettingsError(f"min_psnr_db must be from 30 to 60, got {self.min_psnr_db}")
        if blank := [code for code in self.audio_languages if not code.strip()]:
            raise SettingsError(f"audio_languages must be codes such as deu, got {blank[0]!r}")
        if not 8 <= self.audio_bitrate_kbps <= 512:
            raise SettingsError(
                f"audio_bitrate_kbps must be from 8 to 512, got {self.audio_bitrate_kbps}"
            )

    def clip_container(self, codec: str) -> ClipContainer:
        """What the clips of a video are stored in.

        Args:
            codec: FFmpeg's name of its video codec.
        """
        is_copied = self.mode != "reencode" and self.container == "auto"
        return "mov" if is_copied and codec in MOV_CODECS else "mp4"
