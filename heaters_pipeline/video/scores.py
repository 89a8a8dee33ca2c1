"""The one expensive pass over a video: frames in, ``ScoreTrack`` out.

Each frame is sampled once to a small picture by taking single points, which keeps the shape of
its histograms (averaging would not). From it come the histogram scores, and a still smaller
averaged picture for everything else.
"""

from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.frames import FrameReader, Interpolation, Picture
from heaters_pipeline.video.probe import VideoInfo
from heaters_pipeline.video.score_track import (
    SIGNATURE_COLUMNS,
    SIGNATURE_ROWS,
    SIMILARITIES,
    ScoreTrack,
)

ALGORITHM_VERSION = 1
"""Raised with each change of what a track holds for the same video."""

FRAMES_ACROSS = 4
"""So many frames before a cut are compared with so many after it."""

_REFERENCE_RATE = 25
_REDUCED_SIZE_PX = (64, 36)
_DISTANCE_CAP = 64
_DISTANCE_STEPS = 256
_REPORT_EVERY_FRAMES = 100
_COMPARISONS = (
    cv2.HISTCMP_CORREL,
    cv2.HISTCMP_CHISQR,
    cv2.HISTCMP_INTERSECT,
    cv2.HISTCMP_BHATTACHARYYA,
)

Histogram = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ScoreSettings:
    """What decides a track, apart from the video and ``ALGORITHM_VERSION``.

    Attributes:
        sampled_size_px: (width, height) of the points that histograms are taken of. The default
            is the smallest size measured at which ``correl`` cuts as full-size histograms do.
    """

    sampled_size_px: tuple[int, int] = (512, 288)

    def __post_init__(self) -> None:
        if any(
            not low <= size <= 4096
            for size, low in zip(self.sampled_size_px, _REDUCED_SIZE_PX, strict=True)
        ):
            raise SettingsError(
                f"sampled_size_px must be from {_REDUCED_SIZE_PX} to (4096, 4096), "
                f"got {self.sampled_size_px}"
            )


def score_frames(
    path: Path,
    info: VideoInfo,
    settings: ScoreSettings | None = None,
    *,
    on_progress: Callable[[int], None] | None = None,
) -> ScoreTrack:
    """Decode a video once and score each frame.

    Args:
        path: The file.
        info: From ``probe``.
        settings: What decides the track.
        on_progress: Called with the number of frames scored, every 100 frames and at the end.
    Raises:
        InvalidVideoError: The file cannot be decoded to its end.
    """
    settings = settings or ScoreSettings()
    reader = FrameReader(path, info)
    collector = _Collector(_lags(info.frame_rate))
    for frame in reader:
        picture = frame.picture(settings.sampled_size_px, Interpolation.POINT)
        collector.add(picture, frame.digest)
        if on_progress and (frame.index + 1) % _REPORT_EVERY_FRAMES == 0:
            on_progress(frame.index + 1)
    timeline = reader.timeline
    if on_progress:
        on_progress(timeline.frames)
    frames, lags = timeline.frames, len(collector.lags)
    similarities = np.asarray(collector.similarities, np.float32).reshape(frames, -1)
    return ScoreTrack(
        timeline=timeline,
        picture_digests=np.asarray(collector.digests, np.uint32),
        similarities={
            name: np.ascontiguousarray(similarities[:, position])
            for position, name in enumerate(SIMILARITIES)
        },
        lags=collector.lags,
        distances=np.asarray(collector.distances, np.float32).reshape(frames, lags),
        detail=np.asarray(collector.detail, np.float32),
        signatures=np.frombuffer(bytes(collector.signatures), np.uint8).reshape(
            frames, SIGNATURE_ROWS, SIGNATURE_COLUMNS, 3
        ),
        algorithm_version=ALGORITHM_VERSION,
    )


def bgr_histogram(picture: Picture) -> Histogram:
    """The B, G and R histograms, 256 bins each, in one vector of L2 norm 1: (768, 1) float32."""
    counts = [cv2.calcHist([picture], [channel], None, [256], [0, 256]) for channel in range(3)]
    histogram = np.concatenate(counts).astype(np.float32)
    return np.asarray(cv2.normalize(histogram, histogram), np.float32)


