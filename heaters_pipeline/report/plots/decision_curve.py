"""The value by which a method decides, frame by frame, as a person can read it. Pure.

Nothing is drawn here, so that those who need numbers alone do not load what draws.
"""

from dataclasses import dataclass

import numpy as np

from heaters_pipeline.video.arrays import Float64Array
from heaters_pipeline.video.detection.cuts import cut_strengths
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.detection.similarity_scale import PairSums, unit_similarity
from heaters_pipeline.video.media.timing import Timeline

_CUTS_BELOW = ("correl", "intersect")
_LOGARITHMIC = ("adaptive", "chisqr")

# What lies further below the threshold is drawn there: nobody needs to tell 0.01 from 0.001.
_FLOOR_SHARE = 1 / 20


@dataclass(frozen=True, slots=True, eq=False)
class DecisionCurve:
    """A method's value of each frame, beside its threshold.

    Attributes:
        name: What the value is.
        values: (frames,); NaN where there is none.
        threshold: What a cut has to pass.
        rule: When a frame is a cut, in words.
        logarithmic: Whether it is read by factors; all values and the threshold are then > 0.
    """

    name: str
    values: Float64Array
    threshold: float
    rule: str
    logarithmic: bool


def decision_curve(track: ScoreTrack, settings: DetectionSettings) -> DecisionCurve:
    """The curve by which ``find_transitions`` finds the cuts of a track."""
    threshold = settings.effective_threshold
    if settings.method == "adaptive":
        name, values = "strength", np.array(cut_strengths(track), np.float64)
        rule = f"a cut has a strength of {threshold:g} or more"
    else:
        name = settings.method
        values = np.asarray(track.similarities[settings.method], np.float64)
        rule = f"a cut lies {'below' if name in _CUTS_BELOW else 'above'} {threshold:g}"
    if settings.scale == "unit":
        sums = PairSums.of_neighbours(track.histogram_sums)
        unit = unit_similarity(settings.method, values, sums)
        rule = f"a cut has a similarity below {threshold:g}"
        return DecisionCurve(f"similarity by {settings.method}", unit, threshold, rule, False)
    logarithmic = settings.method in _LOGARITHMIC and threshold > 0
    if logarithmic:
        values = np.maximum(values, threshold * _FLOOR_SHARE)
    return DecisionCurve(name, values, threshold, rule, logarithmic)


def times_seconds(timeline: Timeline) -> Float64Array:
    """When each frame is shown, from the first one on: (frames,)."""
    pts = np.asarray(timeline.pts, np.int64)
    return np.asarray((pts - pts[0]) * float(timeline.time_base), np.float64)
