"""What is kept of a decoded frame for scene detection: a few thousand numbers. Pure arithmetic.

A share of a frame's pixels is taken as they are, which keeps the shape of histograms (averaging
would not) and costs little. What is compared from frame to frame is an averaged picture of 64x36.

How two frames are compared is here, too; which ones are, is decided in ``analysed_frames``.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from av.video.reformatter import ColorTrc

from heaters_pipeline.video.arrays import Float32Array, Picture
from heaters_pipeline.video.detection.score_track import SIGNATURE_COLUMNS, SIGNATURE_ROWS
from heaters_pipeline.video.media.frames import Frame
from heaters_pipeline.video.media.tone_curve import SDR_GAMMA, SDR_WHITE_NITS, pq_nits
from heaters_pipeline.video.scoring.ignored_region import IgnoredRegion, counted_mask
from heaters_pipeline.video.scoring.picture_measures import PictureMeasures, luma_of, measured
from heaters_pipeline.video.scoring.pixel_samples import PixelSampler

REDUCED_SIZE_PX = (64, 36)
_COARSE_SIZE_PX = (32, 18)
_SEARCHED_PX = (9, 5)
"""How far, in points of the coarse picture, the whole picture is looked for: across and down."""
_MEASURED_ROWS = 90
"""In so many rows at least is measured what a picture is like, if it has them."""
_DISTANCE_STEPS = 256
_SHARE_STEPS = 200

# "Same from .. to .." is the range over which a threshold, moved alone, changes nothing that is
# missed or wrong on 13 real videos: benchmarks/threshold_ranges.py, table in docs/benchmarks.md.

_DISTANCE_CAP = 64
"""Most LAB values that a point counts, so that small bright things count by their area. Same from
64 to 80."""

_TEXTURE = 10
"""Range of LAB values around a point from which on it shows something. Same from 10 to 18."""

_SAME = 3
"""Difference of LAB values that compression can make beyond what is around a point. Same from 1 to
11."""

_SAME_IN_PLACE = 10
"""The same of a point alone, as between an I-frame and the blurred frame before it. Same from 7; at
5, two more cuts are wrong."""

_LEAST_TEXTURED = 12
"""Points, of 2304, that a share can be taken of; with fewer, all is flat. Same from 4 to 20."""

_STRUCTURE_PX = (0.8, 4.0)  # deviations of the two blurs between which structure lies
_LEAST_STRUCTURE = 0.7  # levels of L; below, compression is all there is
LEAST_MOTION = 0.5
"""Distance that is worth a look for a motion of the whole picture; noise stays below."""

Histogram = Float32Array


@dataclass(frozen=True, slots=True)
class FrameSample:
    """What is kept of one frame.

    Attributes:
        frame: Its index.
        digest: ``Frame.digest``.
        reduced: Averaged picture, uint8, (36, 64, 3) LAB.
        detail: Mean squared brightness step between neighbours in the reduced picture.
        signature: Mean Y, Cr and Cb of 6x8 cells, uint8, (6, 8, 3).
        luma: Averaged luma of the whole picture, uint8, (36, 64).
        measures: What the whole picture is like; None where nobody asks for it.
        histogram: B, G and R histograms in one vector of L2 norm 1, (768, 1) float32; None where
            nobody asks for it.
    """

    frame: int
    digest: int
    reduced: Picture
    detail: float
    signature: Picture
    luma: Picture
    measures: PictureMeasures | None
    histogram: Histogram | None


def _sdr_of_pq() -> Picture:
    """Brightness as SDR codes it, for each of the 256 values of PQ: (256,) uint8.

    Otherwise fades are no even ramps, and dark scenes differ more than they seem to.
    """
    share = (pq_nits(np.arange(256) / 255) / SDR_WHITE_NITS).clip(0, 1)
    return np.rint(255 * share ** (1 / SDR_GAMMA)).astype(np.uint8)


_SDR_OF_PQ = _sdr_of_pq()


class Sampler:
    """Take samples of frames; for one thread, since it keeps what scaling needs.

    Args:
        histograms: Whether samples have a histogram.
        ignored: Parts of the picture that count for nothing.
        measured: Of which frames it is measured what they are like.
    """

    def __init__(
        self,
        *,
        histograms: bool,
        ignored: tuple[IgnoredRegion, ...] = (),
        measured: Container[int] = (),
    ) -> None:
        self._histograms = histograms
        self._measured = measured
        self._ignored = ignored
        self._pixels = PixelSampler()
        self._mask: Picture | None = None

    def sample(self, frame: Frame) -> FrameSample:
        """The sample of a frame."""
        pixels = self._pixels.picture(frame.decoded)
        if frame.decoded.color_trc == ColorTrc.SMPTE2084:
            pixels = _u8(cv2.LUT(pixels, _SDR_OF_PQ))
        mask = self._mask_for(frame, pixels) if self._ignored else None
        counted = pixels if mask is None else cv2.bitwise_and(pixels, pixels, mask=mask)
        small = _reduced(counted)
        ycrcb = _u8(cv2.cvtColor(small, cv2.COLOR_BGR2YCrCb))
        luma = whole = ycrcb[:, :, 0].copy()
        if mask is not None:
            # What a region shows that does not count for cuts belongs to the clip all the same.
            whole = _u8(cv2.cvtColor(_reduced(pixels), cv2.COLOR_BGR2YCrCb)[:, :, 0].copy())
        cells = (SIGNATURE_COLUMNS, SIGNATURE_ROWS)
        return FrameSample(
            frame=frame.index,
            digest=frame.digest,
            reduced=_u8(cv2.cvtColor(small, cv2.COLOR_BGR2LAB)),
            detail=_detail(luma),
            signature=_u8(cv2.resize(ycrcb, cells, interpolation=cv2.INTER_AREA)),
            luma=whole,
            measures=self._measures(frame, pixels) if frame.index in self._measured else None,
            histogram=bgr_histogram(pixels, mask) if self._histograms else None,
        )

    def _measures(self, frame: Frame, pixels: Picture) -> PictureMeasures:
        rows = pixels[:: max(1, len(pixels) // _MEASURED_ROWS)]
        return measured(luma_of(rows), frame.decoded)

    def _mask_for(self, frame: Frame, pixels: Picture) -> Picture:
        height, width = pixels.shape[:2]
        # Pictures can change their size within a file.
        if self._mask is None or self._mask.shape != (height, width):
            self._mask = counted_mask((width, height), self._ignored, frame.orientation)
        return self._mask


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two pictures differ.

    Attributes:
        distance: How far they are apart, 0 to 32, allowing for one point of motion.
        residual: The same once a motion of the whole picture is made up for; at most that.
        kept: Share of what is to be seen in either that is in the other, allowing for such a motion
            and a point more.
        still: Share of it that is at its very place.
        likeness: Correlation of their structure, -1 to 1, whatever the brightness and contrast,
            allowing for such a motion; NaN if they hardly differ, or if one shows nothing.
    """

    distance: float
    residual: float
    kept: float
    still: float
    likeness: float


