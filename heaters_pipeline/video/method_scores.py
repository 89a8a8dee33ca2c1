"""Tracks that have the scores that given methods decide by."""

from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from heaters_pipeline.video.probe import VideoInfo
from heaters_pipeline.video.score_track import ScoreTrack
from heaters_pipeline.video.scores import score_frames
from heaters_pipeline.video.transitions import Method


def score_for(
    path: Path,
    info: VideoInfo,
    methods: Collection[Method],
    *,
    on_progress: Callable[[int], None] | None = None,
) -> ScoreTrack:
    """Decode a video once, so that each of the methods can decide on its track.

    Args:
        path: The file.
        info: From ``probe``.
        methods: What the track is for.
        on_progress: As for ``score_frames``.
    Raises:
        InvalidVideoError: The file cannot be decoded to its end.
    """
    # Today every track holds the scores of all methods.
    del methods
    return score_frames(path, info, on_progress=on_progress)


def suffices(track: ScoreTrack, methods: Collection[Method]) -> bool:
    """Whether a track holds the scores of all of the methods."""
    if track.frames < 2:
        return True
    return all(
        bool(np.isfinite(track.similarities[method]).any())
        for method in methods
        if method != "adaptive"
    )
