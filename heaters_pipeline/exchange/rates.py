"""The rate at which editors count the frames of a video, and whether all keep to it. Pure.

Editors place everything on a grid of frames of one exact rate. A video of a constant rate has a
frame at each place of the grid; one of a variable rate is put on the grid of the rate that it keeps
to most.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from statistics import median_low
from typing import Any

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.exchange.timecode import frame_number, has_timecode, is_drop
from heaters_pipeline.video.media.timing import Timeline

_NTSC = Fraction(1000, 1001)
_WHOLE = (8, 10, 12, 15, 16, 18, 20, 24, 25, 30, 48, 50, 60, 72, 90, 96, 100, 120, 144, 240)
STANDARD_RATES = tuple(
    sorted([Fraction(n) for n in _WHOLE] + [n * _NTSC for n in (24, 30, 48, 60, 120)])
)
_MOST = Fraction(240)
_MOST_TIMES = 4
_LEAST_TICKS = 2
# Where frames last so many ticks, one more or less is how the times of an even rate are rounded.
_ROUNDED_TICKS = 10


@dataclass(frozen=True, slots=True)
class EditClock:
    """How editors count the frames of a video.

    Attributes:
        rate: Frames a second of the grid on which they count.
        is_constant: Whether frame ``n`` of the video is frame ``n`` of the grid.
        start_frame: Which frame the video's first is by timecode.
        drop: Whether its timecode is drop-frame.
        refused: The timecode that the file says if there is none such at this rate, else None.
    """

    rate: Fraction
    is_constant: bool
    start_frame: int = 0
    drop: bool = False
    refused: str | None = None


def edit_clock(
    timeline: Timeline, header_rate: Fraction | None, start_timecode: str | None
) -> EditClock:
    """How editors count the frames of a video.

    Args:
        timeline: When each frame is shown.
        header_rate: What the file says, which may be rounded or an average; None for nothing.
        start_timecode: Of the first frame, as the file says it; None for 00:00:00:00.
    """
    rate, is_constant = edit_rate(timeline, header_rate)
    if start_timecode is None:
        return EditClock(rate, is_constant)
    try:
        start = frame_number(start_timecode, rate)
    except SettingsError:
        return EditClock(rate, is_constant, refused=start_timecode)
    return EditClock(rate, is_constant, start, is_drop(start_timecode))


def recorded_clock(timeline: Timeline, info: Mapping[str, Any]) -> EditClock:
    """How editors count the frames of a video, by what is recorded of its file.

    Args:
        timeline: When each frame is shown.
        info: Of the record of its source; older ones have no start timecode.
    """
    return edit_clock(timeline, recorded_rate(info), info.get("start_timecode"))


def recorded_rate(info: Mapping[str, Any]) -> Fraction | None:
    """Frames a second as the file says them, by what is recorded of it; None for nothing."""
    said = info.get("frame_rate")
    return Fraction(said) if said else None


def edit_rate(timeline: Timeline, header_rate: Fraction | None) -> tuple[Fraction, bool]:
    """The rate on whose grid the frames of a video are counted, and whether each is a place of it.

    Args:
        timeline: When each frame is shown.
        header_rate: What the file says, which may be rounded or an average; None for nothing.
    Returns:
        Frames a second, of which ``has_timecode`` is true; and whether frame ``n`` of the video is
        frame ``n`` of the grid, but for the rounding of the file's clock.
    """
    for rate in _kept_rates(timeline, header_rate):
        # Of 12.5 frames a second each is a frame of 25.
        for times in range(1, _MOST_TIMES + 1):
            if rate <= _MOST and has_timecode(times * rate):
                return times * rate, times == 1
    steps = sorted(following - one for one, following in pairwise(_boundaries(timeline)))
    usual = 1 / (median_low(steps) * timeline.time_base)
    nearest = _nearest(usual)
    if Fraction(9, 10) < usual / nearest < Fraction(10, 9):
        return nearest, False
    return Fraction(min(int(_MOST), max(1, round(usual)))), False


def constant_rate(timeline: Timeline, header_rate: Fraction | None) -> Fraction | None:
    """Frames a second that all frames of a video keep to, but for the rounding of its clock.

    Args:
        timeline: When each frame is shown.
        header_rate: What the file says, which may be rounded or an average; None for nothing.
    Returns:
        None of a variable rate.
    """
    return next(_kept_rates(timeline, header_rate), None)


def _kept_rates(timeline: Timeline, header_rate: Fraction | None) -> Iterator[Fraction]:
    measured = _measured(timeline)
    candidates = [_nearest(header_rate), header_rate] if header_rate else []
    for rate in (*candidates, _nearest(measured), measured):
        if _keeps_to(timeline, rate):
            yield rate


def _nearest(rate: Fraction) -> Fraction:
    return min(STANDARD_RATES, key=lambda standard: max(standard / rate, rate / standard))


def _boundaries(timeline: Timeline) -> tuple[int, ...]:
    return (*timeline.pts, timeline.end_pts)


def _measured(timeline: Timeline) -> Fraction:
    """The average rate; of one frame alone, that of its duration."""
    pts = timeline.pts if timeline.frames > 1 else _boundaries(timeline)
    return (len(pts) - 1) / ((pts[-1] - pts[0]) * timeline.time_base)


def _keeps_to(timeline: Timeline, rate: Fraction) -> bool:
    """Whether every frame begins at its place, but for how a clock is rounded."""
    ticks = 1 / (rate * timeline.time_base)
    is_whole = ticks.denominator == 1
    # By a clock as coarse as the frames, a tick more or less would fit anything.
    if not is_whole and ticks < _LEAST_TICKS:
        return False
    most = 0 if is_whole and ticks < _ROUNDED_TICKS else 1
    first, step, parts = timeline.pts[0], ticks.numerator, ticks.denominator
    # In whole parts of a tick: a film has some 200,000 frames.
    return all(
        abs((pts - first) * parts - at * step) <= most * parts
        for at, pts in enumerate(timeline.pts)
    )
