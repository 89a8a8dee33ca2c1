"""JPEG and WebP files: written together or not at all, and looked at once they are stored.

What is on the pictures is the business of ``sprites`` and ``keyframes``.
"""

from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.arrays import Picture
from heaters_pipeline.video.stills.settings import MOST_SIDE_PX, PictureCoding, PictureFormat

CONTENT_TYPES: dict[str, str] = {"jpg": "image/jpeg", "webp": "image/webp"}

THUMBNAIL_SIDE_PX = 256
"""Longer side of the small picture beside a key frame."""

_FORMAT_NAMES: dict[PictureFormat, str] = {"jpg": "JPEG", "webp": "WebP"}


class PictureFiles:
    """A set of picture files, which appear when the ``with`` block ends without an error.

    Until then each lies under a temporary name in the folder where it will appear. After an
    error none of them is left.
    """

    def __init__(self) -> None:
        self._temporary_of: dict[Path, Path] = {}

    def __enter__(self) -> "PictureFiles":
        return self

    def add(self, path: Path, picture: Picture, coding: PictureCoding) -> int:
        """Write one picture of the set.

        Args:
            path: Where it will appear, in a folder that exists.
            picture: (height, width, 3) uint8 BGR.
            coding: How it is written.
        Returns:
            Length of the file in bytes.
        Raises:
            ClipError: It is larger than the format can hold.
            OSError: The disk is full, or cannot be written.
        """
        data = encoded_picture(picture, coding, path.name)
        temporary = path.with_name(f".{path.name}.part")
        self._temporary_of[path] = temporary
        return temporary.write_bytes(data)

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if error_type is None:
                self._publish()
        finally:
            for temporary in self._temporary_of.values():
                temporary.unlink(missing_ok=True)

    def _publish(self) -> None:
        published: list[Path] = []
        try:
            for path, temporary in self._temporary_of.items():
                temporary.replace(path)
                published.append(path)
        except OSError:
            for path in published:
                path.unlink(missing_ok=True)
            raise


def encoded_picture(picture: Picture, coding: PictureCoding, name: str) -> bytes:
    """A picture as a JPEG or a WebP.

    Args:
        picture: (height, width, 3) uint8 BGR.
        coding: The format, and its quality.
        name: What an error calls it.
    Raises:
        ClipError: It is larger than the format can hold.
    """
    flag = cv2.IMWRITE_WEBP_QUALITY if coding.format == "webp" else cv2.IMWRITE_JPEG_QUALITY
    fits = max(picture.shape) <= MOST_SIDE_PX[coding.format]
    if fits:
        encoded, data = cv2.imencode(f".{coding.format}", picture, [flag, coding.quality])
        if encoded:
            return data.tobytes()
    raise ClipError(
        f"cannot make a {_FORMAT_NAMES[coding.format]} of {picture.shape} pixels for {name}"
        + ("" if fits else f"; its sides have {MOST_SIDE_PX[coding.format]:,} px at most")
    )


def thumbnail(data: bytes, coding: PictureCoding, name: str) -> tuple[bytes, tuple[int, int]]:
    """A small picture of a picture, with its ``(width, height)``.

    Args:
        data: Of a JPEG or a WebP.
        coding: How it is written.
        name: What an error calls it.
    Raises:
        ClipError: It cannot be decoded.
    """
    # A JPEG of half the size takes half the time to decode, and is still twice as large.
    picture = decoded_picture(data, cv2.IMREAD_REDUCED_COLOR_2)
    if max(picture.shape) < 2 * THUMBNAIL_SIDE_PX:
        picture = decoded_picture(data)
    scale = min(THUMBNAIL_SIDE_PX / max(picture.shape), 1)
    width_px, height_px = (max(1, round(side * scale)) for side in picture.shape[1::-1])
    small = cv2.resize(picture, (width_px, height_px), interpolation=cv2.INTER_AREA)
    return encoded_picture(np.asarray(small, np.uint8), coding, name), (width_px, height_px)


def decoded_picture(data: bytes, how: int = cv2.IMREAD_COLOR) -> Picture:
    """The picture of a JPEG or a WebP: (height, width, 3) uint8 BGR.

    Args:
        data: Of the file.
        how: A flag of OpenCV's ``imread``.
    Raises:
        ClipError: It cannot be decoded.
    """
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), how) if data else None
    if picture is None:
        raise ClipError(f"{len(data)} bytes are no picture that can be decoded")
    return np.asarray(picture, np.uint8)


def picture_size_px(data: bytes) -> tuple[int, int]:
    """``(width, height)`` of a JPEG or a WebP.

    Raises:
        ClipError: It cannot be decoded.
    """
    height_px, width_px = decoded_picture(data).shape[:2]
    return width_px, height_px