class Comparable:
    """A reduced picture with the range of each point's 3x3 neighbourhood."""

    __slots__ = ("_band", "_coarse", "_high", "_low", "_reduced", "_textured")

    def __init__(self, reduced: Picture) -> None:
        square = np.ones((3, 3), np.uint8)
        self._reduced = reduced
        self._low = _u8(cv2.erode(reduced, square))
        self._high = _u8(cv2.dilate(reduced, square))
        self._textured = _largest_channel(cv2.subtract(self._high, self._low)) >= _TEXTURE
        self._coarse: Picture | None = None
        self._band: Float32Array | None = None

    def kept(self, other: "Comparable") -> tuple[float, float]:
        """Which share of what is to be seen in either picture is in the other one, too.

        Only textured points count, since flat ones look alike anywhere. Of two flat pictures, such
        as plain colours, all points count: there is nothing else by which to tell them apart.

        Returns:
            The share that is there, allowing for one point of motion, and the share that is there
            at its very place.
        """
        textured = self._textured | other._textured
        if np.count_nonzero(textured) < _LEAST_TEXTURED:
            textured = np.ones_like(textured)
        count = np.count_nonzero(textured)
        beyond = _largest_channel(cv2.max(self._beyond(other), other._beyond(self)))
        moved = _largest_channel(cv2.absdiff(self._reduced, other._reduced))
        shares = (
            np.count_nonzero((differs <= same) & textured) / count
            for differs, same in ((beyond, _SAME), (moved, _SAME_IN_PLACE))
        )
        kept, still = (round(share * _SHARE_STEPS) / _SHARE_STEPS for share in shares)
        return kept, still

    def distance(self, other: "Comparable") -> float:
        """How far two pictures are apart, 0 to 32, allowing for one point of motion.

        Each point is compared with the range that the other picture has around it, both ways.
        Its share is limited, so that a title or another small bright thing counts by its area.
        """
        mine, theirs = self._beyond(other), other._beyond(self)
        beyond = cv2.add(mine, theirs)
        limited = cv2.threshold(beyond, _DISTANCE_CAP, 0, cv2.THRESH_TRUNC)[1]
        mean = cv2.norm(limited, cv2.NORM_L1) / beyond.size / 2
        # Fewer different values make a smaller file; the steps are far below any noise.
        return round(mean * _DISTANCE_STEPS) / _DISTANCE_STEPS

    def compare(self, other: "Comparable") -> Comparison:
        """All that tells a cut from what happens within a scene.

        However fast a camera turns, most of what it showed is still there, at another place. Of
        pictures of two scenes, nothing fits anywhere.
        """
        distance, (kept, still) = self.distance(other), self.kept(other)
        if distance < LEAST_MOTION:
            return Comparison(distance, distance, kept, still, float("nan"))
        overlaps = list(self._overlaps(other))
        residual = distance
        for mine, theirs in overlaps:
            found = mine.distance(theirs)
            if found < residual:
                residual, kept = found, max(kept, mine.kept(theirs)[0])
        if residual < LEAST_MOTION:
            return Comparison(distance, residual, kept, still, float("nan"))
        likeness = max(one._likeness(two) for one, two in ((self, other), *overlaps))
        return Comparison(distance, residual, kept, still, likeness)

    def residual(self, other: "Comparable") -> float:
        """The distance once a motion of the whole picture is made up for."""
        distance = self.distance(other)
        if distance < LEAST_MOTION:
            return distance
        return min([distance, *(one.distance(two) for one, two in self._overlaps(other))])

    def _likeness(self, other: "Comparable") -> float:
        """Correlation of structure, -1 to 1; NaN where one shows none, as whole pictures first."""
        mine, theirs = self._structure(), other._structure()
        (_, my_deviation), (_, their_deviation) = cv2.meanStdDev(mine), cv2.meanStdDev(theirs)
        if min(my_deviation[0, 0], their_deviation[0, 0]) < _LEAST_STRUCTURE:
            return float("nan")
        found = cv2.matchTemplate(mine, theirs, cv2.TM_CCOEFF_NORMED)[0, 0]
        return round(float(found) * _SHARE_STEPS) / _SHARE_STEPS

    def _structure(self) -> Float32Array:
        """Brightness without what is finer than a point, and what is coarser than a tenth."""
        if self._band is None:
            light = cv2.extractChannel(self._reduced, 0).astype(np.float32)
            fine, coarse = (cv2.GaussianBlur(light, (0, 0), each) for each in _STRUCTURE_PX)
            self._band = np.asarray(cv2.subtract(fine, coarse), np.float32)
        return self._band

    def _overlaps(self, other: "Comparable") -> Iterator[tuple["Comparable", "Comparable"]]:
        """What both pictures show if the middle of one is in the other, and the other way round."""
        mine, theirs = self._coarsened(), other._coarsened()
        there, here = _place_of_middle(mine, theirs), _place_of_middle(theirs, mine)
        back = (-here[0], -here[1])
        scale = REDUCED_SIZE_PX[0] // _COARSE_SIZE_PX[0]
        # In this order, so that the same two pictures always give the same.
        for across, down in (there, back) if there != back else (there,):
            if (across, down) != (0, 0):
                yield self._shifted(other, across * scale, down * scale)

    def _shifted(
        self, other: "Comparable", across: int, down: int
    ) -> tuple["Comparable", "Comparable"]:
        """The parts that overlap if this picture is moved so far to the right and down."""
        mine = _overlap(-down, -across)
        theirs = _overlap(down, across)
        return self._part(mine), other._part(theirs)

    def _part(self, part: tuple[slice, slice]) -> "Comparable":
        found = Comparable.__new__(Comparable)
        found._reduced, found._low = self._reduced[part], self._low[part]
        found._high, found._textured = self._high[part], self._textured[part]
        found._band = self._structure()[part]
        return found

    def _coarsened(self) -> Picture:
        if self._coarse is None:
            light = cv2.extractChannel(self._reduced, 0)
            self._coarse = _u8(cv2.resize(light, _COARSE_SIZE_PX, interpolation=cv2.INTER_AREA))
        return self._coarse

    def _beyond(self, other: "Comparable") -> "cv2.typing.MatLike":
        above = cv2.subtract(self._reduced, other._high)
        return cv2.add(above, cv2.subtract(other._low, self._reduced))


