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
best on labelled videos. ``intersect`` has no fixed scale, since the score of a picture with itself
depends on how many colours it has: no threshold suits all videos.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

from heaters_pipeline.errors import SettingsError

Method = Literal["adaptive", "correl", "chisqr", "intersect", "bhattacharyya"]
ShortScenes = Literal["merge", "drop", "keep"]

METHODS: tuple[Method, ...] = get_args(Method)
DEFAULT_THRESHOLDS: dict[Method, float] = {
    "adaptive": 4.3,
    "correl": 0.6,
    "chisqr": 20.0,
    "intersect": 1.6,
    "bhattacharyya": 0.4,
}
_BOUNDS: dict[Method, tuple[float, float]] = {
    "adaptive": (1, 100),
    "correl": (-1, 1),
    "chisqr": (0, 1e9),
    "intersect": (0, 1e9),
    "bhattacharyya": (0, 1),
}


@dataclass(frozen=True, slots=True)
class DetectionSettings:
    """What decides the scenes of a track.

    Attributes:
        method: How changes are judged.
        threshold: As the method defines it, None for its default.
        min_duration_seconds: Scenes that are shorter follow ``short_scenes``; 0 to 3600.
        short_scenes: ``merge`` joins a short scene to the one before (a first one to the next),
            ``drop`` leaves it out and lists it, ``keep`` keeps it.
    """

    method: Method = "adaptive"
    threshold: float | None = None
    min_duration_seconds: Fraction | float = Fraction(1, 4)
    short_scenes: ShortScenes = "merge"

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise SettingsError(f"method {self.method!r} is none of {', '.join(METHODS)}")
        low, high = _BOUNDS[self.method]
        if self.threshold is not None and not low <= self.threshold <= high:
            raise SettingsError(
                f"the threshold of {self.method} must be from {low:g} to {high:g}, "
                f"got {self.threshold}"
            )
        if not 0 <= self.min_duration_seconds <= 3600:
            raise SettingsError(
                f"min_duration_seconds must be from 0 to 3600, got {self.min_duration_seconds}"
            )
        if self.short_scenes not in get_args(ShortScenes):
            raise SettingsError(
                f"short_scenes {self.short_scenes!r} is none of {', '.join(get_args(ShortScenes))}"
            )

    @property
    def effective_threshold(self) -> float:
        """The threshold, or the method's default where none is set."""
        return DEFAULT_THRESHOLDS[self.method] if self.threshold is None else self.threshold
