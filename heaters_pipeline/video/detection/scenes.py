"""Transitions -> scenes: each frame is in one scene, dropped with one, or excluded. Pure.

Where scenes change is decided in ``transitions``; here, what becomes of the frames.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.detection.even_parts import even_parts
from heaters_pipeline.video.detection.settings import (
    DetectionSettings,
    GradualFrames,
    Seconds,
    typed_seconds,
)
from heaters_pipeline.video.detection.transitions import Transition
from heaters_pipeline.video.media.timing import Span, Timeline


@dataclass(frozen=True, slots=True)
class SceneList:
    """The scenes of a video. The three lists hold each of its frames exactly once.

    Attributes:
        scenes: In order.
        dropped: Scenes left out because they are short, in order.
        excluded: Frames that never were of a scene, in order: what lies before and after the
            window, and the frames of each gradual transition if those are excluded. Each has a
            span of its own, so that each span has one reason.
    """

    scenes: tuple[Span, ...]
    dropped: tuple[Span, ...] = ()
    excluded: tuple[Span, ...] = ()


def scenes_from(
    timeline: Timeline, transitions: Iterable[Transition], settings: DetectionSettings
) -> SceneList:
    """Split a video at its transitions, and treat its scenes as the settings say.

    First the frames of gradual transitions find their place, then the window is cut out, short
    scenes are merged or dropped, and long ones split. A fade in that opens the video and a fade
    out that closes it have a picture on one side only: they belong to its scene, or are excluded
    with the blank frames beyond them.

    A short scene is merged only with one that it touches, the one before if it can choose;
    between excluded frames it is kept. A long scene is not split into parts that are short, and
    rather stays longer than the maximum.

    Args:
        timeline: Of the whole video.
        transitions: In the order in which they start.
        settings: Say what happens to the frames.
    Raises:
        SettingsError: The window holds no frame of the video.
    """
    window = _window(timeline, settings)
    stretches, between = _placed(timeline.frames, tuple(transitions), settings)
    spans = _within(window, stretches)
    outside = [
        Span(start, end)
        for start, end in ((0, window.start), (window.end, timeline.frames))
        if start < end
    ]
    excluded = tuple(sorted((*_within(window, between), *outside)))
    minimum = typed_seconds(settings.min_duration_seconds)
    short = {span for span in spans if timeline.duration_of(span) < minimum}
    dropped: tuple[Span, ...] = ()
    if settings.short_scenes == "drop":
        dropped = tuple(span for span in spans if span in short)
        spans = [span for span in spans if span not in short]
    elif settings.short_scenes == "merge":
        spans = _merged(timeline, spans, minimum)
    return SceneList(_split(timeline, spans, settings), dropped, excluded)


def _window(timeline: Timeline, settings: DetectionSettings) -> Span:
    """The frames that start in the window."""

    def first_from(seconds: Seconds) -> int:
        return bisect_left(
            range(timeline.frames),
            _shown_seconds(seconds),
            key=lambda frame: _shown_seconds(timeline.seconds_at(frame)),
        )

    end = settings.end_seconds
    first = first_from(settings.start_seconds)
    after = timeline.frames if end is None else first_from(end)
    if first < after:
        return Span(first, after)
    until = "the end" if end is None else f"{float(end):g} s"
    raise SettingsError(
        f"no frame starts in the window from {float(settings.start_seconds):g} s to {until}: the "
        f"video is {_shown_seconds(timeline.seconds_at(timeline.frames)):g} s long; change "
        "start_seconds or end_seconds"
    )


def _shown_seconds(seconds: Seconds) -> float:
    # As people see them everywhere, so that a time that was read off a result names its frame.
    return round(float(seconds), 3)


def _placed(
    frames: int, transitions: Sequence[Transition], settings: DetectionSettings
) -> tuple[list[Span], list[Span]]:
    """Stretches that become scenes, and frames of transitions that belong to none."""
    stretches, between = [], []
    at = 0
    for start, end in sorted(part for _, part in breaks_of(frames, transitions, settings.gradual)):
        start = max(start, at)
        if at < start:
            stretches.append(Span(at, start))
        if start < end:
            between.append(Span(start, end))
        at = max(at, end)
    if at < frames:
        stretches.append(Span(at, frames))
    return stretches, between


def breaks_of(
    frames: int, transitions: Sequence[Transition], gradual: GradualFrames
) -> Iterator[tuple[Transition, tuple[int, int]]]:
    """Where each transition parts the scenes: at frames ``[start, end)`` that belong to none.

    There are none where two scenes meet at ``start``. A transition that parts no scenes is left
    out.
    """
    for at, one in enumerate(transitions):
        opens = at == 0 and one.kind == "fade_in"
        closes = at == len(transitions) - 1 and one.kind == "fade_out"
        if gradual == "exclude":
            # What lies beyond a fade at either end of the video is blank.
            yield one, (0 if opens else one.start, frames if closes else one.end)
        elif not (opens or closes):
            meeting = _meeting(one, gradual)
            yield one, (meeting, meeting)


def _meeting(transition: Transition, gradual: Literal["split", "before", "after"]) -> int:
    """The frame at which the scenes on both sides of a transition meet."""
    match gradual:
        case "split":
            return transition.middle
        case "before":
            return transition.end
        case "after":
            return transition.start


def _within(window: Span, spans: Iterable[Span]) -> list[Span]:
    return [
        Span(max(span.start, window.start), min(span.end, window.end))
        for span in spans
        if span.start < window.end and window.start < span.end
    ]


def _merged(timeline: Timeline, spans: Iterable[Span], minimum: Fraction) -> list[Span]:
    merged: list[Span] = []
    for span in spans:
        before = merged[-1] if merged else None
        # One before that is still short is the first of those that touch, and takes this one in.
        if (
            before is not None
            and before.end == span.start
            and min(timeline.duration_of(before), timeline.duration_of(span)) < minimum
        ):
            merged[-1] = Span(before.start, span.end)
        else:
            merged.append(span)
    return merged


def _split(
    timeline: Timeline, spans: Iterable[Span], settings: DetectionSettings
) -> tuple[Span, ...]:
    if settings.max_duration_seconds is None or settings.long_scenes == "keep":
        return tuple(spans)
    shortest = typed_seconds(settings.min_duration_seconds)
    longest = typed_seconds(settings.max_duration_seconds)
    return tuple(part for span in spans for part in even_parts(timeline, span, shortest, longest))
