"""JPEG files: written together or not at all, and looked at once they are stored.

What is on the pictures is the business of ``sprites`` and ``keyframes``.
"""

from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.arrays import Picture


class PictureFiles:
    """A set of JPEG files, which appear when the ``with`` block ends without an error.

    Until then each lies under a temporary name in the folder where it will appear. After an
    error none of them is left.
    """

    def __init__(self) -> None:
        self._temporary_of: dict[Path, Path] = {}

    def __enter__(self) -> "PictureFiles":
        return self

    def add(self, path: Path, picture: Picture, jpeg_quality: int) -> int:
        """Write one picture of the set.

        Args:
            path: Where it will appear, in a folder that exists.
            picture: (height, width, 3) uint8 BGR.
            jpeg_quality: 1 to 100.
        Returns:
            Length of the file in bytes.
        Raises:
            ClipError: It is no picture that a JPEG can hold.
            OSError: The disk is full, or cannot be written.
        """
        data = jpeg_bytes(picture, jpeg_quality, path.name)
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


def jpeg_bytes(picture: Picture, jpeg_quality: int, name: str) -> bytes:
    """A picture as a JPEG.

    Args:
        picture: (height, width, 3) uint8 BGR.
        jpeg_quality: 1 to 100.
        name: What an error calls it.
    Raises:
        ClipError: It is no picture that a JPEG can hold.
    """
    encoded, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality])
    if not encoded:
        raise ClipError(f"cannot make a JPEG of {picture.shape} pixels for {name}")
    return data.tobytes()


def decoded_picture(data: bytes) -> Picture:
    """The picture of a JPEG: (height, width, 3) uint8 BGR.

    Raises:
        ClipError: It cannot be decoded.
    """
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if picture is None:
        raise ClipError(f"{len(data)} bytes are no picture that can be decoded")
    return np.asarray(picture, np.uint8)


def picture_size_px(data: bytes) -> tuple[int, int]:
    """``(width, height)`` of a JPEG.

    Raises:
        ClipError: It cannot be decoded.
    """
    height_px, width_px = decoded_picture(data).shape[:2]
    return width_px, height_px
