"""How close encoded pictures are to those that they were made of: the PSNR of their luma."""

import math
import struct
from collections.abc import Mapping
from types import MappingProxyType

import av.video.frame
import numpy as np

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.arrays import Float32Array
from heaters_pipeline.video.clips.encoder_frames import is_rgb
from heaters_pipeline.video.media.pyav import Packet, plane_samples

TYPICAL_OVER_LEAST_DB = 4
"""By how much 19 of 20 frames have to be closer than the worst may be."""

CLOSE_PARAMS: Mapping[str, str] = MappingProxyType(
    {"aq-mode": "0", "psy": "0", "pbratio": "1", "ipratio": "1.1", "qcomp": "0.8"}
)
"""With these libx264 needs the fewest bytes for a PSNR that all frames have."""

_FRAMES_TO_ONE_WORSE = 20
_EQUAL_DB = 100.0
# What x264 needs for 44 dB on most footage, and by how much less for each dB that is missing;
# lossless coding (0) is another profile.
_CRF_AT_44_DB, _CRF_PER_DB, _LEAST_CRF = 16, 1.8, 1
# FFmpeg's AV_PKT_DATA_QUALITY_STATS: quality, kind of picture, number of planes, two bytes that are
# reserved, and the sum of squared errors of the first plane.
_STATS = struct.Struct("<IBBxxQ")


class TooFarError(ClipError):
    """Encoded pictures are not as close to the source's as was asked for.

    Attributes:
        missing_db: By how much.
    """

    def __init__(self, message: str, missing_db: float) -> None:
        super().__init__(message)
        self.missing_db = missing_db


def first_rate_factor(least_db: float) -> int:
    """The constant rate factor to begin with for a PSNR."""
    return max(_LEAST_CRF, round(_CRF_AT_44_DB - _CRF_PER_DB * (least_db - 44)))


def better_rate_factor(crf: int, error: TooFarError) -> int:
    """The next one to try.

    Raises:
        TooFarError: There is none.
    """
    if crf == _LEAST_CRF:
        raise error
    return max(_LEAST_CRF, crf - 1 - math.ceil(_CRF_PER_DB * error.missing_db))


class QualityWatch:
    """Looks whether frames are close enough to the source's, and says so as soon as they are not.

    Args:
        frames: How many come.
        least_db: The PSNR that each one has at least; 19 of 20 have to be closer by
            ``TYPICAL_OVER_LEAST_DB``.
    """

    def __init__(self, frames: int, least_db: float) -> None:
        self._may_be_worse = frames // _FRAMES_TO_ONE_WORSE
        self._least_db = least_db
        self._typical_db = least_db + TYPICAL_OVER_LEAST_DB
        self._worse: list[float] = []

    def add(self, psnr_db: float) -> None:
        """Take the next frame.

        Raises:
            TooFarError: It is too far, or it is one too many.
        """
        if psnr_db >= self._typical_db:
            return
        self._worse.append(psnr_db)
        if psnr_db < self._least_db or len(self._worse) > self._may_be_worse:
            raise TooFarError(
                f"an encoded frame has a PSNR of {psnr_db:.1f} dB; {self._least_db:g} dB are asked "
                f"for, and {self._typical_db:g} of 19 in {_FRAMES_TO_ONE_WORSE}",
                self._typical_db - min(self._worse),
            )


def psnr_of_packet(packet: Packet, bits: int, samples: int) -> float:
    """The luma's PSNR as libx264 measured it, in dB.

    Args:
        packet: Of an encoder with the flag ``psnr``.
        bits: Of a sample.
        samples: Of a picture.
    Raises:
        ClipError: The encoder did not say it.
    """
    if not packet.has_sidedata("quality_stats"):
        raise ClipError("the encoder does not say how close its pictures are to the source's")
    *_, squares = _STATS.unpack_from(bytes(packet.get_sidedata("quality_stats")))
    return _db(squares / samples, bits)


def psnr_of_pictures(
    picture: av.video.frame.VideoFrame, reference: av.video.frame.VideoFrame
) -> float:
    """The luma's PSNR of a clip's picture and the source's, in dB.

    The clip's may have more columns and rows, which repeat the last ones.
    """
    kind, bits = picture.format, picture.format.components[0].bits
    if is_rgb(reference) or reference.format.components[0].bits != bits:
        reference = reference.reformat(
            format=kind.name, dst_colorspace=picture.colorspace, dst_color_range=picture.color_range
        )
    other = _luma(reference, bits)
    height, width = other.shape
    return _db(float(np.mean(np.square(_luma(picture, bits)[:height, :width] - other))), bits)


def _db(mean_square: float, bits: int) -> float:
    if not mean_square:
        return _EQUAL_DB
    return 10 * math.log10(((1 << bits) - 1) ** 2 / mean_square)


def _luma(frame: av.video.frame.VideoFrame, bits: int) -> Float32Array:
    return plane_samples(frame.planes[0], bits > 8).astype(np.float32)
