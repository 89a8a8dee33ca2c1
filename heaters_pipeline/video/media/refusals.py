"""What a file is that is no video, told by its first bytes, and what to do about it."""

from collections.abc import Mapping
from pathlib import Path

from heaters_pipeline.errors import InvalidVideoError

_PLAYLIST_HEADS = (b"#EXTM3U", b"ffconcat", b"<MPD", b"v=0\r\n", b"v=0\n")
_AUDIO_HEADS = (b"ID3", b"fLaC", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")
_JPEG_HEAD = b"\xff\xd8\xff"
_PICTURE_HEADS = (_JPEG_HEAD, b"\x89PNG", b"BM", b"II*\x00", b"MM\x00*")
_JPEG_AFTER_JPEG = b"\xff\xd9" + _JPEG_HEAD
_SEVERAL_IN_A_PHOTO = b"MPF\0"
"""Says a JPEG that others follow, such as what HDR adds to it (CIPA DC-007)."""

_OTHER_CONTAINERS: Mapping[bytes, str] = {
    b".RMF": "RealMedia, whose timestamps are not exact",
    b"FWS": "a Flash film (SWF), which is a program that draws",
    b"CWS": "a Flash film (SWF), which is a program that draws",
    b"ZWS": "a Flash film (SWF), which is a program that draws",
    b"\0\0\0\0\1\xbc": "GXF, which FFmpeg does not read to its end without errors",
}
"""What no video is read of, by its first bytes."""

START_BYTES = 4 << 20
"""How much of a file is looked at."""

# Raw H.264 and H.265 (parameter sets, delimiters, SEI), which do not tell their rate.
_RAW_HEADS = tuple(
    b"\0\0\0\1" + unit for unit in (b"\x67", b"\x27", b"\x09", b"\x06", b"\x40", b"\x46")
)

PHOTO_BRANDS = frozenset({"heic", "heix", "heim", "heis", "mif1", "mif2", "avif"})
"""What HEIF says of files that hold still pictures (ISO/IEC 23008-12, 10); others are videos."""


def shown_name(path: Path) -> str:
    """The name of a file as messages print it, without line breaks and other surprises."""
    return path.name if path.name.isprintable() else ascii(path.name)


def still_picture(name: str) -> InvalidVideoError:
    """What is said of a photo."""
    return InvalidVideoError("still_image", f"{name} is a still picture; submit a video")


def refusal_of(name: str, start: bytes, error: Exception) -> InvalidVideoError:
    """Why a file cannot be opened.

    Args:
        name: As messages print it.
        start: Its first ``START_BYTES``.
        error: What FFmpeg said.
    """
    head = start[:512]
    if head.lstrip().startswith(_PLAYLIST_HEADS) or b"<MPD" in head:
        return InvalidVideoError(
            "playlist",
            f"{name} is a playlist, not a video; submit the video that it names, or join its "
            "parts into one file first",
        )
    if head.startswith(_JPEG_HEAD) and _are_many_pictures(start):
        return InvalidVideoError(
            "not_allowed_container",
            f"{name} is a series of JPEG pictures without times; put them into a video with a "
            "rate, such as by ffmpeg -f mjpeg -framerate 25 -i FILE -c copy VIDEO.mkv",
        )
    if head.startswith(_PICTURE_HEADS):
        return still_picture(name)
    if head.startswith(_AUDIO_HEADS) or head[8:12] == b"WAVE":
        return InvalidVideoError("no_video", f"{name} is a sound file; submit a video")
    if head.startswith(_RAW_HEADS):
        return InvalidVideoError(
            "not_allowed_container",
            f"{name} is a raw stream without a container, times and a rate; remux it to MP4",
        )
    for first_bytes, what in _OTHER_CONTAINERS.items():
        if head.startswith(first_bytes):
            return InvalidVideoError(
                "not_allowed_container", f"{name} is {what}; convert it to MP4"
            )
    if isinstance(error, EOFError):
        return InvalidVideoError(
            "no_frames", f"{name} ends inside its header, no picture can be read; copy it again"
        )
    return InvalidVideoError(
        "not_video",
        f"{name} is not a video that can be read (unknown, damaged or incomplete file); "
        "check that it plays, or download it again",
    )


def _are_many_pictures(start: bytes) -> bool:
    """Whether a JPEG is followed by others that it does not count among its own parts."""
    return start.count(_JPEG_AFTER_JPEG) > 1 and _SEVERAL_IN_A_PHOTO not in start
