"""The start timecode of a clip: the source's, moved to the clip's first frame.

Counting is after SMPTE ST 12-1: of rates such as 29.97 a drop-frame timecode leaves out two numbers
(four of 59.94) at the start of each minute but every tenth, so that it keeps up with the clock.
"""

import re
from fractions import Fraction

from heaters_pipeline.video.media.packet_reader import SourceReader
from heaters_pipeline.video.media.probe import VideoInfo
from heaters_pipeline.video.media.timing import Timeline

_WRITTEN = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)")
_MINUTES_A_DAY = 24 * 60
# Of 30 numbers, those that are left out.
_DROPPED_OF_30 = 2


def clip_timecode(reader: SourceReader, timeline: Timeline, start: int) -> str | None:
    """The timecode of a frame, None where the source says none or its rate is unknown.

    Args:
        reader: The open source.
        timeline: Of the source.
        start: The frame.
    """
    written = source_timecode(reader)
    return moved_timecode(written, timeline.seconds_at(start), reader.info) if written else None


def source_timecode(reader: SourceReader) -> str | None:
    """The timecode of a source's first frame, if clips can have one that follows from it."""
    written = reader.video.metadata.get("timecode") or reader.container.metadata.get("timecode")
    if written and moved_timecode(written, Fraction(0), reader.info):
        return written
    return None


def moved_timecode(written: str, seconds: Fraction, info: VideoInfo) -> str | None:
    """A timecode so much later.

    Args:
        written: Such as ``01:00:00:00``, or ``01:00:00;00`` for drop-frame.
        seconds: How much later; rounded to frames of the video's rate.
        info: Of the video.
    Returns:
        In the same form, None if it is not of that form or does not fit the rate.
    """
    found = _WRITTEN.fullmatch(written.strip())
    rate = info.frame_rate
    if found is None or rate is None:
        return None
    hours, minutes, whole_seconds, frames = (int(found[group]) for group in (1, 2, 3, 5))
    counted = round(rate)
    drops = found[4] != ":"
    if frames >= counted or (drops and (counted % 30 or rate == counted)):
        return None
    dropped = _DROPPED_OF_30 * counted // 30 if drops else 0
    minute = hours * 60 + minutes
    number = (minute * 60 + whole_seconds) * counted + frames - dropped * (minute - minute // 10)
    number += round(seconds * rate)
    return _timecode(number, counted, dropped, found[4])


def _timecode(number: int, counted: int, dropped: int, separator: str) -> str:
    ten_minutes = 600 * counted - 9 * dropped
    tens, rest = divmod(number, ten_minutes)
    # The first minute of ten is whole, the others lack what is dropped.
    in_ten = max(0, (rest - dropped) // (60 * counted - dropped)) if dropped else 0
    shown = rest + dropped * in_ten
    minutes, frames = divmod(shown, 60 * counted)
    hours, minutes = divmod((tens * 10 + minutes) % _MINUTES_A_DAY, 60)
    seconds, frames = divmod(frames, counted)
    return f"{hours:02}:{minutes:02}:{seconds:02}{separator}{frames:02}"
