"""Which stream of a file is the video, and which others there are."""

import logging
from pathlib import Path

import av.container
import av.stream
import av.video.stream

from heaters_pipeline.errors import InvalidVideoError, SettingsError
from heaters_pipeline.video.media.limits import most_streams
from heaters_pipeline.video.media.pyav import has_decoder
from heaters_pipeline.video.media.refusals import shown_name

_logger = logging.getLogger(__name__)


def wanted_stream(
    container: av.container.InputContainer, index: int | None = None
) -> av.video.stream.VideoStream:
    """The stream that a person would call the video: the largest that is no cover picture.

    Of equally large ones one with the default disposition, else the first. One that FFmpeg cannot
    decode is taken only if there is no other.

    Args:
        container: The open file.
        index: Of another one that was chosen.
    Raises:
        InvalidVideoError: There is none.
        SettingsError: The one that was chosen is none.
    """
    name = shown_name(Path(container.name))
    if len(container.streams) > most_streams():
        raise InvalidVideoError(
            "too_many_streams",
            f"{name} has {len(container.streams)} streams, at most {most_streams()} are accepted; "
            "remux the wanted ones into a file of their own, or raise HEATERS_MAX_STREAMS",
        )
    streams = _pictured(container)
    if not streams:
        raise InvalidVideoError(
            "no_video",
            f"{name} holds no video stream (sound, subtitles or a cover only); "
            "submit a file with pictures",
        )
    if index is None:
        return max(streams, key=lambda each: (_pixels(each), _is_default(each), -each.index))
    chosen = next((stream for stream in streams if stream.index == index), None)
    if chosen is None:
        there = ", ".join(f"{stream.index} ({_shown_size(stream)})" for stream in streams)
        raise SettingsError(f"{name} has no video stream {index} but {there}; choose one of them")
    return chosen


def _pictured(container: av.container.InputContainer) -> list[av.video.stream.VideoStream]:
    """The video streams that are no cover picture."""
    return [
        stream
        for stream in container.streams.video
        if not stream.disposition & av.stream.Disposition.attached_pic
    ]


def tell_of_others(
    container: av.container.InputContainer, taken: av.video.stream.VideoStream, path: Path
) -> None:
    """Say in the log which video streams are not taken."""
    others = [one for one in _pictured(container) if one.index != taken.index]
    if others:
        left_out = ", ".join(f"stream {one.index} ({_shown_size(one)})" for one in others)
        _logger.warning(
            "%s has several video streams: stream %d (%s) is taken, %s %s left out",
            shown_name(path),
            taken.index,
            _shown_size(taken),
            left_out,
            "is" if len(others) == 1 else "are",
        )


def _shown_size(stream: av.video.stream.VideoStream) -> str:
    if not has_decoder(stream):
        return "unknown"
    return f"{stream.codec_context.width}x{stream.codec_context.height}"


def _pixels(stream: av.video.stream.VideoStream) -> int:
    return stream.codec_context.width * stream.codec_context.height if has_decoder(stream) else 0


def _is_default(stream: av.video.stream.VideoStream) -> bool:
    return bool(stream.disposition & av.stream.Disposition.default)
