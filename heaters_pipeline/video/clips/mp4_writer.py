"""Write one clip file: packets in, a file that shows an exact part of them out, or nothing.

FFmpeg's muxer and the life of the file; the boxes are edited in ``mp4_index``.
"""

import errno
import re
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeVar, cast

import av
import av.error
import av.stream
import av.video.stream
from av.video.reformatter import ColorRange

from heaters_pipeline.errors import ClipError, StoreError, StoreUnavailableError
from heaters_pipeline.video.clips.mp4_index import ShownPart, write_fast_start
from heaters_pipeline.video.clips.settings import ClipContainer
from heaters_pipeline.video.media.ffmpeg_resources import raise_if_shortage
from heaters_pipeline.video.media.pyav import Packet

HEVC_TAG = "hvc1"
"""What Apple's players ask of HEVC in MP4; FFmpeg would write hev1."""

_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG})
_DISK_TROUBLE = _DISK_FULL | {errno.EIO}

_DESCRIPTIONS = (
    ("language", "language"),
    ("handler_name", "handler_name"),
    ("name", "title"),
    ("title", "title"),
)

# ISO 639-2.
_LANGUAGE = re.compile("[a-z]{3}")
# Of primaries, transfer and matrix (ITU-T H.273).
_UNKNOWN_COLOURS = 2

_Stream = TypeVar("_Stream", bound=av.stream.Stream)


@dataclass(slots=True)
class _Written:
    """What of a track was written, in its own ticks."""

    first_dts: int
    end_dts: int


class ClipWriter:
    """Takes the streams of a clip, whose first frame has timestamp 0.

    What comes before 0 (frames and sound that others need for decoding) and after the end is
    written too, and hidden by the edit lists.
    """

    def __init__(
        self, folder: Path, container: ClipContainer, note: str, timecode: str | None
    ) -> None:
        self.kind = container
        self._muxed = folder / f"muxed.{container}"
        self._finished = folder / f"clip.{container}"
        # Each track's edit list is written exactly once all is known; the muxer's own is not
        # used, but without the option it would move everything so that nothing is before 0.
        # Dolby Vision, stereo and spheres of MP4 are no part of the standard.
        options = {"use_editlist": "1", "write_tmcd": "0", "strict": "unofficial"}
        self._timecode = timecode
        if timecode:
            options["write_tmcd"] = "1"
        self.container = av.open(str(self._muxed), "w", format=container, options=options)
        self.container.metadata["comment"] = note
        self._written: dict[int, _Written] = {}
        self._described: dict[int, list[bytes]] = {}
        self._languages: dict[int, str] = {}
        self._grouped: dict[int, list[bytes]] = {}
        self._shown_seconds: dict[int, tuple[Fraction, Fraction]] = {}
        self._user_data = b""

    def add_copied(self, template: _Stream) -> _Stream:
        """A stream for packets of ``template``, with all that the source says of it.

        Raises:
            ClipError: The container cannot hold its codec.
        """
        try:
            # By the codec's object, since a decoder library's name names no encoder.
            stream = self.container.add_stream_from_template(template, opaque=True)
        except ValueError as error:
            raise ClipError(f"{self.kind.upper()} cannot hold it: {error}") from error
        self.describe(stream, template)
        return stream

    def describe(self, stream: av.stream.Stream, source: av.stream.Stream) -> None:
        """Note what people said of a stream: its language and title, and which is the default."""
        # What is a title elsewhere, FFmpeg reads from MP4 as name, and players as handler's name.
        for read, written in _DESCRIPTIONS:
            if read in source.metadata:
                stream.metadata[written] = source.metadata[read]
        if _LANGUAGE.fullmatch(source.metadata.get("language", "")):
            self._languages[stream.index + 1] = source.metadata["language"]
        stream.disposition = source.disposition
        if self._timecode and stream.type == "video":
            # The muxer makes a track of it.
            stream.metadata["timecode"] = self._timecode

    def mux(self, packet: Packet) -> None:
        """Write a packet whose timestamps count from the clip's first frame."""
        self.container.mux(packet)
        # The muxer has brought the timestamps to the track's ticks.
        if packet.dts is None:
            raise ClipError("FFmpeg muxed a packet without knowing when to decode it")
        end_dts = packet.dts + (packet.duration or 0)
        track = self._written.setdefault(packet.stream_index, _Written(packet.dts, end_dts))
        track.end_dts = end_dts

    def show(self, stream_index: int, start: Fraction, end: Fraction) -> None:
        """Show of a stream no more than what lies in ``[start, end)``, in seconds of the clip."""
        self._shown_seconds[stream_index] = (start, end)

    def describe_pictures(self, stream_index: int, box: bytes) -> None:
        """Add a box to what is said of a stream's pictures, unless the muxer writes such a one."""
        # The muxer numbers tracks from 1 in the order of streams.
        self._described.setdefault(stream_index + 1, []).append(box)

    def group_samples(self, stream_index: int, boxes: list[bytes]) -> None:
        """Add boxes that say more of a stream's samples."""
        self._grouped[stream_index + 1] = boxes

    def describe_file(self, boxes: bytes) -> None:
        """Add boxes that say more of the whole clip."""
        self._user_data += boxes

    def finish(self, video_index: int, duration_seconds: Fraction) -> Path:
        """Complete the file so that it shows exactly ``[0, duration_seconds)``.

        Returns:
            The file, which exists until ``open_clip`` ends.
        """
        time_bases = {
            stream.index: stream.time_base or Fraction() for stream in self.container.streams
        }
        if colours := _colours(self.container.streams[video_index], self.kind):
            self.describe_pictures(video_index, colours)
        self.container.close()
        shown = {}
        for index, track in self._written.items():
            time_base = time_bases[index]
            start, end = self._shown_seconds.get(index, (Fraction(0), duration_seconds))
            start = max(start, track.first_dts * time_base)
            end = min(end, duration_seconds)
            if index != video_index:
                end = min(end, track.end_dts * time_base)
            shown[index + 1] = ShownPart(
                empty_seconds=start,
                media_start_ticks=round(start / time_base) - track.first_dts,
                duration_seconds=end - start,
            )
        if self._timecode:
            shown[len(time_bases) + 1] = ShownPart(Fraction(0), 0, duration_seconds)
        languages = self._languages if self.kind == "mov" else {}
        write_fast_start(
            self._muxed,
            self._finished,
            shown,
            self._described,
            self._grouped,
            languages,
            self._user_data,
        )
        self._muxed.unlink()
        return self._finished

    def publish(self, target: Path) -> None:
        """Move the finished file to where it is found, replacing what was there."""
        self._finished.replace(target)

    def abandon(self) -> None:
        """Close the file without a word; it is about to be deleted."""
        try:
            self.container.close()
        except av.error.FFmpegError:
            # Why the clip failed is on its way already, and this would hide it.
            return


