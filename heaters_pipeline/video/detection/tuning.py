"""Which threshold a set of videos asks for. Pure.

Each threshold of a grid is tried on all tracks. With labels the threshold with the best F1 is
taken, without them the one that matters least: the middle of the widest range over which the
number of cuts stays the same. Ranges are measured by factors (``chisqr`` of 10 is as far from 20
as 20 is from 40); for ``correl``, by factors of its distance from 1.

Only the choice and its reasons: files are read, and pictures drawn, elsewhere.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from heaters_pipeline.video.detection.comparing import compare
from heaters_pipeline.video.detection.cuts import LEAST_STRENGTH
from heaters_pipeline.video.detection.labels import Counts, Labels
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.detection.settings import DEFAULT_THRESHOLDS, DetectionSettings, Method

_GRID_POINTS = 31
_GRID_ENDS: dict[Method, tuple[float, float]] = {
    "adaptive": (LEAST_STRENGTH, 25.0),
    "correl": (0.98, -0.5),
    "chisqr": (0.5, 2000.0),
    "intersect": (20.0, 0.3),
    "bhattacharyya": (0.05, 0.95),
}
_STABLE_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Trial:
    """What a threshold gives over all videos.

    Attributes:
        threshold: The threshold.
        cuts: Hard cuts.
        scenes: Scenes, short ones merged.
        counts: Against the labels; None without.
    """

    threshold: float
    cuts: int
    scenes: int
    counts: Counts | None


@dataclass(frozen=True, slots=True)
class Choice:
    """A threshold, and why.

    Attributes:
        threshold: What to take.
        first: The trial with which the range of equally good thresholds begins, by position.
        last: The one with which it ends.
        reason: A sentence or two.
    """

    threshold: float
    first: int
    last: int
    reason: str


def threshold_grid(method: Method) -> tuple[float, ...]:
    """Thresholds to try, from the one with the most cuts to the one with the fewest.

    The method's default is among them.
    """
    first, last = (_position(method, end) for end in _GRID_ENDS[method])
    step = (last - first) / (_GRID_POINTS - 1)
    even = (_threshold(method, first + number * step) for number in range(_GRID_POINTS))
    grid = {_rounded(method, one) for one in even} | {DEFAULT_THRESHOLDS[method]}
    return tuple(sorted(grid, key=lambda one: _position(method, one)))


def try_thresholds(
    videos: Sequence[tuple[ScoreTrack, Labels | None]],
    method: Method,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Trial, ...]:
    """Try the grid of a method on all videos.

    Args:
        videos: Each with its labels; all of them or none.
        method: What to tune.
        on_progress: Told how many thresholds are done, of how many.
    """
    grid = threshold_grid(method)
    trials = []
    for done, threshold in enumerate(grid, 1):
        trials.append(_try(videos, DetectionSettings(method, threshold)))
        if on_progress:
            on_progress(done, len(grid))
    return tuple(trials)


def choose(trials: Sequence[Trial], method: Method) -> Choice:
    """Choose a threshold by the labels, or without them by how little it matters.

    Args:
        trials: In the order of ``threshold_grid``, at least one.
        method: What was tuned.
    """
    by_labels = all(trial.counts for trial in trials)
    ranges = _best_ranges(trials) if by_labels else _stable_ranges(trials, method)
    first, last = min(ranges, key=lambda ends: _preference(trials, method, ends))
    threshold = _middle(trials, method, first, last)
    reason = _by_labels if by_labels else _by_stability
    return Choice(threshold, first, last, reason(trials, method, (first, last), threshold))


def _try(videos: Sequence[tuple[ScoreTrack, Labels | None]], settings: DetectionSettings) -> Trial:
    cuts = scenes = 0
    counts = Counts() if all(labels for _, labels in videos) else None
    for track, labels in videos:
        (decision,) = compare(track, [settings], labels).decisions
        cuts += len(decision.cuts)
        scenes += decision.scenes
        if counts is not None and decision.judgement is not None:
            counts += decision.judgement.counts
    return Trial(settings.effective_threshold, cuts, scenes, counts)


def _best_ranges(trials: Sequence[Trial]) -> list[tuple[int, int]]:
    """The runs of thresholds with the best F1."""
    scores = [trial.counts.f1 if trial.counts else 0.0 for trial in trials]
    best = max(scores)
    ranges: list[tuple[int, int]] = []
    for at, score in enumerate(scores):
        if not math.isclose(score, best):
            continue
        if ranges and ranges[-1][1] == at - 1:
            ranges[-1] = (ranges[-1][0], at)
        else:
            ranges.append((at, at))
    return ranges


def _stable_ranges(trials: Sequence[Trial], method: Method) -> list[tuple[int, int]]:
    """The longest runs over which the number of cuts stays the same, or within 1 in 100.

    With no cut at all every threshold beyond the last cut is alike: such a run tells something
    only if the default lies in it.
    """
    default = DEFAULT_THRESHOLDS[method]
    ranges: list[tuple[int, int]] = []
    for first, trial in enumerate(trials):
        last = first
        least = trial.cuts - math.floor(trial.cuts * _STABLE_SHARE)
        while last + 1 < len(trials) and trials[last + 1].cuts >= least:
            last += 1
        holds_default = any(one.threshold == default for one in trials[first : last + 1])
        if trial.cuts or holds_default:
            ranges.append((first, last))
    return ranges or [(0, len(trials) - 1)]


def _preference(
    trials: Sequence[Trial], method: Method, ends: tuple[int, int]
) -> tuple[float, float]:
    """Wide ranges first, then those near the default."""
    low, high = (_position(method, trials[end].threshold) for end in ends)
    default = _position(method, DEFAULT_THRESHOLDS[method])
    outside = max(low - default, default - high, 0.0)
    return (-round(high - low, 6), outside)


def _middle(trials: Sequence[Trial], method: Method, first: int, last: int) -> float:
    if first == last:
        return trials[first].threshold
    low, high = (_position(method, trials[end].threshold) for end in (first, last))
    return _rounded(method, _threshold(method, (low + high) / 2))


def _by_labels(
    trials: Sequence[Trial], method: Method, ends: tuple[int, int], threshold: float
) -> str:
    counts = trials[ends[0]].counts or Counts()
    default = next(one for one in trials if one.threshold == DEFAULT_THRESHOLDS[method])
    before = (default.counts or Counts()).f1
    found = (
        f"the best F1, {counts.f1:.3f} "
        f"({counts.right} right, {counts.wrong} wrong, {counts.missed} missed)"
    )
    return (
        f"{_range(trials, ends)} {_gives(ends)} {found}{_where(ends, threshold)}. "
        f"The default, {default.threshold:g}, gives {before:.3f}."
    )


def _by_stability(
    trials: Sequence[Trial], method: Method, ends: tuple[int, int], threshold: float
) -> str:
    first, last = ends
    default = next(one for one in trials if one.threshold == DEFAULT_THRESHOLDS[method])
    if first == last:
        return (
            f"The number of cuts changes with every threshold that was tried, so none is more "
            f"stable than another: {threshold:g}, the nearest to the default, is kept. "
            "Labels would tell more."
        )
    most, least = trials[first].cuts, trials[last].cuts
    number = f"at {most}" if most == least else f"between {most} and {least}"
    inside = any(one is default for one in trials[first : last + 1])
    also = "lies in that range, too" if inside else f"gives {default.cuts}"
    return (
        f"From {trials[first].threshold:g} to {trials[last].threshold:g} the number of cuts stays "
        f"{number}, the widest such range{_where(ends, threshold)}. "
        f"The default, {default.threshold:g}, {also}."
    )


def _range(trials: Sequence[Trial], ends: tuple[int, int]) -> str:
    first, last = (f"{trials[end].threshold:g}" for end in ends)
    return first if ends[0] == ends[1] else f"Thresholds from {first} to {last}"


def _gives(ends: tuple[int, int]) -> str:
    return "gives" if ends[0] == ends[1] else "give"


def _where(ends: tuple[int, int], threshold: float) -> str:
    return "" if ends[0] == ends[1] else f"; {threshold:g} lies in the middle"


def _position(method: Method, threshold: float) -> float:
    """Where a threshold stands on a scale of factors, rising as cuts become fewer."""
    match method:
        case "correl":
            return math.log(1 - threshold)
        case "intersect":
            return -math.log(threshold)
        case _:
            return math.log(threshold)


def _threshold(method: Method, position: float) -> float:
    match method:
        case "correl":
            return 1 - math.exp(position)
        case "intersect":
            return math.exp(-position)
        case _:
            return math.exp(position)


def _rounded(method: Method, threshold: float) -> float:
    return round(threshold, 3) if method == "correl" else float(f"{threshold:.3g}")
