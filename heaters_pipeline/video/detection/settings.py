"""What decides the scenes of a stored track: the methods, their thresholds, the settings. Pure.

The four histogram methods compare each frame with the one before it, as OpenCV's ``compareHist``
defines them, and cut wherever the score is beyond the threshold. They know cuts only. The
``adaptive`` method adapts to each video, rejects flashes and finds gradual transitions.

| method | cut where | threshold | default |
|---|---|---|---|
| adaptive | the change is so many times the usual | 1 to 100 | 4.3 |
| correl | score < threshold | -1 to 1, same picture 1 | 0.6 |
| chisqr | score > threshold | 0 up, same picture 0 | 20 |
| intersect | score < threshold | 0 up, same picture 1 to 28 | 1.6 |
| bhattacharyya | score > threshold | 0 to 1, same picture 0 | 0.4 |

``correl`` keeps the threshold of the old system; the other histogram defaults are where F1 was
best on labelled videos (benchmarks/histogram_reference.py; docs/benchmarks.md, "Thresholds on the
common scale"). ``adaptive`` is tuned on labelled videos, too (docs/benchmarks.md, "Accuracy of
scene detection"): on the 102 of benchmarks/threshold_ranges.py one cut fewer is missed with 4, two
more with 4.6, where one fewer is wrong. ``intersect`` has no fixed scale, since the score of a
picture with itself depends on how many colours it has: no threshold suits all videos.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

from heaters_pipeline.errors import SettingsError

Method = Literal["adaptive", "correl", "chisqr", "intersect", "bhattacharyya"]
GradualFrames = Literal["split", "exclude", "before", "after"]
ThresholdScale = Literal["own", "unit"]
ShortScenes = Literal["merge", "drop", "keep"]
LongScenes = Literal["split", "keep"]
Seconds = Fraction | float

METHODS: tuple[Method, ...] = get_args(Method)
DEFAULT_THRESHOLDS: dict[Method, float] = {
    "adaptive": 4.3,
    "correl": 0.6,
    "chisqr": 20.0,
    "intersect": 1.6,
    "bhattacharyya": 0.4,
}
SUGGESTED_UNIT_THRESHOLDS: dict[Method, float] = {
    "adaptive": 0.5,
    "correl": 0.6,
    "chisqr": 0.35,
    "intersect": 0.5,
    "bhattacharyya": 0.6,
}
"""On or near the best F1 on labelled videos, see ``docs/benchmarks.md``."""
THRESHOLD_BOUNDS: dict[Method, tuple[float, float]] = {
    "adaptive": (1, 100),
    "correl": (-1, 1),
    "chisqr": (0, 1e9),
    "intersect": (0, 1e9),
    "bhattacharyya": (0, 1),
}
MOST_MIN_DURATION_SECONDS = 3600
MOST_SECONDS = 1_000_000
"""Bound of a scene's maximum and of the window: eleven days, more than any video lasts."""


def typed_seconds(seconds: Seconds) -> Fraction:
    """Seconds as a person typed them: 0.04 is 1/25, not the binary number beside it."""
    return seconds if isinstance(seconds, Fraction) else Fraction(str(seconds))


@dataclass(frozen=True, slots=True)
class DetectionSettings:
    """What decides the scenes of a track.

    Attributes:
        method: How changes are judged.
        threshold: On the scale, None for the method's default there.
        scale: ``own`` takes the threshold as the method's scores are; ``unit`` as a similarity from
            0 to 1, the same for all methods (``similarity_scale``): a cut is where it is lower.
        gradual: Where the frames of a gradual transition belong: ``split`` lets the scenes meet
            at its middle, ``before`` and ``after`` give them to one scene, ``exclude`` to none.
        min_duration_seconds: Scenes that are shorter follow ``short_scenes``; 0 to
            ``MOST_MIN_DURATION_SECONDS``.
        short_scenes: ``merge`` joins a short scene to the one before (a first one to the next),
            ``drop`` leaves it out and lists it, ``keep`` keeps it.
        max_duration_seconds: Scenes that are longer follow ``long_scenes``; above 0 and not
            below ``min_duration_seconds``. None for no maximum.
        long_scenes: ``split`` divides a long scene evenly, ``keep`` keeps it whole.
        start_seconds: From the first frame; frames that start earlier are excluded; >= 0.
        end_seconds: From the first frame; frames that start then or later are excluded; above
            ``start_seconds``. None for the end of the video.
    """

    method: Method = "adaptive"
    threshold: float | None = None
    scale: ThresholdScale = "own"
    gradual: GradualFrames = "split"
    min_duration_seconds: Seconds = Fraction(1, 4)
    short_scenes: ShortScenes = "merge"
    max_duration_seconds: Seconds | None = None
    long_scenes: LongScenes = "split"
    start_seconds: Seconds = 0.0
    end_seconds: Seconds | None = None

    def __post_init__(self) -> None:
        self._check_choices()
        low, high = THRESHOLD_BOUNDS[self.method] if self.scale == "own" else (0, 1)
        if self.threshold is not None:
            _check_bounds(f"the threshold of {self.method}", self.threshold, low, high)
        self._check_durations()
        self._check_window()

    @property
    def effective_threshold(self) -> float:
        """The threshold, or the method's default where none is set."""
        if self.threshold is not None:
            return self.threshold
        defaults = DEFAULT_THRESHOLDS if self.scale == "own" else SUGGESTED_UNIT_THRESHOLDS
        return defaults[self.method]

    def _check_choices(self) -> None:
        for name, value, choices in (
            ("method", self.method, METHODS),
            ("scale", self.scale, get_args(ThresholdScale)),
            ("gradual", self.gradual, get_args(GradualFrames)),
            ("short_scenes", self.short_scenes, get_args(ShortScenes)),
            ("long_scenes", self.long_scenes, get_args(LongScenes)),
        ):
            if value not in choices:
                raise SettingsError(f"{name} {value!r} is none of {', '.join(choices)}")

    def _check_durations(self) -> None:
        least, most = self.min_duration_seconds, self.max_duration_seconds
        _check_bounds("min_duration_seconds", least, 0, MOST_MIN_DURATION_SECONDS)
        if most is None:
            return
        if not 0 < most <= MOST_SECONDS:
            raise SettingsError(
                f"max_duration_seconds must be above 0 and at most {MOST_SECONDS:,}, got {most}; "
                "leave it out for no maximum"
            )
        if typed_seconds(most) < typed_seconds(least):
            raise SettingsError(
                f"max_duration_seconds must not be below min_duration_seconds, got {float(most)} "
                f"and {float(least)}; raise the one or lower the other"
            )

    def _check_window(self) -> None:
        start, end = self.start_seconds, self.end_seconds
        _check_bounds("start_seconds", start, 0, MOST_SECONDS)
        if end is None:
            return
        _check_bounds("end_seconds", end, 0, MOST_SECONDS)
        if typed_seconds(end) <= typed_seconds(start):
            raise SettingsError(
                f"end_seconds must be above start_seconds, got {end} and {start}; "
                "leave it out for the end of the video"
            )


def _check_bounds(name: str, value: Seconds, low: float, high: float) -> None:
    # Written so that a value that is no number is refused, too.
    if not low <= value <= high:
        raise SettingsError(f"{name} must be from {low:,.10g} to {high:,.10g}, got {value}")
