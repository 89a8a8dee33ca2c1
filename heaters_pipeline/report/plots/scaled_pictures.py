"""Pictures of frames, scaled to the place that they have in a larger picture. Pure.

Decoding them is no matter of this module, nor is drawing around them.
"""

import cv2
import numpy as np

from heaters_pipeline.video.arrays import Picture


def scaled_to_fit(picture: Picture, width_px: int, height_px: int) -> Picture:
    """A picture as large as a place allows, in its own proportions.

    Args:
        picture: (height, width, 3) uint8 BGR.
        width_px: Of the place, at least 1.
        height_px: Of the place, at least 1.
    """
    rows, columns = picture.shape[:2]
    scale = min(width_px / columns, height_px / rows)
    size_px = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    return np.asarray(cv2.resize(picture, size_px, interpolation=cv2.INTER_AREA), np.uint8)