def _place_of_middle(picture: Picture, other: Picture) -> tuple[int, int]:
    """How far the middle of a coarse picture lies in the other one from its place: across, down."""
    across, down = _SEARCHED_PX
    middle = picture[down:-down, across:-across]
    differences = cv2.matchTemplate(other, middle, cv2.TM_SQDIFF)
    _, _, (column, row), _ = cv2.minMaxLoc(differences)
    return column - across, row - down


def _overlap(down: int, across: int) -> tuple[slice, slice]:
    """Rows and columns of a reduced picture that one moved so far down and across covers."""
    width, height = REDUCED_SIZE_PX
    return (
        slice(max(0, down), height + min(0, down)),
        slice(max(0, across), width + min(0, across)),
    )


def bgr_histogram(picture: Picture, mask: Picture | None = None) -> Histogram:
    """The B, G and R histograms, 256 bins each, in one vector of L2 norm 1: (768, 1) float32.

    Args:
        picture: (height, width, 3) uint8 BGR.
        mask: (height, width) uint8, not 0 for the points that count; None for all.
    """
    counts = [cv2.calcHist([picture], [channel], mask, [256], [0, 256]) for channel in range(3)]
    histogram = np.concatenate(counts).astype(np.float32)
    return np.asarray(cv2.normalize(histogram, histogram), np.float32)


def _reduced(pixels: "cv2.typing.MatLike") -> Picture:
    return _u8(cv2.resize(pixels, REDUCED_SIZE_PX, interpolation=cv2.INTER_AREA))


def _detail(luma: Picture) -> float:
    luma_f = luma.astype(np.float32)
    across, down = np.diff(luma_f, axis=1), np.diff(luma_f, axis=0)
    return float(np.square(across).mean() + np.square(down).mean())


def _largest_channel(picture: "cv2.typing.MatLike") -> Picture:
    first, second, third = cv2.split(picture)
    return _u8(cv2.max(cv2.max(first, second), third))


def _u8(picture: "cv2.typing.MatLike") -> Picture:
    return np.asarray(picture, np.uint8)
