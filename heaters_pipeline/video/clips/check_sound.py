"""Verify the sound of a finished clip: every track of it is there, from its start to its end.

What it has to be comes from the source's packets, whatever made the clip. Only reads.
"""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import av.stream

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.mp4_index import read_tracks
from heaters_pipeline.video.media.probe import open_input
from heaters_pipeline.video.media.pyav import packets_of
from heaters_pipeline.video.media.sound_times import SoundPart

_ALLOWED_SECONDS = Fraction(10, 1000)


def check_sound(path: Path, parts: Mapping[int, SoundPart]) -> None:
    """Require that each stream that sounds in a clip's span has a track, whole to 10 ms.

    Args:
        path: The clip.
        parts: What sounds there in the source, by stream, in the order of the streams.
    Raises:
        ClipError: A track is missing, or begins late, or ends at another time.
    """
    shown = [track.shown for track in read_tracks(path) if track.handler == "soun"]
    if len(shown) != len(parts):
        raise ClipError(f"the clip has {len(shown)} tracks of sound instead of {len(parts)}")
    if not parts:
        return
    stored = _stored_seconds(path)
    for (index, part), track, (first, last) in zip(parts.items(), shown, stored, strict=True):
        start = max(track.empty_seconds, first)
        end = track.empty_seconds + track.duration_seconds
        if start - part.start > _ALLOWED_SECONDS:
            raise _wrong(index, "begins", start, part.start)
        if abs(end - part.end) > _ALLOWED_SECONDS or part.end - last > _ALLOWED_SECONDS:
            raise _wrong(index, "ends", min(end, last), part.end)


def _stored_seconds(path: Path) -> list[tuple[Fraction, Fraction]]:
    """When the first packet of each audio stream begins, and the last one ends."""
    found: dict[int, tuple[Fraction, Fraction]] = {}
    # The headers of clips are complete; without this FFmpeg decodes some frames to find out more.
    with open_input(path, {"probesize": "32"}) as container:
        streams = container.streams.audio
        for stream in container.streams:
            if stream.type != "audio":
                stream.discard = av.stream.Discard.all
        for packet in packets_of(container, *streams):
            if packet.pts is not None:
                start = packet.pts * packet.time_base
                end = start + (packet.duration or 0) * packet.time_base
                first, last = found.get(packet.stream_index, (start, end))
                found[packet.stream_index] = min(first, start), max(last, end)
        return [found.get(stream.index, (Fraction(0), Fraction(0))) for stream in streams]


def _wrong(index: int, does: str, at: Fraction, expected: Fraction) -> ClipError:
    return ClipError(
        f"the sound of the source's stream {index} {does} at {float(at):.3f} s of the clip "
        f"instead of {float(expected):.3f} s"
    )
