"""Which frames ``adaptive`` analyses, and how each differs from those before it. Pure.

The analysed frames are those that others refer to in the file, since a fast scan decodes no others,
and all frames between two of those that are too far apart to tell what happens between them. They
follow from the file alone, so that a fast and a full scan analyse the same frames.

How two pictures are compared is in ``sampling``; what the differences mean is in ``detection``.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from heaters_pipeline.video.arrays import BoolArray, Int64Array
from heaters_pipeline.video.detection.cuts import LEAST_CHANGE
from heaters_pipeline.video.scoring.sampling import Comparable, Comparison

FRAMES_ACROSS = 4
"""So many frames before a cut are compared with so many after it, as far as they are analysed.

The last one on each side may lie further off, so that a flash of 3 frames is seen to pass. With 3,
one more cut is wrong on 13 real videos, with 5 two fewer (benchmarks/threshold_ranges.py).
"""

_REFERENCE_RATE = 25
_WIDEST_GAP_FRAMES = 4
# Of frames that are referred to, mostly every second, every other one then: at most two frames off.
_TILE_STEPS = 3

MEASURED_STEPS = 6
"""Steps of 1/25 s between two frames of which it is measured what their pictures are like."""


def frame_step_of(frame_rate: Fraction | None) -> int:
    """Frames that pass in about 1/25 of a second, at least 1.

    At 50 or 60 frames a second, a flash or a motion takes twice the frames.
    """
    return max(1, round((frame_rate or _REFERENCE_RATE) / _REFERENCE_RATE))


def choose_analysed(references: BoolArray, frame_step: int) -> BoolArray:
    """Which frames are analysed: (frames,).

    Args:
        references: (frames,) which frames others may refer to, in order of presentation.
        frame_step: Frames that pass in about 1/25 of a second.
    """
    analysed = references.copy()
    analysed[[0, -1]] = True
    known = np.flatnonzero(analysed)
    for before in np.flatnonzero(np.diff(known) > _WIDEST_GAP_FRAMES * frame_step):
        analysed[known[before] : known[before + 1]] = True
    return analysed


def choose_tile_frames(
    analysed: BoolArray, start_frames: Int64Array, frame_step: int
) -> Int64Array:
    """Of which analysed frames a scan keeps small pictures: (tile frames,), increasing.

    One is near any frame: each random access point, where most cuts are, the analysed frame before
    it, and between those about every eighth of a second.

    Args:
        analysed: (frames,) from ``choose_analysed``.
        start_frames: Random access points, increasing.
        frame_step: Frames that pass in about 1/25 of a second.
    """
    known = np.flatnonzero(analysed)
    before = known[np.maximum(np.searchsorted(known, start_frames) - 1, 0)]
    edges = {*start_frames.tolist(), *before.tolist(), int(known[-1])}
    chosen: list[int] = []
    for frame in known.tolist():
        if not chosen or frame in edges or frame - chosen[-1] >= _TILE_STEPS * frame_step:
            chosen.append(frame)
    return np.array(chosen, np.int64)


def choose_measured_frames(
    tile_frames: Int64Array, start_frames: Int64Array, frame_step: int
) -> frozenset[int]:
    """Of which frames a scan measures what their pictures are like: about four a second.

    Args:
        tile_frames: From ``choose_tile_frames``.
        start_frames: Random access points, increasing; where scenes begin, mostly.
        frame_step: Frames that pass in about 1/25 of a second.
    """
    starts = set(start_frames.tolist())
    chosen: set[int] = set()
    next_frame = 0
    for frame in tile_frames.tolist():
        if frame >= next_frame or frame in starts:
            chosen.add(frame)
            next_frame = frame + MEASURED_STEPS * frame_step
    return frozenset(chosen)


@dataclass(frozen=True, slots=True)
class FrameChange:
    """How an analysed frame differs from what comes before it.

    Attributes:
        frame: The analysed frame.
        across: Least distance of those just before to those from here on; at most that to the one
            before.
        before: How it differs from the analysed frame before.
    """

    frame: int
    across: float
    before: Comparison


class FrameComparer:
    """Compare analysed frames as they come; keeps only those that are still needed.

    Args:
        frame_step: Frames that pass in about 1/25 of a second, at least 1.
    """

    def __init__(self, frame_step: int) -> None:
        self._step = frame_step
        self._reach = (FRAMES_ACROSS - 1) * frame_step
        self._known: deque[tuple[int, Comparable]] = deque()
        self._changes: dict[int, Comparison] = {}
        self._open: deque[int] = deque()

    def add(self, frame: int, picture: Comparable) -> Iterator[FrameChange]:
        """Take the next analysed frame; gives the changes that are decided by now."""
        if self._known:
            before = self._known[-1][1]
            self._changes[frame] = picture.compare(before)
            self._open.append(frame)
        self._known.append((frame, picture))
        while self._open and frame >= self._open[0] + self._reach:
            yield self._decided()
        self._forget()

    def newest(self, frame: int) -> Comparison | None:
        """How the frame that was added last differs from the frame just before, if that was added.

        Args:
            frame: The one that was added last.
        """
        follows = len(self._known) > 1 and self._known[-2][0] + 1 == frame
        return self._changes[frame] if follows else None

    def finish(self) -> Iterator[FrameChange]:
        """The changes that no further frame decides, at the end of the video."""
        while self._open:
            yield self._decided()

    def _decided(self) -> FrameChange:
        frame = self._open.popleft()
        found = self._changes.pop(frame)
        # What cannot be a cut is compared no further.
        across = found.distance if found.residual < LEAST_CHANGE else self._across(frame)
        return FrameChange(frame, across, found)

    def _across(self, frame: int) -> float:
        at = next(place for place, (known, _) in enumerate(self._known) if known == frame)
        analysed = list(self._known)
        before = self._chosen(analysed[at - 1 :: -1], -1)
        after = self._chosen(analysed[at:], 1)
        return min(one.distance(other) for one in before for other in after)

    def _chosen(self, analysed: list[tuple[int, Comparable]], direction: int) -> list[Comparable]:
        """The first of them at each step away, until the reach is covered."""
        nearest = analysed[0][0]
        chosen: list[Comparable] = []
        wanted = 0
        for frame, picture in analysed:
            away = (frame - nearest) * direction
            if away >= wanted:
                chosen.append(picture)
                if away >= self._reach:
                    break
                wanted += self._step * (1 + (away - wanted) // self._step)
        return chosen

    def _forget(self) -> None:
        oldest = self._open[0] if self._open else self._known[-1][0]
        # Needed are the frame before the oldest change, the reach before it, and one frame more.
        while len(self._known) > 3 and self._known[2][0] < oldest - self._reach - 4 * self._step:
            self._known.popleft()
