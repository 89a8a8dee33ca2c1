"""Decide on one track by several methods and thresholds, and tell how far they agree. Pure.

What is right is judged in ``labels``; which threshold to take, in ``tuning``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.detection.labels import Judgement, Labels, judge, match
from heaters_pipeline.video.detection.scenes import scenes_from
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.detection.settings import METHODS, DetectionSettings
from heaters_pipeline.video.detection.transitions import Transition, find_transitions


@dataclass(frozen=True, slots=True)
class Decision:
    """What one method with one threshold found.

    Attributes:
        name: ``adaptive``, or with a threshold of its own ``adaptive=5``.
        settings: What was decided by.
        transitions: All of them, in order.
        scenes: How many scenes they make.
        judgement: Against labels; None without.
    """

    name: str
    settings: DetectionSettings
    transitions: tuple[Transition, ...]
    scenes: int
    judgement: Judgement | None

    @property
    def cuts(self) -> tuple[int, ...]:
        """The hard cuts, rising."""
        return tuple(one.start for one in self.transitions if one.kind == "cut")

    @property
    def gradual(self) -> tuple[Transition, ...]:
        """The others."""
        return tuple(one for one in self.transitions if one.kind != "cut")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several decisions on one track.

    Attributes:
        decisions: As they were asked for.
        shared: ``shared[a][b]`` is the share of the cuts of ``a`` that ``b`` also has within one
            frame, matched one to one; None where ``a`` has none.
    """

    decisions: tuple[Decision, ...]
    shared: tuple[tuple[float | None, ...], ...]

    def agreement(self, position: int) -> float | None:
        """The mean share of a decision's cuts that each of the others has; None if undefined."""
        others = [share for at, share in enumerate(self.shared[position]) if at != position]
        known = [share for share in others if share is not None]
        return sum(known) / len(known) if known else None


def variants_from(texts: Iterable[str]) -> tuple[DetectionSettings, ...]:
    """What ``METHOD`` and ``METHOD=THRESHOLD`` ask for, each once.

    Raises:
        SettingsError: There are none, one is repeated, unknown or out of bounds.
    """
    variants: list[DetectionSettings] = []
    for text in texts:
        method, equals, threshold = (part.strip() for part in text.partition("="))
        known = next((one for one in METHODS if one == method), None)
        if known is None:
            raise SettingsError(f"method {method!r} is none of {', '.join(METHODS)}")
        settings = DetectionSettings(known, _number(text, threshold) if equals else None)
        if any(settings == other for other in variants):
            raise SettingsError(f"{text} is asked for twice; name each method and threshold once")
        variants.append(settings)
    if not variants:
        raise SettingsError(f"no method is named; take some of {', '.join(METHODS)}")
    return tuple(variants)


def variant_name(settings: DetectionSettings) -> str:
    """How a method with its threshold is called, as ``variants_from`` reads it."""
    if settings.threshold is None:
        return settings.method
    return f"{settings.method}={settings.threshold:g}"


def split_frames(transitions: Iterable[Transition]) -> list[int]:
    """Where transitions split the video: cuts, and the middles of gradual ones."""
    return [one.middle for one in transitions]


def compare(
    track: ScoreTrack, variants: Sequence[DetectionSettings], labels: Labels | None = None
) -> Comparison:
    """Decide on a track by each variant.

    Args:
        track: Of the video; of a full scan if a histogram method is among the variants.
        variants: At least one.
        labels: What is true of it; None to leave the decisions unjudged.
    Raises:
        SettingsError: The track is of a fast scan, which cannot answer one of the variants.
    """
    decisions = tuple(_decide(track, settings, labels) for settings in variants)
    cuts = [decision.cuts for decision in decisions]
    return Comparison(
        decisions,
        tuple(
            tuple(len(match(ours, others)) / len(ours) if ours else None for others in cuts)
            for ours in cuts
        ),
    )


def _decide(track: ScoreTrack, settings: DetectionSettings, labels: Labels | None) -> Decision:
    transitions = find_transitions(track, settings)
    return Decision(
        name=variant_name(settings),
        settings=settings,
        transitions=transitions,
        scenes=len(scenes_from(track.timeline, transitions, settings).scenes),
        judgement=judge(labels, split_frames(transitions)) if labels else None,
    )


def _number(text: str, threshold: str) -> float:
    try:
        return float(threshold)
    except ValueError as error:
        raise SettingsError(f"{text}: {threshold!r} is no threshold; write it as 0.6") from error
