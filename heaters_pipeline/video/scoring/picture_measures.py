"""What a picture is like, for people who choose clips by it; detection asks nothing of it.

``docs/quality.md`` says what each measure tells and what it cannot. Sums over a clip are in
``span_quality``.
"""

from array import array
from functools import cache
from typing import Any, NamedTuple

import av.video.format
import av.video.frame
import cv2
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange

from heaters_pipeline.video.arrays import Float32Array, Float64Array, Picture, UInt8Array
from heaters_pipeline.video.media.ffmpeg_resources import shortage_raised
from heaters_pipeline.video.media.pyav import rows_of

_BLACK_LEVEL = 25
"""Of 255: what is at most so bright is black, as for FFmpeg's ``blackdetect`` (0.10)."""
_BRIGHTEST_BLACK = 0.12
"""Mean of a picture of which 0.98 are black and the rest is white."""
_BAR_LEVEL = 16
"""Brightest pixel of a line of a bar, of 255: what compression leaves of black stays below."""
_EDGE_LINES = 3
_EDGE_SHARE = 0.25
"""Share of pixels that are lit in one of the first lines of a picture beside a bar."""
_ROW_PAIRS = 32
"""In which sharpness is measured, from the top to the bottom."""
_PLAIN_BITS = range(8, 17)
_HIGH_BITS = ("p0", "p2", "p4")
"""Formats of hardware, whose values stand in the upper bits."""
_STILL = 0.001
"""Mean difference of luma, 0 to 1, up to which nothing changed: -60 dB, as for ``freezedetect``."""
_COMPARED_AT_ONCE = 32


class PictureMeasures(NamedTuple):
    """What a picture is like by itself.

    Luma is that of its R'G'B' (ITU-R BT.601, as OpenCV has it), 0 for black and 1 for white
    whatever the range of the file; PQ is read as SDR would code it, white at 203 nits.

    Attributes:
        brightness: Mean of luma.
        contrast: Its standard deviation.
        black: Share of pixels with a luma of at most 0.1; 0 of pictures too bright for 0.98.
        sharpness: Root mean square of the steps of luma from a pixel to its neighbours on the right
            and below, in levels of 255, at the full size of the picture.
        bar_top: Share of the height that is a black bar at the top; 1 of a picture that is all
            black. Negative where what follows has no straight edge, as that of a title on black.
        bar_bottom: The same at the bottom.
        bar_left: Share of the width that is one at the left.
        bar_right: The same at the right.
    """

    brightness: float
    contrast: float
    black: float
    sharpness: float
    bar_top: float
    bar_bottom: float
    bar_left: float
    bar_right: float


