"""Read the cuts of a file of another program: its format is told by its name."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import PurePosixPath

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.exchange.reading.csv_cuts import csv_segments
from heaters_pipeline.exchange.reading.edl_cuts import edl_segments
from heaters_pipeline.exchange.reading.losslesscut import losslesscut_segments
from heaters_pipeline.exchange.reading.otio_cuts import otio_segments
from heaters_pipeline.exchange.reading.positions import Positions, Segment
from heaters_pipeline.video.media.timing import Timeline

_READERS: Mapping[str, Callable[[str, Positions], list[Segment]]] = {
    ".csv": csv_segments,
    ".tsv": csv_segments,
    ".edl": edl_segments,
    ".llc": losslesscut_segments,
    ".otio": otio_segments,
}
MOST_BYTES: Mapping[str, int] = {
    ".csv": 16_000_000,
    ".tsv": 16_000_000,
    ".edl": 16_000_000,
    ".llc": 1_000_000,
    ".otio": 64_000_000,
}
"""Of a file, by its kind: 10,000 scenes at least."""


def read_cuts(
    data: bytes, name: str, timeline: Timeline, rate: Fraction, start_frame: int
) -> tuple[int, ...]:
    """The cuts that a file has of a video.

    Each beginning of a segment and each end is a cut. An end that lies one frame before the next
    beginning is none: some programs write the last frame of a scene there.

    Args:
        data: The file.
        name: Its name; the extension says what it is: ``.csv``, ``.tsv``, ``.edl``, ``.otio`` or
            ``.llc``.
        timeline: When each frame of the video is shown.
        rate: Frames a second that its timecode counts; ``edit_clock`` gives it.
        start_frame: Which frame the video's first is by timecode; ``edit_clock`` gives it. A list
            that has source timecodes before it counts from the first frame of the video.
    Returns:
        First frames of new scenes: strictly increasing, each in ``[1, timeline.frames)``.
    Raises:
        SettingsError: It is no such file, is damaged, or is not of this video; with the line where
            there are lines.
    """
    kind = PurePosixPath(name).suffix.lower()
    if kind not in _READERS:
        raise SettingsError(
            f"{name}: cuts are read from files that end with {', '.join(sorted(_READERS))}"
        )
    if len(data) > MOST_BYTES[kind]:
        raise SettingsError(
            f"{name} has {len(data):,} bytes, more than {MOST_BYTES[kind]:,}; "
            "a list of cuts is smaller"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{name} is no UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from error
    segments = _READERS[kind](text, Positions(name, timeline, rate, start_frame))
    starts = {segment.start for segment in segments}
    ends = {segment.end for segment in segments if segment.end is not None}
    cuts = starts | {end for end in ends if end + 1 not in starts}
    return tuple(sorted(cut for cut in cuts if 0 < cut < timeline.frames))
