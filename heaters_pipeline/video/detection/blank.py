"""Pictures that show nothing: all of one colour, such as those that fades go to. Pure."""

import numpy as np

from heaters_pipeline.video.arrays import BoolArray, Float32Array, UInt8Array

# Ranges in which results stay the same are of threshold_ranges, see ``cuts``.
_MOST_DETAIL = 60.0  # energy; leaves room for a logo or watermark on black; same from 15 to 240
_MOST_SPREAD = 8.0  # of the luma of cells around their mean; same from 2 to 32


def are_blank(signatures: Float32Array | UInt8Array, detail: Float32Array) -> BoolArray:
    """Whether each picture is all of one colour: (pictures,).

    Args:
        signatures: (pictures, rows, columns, 3) mean Y, Cr and Cb of each cell, 0 to 255.
        detail: (pictures,) mean squared brightness step between neighbouring pixels.
    """
    blank = np.asarray(detail <= _MOST_DETAIL)
    luma = signatures[blank, ..., 0]
    blank[blank] = luma.std(axis=(1, 2), dtype=np.float32) <= _MOST_SPREAD
    return blank
