"""What of a source none of its clips can have, by name, so that nothing is lost without a word.

From the header alone. Text that proves unreadable is named in the log by ``subtitles``.
"""

from collections.abc import Collection, Iterator
from pathlib import Path

import av.stream

from heaters_pipeline.video.clips.settings import ClipSettings
from heaters_pipeline.video.clips.subtitle_text import TEXT_CODECS
from heaters_pipeline.video.clips.telemetry import telemetry_streams
from heaters_pipeline.video.clips.timecode import source_timecode
from heaters_pipeline.video.media.packet_reader import SourceReader
from heaters_pipeline.video.media.picture_boxes import picture_boxes
from heaters_pipeline.video.media.probe import VideoInfo
from heaters_pipeline.video.media.pyav import has_decoder
from heaters_pipeline.video.media.sound_times import wanted_sound

_DOLBY_VISION = frozenset({b"dvcC", b"dvvC", b"dvwC"})


def left_out(source: Path, info: VideoInfo, settings: ClipSettings) -> tuple[str, ...]:
    """What a video has and its clips have not.

    Args:
        source: The video.
        info: From ``probe``.
        settings: How its clips are made.
    Returns:
        A few words each, such as ``data stream 3 (GoPro MET)``.
    Raises:
        InvalidVideoError: The source cannot be read.
        SourceChangedError: It is no longer the file that was probed.
        StoreUnavailableError: The disk failed.
    """
    with SourceReader(source, info) as reader:
        return (
            *_streams(reader, settings.audio_languages),
            *_of_pictures(reader, settings),
        )


def _streams(reader: SourceReader, languages: Collection[str]) -> Iterator[str]:
    sound = wanted_sound(reader.info, languages)
    known_sound = {audio.stream_index for audio in sound}
    telemetry = {stream.index for stream in telemetry_streams(reader)}
    kept = {reader.info.stream_index} | known_sound | telemetry
    has_timecode = source_timecode(reader) is not None
    for stream in reader.container.streams:
        is_text = stream.type == "subtitle" and _codec_of(stream) in TEXT_CODECS
        is_timecode = stream.type == "data" and has_timecode and "timecode" in stream.metadata
        if not (stream.index in kept or is_text or is_timecode):
            yield f"{_kind_of(stream)} {stream.index} ({_name_of(stream)})"


def _of_pictures(reader: SourceReader, settings: ClipSettings) -> Iterator[str]:
    pixel_format, mode = reader.info.pixel_format, settings.mode
    is_copied = settings.clip_container(reader.info.codec) == "mov"
    has_alpha = pixel_format.startswith(("yuva", "gbrap")) and not is_copied
    if has_alpha or reader.video.metadata.get("alpha_mode") == "1":
        yield "transparency of the pictures (alpha)"
    if mode != "copy" and _DOLBY_VISION & picture_boxes(reader.video).keys():
        yield "Dolby Vision" + (", where pictures are encoded" if mode == "auto" else "")


def _kind_of(stream: av.stream.Stream) -> str:
    if stream.disposition & av.stream.Disposition.attached_pic:
        return "cover picture, stream"
    return f"{stream.type} stream"


def _name_of(stream: av.stream.Stream) -> str:
    names = (stream.metadata.get(key, "").strip() for key in ("handler_name", "title", "filename"))
    return next((name for name in names if name), _codec_of(stream))


def _codec_of(stream: av.stream.Stream) -> str:
    if stream.type in ("data", "attachment") or not has_decoder(stream):
        return "unknown"
    return str(stream.codec_context.codec.canonical_name)
