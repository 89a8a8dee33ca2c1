"""Gradual transitions of the ``adaptive`` method: dissolves, fades and wipes. Pure.

Between the last frame A of one scene and the first frame B of the next, frames hold
``(1 - p) A + p B`` with ``p`` rising evenly from 0 to 1. What tells that from motion, whatever the
scenes show:

- ``p``, found by projecting signatures on ``B - A``, is a straight ramp;
- fine detail is lost in between: where unlike pictures are mixed, its energy is
  ``(1 - p)^2 E(A) + p^2 E(B)``, half of what it is at the ends. This parabola is the best witness:
  motion, titles and flashes change energy too, but not in its shape (``measures``);
- a fade is a mix with black or white, so it begins or ends where a picture is blank; all that is
  seen of the scene, brightness as well as the root of the energy, is a ramp (``fades``);
- in a wipe, each cell goes from A to B when the front passes it, one line of the picture after
  the other at an even pace, and hardly changes before and after (``wipes``).

Windows of increasing length are tried at each frame, the best are fitted to the frame
(``search``, ``fit``) and named (``kinds``). Those of a few frames have too little of all that, and
come from ``short``. All of it looks at a stretch of
video and the scenes around it only, so that the same frames give the same transitions in a
longer video, and works for many windows at once, so that hours take less than a second.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import numpy as np

from heaters_pipeline.video.detection.glare import comes_back
from heaters_pipeline.video.detection.gradual.curves import GradualCurves
from heaters_pipeline.video.detection.gradual.kinds import Gradual, GradualKind, named
from heaters_pipeline.video.detection.gradual.search import Stretch, chosen_stretches
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.media.timing import Span

# Curves take a kilobyte a frame, so those of all of a long video are not held at once.
_PIECE_FRAMES = 10_000

_LEAST_LEFT = 0.65
"""Share of the change on the way that no motion of the whole picture explains; 0.83 and more in
dissolves and fades of real videos, 0.05 to 0.45 where a camera turned."""

_SAME_PICTURE = 0.82  # likeness of what is before and after, from which on it is one scene
_LEAST_PACE = 1.2  # times what changes in as many frames before and after
_FEW_FRAMES = 12  # at 25 a second
_LEAST_STRAIGHT_IF_SHORT, _LEAST_STRAIGHT = 0.8, 0.5
"""Share of the way from the first picture to the last that goes straight, where pictures change no
faster than beside it. A camera that is swung round changes all for a moment and goes on; longer
dissolves may be of two scenes in motion."""

_OF_TWO_SCENES = ("dissolve", "wipe")  # what fades may come back

__all__ = ["Gradual", "GradualCurves", "GradualKind", "find_gradual", "gradual_in"]


def gradual_in(curves: GradualCurves, short: Sequence[Stretch] = ()) -> list[Gradual]:
    """Gradual transitions between the hard cuts, in order, not overlapping.

    Args:
        curves: Of the video.
        short: Further ones that are known, of which those count that are apart from all others.
    """
    found = chosen_stretches(curves)
    apart = [
        one
        for one in short
        if all(one.end <= other.start or other.end <= one.start for other in found)
    ]
    # What was taken for a cut inside of one is a part of it.
    whole = replace(curves, cuts=outside(curves.cuts, apart))
    known = {(one.start + 1, one.end) for one in apart}
    every = named(whole, sorted([*found, *apart], key=lambda stretch: stretch.start))
    ends = [0, *(one.end for one in every[:-1])]
    starts = [*(one.start - 1 for one in every[1:]), whole.frames - 1]
    return [
        gradual
        for gradual, since, until in zip(every, ends, starts, strict=False)
        if (gradual.start, gradual.end) in known
        or not _stays_or_goes_on(whole, gradual, since, until)
    ]


def _stays_or_goes_on(curves: GradualCurves, gradual: Gradual, since: int, until: int) -> bool:
    """Whether what was there before is there after, or the change is a part of a longer motion.

    Fades are of one scene, and may be as slow as they like.

    Args:
        curves: Of the video.
        gradual: What was found.
        since: First frame behind the transition before.
        until: Last frame before the next one.
    """
    first, last = gradual.start - 1, gradual.end
    if gradual.kind in _OF_TWO_SCENES and curves.likeness(first, last) >= _SAME_PICTURE:
        return True
    if gradual.kind != "dissolve":
        return False
    length = last - first
    lowest, highest = (int(edge) for edge in curves.frames_around(np.array(first)))
    lowest, highest = max(lowest, since, first - length), min(highest, until, last + length)
    edges = np.array([min(lowest, first), first, last, max(highest, last)])
    ways = np.diff(curves.paths[0, edges])
    before, pace, after = ways / np.maximum(np.diff(edges), 1)
    if pace >= _LEAST_PACE * max(before, after):
        return False
    straight = np.abs(curves.cells[last] - curves.cells[first]).mean() / ways[1]
    is_short = length <= _FEW_FRAMES * curves.frame_step
    return bool(straight < (_LEAST_STRAIGHT_IF_SHORT if is_short else _LEAST_STRAIGHT))


def outside(cuts: Sequence[int], stretches: Sequence[Stretch]) -> list[int]:
    """The cuts that are in none of the stretches."""
    return [cut for cut in cuts if not any(one.start < cut <= one.end for one in stretches)]


def find_gradual(
    track: ScoreTrack, cuts: Sequence[int], short: Sequence[Stretch] = ()
) -> list[Gradual]:
    """Gradual transitions of a track between the given hard cuts, in order, not overlapping.

    Args:
        track: Of the video.
        cuts: First frames of new scenes, increasing.
        short: Further transitions that are known; a cut inside of one is a part of it.
    """
    found = (
        replace(gradual, start=gradual.start + piece.start, end=gradual.end + piece.start)
        for piece in _pieces(track.frames, outside(cuts, short))
        for gradual in gradual_in(
            GradualCurves(
                signatures=track.interpolated(track.signatures, piece),
                detail=track.interpolated(track.detail, piece),
                cuts=[cut - piece.start for cut in cuts if piece.start < cut < piece.end],
                frame_step=track.frame_step,
                timeline=track.timeline.part(piece),
            ),
            [
                Stretch(one.start - piece.start, one.end - piece.start, one.wipe)
                for one in short
                if piece.start <= one.start < piece.end
            ],
        )
    )
    known = {(one.start + 1, one.end) for one in short}
    apart = [0, *outside(cuts, short), track.frames]
    return [
        gradual
        for gradual in found
        if not (gradual.kind in _OF_TWO_SCENES and _is_of_one_scene(track, gradual, known, apart))
    ]


def _is_of_one_scene(
    track: ScoreTrack,
    gradual: Gradual,
    known: Collection[tuple[int, int]],
    cuts: Sequence[int],
) -> bool:
    """Whether the camera turned, or what was there before comes back before the next cut."""
    first, last = gradual.start - 1, gradual.end
    turns = gradual.kind == "dissolve" and (gradual.start, last) not in known
    if turns and left_by_motion(track, first, last) < _LEAST_LEFT:
        return True
    before, after = bisect_right(cuts, first) - 1, bisect_right(cuts, last)
    return comes_back(track, first, last, Span(cuts[before], cuts[min(after, len(cuts) - 1)]))


def left_by_motion(track: ScoreTrack, first: int, last: int) -> float:
    """Which share of the change on the way is left once the motion of all is made up for, 0 to 1.

    A camera that turns mixes its pictures as well, as the shutter stays open.
    """
    low, high = np.searchsorted(track.analysed_frames, [first + 1, last + 1])
    way = track.analysed_frames[low:high]
    change, residual = float(track.change[way].sum()), float(track.residual[way].sum())
    return residual / change if change else 1.0


def _pieces(frames: int, cuts: Sequence[int]) -> Iterator[Span]:
    """A video in pieces between hard cuts: nothing that is found depends on what is beyond."""
    start = 0
    for cut in cuts:
        if cut - start >= _PIECE_FRAMES:
            yield Span(start, cut)
            start = cut
    yield Span(start, frames)
