"""The curve by which a video was cut, thinned to what a page draws. Pure."""

import numpy as np

from heaters_pipeline.report.plots.decision_curve import decision_curve
from heaters_pipeline.storage.records.manifests import Json
from heaters_pipeline.video.arrays import Float64Array
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.detection.settings import DetectionSettings

MOST_POINTS = 8000
"""A page of any length stays small; a video of 5 minutes has a point for each frame."""
FULL_SCALE = 100
NO_VALUE = -1


def curve_json(track: ScoreTrack, settings: DetectionSettings) -> dict[str, Json]:
    """The decision curve from 0 to ``FULL_SCALE``, larger where pictures change more.

    A point stands for ``frames_a_point`` frames and has the strongest change among them, so that
    no cut is lost. Where nothing is known of any of them it is ``NO_VALUE``.
    """
    curve = decision_curve(track, settings)
    values, threshold = np.array(curve.values), curve.threshold
    if curve.logarithmic:
        values, threshold = np.log(values), float(np.log(threshold))
    if _lower_is_more(settings):
        values, threshold = -values, -threshold
    frames_a_point = -(-len(values) // MOST_POINTS)
    points = _strongest(values, frames_a_point)
    known = points[~np.isnan(points)]
    low = min([threshold, *known.tolist()])
    high = max([threshold, *known.tolist()])
    span = (high - low) or 1.0
    scaled = np.where(np.isnan(points), NO_VALUE, np.round((points - low) / span * FULL_SCALE))
    return {
        "name": curve.name,
        "rule": curve.rule,
        "frames_a_point": frames_a_point,
        "threshold": round((threshold - low) / span * FULL_SCALE, 1),
        "points": [int(each) for each in scaled.tolist()],
    }


def _lower_is_more(settings: DetectionSettings) -> bool:
    return settings.scale == "unit" or settings.method in ("correl", "intersect")


def _strongest(values: Float64Array, frames_a_point: int) -> Float64Array:
    """The largest of each run of values; NaN where all of them are."""
    missing = -len(values) % frames_a_point
    padded = np.append(values, np.full(missing, np.nan)).reshape(-1, frames_a_point)
    return np.asarray(np.fmax.reduce(padded, axis=1), np.float64)
