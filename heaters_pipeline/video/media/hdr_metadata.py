"""What an HDR picture says of itself: its transfer, the screen it was graded on, its light."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av.video.frame
import av.video.reformatter
import numpy as np

_Trc = av.video.reformatter.ColorTrc

# FFmpeg's AVMasteringDisplayMetadata: ten rationals of two int32, then two flags.
_RATIONALS = 10
_FLAGS = 2


@dataclass(frozen=True, slots=True)
class MasteringDisplay:
    """The screen that a video was graded on (SMPTE ST 2086).

    Attributes:
        red: Chromaticity ``(x, y)``.
        green: Chromaticity.
        blue: Chromaticity.
        white: Chromaticity.
        least_nits: Its black.
        most_nits: Its white.
    """

    red: tuple[Fraction, Fraction]
    green: tuple[Fraction, Fraction]
    blue: tuple[Fraction, Fraction]
    white: tuple[Fraction, Fraction]
    least_nits: Fraction
    most_nits: Fraction


@dataclass(frozen=True, slots=True)
class ContentLight:
    """How bright a video gets (CTA-861.3), 0 where that is unknown.

    Attributes:
        most_nits: Of its brightest pixel, MaxCLL.
        most_average_nits: Of its brightest picture, MaxFALL.
    """

    most_nits: int
    most_average_nits: int


@dataclass(frozen=True, slots=True)
class HdrFacts:
    """What is told beside the pictures.

    Attributes:
        screen: What the video was graded on, None if that is not told in full.
        light: How bright it gets, None if that is not told.
    """

    screen: MasteringDisplay | None = None
    light: ContentLight | None = None

    @classmethod
    def of(cls, decoded: av.video.frame.VideoFrame) -> "HdrFacts":
        """What is told of a picture."""
        return cls(_mastering_display(decoded), _content_light(decoded))


def is_hdr(decoded: av.video.frame.VideoFrame) -> bool:
    """Whether the brightness of a picture is stored as PQ or HLG."""
    return decoded.color_trc in (_Trc.SMPTE2084, _Trc.ARIB_STD_B67)


def _mastering_display(decoded: av.video.frame.VideoFrame) -> MasteringDisplay | None:
    data: Any = decoded.side_data.get("MASTERING_DISPLAY_METADATA")
    if data is None:
        return None
    numbers = np.frombuffer(data, np.int32)[: 2 * _RATIONALS + _FLAGS].tolist()
    # Told in full or not at all.
    if not all(numbers[1 : 2 * _RATIONALS : 2]) or not all(numbers[2 * _RATIONALS :]):
        return None
    values = [Fraction(numbers[at], numbers[at + 1]) for at in range(0, 2 * _RATIONALS, 2)]
    red, green, blue, white, (least_nits, most_nits) = zip(values[::2], values[1::2], strict=True)
    return MasteringDisplay(red, green, blue, white, least_nits, most_nits)


def _content_light(decoded: av.video.frame.VideoFrame) -> ContentLight | None:
    data: Any = decoded.side_data.get("CONTENT_LIGHT_LEVEL")
    return None if data is None else ContentLight(*np.frombuffer(data, np.uint32)[:2].tolist())
