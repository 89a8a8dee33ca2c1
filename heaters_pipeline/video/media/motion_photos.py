"""The video in a motion photo: a picture of a phone that has the seconds around it behind it.

In a JPEG file an MP4 file follows the picture (Android's Motion Photo 1.0, Samsung's and Google's
earlier kinds); in HEIF it is the content of a box of its own, ``mpvd``.
"""

import mmap
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from heaters_pipeline.video.media.refusals import PHOTO_BRANDS

_JPEG_HEAD = b"\xff\xd8\xff"
_BOX_HEADER_BYTES = 8
_LONG_HEADER_BYTES = 16
# A photo has a handful of boxes, and its picture hardly ever what looks like the start of a video;
# in a file that is made of nothing else the search must end.
_MOST_BOXES, _MOST_PLACES = 1000, 100


def video_in_photo(path: Path) -> range | None:
    """Where in a file of a photo its video stands, in bytes; None for all other files.

    Args:
        path: A regular file that is not empty.
    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(12)
        is_heif = head[4:8] == b"ftyp" and head[8:].decode("latin-1") in PHOTO_BRANDS
        if not (is_heif or head.startswith(_JPEG_HEAD)):
            return None
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _in_box(content) if is_heif else _behind_picture(content)


def _in_box(content: mmap.mmap) -> range | None:
    for kind, body in islice(_boxes(content, 0), _MOST_BOXES):
        if kind == b"mpvd":
            return body
    return None


def _behind_picture(content: mmap.mmap) -> range | None:
    at = content.find(b"ftyp", 4)
    for _ in range(_MOST_PLACES):
        if at < 0:
            break
        kinds = [kind for kind, _ in islice(_boxes(content, at - 4), _MOST_BOXES)]
        if b"moov" in kinds:
            return range(at - 4, len(content))
        at = content.find(b"ftyp", at + 1)
    return None


def _boxes(content: mmap.mmap, at: int) -> Iterator[tuple[bytes, range]]:
    """Kind and content of each box from a place on, up to the first that is none."""
    while at + _BOX_HEADER_BYTES <= len(content):
        size, kind = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8]
        header = _BOX_HEADER_BYTES
        if size == 1:
            header = _LONG_HEADER_BYTES
            size = int.from_bytes(content[at + 8 : at + 16])
        elif size == 0:
            size = len(content) - at
        if size < header or at + size > len(content):
            return
        yield kind, range(at + header, at + size)
        at += size
