"""Gradual transitions of the ``adaptive`` method: dissolves, fades and wipes. Pure.

Between the last frame A of one scene and the first frame B of the next, frames hold
``(1 - p) A + p B`` with ``p`` rising evenly from 0 to 1. Three things tell that from motion,
whatever the scenes show:

- ``p``, found by projecting signatures on ``B - A``, is a straight ramp;
- fine detail is lost in between: where unlike pictures are mixed, its energy is
  ``(1 - p)^2 E(A) + p^2 E(B)``, half of what it is at the ends (a fade has one end without any);
- or, in a wipe, each cell of the picture goes from A to B when the front passes it.

Windows of increasing length are tried at each frame, the best are fitted to the frame.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from heaters_pipeline.video.score_track import ScoreTrack

Floats = npt.NDArray[np.float64]
GradualKind = Literal[
    "dissolve", "fade_in", "fade_out", "fade_through_black", "fade_through_white", "wipe"
]

_LENGTHS = (6, 8, 11, 15, 20, 27, 36, 48, 64)
"""In frames at 25 a second; a factor of 4/3 apart, which the fit then makes up for."""

# Cells differ by 0 to 255. Results hardly change within a third of each of these bounds.
_LEAST_STEP = 4.0  # mean difference of the two scenes; noise and quality pulses stay below
_LEAST_STRAIGHTNESS = 0.35  # step over the sum of changes on the way; 1 without any motion
_MOST_BEND = 0.25  # of progress from even, at the quarters
_LEAST_MIX = 0.08  # share of detail lost x straightness x evenness x root of spread
_LEAST_FRAMES = 5  # a faster change is a cut, or motion
_LEAST_WIPE_FRAMES = 8  # what crosses the picture faster is a body that passes by
_MOST_MIXING = 0.15  # 0.25 where each cell lies half-way, 0 where a front passed or did not
_MOST_WIPE_ERROR = 0.11  # of a straight front; about 0.3 for a dissolve

_BLACK_LUMA = 24
_WHITE_LUMA = 225
_BLANK_DETAIL = 60.0  # leaves room for a logo or watermark on black
_BLANK_SPREAD = 8.0
_BLANK_SECONDS_BETWEEN = 0.5  # black for longer is a scene between a fade out and a fade in
_NO_DETAIL = 4.0
_STILL = 0.25  # change of mean luma from frame to frame that rounding can make

_DARK_LUMA = 8
_LEAST_CONTRAST_KEPT = 0.85
_LEAST_LIGHT_KEPT = 1 / 3  # exposures change by less; what goes darker fades out

_FIT_ROUNDS = 4
_BLOCK = 8192


@dataclass(frozen=True, slots=True)
class Gradual:
    """A gradual transition: frames ``[start, end)`` show neither scene alone."""

    kind: GradualKind
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Window:
    """A stretch from the last frame of one scene to the first of the next.

    ``rank`` is how well it fits times how far it goes, so that the whole of a transition comes
    before its parts.
    """

    start: int
    end: int
    wipe: bool
    rank: float


class _Curves:
    """A track as the arrays that all windows are measured with."""

    def __init__(self, track: ScoreTrack, cuts: Sequence[int]) -> None:
        frames = track.frames
        signatures = track.between_anchors(track.signatures)
        detail = track.between_anchors(track.detail)
        self.cells = signatures.reshape(frames, -1)
        self.cell_shape = track.signatures.shape[1:]
        change = np.abs(np.diff(self.cells, axis=0)).mean(axis=1)
        self.path = np.concatenate([[0.0], np.cumsum(change, dtype=np.float64)])
        self.detail = detail.astype(np.float64) + 1
        self.detail_sums = np.concatenate([[0.0], np.cumsum(self.detail)])
        self.scene_edges = np.array([0, *cuts, frames])
        self.frame_step = track.frame_step
        luma = signatures[..., 0].reshape(frames, -1)
        blank = (luma.std(axis=1) <= _BLANK_SPREAD) & (detail <= _BLANK_DETAIL)
        self.luma = luma.mean(axis=1)
        self.black = blank & (self.luma <= _BLACK_LUMA)
        self.white = blank & (self.luma >= _WHITE_LUMA)

    def frames_around(self, frame: int) -> tuple[int, int]:
        """First and last frame of the stretch between cuts that a frame lies in."""
        following = int(np.searchsorted(self.scene_edges, frame, side="right"))
        return int(self.scene_edges[following - 1]), int(self.scene_edges[following]) - 1

    def progress(self, start: int, end: int, first: Floats, last: Floats) -> Floats:
        """How far each frame of ``[start, end]`` has gone from one picture to another."""
        way = last - first
        return np.asarray((self.cells[start : end + 1] - first) @ way / (way @ way + 1e-6))


def find_gradual(track: ScoreTrack, cuts: Sequence[int]) -> list[Gradual]:
    """Gradual transitions between the given hard cuts, in order, not overlapping."""
    curves = _Curves(track, cuts)
    windows = [
        window for length in _LENGTHS for window in _windows(curves, length * track.frame_step)
    ]
    chosen: list[Gradual] = []
    taken = np.zeros(track.frames, np.bool_)
    for window in sorted(windows, key=lambda window: (-window.rank, window.start)):
        if taken[window.start + 1 : window.end].any():
            continue
        start, end = _fitted(curves, window)
        if not _convinces(curves, start, end, wipe=window.wipe):
            continue
        found = _classified(curves, start, end, wipe=window.wipe)
        if not taken[found.start : found.end].any():
            taken[found.start : found.end] = True
            chosen.append(found)
    joined = _joined(track, curves, sorted(chosen, key=lambda gradual: gradual.start))
    return [gradual for gradual in joined if not _only_light(curves, gradual)]


def _windows(curves: _Curves, length: int) -> Iterator[_Window]:
    # The fit makes up for a start that is a little off.
    starts = np.arange(0, len(curves.cells) - length, max(1, length // 8))
    for first in range(0, len(starts), _BLOCK):
        yield from _windows_from(curves, starts[first : first + _BLOCK], length)


def _windows_from(curves: _Curves, starts: npt.NDArray[np.int64], length: int) -> Iterator[_Window]:
    cells = curves.cells
    step = np.abs(cells[starts + length] - cells[starts]).mean(axis=1)
    path = curves.path[starts + length] - curves.path[starts]
    edges = np.searchsorted(curves.scene_edges, [starts, starts + length], side="right")
    usable = (step >= _LEAST_STEP) & (step >= _LEAST_STRAIGHTNESS * path) & (edges[0] == edges[1])
    if not usable.any():
        return
    starts, step, path = starts[usable], step[usable], path[usable]
    bend, mixing = _bend_and_mixing(curves, starts, length)
    evenness = step / path * (1 - bend)
    mix = (1 - _detail_left(curves, starts, length)) * evenness
    for position in np.flatnonzero((bend <= _MOST_BEND) & (mix >= _LEAST_MIX)):
        start = int(starts[position])
        yield _Window(start, start + length, False, float(mix[position] * step[position]))
    for position in np.flatnonzero((bend <= _MOST_BEND) & (mixing <= _MOST_MIXING)):
        start = int(starts[position])
        error = _wipe_error(curves, start, start + length)
        if error <= _MOST_WIPE_ERROR:
            fit = (1 - error / _MOST_WIPE_ERROR) * evenness[position]
            yield _Window(start, start + length, True, float(fit * step[position]))


def _convinces(curves: _Curves, start: int, end: int, *, wipe: bool) -> bool:
    """Whether the fitted stretch passes on its own what its window passed."""
    way = np.abs(curves.cells[end] - curves.cells[start])
    step = float(way.mean())
    if end - start <= _LEAST_FRAMES or step < _LEAST_STEP:
        return False
    if wipe:
        slow_enough = end - start > _LEAST_WIPE_FRAMES * curves.frame_step
        return slow_enough and _wipe_error(curves, start, end) <= _MOST_WIPE_ERROR
    starts, length = np.array([start]), end - start
    straightness = step / (curves.path[end] - curves.path[start])
    bend = float(_bend_and_mixing(curves, starts, length)[0][0])
    lost = 1 - float(_detail_left(curves, starts, length)[0])
    # An object that crosses the picture changes a part of it, a mix nearly all.
    spread = step**2 / float(np.square(way).mean())
    return bool(lost * straightness * (1 - bend) * np.sqrt(spread) >= _LEAST_MIX)


def _bend_and_mixing(
    curves: _Curves, starts: npt.NDArray[np.int64], length: int
) -> tuple[Floats, Floats]:
    """How far progress is from even, and how much cells lie between A and B, at the quarters."""
    first = curves.cells[starts]
    way = curves.cells[starts + length] - first
    square = np.square(way).sum(axis=1) + 1e-6
    bend, mixing = np.zeros(len(starts)), []
    for quarter in (1, 2, 3):
        offset = round(quarter * length / 4)
        gone = curves.cells[starts + offset] - first
        progress = (gone * way).sum(axis=1) / square
        bend = np.maximum(bend, np.abs(progress - offset / length))
        mixing.append((np.abs(gone) * np.abs(way - gone)).sum(axis=1) / square)
    return bend, np.median(mixing, axis=0)


def _detail_left(curves: _Curves, starts: npt.NDArray[np.int64], length: int) -> Floats:
    """Energy of detail in the middle half, over what it would be if it went evenly."""
    low, high = length // 4, length - length // 4
    found = curves.detail_sums[starts + high + 1] - curves.detail_sums[starts + low]
    shares = np.arange(low, high + 1) / length
    first, last = curves.detail[starts], curves.detail[starts + length]
    even = (1 - shares).sum() * first + shares.sum() * last
    # Two blank pictures have no detail to lose; evenness alone has to convince.
    return np.where(np.maximum(first, last) < _NO_DETAIL, 0.5, found / even)


def _wipe_error(curves: _Curves, start: int, end: int) -> float:
    """Mean error of the best of four straight fronts as a picture of what has changed when."""
    cells = curves.cells[start : end + 1].reshape(-1, *curves.cell_shape)
    way = cells[-1] - cells[0]
    gone = (cells - cells[0]) * np.sign(way)
    least = np.inf
    for axes in ((1, 3), (2, 3)):
        weights = np.abs(way).sum(axis=tuple(axis - 1 for axis in axes))
        lines = gone.sum(axis=axes) / np.maximum(weights, 1e-3)
        # Lines of the picture where A and B are alike say nothing about the front.
        weights = np.where(weights > weights.mean() / 10, weights, 0)
        weights = weights / weights.sum()
        for order in (slice(None), slice(None, None, -1)):
            least = min(least, _front_error(lines[1:-1, order].clip(-0.5, 1.5), weights[order]))
    return least


def _front_error(lines: Floats, weights: Floats) -> float:
    passed = (lines * weights).sum(axis=1, keepdims=True)
    before = np.cumsum(weights) - weights
    ideal = ((passed - before) / np.maximum(weights, 1e-6)).clip(0, 1)
    return float((np.abs(lines - ideal) * weights).sum(axis=1).mean())


def _fitted(curves: _Curves, window: _Window) -> tuple[int, int]:
    """The window moved and stretched so that progress fits an even ramp best."""
    start, end = window.start, window.end
    lowest, highest = curves.frames_around(start)
    for _ in range(_FIT_ROUNDS):
        before = (start, end)
        margin = max(4, (end - start) // 3)
        low, high = max(lowest, start - margin), min(highest, end + margin)
        first = curves.cells[max(lowest, start - 1)]
        last = curves.cells[min(highest, end + 1)]
        progress = curves.progress(low, high, first, last)
        start, end = _best_ramp(progress, low, (start + margin, end - margin))
        if (start, end) == before:
            break
    return start, end


def _best_ramp(progress: Floats, low: int, within: tuple[int, int]) -> tuple[int, int]:
    times = np.arange(low, low + len(progress))
    high = int(times[-1])
    best = (np.inf, low, high)
    for start in range(low, min(within[0], high - 3) + 1):
        ends = np.arange(max(start + 4, within[1]), high + 1)
        if not len(ends):
            continue
        ramps = ((times - start) / (ends[:, None] - start)).clip(0, 1)
        errors = np.square(progress - ramps).sum(axis=1)
        at = int(errors.argmin())
        best = min(best, (float(errors[at]), start, int(ends[at])))
    return best[1], best[2]


def _classified(curves: _Curves, start: int, end: int, *, wipe: bool) -> Gradual:
    """Name the kind; ``start`` is the last frame of the scene before, ``end`` the first after."""
    lowest, highest = curves.frames_around(start)
    if wipe:
        return Gradual("wipe", start + 1, end)
    reach = max(1, (end - start) // 2)
    blank_before = _nearest_blank(curves, start, max(lowest, start - reach))
    blank_after = _nearest_blank(curves, end, min(highest, end + reach))
    # Where both ends are blank, such as black and white, black is what a fade comes from.
    if blank_before is not None and (blank_after is None or curves.black[blank_before]):
        return Gradual("fade_in", _deepest(curves, blank_before, lowest) + 1, end)
    if blank_after is not None:
        return Gradual("fade_out", start + 1, _deepest(curves, blank_after, highest))
    return Gradual("dissolve", start + 1, end)


def _nearest_blank(curves: _Curves, frame: int, limit: int) -> int | None:
    """The first black or white frame on the way; fades that start slowly are fitted short."""
    step = 1 if limit >= frame else -1
    for candidate in range(frame, limit + step, step):
        if curves.black[candidate] or curves.white[candidate]:
            return candidate
    return None


def _deepest(curves: _Curves, frame: int, limit: int) -> int:
    """Follow a blank frame to where it gets no blacker, or no whiter."""
    step = 1 if limit >= frame else -1
    luma = curves.luma if curves.black[frame] else -curves.luma
    while frame != limit and luma[frame + step] < luma[frame] - _STILL:
        frame += step
    return frame


def _only_light(curves: _Curves, gradual: Gradual) -> bool:
    """Whether a dissolve is only a change of exposure: contrast over brightness stays the same."""
    if gradual.kind != "dissolve":
        return False
    stretch = slice(gradual.start - 1, gradual.end + 1)
    darkest, brightest = sorted(curves.luma[[gradual.start - 1, gradual.end]])
    if darkest < _LEAST_LIGHT_KEPT * brightest:
        return False
    contrast = curves.detail[stretch] / np.square(curves.luma[stretch] + _DARK_LUMA)
    shares = np.linspace(0, 1, len(contrast))
    even = (1 - shares) * contrast[0] + shares * contrast[-1]
    middle = slice(len(contrast) // 4, len(contrast) - len(contrast) // 4)
    return bool(contrast[middle].sum() > _LEAST_CONTRAST_KEPT * even[middle].sum())


def _joined(track: ScoreTrack, curves: _Curves, found: Sequence[Gradual]) -> list[Gradual]:
    """Join what is one transition: parts of an uneven fade, and a fade out with the fade in."""
    joined: list[Gradual] = []
    for gradual in found:
        if joined and (kind := _kind_together(track, curves, joined[-1], gradual)):
            joined[-1] = Gradual(kind, joined[-1].start, gradual.end)
        else:
            joined.append(gradual)
    return joined


def _kind_together(
    track: ScoreTrack, curves: _Curves, first: Gradual, second: Gradual
) -> GradualKind | None:
    """What two neighbours are as one transition, None if they are two."""
    if first.kind == "fade_out" and second.kind == "fade_in":
        timeline = track.timeline
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