def luma_of(picture: Picture) -> Picture:
    """The luma of a picture, (height, width) uint8."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)


def measured(luma: Picture, decoded: av.video.frame.VideoFrame) -> PictureMeasures:
    """Measure a picture.

    Args:
        luma: (height, width) of a share of its pixels, in their places.
        decoded: The whole picture.
    """
    mean, deviation = cv2.meanStdDev(luma)
    brightness = mean[0, 0] / 255
    black = 0.0
    if brightness <= _BRIGHTEST_BLACK:
        black = 1 - np.count_nonzero(luma > _BLACK_LEVEL) / luma.size
    return PictureMeasures(
        brightness, deviation[0, 0] / 255, black, sharpness(decoded), *_bars(luma)
    )


def sharpness(decoded: av.video.frame.VideoFrame) -> float:
    """Root mean square of the steps of luma to the neighbours on the right and below, 0 to 361.

    In levels of 255, of pairs of rows that are evenly spread over the picture.
    """
    rows, levels = _luma_rows(decoded)
    height, width = rows.shape
    # The next row of an interlaced picture shows another instant.
    below = 2 if decoded.interlaced_frame else 1
    if height <= below or width < 2:
        return 0.0
    every = max(1, (height - below) // _ROW_PAIRS)
    upper = rows[: height - below : every]
    lower = rows[below::every][: len(upper)]
    across = cv2.norm(upper[:, 1:], upper[:, :-1], cv2.NORM_L2SQR) / upper[:, 1:].size
    down = cv2.norm(upper, lower, cv2.NORM_L2SQR) / upper.size
    return float(np.sqrt(across + down)) * 255 / levels


def _luma_rows(decoded: av.video.frame.VideoFrame) -> tuple[npt.NDArray[Any], int]:
    """The luma of a picture as stored, (height, width), and its levels from black to white."""
    bits, is_full = _luma_layout(decoded.format.name)
    if not bits:
        with shortage_raised():
            decoded = decoded.reformat(format="gray", threads=1)
        bits, is_full = _luma_layout("gray")
    kind = np.uint8 if bits == 8 else np.dtype("<u2")
    rows = rows_of(decoded.planes[0]).view(kind)[: decoded.height, : decoded.width]
    is_full = is_full or decoded.color_range == ColorRange.JPEG
    return rows, (1 << bits) - 1 if is_full else 219 << (bits - 8)


@cache
def _luma_layout(name: str) -> tuple[int, bool]:
    """Bits of the luma in the first plane of a format, 0 if it is not read as it is stored.

    And whether it always has the full range.
    """
    layout = av.video.format.VideoFormat(name)
    first = layout.components[0]
    has_plane = layout.is_planar or (len(layout.components) == 1 and not layout.has_palette)
    is_plain = has_plane and first.is_luma and not layout.is_big_endian
    is_plain = is_plain and first.bits in _PLAIN_BITS and not name.startswith(_HIGH_BITS)
    return first.bits if is_plain else 0, name.startswith(("yuvj", "gray"))


def _bars(luma: Picture) -> tuple[float, float, float, float]:
    """Shares of the height at the top and the bottom, and of the width at the left and right."""
    lit = cv2.threshold(luma, _BAR_LEVEL, 1, cv2.THRESH_BINARY)[1]
    left, top, width, height = cv2.boundingRect(lit)
    if not width:
        return 1.0, 1.0, 1.0, 1.0
    return (
        _bar(lit, top),
        _bar(lit[::-1], len(lit) - top - height),
        _bar(lit.T, left),
        _bar(lit.T[::-1], len(lit.T) - left - width),
    )


def _bar(lit: "cv2.typing.MatLike", lines: int) -> float:
    """The share of the first lines, negative if no straight edge follows them."""
    if not lines:
        return 0.0
    least = _EDGE_SHARE * lit.shape[1]
    is_straight = any(np.count_nonzero(line) >= least for line in lit[lines : lines + _EDGE_LINES])
    return lines / len(lit) if is_straight else -lines / len(lit)


class StillnessWatch:
    """Tells of each picture how far it is from the one before, and how long nothing has changed.

    Pictures are compared many at a time: other threads wait for Python's lock, and handing it over
    and back for each picture costs more than to compare it.
    """

    def __init__(self) -> None:
        # The first is the one that those of the block before were compared with last.
        self._pictures: list[Picture] = []
        self._frames: list[int] = []
        self._told = array("f")

    def add(self, frame: int, luma: Picture) -> None:
        """Take the next picture.

        Args:
            frame: Its number.
            luma: (height, width) uint8 of a small one, always of the same size.
        """
        if not self._pictures:
            self._told.extend((float("nan"), 0))
        self._pictures.append(luma)
        self._frames.append(frame)
        if len(self._pictures) > _COMPARED_AT_ONCE:
            self._compare()

    def told(self) -> Float32Array:
        """What is known of the pictures: (pictures, 2).

        The mean absolute difference of luma to the picture before, 0 to 1, NaN of the first; and
        for how many frames the picture has stood still. It does if it differs from what it was
        when that began by 0.001 at most, however slowly; its difference is 0 then.
        """
        if len(self._pictures) > 1:
            self._compare()
        return np.array(self._told, np.float32).reshape(-1, 2)

    def _compare(self) -> None:
        pictures = np.frombuffer(b"".join(picture.data for picture in self._pictures), np.uint8)
        pictures = pictures.reshape(len(self._pictures), -1)
        to_before = _differences(pictures[1:], pictures[:-1])
        differences, reference = to_before, 0
        for at, frame in enumerate(self._frames[1:], 1):
            if differences[at - 1] > _STILL:
                self._told.extend((differences[at - 1], 0))
                differences, reference = to_before, at
                continue
            if differences is to_before:
                since = np.repeat(pictures[reference : reference + 1], len(pictures) - at, axis=0)
                differences = to_before.copy()
                differences[at - 1 :] = _differences(pictures[at:], since)
            self._told.extend((0, frame - self._frames[reference]))
        self._pictures, self._frames = [self._pictures[reference]], [self._frames[reference]]


def _differences(pictures: UInt8Array, others: UInt8Array) -> Float64Array:
    """The mean absolute difference of each row to its counterpart, 0 to 1."""
    sums = cv2.absdiff(pictures, others).sum(axis=1, dtype=np.uint32)
    return np.asarray(sums / pictures.shape[1] / 255)
