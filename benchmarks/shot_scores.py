"""By which rules public benchmarks of shot detection count, for one video at a time.

Counts are added up over the videos of a set, and shares taken of the sums, in all of them.

``published`` is how PySceneDetect's published table counts (``benchmark/evaluator.py``): a
detector gives points, here the first frame of a shot, or the middle of a gradual transition; none
for a fade that opens or closes the video, which parts no two shots. A point from the first to the
last frame of an annotated gradual transition, both included, belongs to it: the first such point
finds it, further ones are wrong. Points that are left are matched with the annotated cuts one to
one, the nearest first, at most ``tolerance`` frames apart. Two things there surprise, and hold here
for all detectors alike, since figures would not be comparable otherwise:

- A detector that found anything also gives the end of the video. In BBC and AutoShot, where shots
  are annotated, the end of the last one counts as a cut that is to be found; in ClipShots it is
  one wrong point for nearly each video.
- In BBC and AutoShot each end of a shot counts as a cut, also where the next shot only begins some
  frames later, since a dissolve is between them.

``ranges`` is the rule of ClipShots (``tools/evaluate.py``) for gradual transitions: one is found if
any gradual transition that the detector gives has a frame in common with it, ends (last frame
before, first frame after) included; precision is the number found over the number given, also
where one that was given finds two.

``overlaps`` is the rule of RAI's authors in the form of TransNetV2's and AutoShot's papers
(``evaluate_scenes``, ``n_frames_miss_tolerance=2``): cuts and gradual transitions together, matched
in order where they overlap after each was widened by half of two frames on both sides.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.detectors import Found
from benchmarks.shot_annotations import AnnotatedVideo, Change
from heaters_pipeline.video.detection.labels import match
from heaters_pipeline.video.detection.transitions import Transition

OVERLAP_TOLERANCE_FRAMES = 2


@dataclass(frozen=True, slots=True)
class Tally:
    """How much was found, of what was to be found and of what was given."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.right + other.right, self.wrong + other.wrong, self.missed + other.missed)

    @property
    def precision(self) -> float:
        """Share of what was given that is right; 0 where nothing was given."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 0.0

    @property
    def recall(self) -> float:
        """Share of what was to be found that was; 0 where nothing was to be found."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of both, 0 where both are 0."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


@dataclass(frozen=True, slots=True)
class Rules:
    """What of the published rules differs from set to set.

    Attributes:
        has_gradual: Whether the annotation tells gradual transitions from cuts.
        end_is_cut: Whether the end of the last annotated shot is to be found.
        end_is_given: Whether a detector's points include the end of the video.
    """

    has_gradual: bool
    end_is_cut: bool
    end_is_given: bool


def published(
    video: AnnotatedVideo, found: Found, rules: Rules, tolerance: int
) -> tuple[Tally, Tally]:
    """Cuts and gradual transitions by the rules of PySceneDetect's table."""
    points = {one.middle for one in _between_shots(found)}
    if rules.end_is_given and points:
        points.add(found.frames)
    gradual = [one for one in video.changes if rules.has_gradual and not one.is_cut]
    left, gradual_tally = _points_in(gradual, sorted(points))
    if rules.has_gradual:
        cuts = [one.first for one in video.changes if one.is_cut]
    else:
        cuts = [one.last + 1 for one in video.changes]
    if rules.end_is_cut and video.end is not None:
        cuts.append(video.end)
    right = len(match(sorted(set(cuts)), left, tolerance))
    return Tally(right, len(left) - right, len(cuts) - right), gradual_tally


def _points_in(gradual: Sequence[Change], points: Sequence[int]) -> tuple[list[int], Tally]:
    """The points in no transition, and what those in one are worth."""
    left = []
    hit: set[Change] = set()
    inside = 0
    for point in points:
        change = next((one for one in gradual if one.last <= point <= one.first), None)
        if change is None:
            left.append(point)
        else:
            inside += 1
            hit.add(change)
    return left, Tally(len(hit), inside - len(hit), len(gradual) - len(hit))


def ranges(video: AnnotatedVideo, found: Found) -> Tally:
    """Gradual transitions by the rule of ClipShots."""
    given = [one for one in _changes(found.transitions) if not one.is_cut]
    wanted = [one for one in video.changes if not one.is_cut]
    right = sum(
        any(one.last <= other.first and other.last <= one.first for other in given)
        for one in wanted
    )
    return Tally(right, len(given) - right, len(wanted) - right)


def overlaps(video: AnnotatedVideo, found: Found) -> Tally:
    """Cuts and gradual transitions together by the rule of RAI, TransNetV2 and AutoShot."""
    given, wanted = _changes(_between_shots(found)), video.changes
    # Both are widened by half of the tolerance at each end, less half a frame of the shots.
    most = OVERLAP_TOLERANCE_FRAMES - 1
    right = at = other = 0
    while at < len(wanted) and other < len(given):
        if given[other].first + most < wanted[at].last:
            other += 1
        elif given[other].last - most > wanted[at].first:
            at += 1
        else:
            right, at, other = right + 1, at + 1, other + 1
    return Tally(right, len(given) - right, len(wanted) - right)


def _between_shots(found: Found) -> Sequence[Transition]:
    """Without a fade in that opens the video and a fade out that closes it, as in ``scenes``."""
    given = found.transitions
    first = 1 if given and given[0].kind == "fade_in" else 0
    last = len(given) - 1 if given and given[-1].kind == "fade_out" else len(given)
    return given[first:last]


def _changes(transitions: Sequence[Transition]) -> list[Change]:
    return [Change(one.start - 1, one.end) for one in transitions]
