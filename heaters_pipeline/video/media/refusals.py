"""What a file is that is no video, told by its first bytes, and what to do about it."""

from pathlib import Path

from heaters_pipeline.errors import InvalidVideoError

_PLAYLIST_HEADS = (b"#EXTM3U", b"ffconcat", b"<MPD", b"v=0\r\n", b"v=0\n")
_AUDIO_HEADS = (b"ID3", b"fLaC", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")
_PICTURE_HEADS = (b"\xff\xd8\xff", b"\x89PNG", b"BM", b"II*\x00", b"MM\x00*")
_REAL_MEDIA_HEAD = b".RMF"
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


def refusal_of(name: str, head: bytes, error: Exception) -> InvalidVideoError:
    """Why a file cannot be opened.

    Args:
        name: As messages print it.
        head: Its first bytes.
        error: What FFmpeg said.
    """
    if head.lstrip().startswith(_PLAYLIST_HEADS) or b"<MPD" in head:
        return InvalidVideoError(
            "playlist",
            f"{name} is a playlist, not a video; submit the video that it names, or join its "
            "parts into one file first",
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
    if head.startswith(_REAL_MEDIA_HEAD):
        return InvalidVideoError(
            "not_allowed_container",
            f"{name} is RealMedia, whose timestamps are not exact; convert it to MP4",
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
