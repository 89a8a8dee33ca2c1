"""Hard cuts of the ``adaptive`` method: the changes that are far stronger than usual. Pure.

Only the analysed frames are compared, which a fast scan decodes, too. A cut lies between two
neighbouring ones if all of those just before differ from all of those just after, and far more
than neighbours do thereabouts. The first rejects flashes and single bad frames, after which the
picture returns; the second adapts to motion, noise and dark scenes. If frames lie between the two,
the one that differs most from the frame before it is the first of the new scene, and it has to
differ more than the others between them do, since motion is spread over all.

And a cut leaves little of what was to be seen: textured points whose like is still there. By that
a title, a name on a plate or another part of the picture that changes is told from a cut.

How far frames differ is what is left once a motion of the whole picture is made up for, and counts
the more the less alike their structure is: so neither a camera that turns nor light hides a cut, or
is one. Light that comes over a picture and goes again is told by ``glare``.

How pictures are compared is in ``scoring``; gradual transitions are in ``gradual``.
"""

import numpy as np

from heaters_pipeline.video.arrays import BoolArray, Float64Array, Int64Array
from heaters_pipeline.video.detection.blank import are_blank
from heaters_pipeline.video.detection.glare import is_glare
from heaters_pipeline.video.detection.repeats import without_repeats
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.media.timing import Span

# "Same from .. to .." is the range over which a threshold, moved alone, changes nothing that is
# missed or wrong on 13 real videos and 93 generated films: benchmarks/threshold_ranges.py, whose
# table in docs/benchmarks.md also says what changes beyond.

LEAST_STRENGTH = 3.0
"""What is weaker is not looked at more closely by a fast scan, so that no lower threshold can be
set for one. There, 3 finds five cuts more than the default, all of which are none."""

FLOOR = 0.3
"""Distance that noise and compression alone can cause; keeps still pictures from cutting. Same from
0.24 to 0.375; above, cuts are missed."""

RESTING_FLOOR = FLOOR / 4
"""The same where nothing moves, so that little text on a card is enough to see a cut by. Same from
0.019 to 0.112."""

LEAST_CHANGE = LEAST_STRENGTH * RESTING_FLOOR
"""A smaller change from one analysed frame to the next is no cut, whatever is usual around it."""

_NEAR_FRAMES = 6  # at 25 a second, as all numbers of frames here; at 5 and 7 cuts are wrong
_SPIKE_RATIO = 3.0  # same from 2.73 to 12
_SPIKE_GAP_FRAMES = 3  # at 2 two cuts are wrong, at 4 one is missed
_MOST_LEFT = 0.7
"""Share of what usually stays; a title leaves more, another slide 0.3 to 0.67, a cut in half of the
picture 0.5, others less. At 0.64, 5 cuts are missed, at 0.77 one is wrong."""
_LIKE = 0.45
"""Likeness that tells nothing; what is less alike counts more, what is more alike less. At 0.41 two
cuts are missed, at 0.5 two are wrong."""
_UNLIKE_WEIGHT = 2.5  # so that a change between scenes with nothing alike counts three times
_OTHER_SCENE = 0.2  # likeness; dark scenes show it by nothing else; same from 0.05 to 0.3
_SAME_SCENE = 0.93  # likeness; what changes is the light
_OTHER_COLOURS = 15.0
"""Levels of Cr and Cb by which cells differ on average, whatever the light: such as slides of one
layout in other colours, whose structure tells nothing."""
_BLOCK = 4096  # frames whose colours are compared at once
_LEAST_USUAL = 0.3  # same from 0.075 to 0.6; above, 4 cuts are wrong
_RESTING = 0.95
"""Share that stays in its very place from which on nothing moves. At 0.86, 3 cuts are wrong."""
_GROWTH = 0.6
"""Pictures so many frames apart differ by that power of the frames; 0.5 to 0.7 on real motion. Same
from 0.48 to 0.66."""


def cut_strengths(track: ScoreTrack) -> Float64Array:
    """How many times over a change is larger than what is usual around it: (frames,), >= 0.

    A value stands at the frame where the cut would be; it is 0 at all other frames.
    """
    strengths = np.zeros(track.frames)
    moving, frame_of = without_repeats(track)
    found = _Changes(moving)
    strengths[frame_of[found.places]] = found.strengths
    return strengths


def find_cuts(track: ScoreTrack, threshold: float) -> list[int]:
    """First frames of new scenes, increasing, without 0.

    Args:
        track: Scores of the video, without repeated pictures.
        threshold: Least strength of a cut: so many times what is usual, 1 to 100. Lower ones find
            weaker cuts, and more that are none.
    """
    found = _Changes(track)
    chosen = found.largest & (found.strengths >= threshold)
    return [int(place) for place in found.places[chosen]]


