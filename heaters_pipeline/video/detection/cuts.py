"""Hard cuts of the ``adaptive`` method. Pure.

Only anchors are looked at: frames that a fast scan decodes, too. A cut lies between two
neighbouring anchors where all of those just before differ from all of those just after, and far
more than neighbours do thereabouts. The first rejects flashes and single bad frames, after which
the picture returns; the second adapts to motion, noise and dark scenes. If frames lie between the
two anchors, the one that differs most from the frame before it is the first of the new scene, and
it has to differ more than the others between them do, since motion is spread over all.

And a cut leaves little of what was to be seen: textured points whose like is still there. By that
a title, a name on a plate or another part of the picture that changes is told from a cut.
"""

import numpy as np
import numpy.typing as npt

from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.media.timing import Span

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LEAST_STRENGTH = 3.0
"""What is weaker is not looked at more closely by a fast scan."""

FLOOR = 0.3
"""Distance that noise and compression alone can cause; keeps still pictures from cutting."""

RESTING_FLOOR = FLOOR / 4
"""The same where nothing moves, so that little text on a card is enough to see a cut by."""

LEAST_CHANGE = LEAST_STRENGTH * RESTING_FLOOR
"""A smaller change between two anchors is never a cut, whatever is usual around it."""

_NEAR_FRAMES = 6
_SPIKE_RATIO = 3.0
_SPIKE_GAP_FRAMES = 3
_NEIGHBOUR_FRAMES = 2
_MOST_LEFT = 0.7
"""Share of what usually stays; a title leaves more, another slide 0.3 to 0.67, a cut in half of the
picture 0.5, others less."""
_LEAST_USUAL = 0.3
_RESTING = 0.95
_GROWTH = 0.6
"""Pictures so many frames apart differ by that power of the frames; 0.5 to 0.7 on real motion."""


def cut_strengths(track: ScoreTrack) -> Floats:
    """How many times over a change is larger than what is usual around it: (frames,), >= 0.

    A value stands at the frame where the cut would be; it is 0 at all other frames.
    """
    strengths = np.zeros(track.frames)
    found = _Changes(track)
    strengths[found.places] = found.strengths
    return strengths


def find_cuts(track: ScoreTrack, threshold: float) -> list[int]:
    """First frames of new scenes, increasing, without 0.

    Args:
        track: Scores of the video.
        threshold: Least strength of a cut.
    """
    found = _Changes(track)
    chosen = found.largest & (found.strengths >= threshold)
    return [int(place) for place in found.places[chosen]]


def undecided(track: ScoreTrack) -> list[Span]:
    """Where the frames between two anchors have to be decoded to tell whether and where a cut is.

    Each span goes from one anchor to the next, both included.
    """
    found = _Changes(track)
    gaps = np.flatnonzero(found.largest & (found.bounds >= LEAST_STRENGTH) & (found.gaps > 1))
    anchors = track.anchors
    return [Span(int(anchors[at]), int(anchors[at + 1]) + 1) for at in gaps]


class _Changes:
    """The changes from each anchor to the next, each (anchors - 1,).

    Attributes:
        gaps: Frames from one anchor to the next.
        largest: Whether a change is the largest of those around it.
        bounds: What its strength can be at most, whatever happens between the anchors.
        strengths: How many times over it is larger than what is usual around it; at most that
            where nobody looked between the anchors.
        places: The frame where the cut would be.
    """

    def __init__(self, track: ScoreTrack) -> None:
        anchors = track.anchors
        across = track.across[anchors[1:]].astype(np.float64)
        change = track.change[anchors[1:]].astype(np.float64)
        self.gaps = np.diff(anchors)
        usual = _usual(anchors, change / self.gaps**_GROWTH, track.frame_step)
        replaced, floor = _replaced_and_floor(track)
        before, after = _neighbours(anchors, change)
        self.largest: Bools = np.asarray((change > before) & (change >= after))
        self.bounds = np.where(replaced, across / (usual + floor), 0)
        self.strengths = self.bounds.copy()
        self.places = anchors[1:].copy()
        # No threshold is below 1, so the others need no closer look.
        for at in np.flatnonzero((self.gaps > 1) & (self.bounds >= 1)).tolist():
            steps = track.steps[anchors[at] + 1 : anchors[at + 1] + 1].astype(np.float64)
            # A fast scan does not look where nothing can be.
            if np.isnan(steps).any():
                continue
            largest = int(np.argmax(steps))
            self.places[at] = anchors[at] + 1 + largest
            others = (steps.sum() - steps[largest]) / (len(steps) - 1)
            jump = min(across[at], steps[largest])
            self.strengths[at] = jump / (max(usual[at], others) + floor[at])


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


def _replaced_and_floor(track: ScoreTrack) -> tuple[Bools, Floats]:
    """Whether each change leaves little of what usually stays, and what noise alone can make."""
    kept = track.kept[track.anchors[1:]].astype(np.float64)
    still = track.still[track.anchors[1:]].astype(np.float64)
    around = _Around(track.anchors, _NEAR_FRAMES * track.frame_step)
    usually_kept, usually_still = around.medians(kept), around.medians(still)
    replaced = kept <= _MOST_LEFT * usually_kept.clip(_LEAST_USUAL)
    # Where nothing moves, such as on slides, things have to stay in their very places.
    displaced = (usually_still >= _RESTING) & (still <= _MOST_LEFT * usually_still)
    return replaced | displaced, np.where(displaced, RESTING_FLOOR, FLOOR)


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
