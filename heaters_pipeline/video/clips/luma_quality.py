"""How close encoded pictures are to those that they were made of: the PSNR of their luma."""

import math
import struct
from collections.abc import Sequence

import av.video.frame
import numpy as np

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.media.pyav import Packet, rows_of

_EQUAL_DB = 100.0
"""In place of infinity."""

TYPICAL_OVER_LEAST_DB = 4
"""By how much 95 of 100 frames have to be closer than the worst."""

_SHARE_BELOW = 0.05
# What x264 needs for 44 dB on most footage, by how much less a dB more, and how far down to go where
# a clip needs more; lossless coding (0) is another profile.
_CRF_AT_44_DB, _CRF_PER_DB = 16.0, 0.8
_CRF_STEPS = (0, 4, 8, 12)
_LEAST_CRF = 1.0
# FFmpeg's AV_PKT_DATA_QUALITY_STATS: quality, kind of picture, number of planes, two bytes that are
# reserved, and the sum of squared errors of the first plane.
_STATS = struct.Struct("<IBBxxQ")


class TooFarError(ClipError):
    """Encoded pictures are not as close to the source's as was asked for."""


def rate_factors(least_db: float) -> list[float]:
    """The constant rate factors to try, one after the other, for a PSNR."""
    first = _CRF_AT_44_DB - _CRF_PER_DB * (least_db - 44)
    return list(dict.fromkeys(max(_LEAST_CRF, first - step) for step in _CRF_STEPS))


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
    has_other_luma = reference.format.is_rgb or reference.format.has_palette
    if has_other_luma or reference.format.components[0].bits != bits:
        reference = reference.reformat(
            format=kind.name, dst_colorspace=picture.colorspace, dst_color_range=picture.color_range
        )
    other = _luma(reference, bits)
    height, width = other.shape
    return _db(float(np.mean(np.square(_luma(picture, bits)[:height, :width] - other))), bits)


def require_quality(found_db: Sequence[float], least_db: float) -> None:
    """Require that pictures are as close to the source's as was asked for.

    Args:
        found_db: PSNR of each encoded frame.
        least_db: Of every frame; 19 of 20 have to be closer by ``TYPICAL_OVER_LEAST_DB``.
    Raises:
        TooFarError: They are not.
    """
    if not found_db:
        return
    worst, low = min(found_db), float(np.quantile(found_db, _SHARE_BELOW, method="higher"))
    if worst < least_db or low < least_db + TYPICAL_OVER_LEAST_DB:
        raise TooFarError(
            f"encoded frames have a PSNR of {worst:.1f} dB and up, and but for 1 in 20 of {low:.1f} "
            f"dB and up; {least_db:g} and {least_db + TYPICAL_OVER_LEAST_DB:g} dB are asked for"
        )


def _db(mean_square: float, bits: int) -> float:
    if not mean_square:
        return _EQUAL_DB
    return 10 * math.log10(((1 << bits) - 1) ** 2 / mean_square)


def _luma(frame: av.video.frame.VideoFrame, bits: int) -> "np.typing.NDArray[np.float32]":
    kind, sample_bytes = (np.uint8, 1) if bits <= 8 else (np.uint16, 2)
    rows = rows_of(frame.planes[0])[: frame.height, : frame.width * sample_bytes]
    return np.ascontiguousarray(rows).view(kind).astype(np.float32)
