"""What the benchmark of a second opinion does with cuts that are weak."""

import numpy as np

from benchmarks.second_opinion import judged
from heaters_pipeline.video.detection.cuts import cut_strengths
from heaters_pipeline_tests.video.detection.tracks import made_track


def test_a_second_opinion_takes_and_drops_weak_cuts_alone() -> None:
    track = made_track(200, {50: 0.04, 100: 0.05, 150: 0.9})
    weak, doubtful, strong = cut_strengths(track)[[50, 100, 150]]
    threshold = float(weak + doubtful) / 2
    assert weak < threshold < doubtful <= 2 * threshold < strong
    yes, no = np.ones(200), np.zeros(200)

    assert judged(no, 2.0, 0.0)(track, threshold) == [100, 150]
    assert judged(yes, 0.5, 0.0)(track, threshold) == [50, 100, 150]
    assert judged(no, 2.0, 0.05)(track, threshold) == [150]
