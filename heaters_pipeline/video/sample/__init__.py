"""The sample video that the demo runs on: drawn, composed and encoded here, with its truth."""

from heaters_pipeline.video.sample.film import FRAME_RATE, GradualTruth, SampleTruth
from heaters_pipeline.video.sample.render import (
    SAMPLE_VERSION,
    is_rendered,
    render_sample,
    truth_path,
    write_truth,
)

__all__ = [
    "FRAME_RATE",
    "SAMPLE_VERSION",
    "GradualTruth",
    "SampleTruth",
    "is_rendered",
    "render_sample",
    "truth_path",
    "write_truth",
]
