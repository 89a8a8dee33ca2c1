"""The gate: a file becomes a ``VideoInfo``, or an ``InvalidVideoError`` says why not.

Only headers are read here; what decoding alone can show (no frames, a file cut short) is judged by
``frames``. Opening follows what was measured on hostile inputs: absolute paths, regular files
only, and a list of allowed containers, since playlists make FFmpeg read other files and URLs.
"""

import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

import av
import av.container
import av.error
import av.stream
import av.video.stream

from heaters_pipeline.errors import (
    InvalidVideoError,
    SourceChangedError,
    StoreUnavailableError,
)
from heaters_pipeline.video.media.limits import most_bytes, most_pixels
from heaters_pipeline.video.media.motion_photos import video_in_photo
from heaters_pipeline.video.media.pyav import has_decoder
from heaters_pipeline.video.media.refusals import (
    PHOTO_BRANDS,
    START_BYTES,
    refusal_of,
    still_picture,
)
from heaters_pipeline.video.media.refusals import shown_name as shown_name
from heaters_pipeline.video.media.video_streams import wanted_stream

MIN_SIDE_PX = 8
DEFAULT_FRAME_RATE = Fraction(25)
"""Frames a second of a video whose header says nothing."""

# mov stands for mp4 and 3gp as well, matroska for webm.
_CONTAINERS = (
    "mov,matroska,mpegts,mpeg,avi,flv,asf,ogg,gif,mxf,ivf,dv,apng,yuv4mpegpipe,m4v,mpegvideo,nut"
)
CONTAINERS_WITHOUT_TIMES = frozenset({"m4v", "mpegvideo"})
"""They hold one stream, whose frames follow each other at its rate."""
_UNTIMED_SOUND = frozenset({("asf", "flac")})
"""Containers and codecs of sound for which FFmpeg makes up times that go back."""

_OPEN_OPTIONS = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
_EXACT_FRAME_COUNT_CONTAINERS = ("mov",)

