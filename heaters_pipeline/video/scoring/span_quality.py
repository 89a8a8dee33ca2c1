"""What the pictures of a span of frames are like, summed up from what a scan measured. Pure.

Each frame that was measured counts for the time from when it is shown until the next one of the
span is, the first of them from the start of the span. ``docs/quality.md`` says what each sum tells.
"""

import numpy as np

from heaters_pipeline.video.arrays import Float32Array
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.media.timing import Span

_BLACK_SHARE = 0.98
"""Share of pixels that are black in a black picture, as for FFmpeg's ``blackdetect``."""
_LEAST_STILL_SECONDS = 0.5
"""A shorter standstill is one of drawings that are shown twice, or of a talk."""
_STEADY_SHARE = 0.1
"""Share of the pictures in which a bar may be narrower, as under a title."""
_SEEN_SHARE = 0.25
"""Share of the pictures that show the edge of a bar; dark ones do not."""
_ALL_BLACK = 1
_DIGITS = 5
_MEANS = ("brightness", "contrast", "sharpness")
COLUMNS = (*_MEANS, "motion", "black_share", "frozen_share", "letterbox_share")
"""Of the catalog's table of clips."""


def span_quality(track: ScoreTrack, span: Span) -> dict[str, float | None]:
    """What the pictures of a span are like, by the names of the catalog's columns.

    Args:
        track: Of the whole video.
        span: Of which frames.
    Returns:
        Nothing if the track was made before such was measured. None for what no frame of the span
        tells, as in one of few frames.
    """
    if not track.qualities:
        return {}
    measured, still = (_Part(track, span, name) for name in ("brightness", "standstill"))
    sums: dict[str, float | None] = dict.fromkeys(COLUMNS)
    if len(measured.frames):
        sums |= {name: float(measured.shares @ measured.of(name)) for name in _MEANS}
        sums["black_share"] = float(measured.shares[measured.of("black") >= _BLACK_SHARE].sum())
        sums["letterbox_share"] = _letterbox(measured)
    if len(still.frames):
        sums["frozen_share"] = _frozen(still)
    if len(still.frames) > 1:
        seconds = still.times[-2] - still.times[0]
        sums["motion"] = float(still.of("difference")[1:].sum() / seconds)
    return {name: None if each is None else round(each, _DIGITS) for name, each in sums.items()}


class _Part:
    """The frames of a span of which something is known, and for how long each counts."""

    def __init__(self, track: ScoreTrack, span: Span, name: str) -> None:
        known = ~np.isnan(track.qualities[name][span.start : span.end])
        self.frames = np.flatnonzero(known) + span.start
        ends = [span.start, *self.frames[1:].tolist(), span.end]
        ticks = np.array([track.timeline.boundary_pts(frame) for frame in ends], np.int64)
        self.times = (ticks - ticks[0]) * float(track.timeline.time_base)
        """Seconds at which they begin to count, and at which the last one ends."""
        self.shares = np.diff(self.times) / (self.times[-1] - self.times[0])
        self._qualities = track.qualities

    def of(self, name: str) -> Float32Array:
        """What was measured of them."""
        return self._qualities[name][self.frames]


def _frozen(part: _Part) -> float:
    """Share of the time in which the picture stands still, for a while at a time."""
    since = part.frames - part.of("standstill").astype(np.int64)
    first = np.flatnonzero(np.diff(since, prepend=-1))
    seconds = np.diff([*part.times[first], part.times[-1]])
    still = seconds[seconds >= _LEAST_STILL_SECONDS].sum()
    return float(still / (part.times[-1] - part.times[0]))


def _letterbox(part: _Part) -> float:
    """Share of the area that bars on both sides cover in nearly all pictures that show anything."""
    left = 1.0
    for sides in (("bar_top", "bar_bottom"), ("bar_left", "bar_right")):
        shown = part.of(sides[0]) < _ALL_BLACK
        bars = [_steady(part.of(side)[shown]) for side in sides]
        # What is dark on one side alone is the sky, or a wall.
        left *= 1 - sum(bars) if min(bars) > 0 else 1
    return 1 - left


def _steady(bars: Float32Array) -> float:
    """How wide a bar is, where the edge of a picture is seen beside it often enough."""
    if not len(bars) or (bars > 0).mean() < _SEEN_SHARE:
        return 0.0
    return float(np.quantile(np.abs(bars), _STEADY_SHARE, method="lower"))
