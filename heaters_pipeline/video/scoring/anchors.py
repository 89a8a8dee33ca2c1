"""Which frames scene detection looks at: the anchors. Pure.

These are the frames that others refer to in the file, since a fast scan decodes no others, and all
frames between two of those that are too far apart to tell what happens between them. They follow
from the file alone, so that a fast and a full scan look at the same frames.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from heaters_pipeline.video.detection.cuts import LEAST_CHANGE
from heaters_pipeline.video.scoring.sampling import Comparable

Bools = npt.NDArray[np.bool_]

FRAMES_ACROSS = 4
"""So many frames before a cut are compared with so many after it, as far as they are anchors.

The last anchor on each side may lie further off, so that a flash of 3 frames is seen to pass.
"""

_REFERENCE_RATE = 25
_WIDEST_GAP_FRAMES = 4


def frame_step_of(frame_rate: Fraction | None) -> int:
    """Frames that pass in about 1/25 of a second, at least 1.

    At 50 or 60 frames a second, a flash or a motion takes twice the frames.
    """
    return max(1, round((frame_rate or _REFERENCE_RATE) / _REFERENCE_RATE))


def anchors_among(references: Bools, frame_step: int) -> Bools:
    """Which frames are anchors: (frames,).

    Args:
        references: (frames,) which frames others may refer to, in order of presentation.
        frame_step: Frames that pass in about 1/25 of a second.
    """
    anchors = references.copy()
    anchors[[0, -1]] = True
    known = np.flatnonzero(anchors)
    for before in np.flatnonzero(np.diff(known) > _WIDEST_GAP_FRAMES * frame_step):
        anchors[known[before] : known[before + 1]] = True
    return anchors


@dataclass(frozen=True, slots=True)
class AnchorChange:
    """How an anchor differs from what comes before it.

    Attributes:
        frame: The anchor.
        change: Distance to the anchor before.
        across: Least distance of the anchors just before to those from here on; at most ``change``.
        kept: Share of what was to be seen that still is, allowing for a little motion.
        still: Share of it that is at its very place.
    """

    frame: int
    change: float
    across: float
    kept: float
    still: float


class AnchorComparer:
    """Compare anchors as they come; keeps only those that are still needed.

    Args:
        frame_step: Frames that pass in about 1/25 of a second.
    """

    def __init__(self, frame_step: int) -> None:
        self._step = frame_step
        self._reach = (FRAMES_ACROSS - 1) * frame_step
        self._known: deque[tuple[int, Comparable]] = deque()
        self._changes: dict[int, tuple[float, float, float]] = {}
        self._open: deque[int] = deque()

    def add(self, frame: int, picture: Comparable) -> Iterator[AnchorChange]:
        """Take the next anchor; gives the changes that are decided by now."""
        if self._known:
            before = self._known[-1][1]
            self._changes[frame] = (picture.distance(before), *picture.kept(before))
            self._open.append(frame)
        self._known.append((frame, picture))
        while self._open and frame >= self._open[0] + self._reach:
            yield self._decided()
        self._forget()

    def finish(self) -> Iterator[AnchorChange]:
        """The changes that no further anchor decides, at the end of the video."""
        while self._open:
            yield self._decided()

    def _decided(self) -> AnchorChange:
        frame = self._open.popleft()
        change, kept, still = self._changes.pop(frame)
        # What cannot be a cut is compared no further.
        across = change if change < LEAST_CHANGE else self._across(frame)
        return AnchorChange(frame, change, across, kept, still)

    def _across(self, frame: int) -> float:
        at = next(place for place, (known, _) in enumerate(self._known) if known == frame)
        anchors = list(self._known)
        before = self._chosen(anchors[at - 1 :: -1], -1)
        after = self._chosen(anchors[at:], 1)
        return min(one.distance(other) for one in before for other in after)

    def _chosen(self, anchors: list[tuple[int, Comparable]], direction: int) -> list[Comparable]:
        """One anchor each step away, until the reach is covered."""
        nearest = anchors[0][0]
        chosen: list[Comparable] = []
        wanted = 0
        for frame, picture in anchors:
            away = (frame - nearest) * direction
            if away >= wanted:
                chosen.append(picture)
                if away >= self._reach:
                    break
                wanted += self._step * (1 + (away - wanted) // self._step)
        return chosen

    def _forget(self) -> None:
        oldest = self._open[0] if self._open else self._known[-1][0]
        # Before the anchor before the oldest change, its reach and one more anchor.
        while len(self._known) > 3 and self._known[2][0] < oldest - self._reach - 4 * self._step:
            self._known.popleft()
