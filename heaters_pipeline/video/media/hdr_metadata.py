"""The HDR metadata of pictures: transfer, mastering display and content light level.

Only reading it from decoded frames; what is done with it stands in ``tone_mapping`` and
in ``clips.encoder_options``.
"""

from dataclasses import dataclass
from fractions import Fraction

import av.video.frame
import av.video.reformatter
import numpy as np

from heaters_pipeline.video.media.pyav import side_data_of

_Trc = av.video.reformatter.ColorTrc

# FFmpeg's AVMasteringDisplayMetadata: ten rationals of two int32, then two flags.
_RATIONALS = 10
_FLAGS = 2


@dataclass(frozen=True, slots=True)
class MasteringDisplay:
    """The colour volume of the display that a video was graded on (SMPTE ST 2086).

    Attributes:
        red: Chromaticity ``(x, y)``.
        green: Chromaticity.
        blue: Chromaticity.
        white: Chromaticity.
        min_nits: Luminance of its black.
        max_nits: Luminance of its white.
    """

    red: tuple[Fraction, Fraction]
    green: tuple[Fraction, Fraction]
    blue: tuple[Fraction, Fraction]
    white: tuple[Fraction, Fraction]
    min_nits: Fraction
    max_nits: Fraction


@dataclass(frozen=True, slots=True)
class ContentLightLevel:
    """How bright a video gets (CTA-861.3), 0 where that is unknown.

    Attributes:
        max_cll_nits: Of its brightest pixel.
        max_fall_nits: Of its brightest picture on average.
    """

    max_cll_nits: int
    max_fall_nits: int


@dataclass(frozen=True, slots=True)
class HdrMetadata:
    """What is stored beside the pictures.

    Attributes:
        mastering_display: None if it is missing or not complete.
        content_light: None if it is missing.
    """

    mastering_display: MasteringDisplay | None = None
    content_light: ContentLightLevel | None = None

    @classmethod
    def of(cls, decoded: av.video.frame.VideoFrame) -> "HdrMetadata":
        """That of a picture."""
        return cls(_mastering_display(decoded), _content_light(decoded))


def is_hdr(decoded: av.video.frame.VideoFrame) -> bool:
    """Whether the brightness of a picture is stored as PQ or HLG."""
    return decoded.color_trc in (_Trc.SMPTE2084, _Trc.ARIB_STD_B67)


def _mastering_display(decoded: av.video.frame.VideoFrame) -> MasteringDisplay | None:
    data = side_data_of(decoded, "MASTERING_DISPLAY_METADATA")
    if data is None:
        return None
    numbers = np.frombuffer(data, np.int32)[: 2 * _RATIONALS + _FLAGS].tolist()
    # The flags say whether primaries and luminance are set.
    if not all(numbers[1 : 2 * _RATIONALS : 2]) or not all(numbers[2 * _RATIONALS :]):
        return None
    values = [Fraction(numbers[at], numbers[at + 1]) for at in range(0, 2 * _RATIONALS, 2)]
    red, green, blue, white, (min_nits, max_nits) = zip(values[::2], values[1::2], strict=True)
    return MasteringDisplay(red, green, blue, white, min_nits, max_nits)


def _content_light(decoded: av.video.frame.VideoFrame) -> ContentLightLevel | None:
    data = side_data_of(decoded, "CONTENT_LIGHT_LEVEL")
    return None if data is None else ContentLightLevel(*np.frombuffer(data, np.uint32)[:2].tolist())
