"""Transitions -> scenes that tile the video. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from heaters_pipeline.video.detection_settings import DetectionSettings
from heaters_pipeline.video.timing import Span, Timeline
from heaters_pipeline.video.transitions import Transition


@dataclass(frozen=True, slots=True)
class SceneList:
    """The scenes of a video.

    Attributes:
        scenes: In order; with ``dropped`` they hold each frame of the video exactly once.
        dropped: Scenes left out because they are short, in order.
    """

    scenes: tuple[Span, ...]
    dropped: tuple[Span, ...] = ()


def scenes_from(
    timeline: Timeline, transitions: Iterable[Transition], settings: DetectionSettings
) -> SceneList:
    """Split a video at its transitions; gradual ones are split at their middle.

    A fade in that opens the video and a fade out that closes it have a picture on one side
    only: they belong to its scene.

    Args:
        timeline: Of the whole video.
        transitions: In order.
        settings: Say what happens to short scenes.
    """
    spans = _spans(timeline, _separating(tuple(transitions)))
    if settings.short_scenes == "keep":
        return SceneList(spans)
    minimum = settings.min_duration_seconds
    if settings.short_scenes == "drop":
        short = tuple(span for span in spans if timeline.duration_of(span) < minimum)
        return SceneList(tuple(span for span in spans if span not in set(short)), short)
    return SceneList(_merged(timeline, spans, settings))


def _separating(transitions: tuple[Transition, ...]) -> tuple[Transition, ...]:
    if transitions and transitions[0].kind == "fade_in":
        transitions = transitions[1:]
    if transitions and transitions[-1].kind == "fade_out":
        transitions = transitions[:-1]
    return transitions


def _spans(timeline: Timeline, transitions: tuple[Transition, ...]) -> tuple[Span, ...]:
    inner = {transition.middle for transition in transitions}
    edges = [0, *sorted(frame for frame in inner if 0 < frame < timeline.frames), timeline.frames]
    return tuple(Span(start, end) for start, end in pairwise(edges))


def _merged(
    timeline: Timeline, spans: tuple[Span, ...], settings: DetectionSettings
) -> tuple[Span, ...]:
    merged: list[Span] = []
    for span in spans:
        short = timeline.duration_of(span) < settings.min_duration_seconds
        # A first scene that is short has none before it; it takes the next one in.
        first_is_short = (
            len(merged) == 1 and timeline.duration_of(merged[0]) < settings.min_duration_seconds
        )
        if merged and (short or first_is_short):
            merged[-1] = Span(merged[-1].start, span.end)
        else:
            merged.append(span)
    return tuple(merged)
