"""How a stored picture is turned and mirrored before a person sees it. Pure.

Sizes and sample aspect ratio are ``shown_pictures``'.
"""

from dataclasses import dataclass

import numpy as np

from heaters_pipeline.video.arrays import Picture


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a stored picture is turned and mirrored for display.

    Applied in this order: transpose, then flips.
    """

    transpose: bool = False
    flip_horizontal: bool = False
    flip_vertical: bool = False

    @classmethod
    def from_display_matrix(cls, matrix: bytes) -> "Orientation":
        """Read FFmpeg's display matrix: nine native int32 ``a b u c d v x y w``.

        It maps a stored point to a displayed one: ``x' = a x + c y``, ``y' = b x + d y``. Only
        turns by multiples of 90 degrees and mirrors are shown; others become the nearest one.
        """
        a, b, _, c, d = np.frombuffer(matrix, dtype=np.int32)[:5].tolist()
        if abs(b) + abs(c) > abs(a) + abs(d):
            return cls(transpose=True, flip_horizontal=c < 0, flip_vertical=b < 0)
        return cls(flip_horizontal=a < 0, flip_vertical=d < 0)

    def view(self, picture: Picture) -> Picture:
        """A stored picture as it is to be displayed, on the same memory."""
        if self.transpose:
            picture = picture.transpose(1, 0, 2)
        if self.flip_horizontal:
            picture = picture[:, ::-1]
        if self.flip_vertical:
            picture = picture[::-1]
        return picture

    def apply(self, picture: Picture) -> Picture:
        """Turn a stored picture as it is to be displayed."""
        return np.ascontiguousarray(self.view(picture))
