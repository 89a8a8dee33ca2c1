"""The chapters of a clip: the source's, as far as they lie in it, in the box that Nero defined.

MP4 has none of its own. This box (``chpl``) needs no track, and FFmpeg, VLC and mpv read it.
"""

import struct
from dataclasses import dataclass
from fractions import Fraction

from heaters_pipeline.video.media.packet_reader import SourceReader
from heaters_pipeline.video.media.timing import Window

_TICKS_PER_SECOND = 10_000_000
_MOST_CHAPTERS = _MOST_TITLE_BYTES = 255
# FFmpeg reads those of MP4 from two places, whose times are rounded in two ways.
_SAME_SECONDS = Fraction(1, 100)


@dataclass(frozen=True, slots=True)
class Chapter:
    """Where a chapter begins, in seconds of the clip, and its title, which may be empty."""

    start_seconds: Fraction
    title: str


def clip_chapters(reader: SourceReader, window: Window) -> list[Chapter]:
    """The chapters of which something lies in a window, in order."""
    found: list[Chapter] = []
    chapters = sorted(
        (
            chapter["start"] * time_base,
            chapter["end"] * time_base,
            chapter["metadata"].get("title", ""),
        )
        for chapter in reader.container.chapters()
        if (time_base := chapter["time_base"])
    )
    for start, end, title in chapters:
        begins = max(start - window.start, Fraction(0))
        is_new = not found or begins > found[-1].start_seconds + _SAME_SECONDS
        if max(start, window.start) < min(end, window.end) and is_new:
            found.append(Chapter(begins, title))
    return found[:_MOST_CHAPTERS]


def chapter_box(chapters: list[Chapter]) -> bytes:
    """The box for them; titles are cut to what it holds."""
    body = struct.pack(">B3xIB", 1, 0, len(chapters))
    for chapter in chapters:
        title = chapter.title.encode()[:_MOST_TITLE_BYTES].decode(errors="ignore").encode()
        ticks = round(chapter.start_seconds * _TICKS_PER_SECOND)
        body += struct.pack(">QB", ticks, len(title)) + title
    return struct.pack(">I4s", len(body) + 8, b"chpl") + body
