"""Pictures of one video that were made at once, kept in a file until they are used."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import cast

import numpy as np

from heaters_pipeline.video.arrays import Picture
from heaters_pipeline.video.media.frames import Frame
from heaters_pipeline.video.media.shown_pictures import ShownPictures
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline.video.stills.picture_files import decoded_picture, encoded_picture
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
class SharpestPicture:
    """A picture of the sharpest and best exposed of some frames.

    Attributes:
        frames: Of the video, in order.
        max_side_px: As of other pictures.
        coding: How it is written.
    """

    frames: tuple[Span, ...]
    max_side_px: int
    coding: PictureCoding


Wanted = WantedPicture | SharpestPicture


@dataclass(frozen=True, slots=True)
class MadePicture:
    """A picture that was made.

    Attributes:
        frame: Of the video, which it shows.
        data: The bytes of a file, or those of the pixels: rows of uint8 BGR.
        width_px: Its width.
        height_px: Its height.
    """

    frame: int
    data: bytes
    width_px: int
    height_px: int


def made_picture(shown: ShownPictures, frame: Frame, wanted: Wanted) -> MadePicture:
    """Make a picture of a frame.

    Args:
        shown: Of the video.
        frame: Of it.
        wanted: How the picture is to be.
    """
    picture = shown.picture(frame, (wanted.max_side_px, wanted.max_side_px))
    height_px, width_px = picture.shape[:2]
    coding, name = wanted.coding, f"frame {frame.index}"
    data = encoded_picture(picture, coding, name) if coding else picture.tobytes()
    return MadePicture(frame.index, data, width_px, height_px)


class PictureShelf:
    """Made pictures in a file, for several threads: small ones of hours of video are gigabytes."""

    def __init__(self, path: Path) -> None:
        """Begin an empty one.

        Args:
            path: Of the file; whoever made its folder removes it.
        """
        self._file = path.open("xb+", buffering=0)
        self._end = 0
        self._places: dict[Wanted, tuple[int, int, MadePicture]] = {}
        self._lock = Lock()

    def __contains__(self, wanted: Wanted) -> bool:
        return wanted in self._places

    def add(self, wanted: Wanted, made: MadePicture) -> None:
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
            self._places[wanted] = start, len(made.data), replace(made, data=b"")

    def picture(self, wanted: Wanted) -> MadePicture:
        """A picture that was kept.

        Raises:
            KeyError: It was not.
        """
        start, size, made = self._places[wanted]
        return replace(made, data=os.pread(self._file.fileno(), size, start))

    def pixels(self, wanted: Wanted) -> Picture:
        """The pixels of a picture that was kept: (height, width, 3) uint8 BGR.

        Raises:
            KeyError: It was not.
        """
        made = self.picture(wanted)
        if wanted.coding is not None:
            return decoded_picture(made.data)
        shape = (made.height_px, made.width_px, 3)
        return cast("Picture", np.frombuffer(made.data, np.uint8).reshape(shape))

    def clear(self) -> None:
        """Forget all pictures."""
        with self._lock:
            self._places.clear()
            self._file.truncate(0)
            self._end = 0

    def close(self) -> None:
        """Give up the file."""
        self._file.close()
