"""Pictures of one video that were made at once, kept in a file until they are used."""

import os
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import cast

import numpy as np

from heaters_pipeline.video.arrays import Picture
from heaters_pipeline.video.stills.settings import PictureCoding


@dataclass(frozen=True, slots=True)
class WantedPicture:
    """A picture of a frame as a person sees it.

    Attributes:
        frame: Index in the video.
        max_side_px: Most pixels of either side; smaller videos are not enlarged.
        coding: How it is written; None for the pixels themselves.
    """

    frame: int
    max_side_px: int
    coding: PictureCoding | None = None


@dataclass(frozen=True, slots=True)
class MadePicture:
    """A picture that was made.

    Attributes:
        data: The bytes of a file, or those of the pixels: rows of uint8 BGR.
        width_px: Its width.
        height_px: Its height.
    """

    data: bytes
    width_px: int
    height_px: int

    def pixels(self) -> Picture:
        """The pixels of one that was not written as a file: (height, width, 3) uint8 BGR."""
        shape = (self.height_px, self.width_px, 3)
        return cast("Picture", np.frombuffer(self.data, np.uint8).reshape(shape))


class PictureShelf:
    """Made pictures in a file, for several threads: small ones of hours of video are gigabytes."""

    def __init__(self, path: Path) -> None:
        """Begin an empty one.

        Args:
            path: Of the file; whoever made its folder removes it.
        """
        self._file = path.open("xb+", buffering=0)
        self._end = 0
        self._places: dict[WantedPicture, tuple[int, int, int, int]] = {}
        self._lock = Lock()

    def __contains__(self, wanted: WantedPicture) -> bool:
        return wanted in self._places

    def add(self, wanted: WantedPicture, made: MadePicture) -> None:
        """Keep a picture.

        Raises:
            OSError: The disk is full, or cannot be written.
        """
        with self._lock:
            start = self._end
            self._file.seek(start)
            left = memoryview(made.data)
            while left:
                left = left[self._file.write(left) :]
            self._end += len(made.data)
            self._places[wanted] = (start, len(made.data), made.width_px, made.height_px)

    def picture(self, wanted: WantedPicture) -> MadePicture:
        """A picture that was kept.

        Raises:
            KeyError: It was not.
        """
        start, size, width_px, height_px = self._places[wanted]
        return MadePicture(os.pread(self._file.fileno(), size, start), width_px, height_px)

    def close(self) -> None:
        """Give up the file."""
        self._file.close()
