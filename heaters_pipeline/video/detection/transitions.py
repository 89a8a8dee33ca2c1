"""Where scenes change: ``ScoreTrack`` + settings -> transitions. Pure.

Each method's decision on a track begins here; what ``adaptive`` finds is in ``cuts`` and
``gradual``, what scenes the transitions make is in ``scenes``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.arrays import Float32Array, Float64Array
from heaters_pipeline.video.detection.cuts import LEAST_STRENGTH, find_cuts
from heaters_pipeline.video.detection.gradual.find import (
    Gradual,
    GradualKind,
    find_gradual,
    outside,
)
from heaters_pipeline.video.detection.gradual.short import find_short
from heaters_pipeline.video.detection.repeats import without_repeats
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.detection.settings import DetectionSettings, Method
from heaters_pipeline.video.detection.similarity_scale import PairSums, native_threshold
from heaters_pipeline.video.media.timing import Span

TransitionKind = Literal["cut"] | GradualKind

ALGORITHM_VERSION = 5
"""Raised with each change of what is found on the same track with the same settings."""

_CUT_WHERE_LESS: frozenset[Method] = frozenset({"correl", "intersect"})


@dataclass(frozen=True, slots=True)
class Transition:
    """A change from one scene to the next.

    Attributes:
        kind: What it looks like.
        start: First frame that does not show the scene before alone, > 0.
        end: First frame that shows the scene after alone. Frames ``[start, end)`` belong to
            the transition itself; a cut has none, so that its ``start`` and ``end`` are the first
            frame of the new scene.
    """

    kind: TransitionKind
    start: int
    end: int

    @property
    def middle(self) -> int:
        """The frame at which the transition is split; the cut itself for a cut."""
        return (self.start + self.end) // 2


def gradual_spans(transitions: Iterable[Transition]) -> list[Span]:
    """The frames of the gradual ones."""
    return [Span(one.start, one.end) for one in transitions if one.kind != "cut"]


def full_scan_reason(settings: DetectionSettings) -> str | None:
    """Why a fast track cannot answer these settings, None if it can."""
    if settings.method != "adaptive":
        return f"{settings.method} compares every frame with the one before"
    threshold = settings.effective_threshold
    if settings.scale == "unit":
        threshold = float(native_threshold("adaptive", threshold))
    if threshold < LEAST_STRENGTH:
        return (
            f"adaptive with a threshold under {LEAST_STRENGTH:g} has to look between more frames "
            "than a fast scan decodes"
        )
    return None


def find_transitions(track: ScoreTrack, settings: DetectionSettings) -> tuple[Transition, ...]:
    """All transitions of a video, in order and not overlapping.

    Raises:
        SettingsError: The track is of a fast scan, which cannot answer these settings.
    """
    if track.scan == "fast" and (reason := full_scan_reason(settings)):
        raise SettingsError(f"{reason}; scan the video in full for it (scan: full)")
    threshold = _own_threshold(track, settings)
    if settings.method != "adaptive":
        scores = track.similarities[settings.method]
        return _as_cuts(_cut_frames(scores, settings.method, threshold))
    moving, frame_of = without_repeats(track)
    frames = [*frame_of.tolist(), track.frames]
    return tuple(
        Transition(one.kind, frames[one.start], frames[one.end])
        for one in _adaptive(moving, float(threshold))
    )


def _adaptive(track: ScoreTrack, threshold: float) -> tuple[Transition, ...]:
    cuts = find_cuts(track, threshold)
    short = find_short(track, cuts)
    gradual = find_gradual(track, cuts, short)
    parts = set(cuts) - set(outside(cuts, short))
    cuts = [cut for cut in cuts if not (cut in parts and _is_within(cut, gradual))]
    found = (Transition(one.kind, one.start, one.end) for one in gradual)
    return tuple(sorted((*_as_cuts(cuts), *found), key=lambda transition: transition.start))


def _own_threshold(track: ScoreTrack, settings: DetectionSettings) -> Float64Array:
    """On the scale of the method's scores; one a frame where that depends on the pictures."""
    threshold = settings.effective_threshold
    if settings.scale == "own":
        return np.asarray(threshold)
    sums = PairSums.of_neighbours(track.histogram_sums)
    return native_threshold(settings.method, threshold, sums)


def _is_within(cut: int, gradual: Iterable[Gradual]) -> bool:
    return any(one.start <= cut <= one.end for one in gradual)


def _as_cuts(frames: list[int]) -> tuple[Transition, ...]:
    return tuple(Transition("cut", frame, frame) for frame in frames)


def _cut_frames(scores: Float32Array, method: Method, threshold: Float64Array) -> list[int]:
    # Comparisons with the NaN of frame 0 are false either way: it never is a cut.
    beyond = scores < threshold if method in _CUT_WHERE_LESS else scores > threshold
    return [int(frame) for frame in np.flatnonzero(beyond)]
