"""What a picture is like, for people who choose clips by it; detection asks nothing of it.

``docs/quality.md`` says what each measure tells and what it cannot. Sums over a clip are in
``span_quality``.
"""

from typing import Any, NamedTuple

import av.video.frame
import cv2
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange

from heaters_pipeline.video.arrays import Picture
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
        lit = cv2.countNonZero(cv2.threshold(luma, _BLACK_LEVEL, 0, cv2.THRESH_TOZERO)[1])
        black = 1 - lit / luma.size
    bars = *_bars(luma, 1), *_bars(luma, 0)
    return PictureMeasures(brightness, deviation[0, 0] / 255, black, sharpness(decoded), *bars)


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
    layout = decoded.format
    first = layout.components[0]
    has_plane = layout.is_planar or (len(layout.components) == 1 and not layout.has_palette)
    is_plain = has_plane and first.is_luma and not layout.is_big_endian
    if not is_plain or first.bits not in _PLAIN_BITS or layout.name.startswith(_HIGH_BITS):
        with shortage_raised():
            decoded = decoded.reformat(format="gray", threads=1)
        first = decoded.format.components[0]
    kind = np.uint8 if first.bits == 8 else np.dtype("<u2")
    rows = rows_of(decoded.planes[0]).view(kind)[: decoded.height, : decoded.width]
    name = decoded.format.name
    is_full = decoded.color_range == ColorRange.JPEG or name.startswith(("yuvj", "gray"))
    return rows, (1 << first.bits) - 1 if is_full else 219 << (first.bits - 8)


def _bars(luma: Picture, axis: int) -> tuple[float, float]:
    """Shares of the height at the top and the bottom (1), or of the width at both sides (0)."""
    lines = luma if axis == 1 else luma.T
    if lines[0].max() > _BAR_LEVEL and lines[-1].max() > _BAR_LEVEL:
        return 0.0, 0.0
    shown = np.flatnonzero(luma.max(axis=axis) > _BAR_LEVEL)
    if not len(shown):
        return 1.0, 1.0
    one, other = int(shown[0]), int(shown[-1]) + 1
    before, behind = one / len(lines), 1 - other / len(lines)
    return (
        before if _begins(lines[one : one + _EDGE_LINES]) else -before,
        behind if _begins(lines[max(0, other - _EDGE_LINES) : other]) else -behind,
    )


def _begins(lines: Picture) -> bool:
    """Whether a picture begins in these lines, with a straight edge."""
    return bool((lines > _BAR_LEVEL).mean(axis=1).max() >= _EDGE_SHARE)


class StillnessWatch:
    """Tells of each picture how far it is from the one before, and how long nothing has changed."""

    def __init__(self) -> None:
        self._reference: Picture | None = None
        self._since = 0

    def add(self, frame: int, luma: Picture) -> tuple[float, int]:
        """Take the next picture.

        Args:
            frame: Its number.
            luma: (height, width) uint8 of a small one, always of the same size.
        Returns:
            The mean absolute difference of luma to the picture before, 0 to 1, NaN of the first;
            and for how many frames the picture has stood still. It does if it differs from what it
            was when that began by 0.001 at most, however slowly; its difference is 0 then.
        """
        difference = float("nan")
        if self._reference is not None:
            difference = cv2.norm(luma, self._reference, cv2.NORM_L1) / luma.size / 255
            if difference <= _STILL:
                return 0.0, frame - self._since
        self._reference, self._since = luma, frame
        return difference, 0
