"""Score tracks without a video: the changes between frames are given as they are."""

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from heaters_pipeline.video.detection.score_track import (
    SIGNATURE_COLUMNS,
    SIGNATURE_ROWS,
    SIMILARITIES,
    ScoreTrack,
)
from heaters_pipeline.video.media.timing import Timeline
from heaters_pipeline.video.scoring.scores import ALGORITHM_VERSION


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
    steps = (32 * change).astype(np.float32)
    kept = 1 - np.minimum(1, 10 * change)
    change[0] = steps[0] = np.nan
    scores = {
        "correl": 1 - change,
        "chisqr": 100 * change,
        "intersect": 20 * (1 - change),
        "bhattacharyya": change,
    }
    return ScoreTrack(
        timeline=Timeline(tuple(range(frames)), frames, Fraction(1, 25)),
        scan="full",
        frame_step=1,
        analysed_frames=np.arange(frames),
        picture_digests=np.zeros(frames, np.int64),
        similarities={name: scores[name].astype(np.float32) for name in SIMILARITIES},
        histogram_sums=np.full(frames, 10, np.float32),
        change=steps,
        across=steps,
        residual=steps,
        kept=kept,
        still=kept,
        likeness=np.full(frames, np.nan, np.float32),
        steps=steps,
        detail=np.full(frames, 100, np.float32),
        signatures=np.full((frames, SIGNATURE_ROWS, SIGNATURE_COLUMNS, 3), 90, np.uint8),
        algorithm_version=ALGORITHM_VERSION,
    )
