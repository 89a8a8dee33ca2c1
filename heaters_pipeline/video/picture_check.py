"""Look at stored pictures: do they open, and how large are they."""

import cv2
import numpy as np

from heaters_pipeline.errors import ClipError


def picture_size_px(data: bytes) -> tuple[int, int]:
    """``(width, height)`` of a JPEG.

    Raises:
        ClipError: It cannot be decoded.
    """
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if picture is None:
        raise ClipError(f"{len(data)} bytes are no picture that can be decoded")
    height_px, width_px = picture.shape[:2]
    return width_px, height_px