def histogram_scores(before: Histogram, after: Histogram) -> list[float]:
    """OpenCV's ``compareHist(before, after)`` by the methods in ``SIMILARITIES``."""
    return [cv2.compareHist(before, after, comparison) for comparison in _COMPARISONS]


@dataclass(frozen=True, slots=True)
class _Reduced:
    """A reduced picture with the range of each pixel's 3x3 neighbourhood, all (36, 64, 3)."""

    lab: Picture
    low: Picture
    high: Picture


def _reduced(small: Picture) -> _Reduced:
    lab = cv2.cvtColor(small, cv2.COLOR_BGR2LAB)
    square = np.ones((3, 3), np.uint8)
    return _Reduced(_u8(lab), _u8(cv2.erode(lab, square)), _u8(cv2.dilate(lab, square)))


def _distance(a: _Reduced, b: _Reduced) -> float:
    """How far two pictures are apart, 0 to 32, allowing for one pixel of motion.

    Each pixel is compared with the range that the other picture has around it, both ways. Its
    share is limited, so that a title or another small bright thing counts by its area.
    """
    a_beyond = cv2.add(cv2.subtract(a.lab, b.high), cv2.subtract(b.low, a.lab))
    b_beyond = cv2.add(cv2.subtract(b.lab, a.high), cv2.subtract(a.low, b.lab))
    beyond = cv2.add(a_beyond, b_beyond)
    limited = cv2.threshold(beyond, _DISTANCE_CAP, 0, cv2.THRESH_TRUNC)[1]
    mean = cv2.norm(limited, cv2.NORM_L1) / beyond.size / 2
    # Fewer different values make a smaller file; the steps are far below any noise.
    return round(mean * _DISTANCE_STEPS) / _DISTANCE_STEPS


def _detail(luma: Picture) -> float:
    luma_f = luma.astype(np.float32)
    across, down = np.diff(luma_f, axis=1), np.diff(luma_f, axis=0)
    return float(np.square(across).mean() + np.square(down).mean())


def _u8(picture: "cv2.typing.MatLike") -> Picture:
    return np.asarray(picture, np.uint8)


def _lags(frame_rate: Fraction | None) -> tuple[int, ...]:
    # At 50 or 60 frames a second, a flash or a motion takes twice the frames.
    step = max(1, round((frame_rate or _REFERENCE_RATE) / _REFERENCE_RATE))
    return tuple(1 + step * position for position in range(2 * FRAMES_ACROSS - 1))


class _Collector:
    """Scores of the frames so far; keeps only the reduced pictures that a lag still needs."""

    def __init__(self, lags: tuple[int, ...]) -> None:
        self.lags = lags
        self.digests = array("I")
        self.similarities = array("f")
        self.distances = array("f")
        self.detail = array("f")
        self.signatures = bytearray()
        self._recent: deque[_Reduced] = deque(maxlen=lags[-1])
        self._histogram: Histogram | None = None

    def add(self, picture: Picture, digest: int) -> None:
        small = _u8(cv2.resize(picture, _REDUCED_SIZE_PX, interpolation=cv2.INTER_AREA))
        self.digests.append(digest)
        self._add_similarities(bgr_histogram(picture))
        self._add_distances(_reduced(small))
        ycrcb = _u8(cv2.cvtColor(small, cv2.COLOR_BGR2YCrCb))
        self.detail.append(_detail(ycrcb[:, :, 0]))
        cells = (SIGNATURE_COLUMNS, SIGNATURE_ROWS)
        self.signatures += _u8(cv2.resize(ycrcb, cells, interpolation=cv2.INTER_AREA)).tobytes()

    def _add_similarities(self, histogram: Histogram) -> None:
        before = self._histogram
        self.similarities.extend(
            [float("nan")] * len(_COMPARISONS)
            if before is None
            else histogram_scores(before, histogram)
        )
        self._histogram = histogram

    def _add_distances(self, reduced: _Reduced) -> None:
        for lag in self.lags:
            known = lag <= len(self._recent)
            self.distances.append(_distance(reduced, self._recent[-lag]) if known else float("nan"))
        self._recent.append(reduced)
