"""Score tracks without a video: the changes between frames are given as they are."""

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from heaters_pipeline.video.score_track import (
    SIGNATURE_COLUMNS,
    SIGNATURE_ROWS,
    SIMILARITIES,
    ScoreTrack,
)
from heaters_pipeline.video.scores import ALGORITHM_VERSION
from heaters_pipeline.video.timing import Timeline

LAGS = (1, 2, 3, 4, 5, 6, 7)


def made_track(frames: int, cuts: Mapping[int, float]) -> ScoreTrack:
    """A still video at 25 frames a second with cuts of given sizes, 0 to 1.

    Args:
        frames: How many it has.
        cuts: How far the picture changes, by first frame of the new scene. ``correl`` is 1 less
            that, ``bhattacharyya`` that; the other scores grow with it.
    """
    change = np.zeros(frames, np.float32)
    for frame, size in cuts.items():
        change[frame] = size
    distances = np.full((frames, len(LAGS)), np.nan, np.float32)
    total = np.concatenate([[0.0], np.cumsum(32 * change)])
    for column, lag in enumerate(LAGS):
        distances[lag:, column] = (total[lag + 1 :] - total[1 : frames - lag + 1])[: frames - lag]
    change[0] = np.nan
    scores = {
        "correl": 1 - change,
        "chisqr": 100 * change,
        "intersect": 20 * (1 - change),
        "bhattacharyya": change,
    }
    return ScoreTrack(
        timeline=Timeline(tuple(range(frames)), frames, Fraction(1, 25)),
        picture_digests=np.zeros(frames, np.uint32),
        similarities={name: scores[name].astype(np.float32) for name in SIMILARITIES},
        lags=LAGS,
        distances=distances,
        detail=np.full(frames, 100, np.float32),
        signatures=np.full((frames, SIGNATURE_ROWS, SIGNATURE_COLUMNS, 3), 90, np.uint8),
        algorithm_version=ALGORITHM_VERSION,
    )
