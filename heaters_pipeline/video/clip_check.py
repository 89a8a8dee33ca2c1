"""Hold a finished clip to its promise, without decoding more than its first picture."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av.error

from heaters_pipeline.errors import ClipError, InvalidVideoError
from heaters_pipeline.video.clip_record import CHECKS, ClipFacts, ClipNote
from heaters_pipeline.video.frames import Frame
from heaters_pipeline.video.mp4_boxes import read_tracks
from heaters_pipeline.video.probe import open_input, shown_name, wanted_stream
from heaters_pipeline.video.timing import Span, Timeline

# Others, such as dav1d, take what to skip once and for all.
_SKIPPING_DECODERS = frozenset({"h264", "hevc", "mpeg4", "mpeg2video"})


def inspect_clip(path: Path) -> ClipFacts:
    """Read what a clip file shows and says of itself, without decoding it.

    Raises:
        ClipError: It is no readable clip.
    """
    return _read(path)[0]


def check_clip(path: Path, timeline: Timeline, span: Span) -> ClipFacts:
    """Read a new clip and require that it shows exactly a span, at the source's instants.

    Raises:
        ClipError: It does not.
    """
    facts, shown = _read(path)
    if len(shown) != len(span):
        raise ClipError(f"the clip shows {len(shown)} frames instead of {len(span)}")
    origin = timeline.pts[span.start]
    scale = timeline.time_base / facts.time_base
    for offset, pts in enumerate(shown):
        source_pts = timeline.pts[span.start + offset] - origin
        if pts * scale.denominator != source_pts * scale.numerator:
            raise ClipError(
                f"frame {offset} of the clip is shown at {float(pts * facts.time_base)} s "
                f"instead of {float(source_pts * timeline.time_base)} s"
            )
    if facts.duration_seconds != timeline.duration_of(span):
        raise ClipError(
            f"the clip lasts {float(facts.duration_seconds)} s "
            f"instead of {float(timeline.duration_of(span))} s"
        )
    return facts


def check_first_picture(path: Path, digest: int) -> None:
    """Require that a clip's first picture is the source's, bit for bit as far as a digest tells.

    Raises:
        ClipError: It is another one, or cannot be decoded.
    """
    with _clip_errors(path):
        first = _first_frame(path)
    if first is None or first.pts != 0 or first.digest != digest:
        raise ClipError("the clip's first picture is not the source's")


def _first_frame(path: Path) -> Frame | None:
    with open_input(path) as container:
        stream = wanted_stream(container)
        stream.thread_type = "AUTO"
        context = stream.codec_context
        can_skip = context.codec.canonical_name in _SKIPPING_DECODERS
        for packet in container.demux(stream):
            # Hidden pictures that no other needs are most of the work, and decide nothing.
            context.skip_frame = "NONREF" if can_skip and packet.is_discard else "DEFAULT"
            for decoded in context.decode(packet if packet.size else None):
                if decoded.pts is not None:
                    return Frame(0, decoded.pts, 1, decoded)
    return None


def _read(path: Path) -> tuple[ClipFacts, list[int]]:
    with _clip_errors(path), open_input(path) as container:
        stream = wanted_stream(container)
        note = ClipNote.decode(container.metadata.get("comment", ""))
        shown = sorted(
            packet.pts
            for packet in container.demux(stream)
            if packet.size and packet.pts is not None and not packet.is_discard
        )
        context = stream.codec_context
        codec, size_px = context.codec.canonical_name, (context.width, context.height)
        time_base = stream.time_base or Fraction(1)
    if not shown:
        raise ClipError(f"{shown_name(path)} shows no frame")
    facts = ClipFacts(
        method=note.method,
        fallback_reason=note.fallback_reason,
        frames=len(shown),
        first_pts=shown[0],
        last_pts=shown[-1],
        time_base=time_base,
        duration_seconds=_video_duration(path),
        size_bytes=path.stat().st_size,
        checked=CHECKS[note.method],
        span=note.span,
        width_px=size_px[0],
        height_px=size_px[1],
        codec=codec,
        tags=note.tags,
    )
    return facts, shown


@contextmanager
def _clip_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except av.error.MemoryError:
        raise
    except (InvalidVideoError, av.error.FFmpegError) as error:
        raise ClipError(f"{shown_name(path)} is no readable clip: {error}") from error


def _video_duration(path: Path) -> Fraction:
    durations = [
        track.shown.duration_seconds for track in read_tracks(path) if track.handler == "vide"
    ]
    if len(durations) != 1:
        raise ClipError(f"{shown_name(path)} has {len(durations)} video tracks, one is expected")
    return durations[0]
