"""Name gradual transitions, and join what is one. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from heaters_pipeline.video.gradual_curves import GradualCurves
from heaters_pipeline.video.gradual_fades import blank_cores, ramp_length
from heaters_pipeline.video.gradual_search import Stretch

GradualKind = Literal[
    "dissolve", "fade_in", "fade_out", "fade_through_black", "fade_through_white", "wipe"
]

_BLANK_SECONDS_BETWEEN = 0.6  # black for longer is a scene between a fade out and a fade in
_STILL = 0.25  # change of mean luma from frame to frame that rounding can make

_DARK_LUMA = 8
_LEAST_CONTRAST_KEPT = 0.85
_LEAST_LIGHT_KEPT = 1 / 3  # exposures change by less; what goes darker fades out


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
    return Gradual("dissolve", start + 1, end)


def _nearest_blank(curves: GradualCurves, frame: int, limit: int) -> int | None:
    """The first black or white frame on the way; fades that start slowly are fitted short."""
    step = 1 if limit >= frame else -1
    for candidate in range(frame, limit + step, step):
        if curves.black[candidate] or curves.white[candidate]:
            return candidate
    return None


def _deepest(curves: GradualCurves, frame: int, limit: int) -> int:
    """Follow a blank frame to where it gets no blacker, or no whiter."""
    step = 1 if limit >= frame else -1
    luma = curves.luma if curves.black[frame] else -curves.luma
    while frame != limit and luma[frame + step] < luma[frame] - _STILL:
        frame += step
    return frame


def _only_light(curves: GradualCurves, gradual: Gradual) -> bool:
    """Whether a dissolve is only a change of exposure: contrast over brightness stays the same."""
    if gradual.kind != "dissolve":
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
            joined[-1] = Gradual(kind, joined[-1].start, gradual.end)
        else:
            joined.append(gradual)
    return joined


def _kind_together(curves: GradualCurves, first: Gradual, second: Gradual) -> GradualKind | None:
    """What two neighbours are as one transition, None if they are two."""
    if first.kind == "fade_out" and second.kind == "fade_in":
        timeline = curves.timeline
        between = timeline.seconds_at(second.start) - timeline.seconds_at(first.end)
        if between <= _BLANK_SECONDS_BETWEEN:
            return "fade_through_black" if curves.black[first.end] else "fade_through_white"
    if second.start - first.end <= 1:
        # Nothing stands still between them, so the same fade went on at another speed.
        if first.kind == "fade_in" and second.kind == "dissolve":
            return "fade_in"
        if first.kind == "dissolve" and second.kind == "fade_out":
            return "fade_out"
    return None


def _with_dark_halves(curves: GradualCurves, found: Sequence[Gradual]) -> list[Gradual]:
    """Fades with what faded to the same black, or from it, without a cut.

    A picture that is itself nearly black differs too little from black to be found on its own.
    """
    firsts, lasts = blank_cores(curves)
    whole: list[Gradual] = []
    for number, gradual in enumerate(found):
        if gradual.kind not in ("fade_in", "fade_out"):
            whole.append(gradual)
            continue
        frame = gradual.start - 1 if gradual.kind == "fade_in" else gradual.end
        core = np.flatnonzero((firsts <= frame) & (frame <= lasts))
        if not len(core):
            whole.append(gradual)
            continue
        first, last = int(firsts[core[0]]), int(lasts[core[0]])
        seconds = curves.timeline.seconds_at(last) - curves.timeline.seconds_at(first)
        lowest, highest = (int(edge) for edge in curves.frames_around(np.array(frame)))
        start, end = gradual.start, gradual.end
        if seconds <= _BLANK_SECONDS_BETWEEN and gradual.kind == "fade_in":
            limit = max(lowest, whole[-1].end if whole else 0)
            length = ramp_length(curves, first, limit) if limit < first else None
            start = first - length + 1 if length else start
        elif seconds <= _BLANK_SECONDS_BETWEEN:
            limit = min(highest, found[number + 1].start - 1 if number + 1 < len(found) else highest)
            length = ramp_length(curves, last, limit) if limit > last else None
            end = last + length if length else end
        if (start, end) == (gradual.start, gradual.end):
            whole.append(gradual)
        else:
            kind = "fade_through_black" if curves.black[frame] else "fade_through_white"
            whole.append(Gradual(kind, start, end))
    return whole