_CHUNK_BYTES = 1 << 24
_TIMECODE = re.compile(r"\d\d:\d\d:\d\d[:;]\d{2,3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """One audio stream, from the header."""

    stream_index: int
    codec: str
    sample_rate_hz: int
    channels: int
    language: str | None

    @property
    def is_known(self) -> bool:
        """Whether enough is known of the sound to copy or decode it."""
        return self.sample_rate_hz > 0 and self.channels > 0


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What the header of a file says of its wanted video stream.

    Attributes:
        container: First of FFmpeg's names of the container, such as ``mov`` or ``matroska``.
        codec: FFmpeg's name of the codec, such as ``h264``; never that of a decoder library.
        stream_index: Index of the wanted stream in the file.
        width_px: Width of the stored picture, before rotation.
        height_px: Height of the stored picture, before rotation.
        sample_aspect_ratio: Width of a pixel over its height, 1 where the file says nothing.
        time_base: Seconds per tick of the stream's timestamps.
        frame_rate: Average frames a second from the header, None where it says nothing.
        pixel_format: FFmpeg's name, such as ``yuv420p``.
        frames_promised: Frames that the header counts, None where it does not or cannot be trusted.
        duration_promised_seconds: Length that the header promises for all streams, or None.
        audio: The audio streams.
        size_bytes: Length of the file.
        start_timecode: SMPTE timecode of the first frame, as the file says it; None if it does not.
    """

    container: str
    codec: str
    stream_index: int
    width_px: int
    height_px: int
    sample_aspect_ratio: Fraction
    time_base: Fraction
    frame_rate: Fraction | None
    pixel_format: str
    frames_promised: int | None
    duration_promised_seconds: Fraction | None
    audio: tuple[AudioInfo, ...]
    size_bytes: int
    start_timecode: str | None = None

    @property
    def nominal_ticks(self) -> int:
        """Ticks from one frame to the next at the header's rate, at least 1."""
        rate = self.frame_rate or DEFAULT_FRAME_RATE
        return max(1, round(1 / (rate * self.time_base)))


@contextmanager
def open_input(
    path: Path, options: Mapping[str, str] = MappingProxyType({})
) -> Iterator[av.container.InputContainer]:
    """Open a local video file safely for reading.

    Args:
        path: The file.
        options: FFmpeg's, for reading a container that is known.
    Raises:
        InvalidVideoError: No such regular file, empty, or not a container that is allowed.
        StoreUnavailableError: The disk failed.
        MemoryError: The file asks for more memory than there is.
    """
    require_regular_file(path)
    try:
        url, allowed = _address_of(path)
        container = av.open(url, options={**allowed, **options}, metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        _raise_if_machine_failed(path, error)
        with path.open("rb") as file:
            start = file.read(START_BYTES)
        raise refusal_of(shown_name(path), start, error) from error
    with container:
        yield container


def _address_of(path: Path) -> tuple[str, Mapping[str, str]]:
    """What FFmpeg opens, and what it may use for that; of a motion photo its video alone."""
    place = video_in_photo(path)
    if place is None:
        return str(path.absolute()), _OPEN_OPTIONS
    url = f"subfile,,start,{place.start},end,{place.stop},,:{path.absolute()}"
    return url, {**_OPEN_OPTIONS, "protocol_whitelist": "subfile,file"}


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what PyAV raises while it reads an opened file into errors of the pipeline.

    Raises:
        InvalidVideoError: ``too_corrupt``; FFmpeg cannot go on, though the disk gives the bytes.
        StoreUnavailableError: The disk failed.
        MemoryError: The file asks for more memory than there is.
    """
    try:
        yield
    except av.error.FFmpegError as error:
        _raise_if_machine_failed(path, error)
        raise InvalidVideoError(
            "too_corrupt",
            f"{shown_name(path)} is damaged, it cannot be read to its end; copy it again",
        ) from error


def require_readable(path: Path) -> None:
    """Read a file to its end, so that a failing disk is not taken for a damaged video.

    Raises:
        InvalidVideoError: ``unreadable``; there is no permission to read it.
        StoreUnavailableError: The disk failed.
    """
    try:
        with path.open("rb", buffering=0) as file:
            while file.read(_CHUNK_BYTES):
                pass
    except PermissionError as error:
        raise InvalidVideoError(
            "unreadable", f"no permission to read {shown_name(path)}; change its mode or owner"
        ) from error
    except OSError as error:
        raise StoreUnavailableError(
            f"the disk failed while {path} was read: {error.strerror}; check the disk and try again"
        ) from error


def source_changed(path: Path) -> SourceChangedError:
    """What is raised where a file is no longer the one that was probed."""
    return SourceChangedError(
        f"{shown_name(path)} is no longer the file that was probed; "
        "it was replaced while it was processed"
    )


def probe(path: Path, video_stream: int | None = None) -> VideoInfo:
    """Read the header of a video file.

    Args:
        path: The file.
        video_stream: Index of the wanted video stream, None for the largest.
    Raises:
        InvalidVideoError: The file cannot be processed; its ``reason`` says why.
        SettingsError: There is no such video stream.
        StoreUnavailableError: The disk failed.
    """
    require_regular_file(path)
    _require_few_bytes(path)
    with open_input(path) as container:
        stream = wanted_stream(container, video_stream)
        if container.metadata.get("major_brand") in PHOTO_BRANDS and stream.frames <= 1:
            raise still_picture(shown_name(path))
        _require_decodable(stream, path)
        context = stream.codec_context
        _require_sane_size(context.width, context.height, path)
        name = container.format.name.split(",")[0]
        counted = name in _EXACT_FRAME_COUNT_CONTAINERS and stream.frames > 0
        return VideoInfo(
            container=name,
            codec=context.codec.canonical_name,
            stream_index=stream.index,
            width_px=context.width,
            height_px=context.height,
            sample_aspect_ratio=stream.sample_aspect_ratio or Fraction(1),
            time_base=_time_base(stream, path),
            frame_rate=_frame_rate(stream),
            pixel_format=str(context.pix_fmt or "unknown"),
            frames_promised=_indexed_frames(stream) if counted else None,
            duration_promised_seconds=_promised_duration(container, name),
            audio=tuple(_audio_info(audio, name) for audio in container.streams.audio),
            size_bytes=path.stat().st_size,
            start_timecode=_start_timecode(container, stream),
        )


def require_regular_file(path: Path) -> None:
    """Refuse what is no file with anything in it, without opening it.

    Raises:
        InvalidVideoError: ``missing``, ``not_regular_file`` or ``empty``.
    """
    # lstat, because opening a FIFO would wait for ever and a link may lead anywhere.
    try:
        facts = path.lstat()
    except OSError as error:
        raise InvalidVideoError(
            "missing", f"cannot read {path}: {error.strerror}; check the path"
        ) from error
    if not stat.S_ISREG(facts.st_mode):
        raise InvalidVideoError(
            "not_regular_file",
            f"{shown_name(path)} is not a regular file (a folder, link, pipe or device); "
            "give the video file itself",
        )
    if facts.st_size == 0:
        raise InvalidVideoError(
            "empty", f"{shown_name(path)} is empty (0 bytes); copy or download it again"
        )


def _raise_if_machine_failed(path: Path, error: Exception) -> None:
    if isinstance(error, MemoryError):
        raise MemoryError(
            f"not enough memory to read {shown_name(path)}; "
            "use a larger machine, or copy the file again if it is damaged"
        ) from error
    # FFmpeg reports some damage as an I/O error too, so the disk itself has to be asked.
    if isinstance(error, OSError):
        require_readable(path)


def _require_decodable(stream: av.video.stream.VideoStream, path: Path) -> None:
    if not has_decoder(stream):
        raise InvalidVideoError(
            "no_decoder",
            f"the codec of {shown_name(path)} is unknown or encrypted; convert it to H.264 first",
        )


def _require_few_bytes(path: Path) -> None:
    if path.stat().st_size > most_bytes():
        raise InvalidVideoError(
            "too_large",
            f"{shown_name(path)} has {path.stat().st_size:,} bytes, more than {most_bytes():,.0f}; "
            "split it, or raise HEATERS_MAX_FILE_GB",
        )


def _require_sane_size(width_px: int, height_px: int, path: Path) -> None:
    if width_px * height_px > most_pixels():
        raise InvalidVideoError(
            "too_many_pixels",
            f"{shown_name(path)} has pictures of {width_px}x{height_px}, more than {most_pixels()} "
            "pixels; scale it down, or raise HEATERS_MAX_MEGAPIXELS",
        )
    if 0 < min(width_px, height_px) < MIN_SIDE_PX:
        raise InvalidVideoError(
            "too_small",
            f"{shown_name(path)} has pictures of {width_px}x{height_px}, under {MIN_SIDE_PX} "
            "pixels a side; scale it up",
        )


def _time_base(stream: av.video.stream.VideoStream, path: Path) -> Fraction:
    if not stream.time_base:
        raise InvalidVideoError(
            "bad_timestamps", f"{shown_name(path)} has no time base; remux it with a frame rate"
        )
    return stream.time_base


def _frame_rate(stream: av.video.stream.VideoStream) -> Fraction | None:
    average, guessed = stream.average_rate, stream.guessed_rate
    # DV has ticks of 1/60000 s, and FFmpeg takes each for a frame.
    if average and guessed and guessed < average and average * (stream.time_base or 0) >= 1:
        return guessed
    return average or guessed or None


def _start_timecode(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> str | None:
    """What the video's stream, a timecode track or the file says first; other text counts not."""
    said = [stream.metadata, *(track.metadata for track in container.streams.data)]
    # Matroska writes the names of its tags in capitals.
    found = [
        label
        for each in [*said, container.metadata]
        for name, label in each.items()
        if name.lower() == "timecode"
    ]
    return next((label for label in found if _TIMECODE.fullmatch(label)), None)


def _indexed_frames(stream: av.video.stream.VideoStream) -> int:
    """The frames that the index lists, without those that edit lists leave out for good."""
    return min(stream.frames, len(stream.index_entries))


def _promised_duration(container: av.container.InputContainer, name: str) -> Fraction | None:
    # Only Matroska's duration is written when the file is finished and nowhere else estimated;
    # MP4 counts its samples, and streams promise nothing.
    if name != "matroska" or not container.duration:
        return None
    return Fraction(container.duration, av.time_base)


def _audio_info(stream: av.AudioStream, container_name: str) -> AudioInfo:
    known = has_decoder(stream)
    codec = stream.codec_context.codec.canonical_name if known else "unknown"
    known = known and (container_name, codec) not in _UNTIMED_SOUND
    return AudioInfo(
        stream_index=stream.index,
        codec=codec,
        sample_rate_hz=stream.rate if known else 0,
        channels=stream.channels if known else 0,
        language=stream.language,
    )