def _colours(video: av.stream.Stream, container: ClipContainer) -> bytes | None:
    """The box ``colr`` (ISO/IEC 14496-12, 12.1.5), which the muxer leaves out if one is unknown.

    So the range would be lost that stands in the header of the source alone. QuickTime's has none.
    """
    context = cast("av.video.stream.VideoStream", video).codec_context
    numbers = (context.color_primaries, context.color_trc, context.colorspace)
    is_known = {*numbers} != {_UNKNOWN_COLOURS}
    if container == "mov":
        nclc = struct.pack(">I4s4s3H", 18, b"colr", b"nclc", *map(int, numbers))
        return nclc if is_known else None
    if not is_known and context.color_range == ColorRange.UNSPECIFIED:
        return None
    full_range = 0x80 if context.color_range == ColorRange.JPEG else 0
    return struct.pack(">I4s4s3HB", 19, b"colr", b"nclx", *map(int, numbers), full_range)


@contextmanager
def open_clip(
    target: Path, container: ClipContainer, note: str, timecode: str | None = None
) -> Iterator[ClipWriter]:
    """Write a clip in a folder of its own beside ``target``, which is removed in any case.

    Args:
        target: Where it is published.
        container: What it is stored in.
        note: What it says of itself.
        timecode: Of its first frame, if it is to have one.
    Raises:
        ClipError: FFmpeg cannot write it.
        StoreError: The disk is full or cannot be written.
        StoreUnavailableError: The disk reported a fault.
        MemoryError: FFmpeg needs more memory than there is.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.stem}-", dir=target.parent) as folder:
            writer = ClipWriter(Path(folder), container, note, timecode)
            try:
                yield writer
            finally:
                writer.abandon()
    except OSError as error:
        # Many errors of FFmpeg are of this kind without having to do with the disk.
        if isinstance(error, av.error.FFmpegError) and error.errno not in _DISK_TROUBLE:
            raise _refused(target, error) from error
        kind = StoreError if error.errno in _DISK_FULL else StoreUnavailableError
        raise kind(
            f"{target.name} cannot be written: {error.strerror}; free some space in "
            f"{target.parent}, or take a folder on another disk"
        ) from error
    except av.error.FFmpegError as error:
        raise _refused(target, error) from error


def _refused(target: Path, error: av.error.FFmpegError) -> ClipError:
    raise_if_shortage(error)
    # Encoders of other projects, such as x264, do not say what they lack.
    hint = (
        "; most often this is too little memory"
        if isinstance(error, av.error.ExternalError)
        else ""
    )
    # Not the name of the file that is written, which is another each time.
    return ClipError(f"FFmpeg cannot write {target.name}: {error.strerror}{hint}")
