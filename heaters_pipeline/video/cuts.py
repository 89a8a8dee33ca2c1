"""Hard cuts of the ``adaptive`` method. Pure.

Only anchors are looked at: frames that a fast scan decodes, too. A cut lies between two
neighbouring anchors where all of those just before differ from all of those just after, and far
more than neighbours do thereabouts. The first rejects flashes and single bad frames, after which
the picture returns; the second adapts to motion, noise and dark scenes. If frames lie between the
two anchors, the one that differs most from the frame before it is the first of the new scene.
"""

import numpy as np
import numpy.typing as npt

from heaters_pipeline.video.score_track import ScoreTrack
from heaters_pipeline.video.timing import Span

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LEAST_STRENGTH = 3.0
"""What is weaker is not looked at more closely by a fast scan."""

FLOOR = 0.3
"""Distance that noise and compression alone can cause; keeps still pictures from cutting."""

LEAST_CHANGE = LEAST_STRENGTH * FLOOR
"""A smaller change between two anchors is never a cut, whatever is usual around it."""

_NEAR_FRAMES = 6
_SPIKE_RATIO = 3.0
_SPIKE_GAP_FRAMES = 3
_NEIGHBOUR_FRAMES = 2
_GROWTH = 0.6
"""Pictures so many frames apart differ by that power of the frames; 0.5 to 0.7 on real motion."""
_LEAST_SHARE_OF_STEP = 0.5
"""Of a cut between two anchors, one step has at least this share; motion is spread over all."""


def cut_strengths(track: ScoreTrack) -> Floats:
    """How many times over a change is larger than what is usual around it: (frames,), >= 0.

    A value stands at the frame where the cut would be; it is 0 at all other frames.
    """
    strengths = np.zeros(track.frames)
    strengths[track.anchors[1:]] = _strengths(track)
    places = np.flatnonzero(strengths >= LEAST_STRENGTH)
    for before, anchor in _gaps(track, places):
        at = _place(track, before, anchor)
        if at != anchor:
            strength, strengths[anchor] = strengths[anchor], 0.0
            strengths[at if at is not None else anchor] = strength if at is not None else 0.0
    return strengths


def find_cuts(track: ScoreTrack, threshold: float) -> list[int]:
    """First frames of new scenes, increasing, without 0.

    Args:
        track: Scores of the video.
        threshold: Least strength of a cut.
    """
    strengths = _strengths(track)
    chosen = np.flatnonzero((strengths >= threshold) & _largest(track))
    places = (
        _place(track, before, anchor) for before, anchor in _gaps(track, track.anchors[chosen + 1])
    )
    return [place for place in places if place is not None]


def undecided(track: ScoreTrack) -> list[Span]:
    """Where the frames between two anchors have to be decoded to tell whether and where a cut is.

    Each span goes from one anchor to the next, both included.
    """
    strong = (_strengths(track) >= LEAST_STRENGTH) & _largest(track)
    gaps = _gaps(track, track.anchors[np.flatnonzero(strong) + 1])
    return [Span(before, anchor + 1) for before, anchor in gaps if anchor - before > 1]


def _gaps(track: ScoreTrack, anchors: Ints) -> list[tuple[int, int]]:
    """Each of the given anchors with the anchor before it."""
    positions = np.searchsorted(track.anchors, anchors)
    return [
        (int(track.anchors[position - 1]), int(track.anchors[position])) for position in positions
    ]


def _place(track: ScoreTrack, before: int, anchor: int) -> int | None:
    """The first frame of the new scene; None if the change is spread over the gap."""
    if anchor - before == 1:
        return anchor
    steps = track.steps[before + 1 : anchor + 1]
    at = int(np.argmax(steps))
    if steps[at] < _LEAST_SHARE_OF_STEP * track.change[anchor]:
        return None
    return before + 1 + at


def _strengths(track: ScoreTrack) -> Floats:
    """Strength of the change from each anchor to the next: (anchors - 1,)."""
    anchors = track.anchors
    change = track.change[anchors[1:]].astype(np.float64)
    across = track.across[anchors[1:]].astype(np.float64)
    growth = np.diff(anchors).astype(np.float64) ** _GROWTH
    usual = _usual(anchors, change / growth, track.frame_step)
    return np.asarray(across / (usual * growth + FLOOR))


def _largest(track: ScoreTrack) -> Bools:
    """Whether a change is the largest of those at most two frames away: (anchors - 1,)."""
    change = track.change[track.anchors[1:]].astype(np.float64)
    before, after = _neighbours(track.anchors, change)
    return np.asarray((change > before) & (change >= after))


def _neighbours(anchors: Ints, values: Floats) -> tuple[Floats, Floats]:
    """The largest value of the pairs just before and just after each pair of anchors, 0 if none."""
    doubled = anchors[:-1] + 1 + anchors[1:]
    before, after = np.zeros(len(values)), np.zeros(len(values))
    for places in (1, 2):
        near = doubled[places:] - doubled[:-places] <= 2 * _NEIGHBOUR_FRAMES
        later, earlier = slice(places, None), slice(None, -places)
        before[later] = np.maximum(before[later], np.where(near, values[earlier], 0))
        after[earlier] = np.maximum(after[earlier], np.where(near, values[later], 0))
    return before, after


def _usual(anchors: Ints, rate: Floats, step: int) -> Floats:
    """Mean rate of change around each pair of neighbouring anchors, other cuts left out."""
    around = _Around(anchors, _NEAR_FRAMES * step)
    close = _Around(anchors, _SPIKE_GAP_FRAMES * step - 1)
    spikes = rate > _SPIKE_RATIO * (around.medians(rate) + FLOOR)
    # Cuts that follow each other within a second must not hide each other.
    masked, flags = rate * spikes, spikes.astype(np.float64)
    total = around.sums(rate) - rate - (around.sums(masked) - close.sums(masked))
    count = around.sums(np.ones(len(rate))) - 1 - (around.sums(flags) - close.sums(flags))
    return np.where(count > 0.5, np.maximum(total, 0) / np.maximum(count, 1), 0.0)


class _Around:
    """The pairs of neighbouring anchors whose middle lies within so many frames of each pair's."""

    def __init__(self, anchors: Ints, frames: int) -> None:
        doubled = anchors[:-1] + 1 + anchors[1:]
        self._first = np.searchsorted(doubled, doubled - 2 * frames, side="left")
        self._end = np.searchsorted(doubled, doubled + 2 * frames, side="right")

    def sums(self, values: Floats) -> Floats:
        """The sum for each pair, itself included."""
        sums = np.concatenate([[0.0], np.cumsum(values)])
        return np.asarray(sums[self._end] - sums[self._first])

    def medians(self, values: Floats) -> Floats:
        """The lower median for each pair, itself included."""
        counts = self._end - self._first
        places = self._first[:, None] + np.arange(counts.max(initial=1))
        inside = places < self._end[:, None]
        found = np.where(inside, values[np.minimum(places, len(values) - 1)], np.inf)
        found.sort(axis=1)
        middle = (counts - 1) // 2
        return np.asarray(np.take_along_axis(found, middle[:, None], axis=1)[:, 0])
