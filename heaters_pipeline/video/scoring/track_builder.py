"""Put the samples of a video's frames together to its ``ScoreTrack``.

Decodes nothing, and does not know whether the samples come of a fast or of a full scan.
"""

from array import array
from collections.abc import Iterable
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from heaters_pipeline.video.arrays import Float32Array, Int64Array
from heaters_pipeline.video.detection.score_track import (
    SIGNATURE_COLUMNS,
    SIGNATURE_ROWS,
    SIMILARITIES,
    Scan,
    ScoreTrack,
)
from heaters_pipeline.video.media.timing import Timeline
from heaters_pipeline.video.scoring.analysed_frames import FrameChange, FrameComparer
from heaters_pipeline.video.scoring.picture_measures import PictureMeasures, StillnessWatch
from heaters_pipeline.video.scoring.sampling import (
    Comparable,
    Comparison,
    FrameSample,
    Histogram,
)

_NAN = float("nan")
_QUALITY_STEPS = np.float32(16_384)
"""Fewer different values make a smaller file; the steps are far below any noise."""
_COMPARISONS = (
    cv2.HISTCMP_CORREL,
    cv2.HISTCMP_CHISQR,
    cv2.HISTCMP_INTERSECT,
    cv2.HISTCMP_BHATTACHARYYA,
)


def histogram_scores(before: Histogram, after: Histogram) -> list[float]:
    """OpenCV's ``compareHist(before, after)`` by the methods in ``SIMILARITIES``."""
    return [cv2.compareHist(before, after, comparison) for comparison in _COMPARISONS]


class TrackBuilder:
    """Collect the samples of a scan in order, then make the track.

    Only two pictures and those that analysed frames are compared with are kept meanwhile.

    Args:
        scan: ``full`` if all frames come, each with its histogram.
        frame_step: Frames that pass in about 1/25 of a second.
        algorithm_version: Of the code that scans.
    """

    def __init__(self, scan: Scan, frame_step: int, algorithm_version: int) -> None:
        self._scan: Scan = scan
        self._frame_step = frame_step
        self._algorithm_version = algorithm_version
        self._comparer = FrameComparer(frame_step)
        self._frames = array("q")
        self._digests = array("q")
        self._steps = array("f")
        self._similarities = array("f")
        self._sums = array("f")
        self._analysed = array("q")
        self._details = array("f")
        self._signatures = bytearray()
        self._changes: list[FrameChange] = []
        self._stillness = StillnessWatch()
        self._measured = array("q")
        self._measures = array("f")
        self._before: tuple[FrameSample, Comparable] | None = None

    def add(self, sample: FrameSample, *, analysed: bool) -> None:
        """Take the next sample.

        Args:
            sample: Of a later frame than the samples before; all frames of a full scan come, of a
                fast one at least the analysed ones.
            analysed: Whether ``adaptive`` compares this frame.
        """
        picture = Comparable(sample.reduced)
        self._frames.append(sample.frame)
        self._digests.append(sample.digest)
        if sample.measures is not None:
            self._measured.append(sample.frame)
            self._measures.extend(sample.measures)
        compared = None
        if analysed:
            self._analysed.append(sample.frame)
            self._details.append(sample.detail)
            self._signatures += sample.signature.tobytes()
            self._stillness.add(sample.frame, sample.luma)
            self._changes += self._comparer.add(sample.frame, picture)
            compared = self._comparer.newest(sample.frame)
        self._add_step(sample, picture, compared)
        self._before = (sample, picture)

    def track(self, timeline: Timeline) -> ScoreTrack:
        """The track of all that was added."""
        self._changes += self._comparer.finish()
        count = timeline.frames
        frames, analysed = np.asarray(self._frames), np.asarray(self._analysed)
        similarities = np.asarray(self._similarities, np.float32).reshape(-1, len(_COMPARISONS))
        changed = [one.frame for one in self._changes]
        signatures = np.zeros((count, SIGNATURE_ROWS, SIGNATURE_COLUMNS, 3), np.uint8)
        signatures[analysed] = np.frombuffer(bytes(self._signatures), np.uint8).reshape(
            signatures[analysed].shape
        )
        digests = np.full(count, -1, np.int64)
        digests[frames] = self._digests
        return ScoreTrack(
            timeline=timeline,
            scan=self._scan,
            frame_step=self._frame_step,
            analysed_frames=analysed,
            picture_digests=digests,
            similarities={
                name: _spread(count, frames, similarities[:, position])
                for position, name in enumerate(SIMILARITIES)
            },
            histogram_sums=_spread(count, frames, self._sums),
            change=_spread(count, changed, [one.before.distance for one in self._changes]),
            across=_spread(count, changed, [one.across for one in self._changes]),
            residual=_spread(count, changed, [one.before.residual for one in self._changes]),
            kept=_spread(count, changed, [one.before.kept for one in self._changes]),
            still=_spread(count, changed, [one.before.still for one in self._changes]),
            likeness=_spread(count, changed, [one.before.likeness for one in self._changes]),
            steps=_spread(count, frames, self._steps),
            detail=_spread(count, analysed, self._details),
            signatures=signatures,
            qualities=self._qualities(count, analysed),
            algorithm_version=self._algorithm_version,
        )

    def _qualities(self, count: int, analysed: Int64Array) -> dict[str, Float32Array]:
        known: dict[str, Float32Array] = {}
        for names, frames, values in (
            (PictureMeasures._fields, np.asarray(self._measured), self._measures),
            (("difference", "standstill"), analysed, self._stillness.told()),
        ):
            table = np.asarray(values, np.float32).reshape(-1, len(names))
            rounded = np.rint(table * _QUALITY_STEPS) / _QUALITY_STEPS
            for position, name in enumerate(names):
                known[name] = _spread(count, frames, rounded[:, position])
        return known

    def _add_step(
        self, sample: FrameSample, picture: Comparable, compared: Comparison | None
    ) -> None:
        """Compare with the frame before, if that was added and was not ``compared`` yet."""
        before, self._before = self._before, None
        follows = before is not None and before[0].frame + 1 == sample.frame
        if compared is not None:
            self._steps.append(compared.residual)
        else:
            self._steps.append(picture.residual(before[1]) if before and follows else _NAN)
        scores = [_NAN] * len(_COMPARISONS)
        if sample.histogram is not None:
            self._sums.append(float(sample.histogram.sum()))
            if before and follows and before[0].histogram is not None:
                scores = histogram_scores(before[0].histogram, sample.histogram)
        else:
            self._sums.append(_NAN)
        self._similarities.extend(scores)


def closer_track(track: ScoreTrack, samples: Iterable[FrameSample]) -> ScoreTrack:
    """A track that knows also how these frames differ from the frame before each.

    Args:
        track: Of a fast scan.
        samples: In order; what differs is told of those whose frame before is among them, too.
    """
    digests, steps = track.picture_digests.copy(), track.steps.copy()
    before: FrameSample | None = None
    for sample in samples:
        digests[sample.frame] = sample.digest
        if before is not None and before.frame + 1 == sample.frame:
            step = Comparable(sample.reduced).residual(Comparable(before.reduced))
            steps[sample.frame] = step
        before = sample
    return replace(track, picture_digests=digests, steps=steps)


def _spread(count: int, frames: npt.ArrayLike, values: npt.ArrayLike) -> Float32Array:
    """The values at their frames, NaN at all others."""
    spread = np.full(count, np.nan, np.float32)
    spread[np.asarray(frames, np.int64)] = values
    return spread
