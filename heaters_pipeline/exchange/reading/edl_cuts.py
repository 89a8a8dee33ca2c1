"""Scenes in CMX 3600 edit decision lists, by the timecodes of the source."""

import re
from fractions import Fraction

from heaters_pipeline.exchange.reading.positions import Positions, Segment, shortened
from heaters_pipeline.exchange.timecode import DROP_RATES, frames_a_day

_EVENT = re.compile(
    r"\d{1,6}\s+(?P<reel>\S+)\s+(?P<channels>\S+)\s+(?P<kind>[CDKW]\S{0,7})(?:\s+\d{1,6})?"
    r"\s+(?P<start>\d\S{7,12})\s+(?P<end>\d\S{7,12})\s+\d\S{7,12}\s+\d\S{7,12}",
    re.ASCII,
)
_RATE = re.compile(r"\* COMMENT: FRAME RATE (\d{1,9}(?:/\d{1,9})?)", re.ASCII)
_BLACK = "BL"


def edl_segments(text: str, positions: Positions) -> list[Segment]:
    """The video events of a list.

    Raises:
        SettingsError: There are none, they are of several sources, or one cannot be read.
    """
    is_drop_list = False
    spans: list[tuple[str, int, int]] = []
    reels: set[str] = set()
    for number, raw in enumerate(text.splitlines(), start=1):
        line, where = raw.strip(), f"line {number}"
        if line.startswith("FCM:"):
            is_drop_list = "NON" not in line and positions.rate in DROP_RATES
        elif said := _RATE.fullmatch(line):
            _require_rate(said[1], where, positions)
        elif line[:1].isdigit():
            event = _EVENT.fullmatch(line)
            if event is None:
                raise positions.refusal(
                    where,
                    f"{shortened(line)} is no event of a CMX 3600 list; export it again as EDL",
                )
            if event["reel"] == _BLACK or not _has_picture(event["channels"]):
                continue
            start, end = (
                positions.label_number(_as_drop(event[name], is_drop_list), where)
                for name in ("start", "end")
            )
            # A dissolve stands on a second line, whose first line has no length.
            if end != start:
                spans.append((where, start, end))
                reels.add(event["reel"])
    if not spans:
        raise positions.refusal(
            "no line", "has a video event of a CMX 3600 list; export it again as EDL"
        )
    if len(reels) > 1:
        named = ", ".join(map(shortened, sorted(reels)[:3]))
        raise positions.refusal(
            "its events", f"are of several sources ({named}); make a list of this video alone"
        )
    return _segments(spans, positions, is_drop=is_drop_list or ";" in text)


def _segments(
    spans: list[tuple[str, int, int]], positions: Positions, *, is_drop: bool
) -> list[Segment]:
    day = frames_a_day(positions.rate, drop=is_drop and positions.rate in DROP_RATES)
    length = positions.timeline.seconds_at(positions.timeline.frames) * positions.rate
    passes_midnight = positions.start_frame + length > day
    numbers = [
        Fraction(at + day if passes_midnight and at < positions.start_frame else at)
        for _, *pair in spans
        for at in pair
    ]
    frames = positions.from_first(numbers)
    segments = []
    for (where, *_), first, last in zip(spans, frames[::2], frames[1::2], strict=True):
        if last < first:
            raise positions.refusal(where, "the event ends before it begins")
        start, end = (positions.at(at / positions.rate, where) for at in (first, last))
        segments.append(Segment(start, end))
    return segments


def _has_picture(channels: str) -> bool:
    return "V" in channels or channels == "B"


def _as_drop(label: str, is_drop_list: bool) -> str:
    """Some programs write colons where the list says that it is drop-frame."""
    if is_drop_list and ";" not in label:
        head, _, frames = label.rpartition(":")
        return f"{head};{frames}"
    return label


def _require_rate(said: str, where: str, positions: Positions) -> None:
    if said != str(positions.rate):
        raise positions.refusal(
            where,
            f"the list was made at {said} frames a second, and this video has {positions.rate}",
        )
