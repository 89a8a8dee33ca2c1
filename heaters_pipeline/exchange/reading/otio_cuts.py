"""Scenes in OpenTimelineIO files: the clips of the first video track that has any."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from heaters_pipeline.exchange.reading.json_text import parsed
from heaters_pipeline.exchange.reading.positions import Positions, Segment

_SAME_RATE = 1e-4
_MOST = 1e12


def otio_segments(text: str, positions: Positions) -> list[Segment]:
    """The clips of a timeline, by the frames of their source.

    Raises:
        SettingsError: It is no timeline, has no clips, or they are of several sources.
    """
    timeline = parsed(text, positions)
    clips = _clips(timeline)
    if not clips:
        raise positions.refusal("its tracks", "hold no video clips of a timeline; export it again")
    sources = {str(_media(clip).get("target_url") or "") for clip in clips} - {""}
    if len(sources) > 1:
        raise positions.refusal(
            "its clips", f"are of {len(sources)} sources; make a timeline of this video alone"
        )
    ranges = [
        _range(clip, f"clip {number}", positions) for number, clip in enumerate(clips, start=1)
    ]
    frames = positions.from_first([at for span in ranges for at in span])
    found = [
        positions.at(at / positions.rate, f"clip {number // 2 + 1}")
        for number, at in enumerate(frames)
    ]
    return [Segment(*pair) for pair in zip(found[::2], found[1::2], strict=True)]


def _clips(timeline: Any) -> list[dict[str, Any]]:
    tracks = timeline.get("tracks") if isinstance(timeline, dict) else None
    for track in _children(tracks):
        if track.get("kind") == "Video":
            found = [each for each in _children(track) if _schema(each) == "Clip"]
            if found:
                return found
    return []


def _children(parent: Any) -> Iterator[dict[str, Any]]:
    children = parent.get("children") if isinstance(parent, dict) else None
    if isinstance(children, list):
        yield from (each for each in children if isinstance(each, dict))


def _schema(element: dict[str, Any]) -> str:
    return str(element.get("OTIO_SCHEMA", "")).partition(".")[0]


def _media(clip: dict[str, Any]) -> dict[str, Any]:
    """The media of a clip: version 2 of its schema has several, of which one is active."""
    found = clip.get("media_reference")
    references = clip.get("media_references")
    if isinstance(references, dict):
        found = references.get(str(clip.get("active_media_reference_key")))
    return found if isinstance(found, dict) else {}


def _range(clip: dict[str, Any], where: str, positions: Positions) -> tuple[Fraction, Fraction]:
    """Start and end in frames of the video's timecode."""
    span = clip.get("source_range") or _media(clip).get("available_range")
    if not isinstance(span, dict):
        raise positions.refusal(where, "has no source range")
    start = _frames(span.get("start_time"), where, positions)
    duration = _frames(span.get("duration"), where, positions)
    if start < 0 or duration < 0:
        raise positions.refusal(where, "its source range is negative")
    return start, start + duration


def _frames(time: Any, where: str, positions: Positions) -> Fraction:
    value, rate = (_number(time, name, where, positions) for name in ("value", "rate"))
    if rate <= 0:
        raise positions.refusal(where, f"has a time at {rate:g} frames a second")
    if abs(rate / float(positions.rate) - 1) < _SAME_RATE:
        # The float stands for the exact rate.
        return Fraction(value)
    return Fraction(value) / Fraction(rate) * positions.rate


def _number(time: Any, name: str, where: str, positions: Positions) -> float:
    found = time.get(name) if isinstance(time, dict) else None
    if not isinstance(found, int | float) or isinstance(found, bool):
        raise positions.refusal(where, f"has a time without a {name}")
    if not -_MOST < found < _MOST:
        raise positions.refusal(where, f"has a time whose {name} is out of bounds")
    return float(found)
