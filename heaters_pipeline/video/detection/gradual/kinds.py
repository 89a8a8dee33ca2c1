"""Name gradual transitions, and join what is one. Pure.

Takes stretches that ``search`` took for transitions; fades of pictures that are nearly black, in
which it finds nothing, are added here.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import attrgetter
from typing import Literal

import numpy as np

from heaters_pipeline.video.arrays import Float64Array
from heaters_pipeline.video.detection.gradual.curves import GradualCurves
from heaters_pipeline.video.detection.gradual.fades import blank_cores, ramp_length
from heaters_pipeline.video.detection.gradual.search import Stretch

GradualKind = Literal[
    "dissolve", "fade_in", "fade_out", "fade_through_black", "fade_through_white", "wipe"
]

# Ranges in which results stay the same are of threshold_ranges, see ``cuts``.
_BLANK_SECONDS_BETWEEN = Fraction(3, 5)
"""Black for longer is a scene between two fades. Same from 0.3 to 0.9 s."""
_FADED_LUMA = 12  # of a cell
_FADED_CELLS = 0.85
_STILL = 0.25  # change of mean luma between frames that rounding can make; same from 0.06 to 1

_DARK_LUMA = 8  # keeps noise in the dark from being contrast; same from 3 to 16
_LEAST_CONTRAST_KEPT = 0.85  # of what it were, going evenly; same from 0.77 to 0.935
_MOST_SHOWN = 0.5  # of brightness and detail on either side, where it is blackest
_LEAST_ALIKE = 0.45  # correlation of brightness before and after; of what moves meanwhile 0.5
_LEAST_LIGHT_KEPT = 1 / 3
"""Exposures change by less; what goes darker fades out. Same from 0.083 to 0.5."""


@dataclass(frozen=True, slots=True)
class Gradual:
    """A gradual transition: frames ``[start, end)`` show neither scene alone."""

    kind: GradualKind
    start: int
    end: int


def named(curves: GradualCurves, stretches: Sequence[Stretch]) -> list[Gradual]:
    """What the stretches are, in order; changes of exposure are left out."""
    found = [_classified(curves, stretch) for stretch in stretches]
    whole = _with_dark_halves(curves, _joined(curves, found))
    return [gradual for gradual in whole if not _only_light(curves, gradual)]


def _classified(curves: GradualCurves, stretch: Stretch) -> Gradual:
    start, end = stretch.start, stretch.end
    if stretch.wipe:
        return Gradual("wipe", start + 1, end)
    lowest, highest = (int(edge) for edge in curves.frames_around(np.array(start)))
    reach = max(1, (end - start) // 2)
    blank_before = _nearest_blank(curves, start, max(lowest, start - reach))
    blank_after = _nearest_blank(curves, end, min(highest, end + reach))
    # Where both ends are blank, such as black and white, black is what a fade comes from.
    if blank_before is not None and (blank_after is None or curves.black[blank_before]):
        return Gradual("fade_in", _deepest(curves, blank_before, lowest) + 1, end)
    if blank_after is not None:
        return Gradual("fade_out", start + 1, _deepest(curves, blank_after, highest))
    darkest_before = _lowest(curves.luma, start, max(lowest, start - reach))
    darkest_after = _lowest(curves.luma, end, min(highest, end + reach))
    if _is_faded(curves, darkest_after, start):
        return Gradual("fade_out", start + 1, darkest_after)
    if _is_faded(curves, darkest_before, end):
        return Gradual("fade_in", darkest_before + 1, end)
    return Gradual("dissolve", start + 1, end)


def _is_faded(curves: GradualCurves, frame: int, other: int) -> bool:
    """Whether all of another frame but a logo or a title is black in this one."""
    luma, before = (curves.signatures[at, ..., 0] for at in (frame, other))
    is_black = (luma <= _FADED_LUMA).mean() >= _FADED_CELLS
    return bool(is_black and (luma <= before + _FADED_LUMA).all())


def _nearest_blank(curves: GradualCurves, frame: int, limit: int) -> int | None:
    """The first black or white frame on the way; fades that start slowly are fitted short."""
    low, high = min(frame, limit), max(frame, limit)
    blank = np.flatnonzero(curves.black[low : high + 1] | curves.white[low : high + 1])
    if not len(blank):
        return None
    return low + int(blank[0] if limit >= frame else blank[-1])


def _deepest(curves: GradualCurves, frame: int, limit: int) -> int:
    """Follow a blank frame to where it gets no blacker, or no whiter."""
    return _lowest(curves.luma if curves.black[frame] else -curves.luma, frame, limit)


def _lowest(luma: Float64Array, frame: int, limit: int) -> int:
    """Follow a frame to where it gets no darker."""
    step = 1 if limit >= frame else -1
    while frame != limit and luma[frame + step] < luma[frame] - _STILL:
        frame += step
    return frame


def _only_light(curves: GradualCurves, gradual: Gradual) -> bool:
    """Whether a dissolve is only a change of exposure: contrast over brightness stays the same."""
    if gradual.kind != "dissolve" or curves.likeness(gradual.start - 1, gradual.end) < _LEAST_ALIKE:
        return False
    stretch = slice(gradual.start - 1, gradual.end + 1)
    darkest, brightest = sorted(curves.luma[[gradual.start - 1, gradual.end]])
    if darkest < _LEAST_LIGHT_KEPT * brightest:
        return False
    contrast = curves.energy[stretch] / np.square(curves.luma[stretch] + _DARK_LUMA)
    shares = np.linspace(0, 1, len(contrast))
    even = (1 - shares) * contrast[0] + shares * contrast[-1]
    middle = slice(len(contrast) // 4, len(contrast) - len(contrast) // 4)
    return bool(contrast[middle].sum() > _LEAST_CONTRAST_KEPT * even[middle].sum())


def _joined(curves: GradualCurves, found: Sequence[Gradual]) -> list[Gradual]:
    """Join what is one transition: parts of an uneven fade, and a fade out with the fade in."""
    joined: list[Gradual] = []
    for gradual in found:
        if joined and (kind := _kind_together(curves, joined[-1], gradual)):
            joined[-1] = Gradual(kind, joined[-1].start, max(joined[-1].end, gradual.end))
            continue
        # Fades were followed to where it is blackest, perhaps into what came before.
        start = max(gradual.start, joined[-1].end) if joined else gradual.start
        if start < gradual.end:
            joined.append(Gradual(gradual.kind, start, gradual.end))
    return joined


def _kind_together(curves: GradualCurves, first: Gradual, second: Gradual) -> GradualKind | None:
    """What two neighbours are as one transition, None if they are two."""
    if curves.scene_numbers[first.end] != curves.scene_numbers[second.start]:
        return None
    if first.kind == "fade_out" and second.kind == "fade_in":
        timeline = curves.timeline
        between = timeline.seconds_at(second.start) - timeline.seconds_at(first.end)
        if between <= _BLANK_SECONDS_BETWEEN:
            return "fade_through_black" if curves.black[first.end] else "fade_through_white"
    if second.start - first.end <= 1:
        # Nothing stands still between them, so the same fade went on at another speed.
        if first.kind == "fade_in" and second.kind in ("fade_in", "dissolve"):
            return "fade_in"
        if first.kind in ("fade_out", "dissolve") and second.kind == "fade_out":
            return "fade_out"
    return None


def _with_dark_halves(curves: GradualCurves, found: Sequence[Gradual]) -> list[Gradual]:
    """All transitions, with fades that go to black and come from it at once, however dark.

    A picture that is itself nearly black differs too little from black to be found on its own. But
    where it gets black and stays so for a moment without a cut, something has faded on both sides.
    """
    whole = list(found)
    for first, last in _moments_of_black(curves):
        # Those that touch the moment; the transitions around them leave room for its fades.
        since = bisect_left(whole, first, key=attrgetter("end"))
        until = bisect_right(whole, last + 1, key=attrgetter("start"))
        before = whole[since - 1].end if since else 0
        after = whole[until].start - 1 if until < len(whole) else curves.frames - 1
        if through := _through_black(curves, (first, last), whole[since:until], (before, after)):
            whole[since:until] = [through]
    return whole


def _moments_of_black(curves: GradualCurves) -> Iterator[tuple[int, int]]:
    """First and last frames where it is blackest, in order, if not for so long as to be a scene."""
    for first, last in np.stack(blank_cores(curves), axis=1).tolist():
        seconds = curves.timeline.seconds_at(last) - curves.timeline.seconds_at(first)
        if seconds <= _BLANK_SECONDS_BETWEEN and curves.black[first]:
            yield first, last


def _through_black(
    curves: GradualCurves, core: tuple[int, int], around: Sequence[Gradual], within: tuple[int, int]
) -> Gradual | None:
    """The fade through a moment of black, unless both of its halves are known, or one is none."""
    kinds = [gradual.kind for gradual in around]
    if kinds not in ([], ["fade_out"], ["fade_in"]):
        return None
    lowest, highest = (int(edge) for edge in curves.frames_around(np.array(core[0])))
    start = around[0].start if "fade_out" in kinds else None
    end = around[0].end if "fade_in" in kinds else None
    if start is None and (length := ramp_length(curves, core[0], max(lowest, within[0]))):
        start = core[0] - length + 1
    if end is None and (length := ramp_length(curves, core[1], min(highest, within[1]))):
        end = core[1] + length
    if start is None or end is None:
        return None
    sides = [start - 1, *core, end]
    before, first, last, after = curves.luma[sides] + np.sqrt(curves.energy[sides])
    if min(first, last) > _MOST_SHOWN * min(before, after):
        return None  # somebody walks through the dark
    return Gradual("fade_through_black", start, end)