def gaps_to_decode(track: ScoreTrack) -> list[Span]:
    """Which frames a fast scan has to decode, too, to tell whether and where a cut is.

    Each span goes from one analysed frame to the next, both included.
    """
    moving, frame_of = without_repeats(track)
    found = _Changes(moving)
    gaps = np.flatnonzero(found.largest & (found.bounds >= LEAST_STRENGTH) & (found.gaps > 1))
    ends = frame_of[moving.analysed_frames[gaps + 1]]
    starts = track.analysed_frames[np.searchsorted(track.analysed_frames, ends) - 1]
    return [Span(start, end + 1) for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


class _Changes:
    """The changes from each analysed frame to the next, each (analysed frames - 1,).

    Attributes:
        gaps: Frames from one analysed frame to the next.
        largest: Whether a change is the largest of those around it.
        bounds: What its strength can be at most, whatever happens between the two frames.
        strengths: How many times over it is larger than what is usual around it; ``bounds`` where
            the frames between the two were not decoded.
        places: The frame where the cut would be.
    """

    def __init__(self, track: ScoreTrack) -> None:
        analysed = track.analysed_frames
        change = track.residual[analysed[1:]].astype(np.float64)
        across = np.minimum(track.across[analysed[1:]], change)
        self.gaps = np.diff(analysed)
        blank = are_blank(track.signatures[analysed], track.detail[analysed])
        replaced, displaced = _replaced_and_displaced(track, blank)
        floor = np.where(displaced, RESTING_FLOOR, FLOOR)
        usual = _usual(track, change / self.gaps**_GROWTH, floor, blank)
        weight = _weight(track)
        # Of a slide, all but a few words may stay as it is.
        weight = np.where(displaced & (weight > 0), np.maximum(weight, 1), weight)
        before, after = _neighbours(analysed, change / usual)
        self.largest: BoolArray = np.asarray((change / usual > before) & (change / usual >= after))
        self.bounds = np.where(replaced | displaced, weight * across / usual, 0)
        self.strengths = self.bounds.copy()
        self.places = analysed[1:].copy()
        # No threshold is below 1, so the others need no closer look.
        for at in np.flatnonzero((self.gaps > 1) & (self.bounds >= 1)).tolist():
            steps = track.steps[analysed[at] + 1 : analysed[at + 1] + 1].astype(np.float64)
            # A fast scan does not look where nothing can be.
            if np.isnan(steps).any():
                continue
            largest = int(np.argmax(steps))
            self.places[at] = analysed[at] + 1 + largest
            others = (steps.sum() - steps[largest]) / (len(steps) - 1)
            jump = min(across[at], steps[largest])
            self.strengths[at] = weight[at] * jump / max(usual[at], others + floor[at])
        for at in np.flatnonzero(self.largest & (self.strengths >= 1)).tolist():
            if is_glare(track, int(analysed[at]), int(analysed[at + 1])):
                self.strengths[at] = 0


def _neighbours(analysed: Int64Array, changes: Float64Array) -> tuple[Float64Array, Float64Array]:
    """The change just before, and just after, each change, where all frames are analysed; else 0.

    Were changes two frames away among them, shots of two frames would hide each other.
    """
    near = analysed[2:] - analysed[:-2] == 2
    before, after = np.zeros(len(changes)), np.zeros(len(changes))
    before[1:], after[:-1] = np.where(near, changes[:-1], 0), np.where(near, changes[1:], 0)
    return before, after


def _replaced_and_displaced(track: ScoreTrack, blank: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Whether each change leaves little of what usually stays, or of what usually rests."""
    kept = track.kept[track.analysed_frames[1:]].astype(np.float64)
    still = track.still[track.analysed_frames[1:]].astype(np.float64)
    around = _Around(track.analysed_frames, _NEAR_FRAMES * track.frame_step)
    # A blank picture stays as it is, however fast what was there before has faded.
    beside_blank = blank[:-1] | blank[1:]
    usually_kept, usually_still = (
        np.where(beside_blank, 1, around.medians(values)) for values in (kept, still)
    )
    replaced = kept <= _MOST_LEFT * usually_kept.clip(_LEAST_USUAL)
    # In the dark all differs, but nowhere enough to be seen by itself.
    likeness = track.likeness[track.analysed_frames[1:]]
    replaced |= (likeness <= _OTHER_SCENE) & (still >= _RESTING)
    # Where nothing moves, such as on slides, things have to stay in their very places.
    displaced = (usually_still >= _RESTING) & (still <= _MOST_LEFT * usually_still)
    return np.asarray(replaced), np.asarray(displaced)


def _weight(track: ScoreTrack) -> Float64Array:
    """How many times over each change counts: the more, the less alike both sides are."""
    likeness = track.likeness[track.analysed_frames[1:]].astype(np.float64).clip(0)
    recoloured = _colour_changes(track) >= _OTHER_COLOURS
    likeness[recoloured] = np.minimum(likeness[recoloured], _LIKE)
    weight = np.exp(_UNLIKE_WEIGHT * (_LIKE - likeness))
    weight[np.isnan(likeness)] = 1
    weight[likeness >= _SAME_SCENE] = 0
    return weight


def _colour_changes(track: ScoreTrack) -> Float64Array:
    """How far the colours of the cells change, once the brighter picture is as dark as the other.

    Light makes brightness and colour differences larger by the same factor.
    """
    analysed = track.analysed_frames
    changes = np.zeros(len(analysed) - 1)
    for first in range(0, len(changes), _BLOCK):
        cells = track.signatures[analysed[first : first + _BLOCK + 1]].astype(np.float32)
        light = cells[..., 0].mean(axis=(1, 2)) + 1
        colours = (cells[..., 1:] - 128) / light[:, None, None, None]
        darker = np.minimum(light[1:], light[:-1])
        differences = np.abs(np.diff(colours, axis=0)).mean(axis=(1, 2, 3))
        changes[first : first + _BLOCK] = differences * darker
    return changes


def _usual(
    track: ScoreTrack, rates: Float64Array, floor: Float64Array, blank: BoolArray
) -> Float64Array:
    """What is usual around each change, and at least the floor: (changes,).

    On each side it is the mean rate of change of the neighbours that are no spikes, and of both
    sides their geometric mean: a quiet side tells a cut from the motion on the other one.
    Spikes are other cuts: those that follow each other within a second must not hide each other.
    A spike that is close by counts all the same: it belongs to the same event, such as a flash.

    Where one side is blank, what is usual on the other one counts: how fast a scene faded says
    nothing about the title that follows.
    """
    around = _Around(track.analysed_frames, _NEAR_FRAMES * track.frame_step)
    close = _Around(track.analysed_frames, _SPIKE_GAP_FRAMES * track.frame_step - 1)
    is_spike = rates > _SPIKE_RATIO * (around.medians(rates) + FLOOR)

    def sums(values: Float64Array) -> list[Float64Array]:
        spikes = np.where(is_spike, values, 0)
        parts = around.sums(values), around.sums(spikes), close.sums(spikes)
        return [every - far + near for every, far, near in zip(*parts, strict=True)]

    totals, counts = sums(rates), sums(np.ones(len(rates)))
    # Differences of running sums are not exact.
    before, after = (
        np.maximum(total, 0) / np.maximum(count, 1) + floor
        for total, count in zip(totals, counts, strict=True)
    )
    any_before, any_after = (count > 0.5 for count in counts)
    # The first step of a fade is followed by another, that of a title by none.
    beside_before, beside_after = (np.zeros(len(rates)) for _ in range(2))
    beside_before[1:], beside_after[:-1] = rates[:-1], rates[1:]
    both_blank = blank[:-1] & blank[1:]
    either = np.maximum(beside_before, beside_after) * both_blank
    before = np.where(blank[1:], np.maximum(before, beside_before), before)
    after = np.where(blank[:-1], np.maximum(after, beside_after), after)
    only_after = ~any_before | (blank[:-1] & any_after)
    only_before = ~any_after | (blank[1:] & any_before)
    usual = np.select(
        [only_after & ~only_before, only_before & ~only_after],
        [after, before],
        np.sqrt(before * after),
    )
    # The last steps of a fade are from one blank picture to another.
    return np.asarray(np.maximum(usual, either))


def _doubled_middles(analysed: Int64Array) -> Int64Array:
    """Twice the middle of each pair of neighbours, so that it is a whole number."""
    return analysed[:-1] + 1 + analysed[1:]


class _Around:
    """For each change, those whose middle is at most so many frames away, itself included."""

    def __init__(self, analysed: Int64Array, frames: int) -> None:
        middles = _doubled_middles(analysed)
        self._first = np.searchsorted(middles, middles - 2 * frames, side="left")
        self._end = np.searchsorted(middles, middles + 2 * frames, side="right")

    def sums(self, values: Float64Array) -> tuple[Float64Array, Float64Array]:
        """The sums of the values before each, and after each, itself in neither."""
        sums = np.concatenate([[0.0], np.cumsum(values)])
        each = np.arange(len(values))
        return sums[each] - sums[self._first], sums[self._end] - sums[each + 1]

    def medians(self, values: Float64Array) -> Float64Array:
        """The lower median of the values around each."""
        counts = self._end - self._first
        places = self._first[:, None] + np.arange(counts.max(initial=1))
        inside = places < self._end[:, None]
        found = np.where(inside, values[np.minimum(places, len(values) - 1)], np.inf)
        found.sort(axis=1)
        middle = (counts - 1) // 2
        return np.asarray(np.take_along_axis(found, middle[:, None], axis=1)[:, 0])
