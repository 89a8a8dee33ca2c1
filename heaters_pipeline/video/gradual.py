"""Gradual transitions."""
import numpy as np
from collections.abc import Sequence
from heaters_pipeline.video.gradual_curves import GradualCurves
from heaters_pipeline.video.gradual_kinds import Gradual, GradualKind, named
from heaters_pipeline.video.gradual_search import chosen_stretches
from heaters_pipeline.video.score_track import ScoreTrack


def gradual_in(curves):
    return named(curves, chosen_stretches(curves))


def find_gradual(track: ScoreTrack, cuts: Sequence[int]) -> list[Gradual]:
    return gradual_in(GradualCurves(track.signatures.astype(np.float32), track.detail, cuts, track.frame_step, track.timeline))
