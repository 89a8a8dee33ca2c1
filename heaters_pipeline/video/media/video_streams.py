"""Which stream of a file is the video, and which others there are."""

from pathlib import Path

import av.container
import av.stream
import av.video.stream

from heaters_pipeline.errors import InvalidVideoError, SettingsError
from heaters_pipeline.video.media.limits import most_streams
from heaters_pipeline.video.media.pyav import has_decoder
from heaters_pipeline.video.media.refusals import shown_name


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


def others_left_out(container: av.container.InputContainer, taken: int) -> str | None:
    """What is said of a file with several video streams, None of others.

    Args:
        container: The open file.
        taken: Index of the stream that is the video.
    """
    sizes = {
        stream.index: f"{stream.index} ({_shown_size(stream)})" for stream in _pictured(container)
    }
    others = [size for index, size in sizes.items() if index != taken]
    if not others:
        return None
    left_out = ", ".join(f"stream {size}" for size in others)
    verb = "is" if len(others) == 1 else "are"
    return f"has several video streams: stream {sizes[taken]} is taken, {left_out} {verb} left out"


def _shown_size(stream: av.video.stream.VideoStream) -> str:
    if not has_decoder(stream):
        return "unknown"
    return f"{stream.codec_context.width}x{stream.codec_context.height}"


def _pixels(stream: av.video.stream.VideoStream) -> int:
    return stream.codec_context.width * stream.codec_context.height if has_decoder(stream) else 0


def _is_default(stream: av.video.stream.VideoStream) -> bool:
    return bool(stream.disposition & av.stream.Disposition.default)
