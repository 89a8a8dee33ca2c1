"""Parts of the picture that scene detection is told to ignore, such as a ticker. Pure.

What is left of a picture is sampled in ``sampling``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.arrays import Picture
from heaters_pipeline.video.media.orientation import Orientation

_LEAST_SHARE_LEFT = 0.05


@dataclass(frozen=True, slots=True)
class IgnoredRegion:
    """A rectangle of the picture as a person sees it, in shares of its width and height.

    Attributes:
        left: Left edge; 0 is the picture's own.
        top: Upper edge; 0 is the picture's own.
        right: Right edge, > left; 1 is the picture's own.
        bottom: Lower edge, > top; 1 is the picture's own.
    """

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        if not (0 <= self.left < self.right <= 1 and 0 <= self.top < self.bottom <= 1):
            raise SettingsError(
                "an ignored region is left,top,right,bottom in shares of the picture from 0 to 1, "
                f"with left < right and top < bottom; got {self}"
            )

    @classmethod
    def parse(cls, text: str) -> "IgnoredRegion":
        """Read ``left,top,right,bottom``.

        Raises:
            SettingsError: These are not four shares of the picture.
        """
        try:
            left, top, right, bottom = (float(part) for part in text.split(","))
        except ValueError as error:
            raise SettingsError(
                f"{text!r} is no ignored region; write left,top,right,bottom in shares of the "
                "picture, such as 0,0.9,1,1 for the lowest tenth"
            ) from error
        return cls(left, top, right, bottom)

    def __str__(self) -> str:
        return ",".join(f"{edge:g}" for edge in (self.left, self.top, self.right, self.bottom))


def counted_mask(
    size_px: tuple[int, int], regions: Sequence[IgnoredRegion], orientation: Orientation
) -> Picture:
    """Which points of a stored picture count: (height, width) uint8, 255 or 0.

    Args:
        size_px: (width, height) of the picture, as stored.
        regions: What is ignored of it, as displayed.
        orientation: How the stored picture is turned for display.
    """
    width, height = size_px
    mask = np.full((height, width, 1), 255, np.uint8)
    shown = orientation.view(mask)
    rows, columns = shown.shape[:2]
    for region in regions:
        # Every point that a region touches.
        across = slice(int(region.left * columns), -int(-region.right * columns // 1))
        shown[int(region.top * rows) : -int(-region.bottom * rows // 1), across] = 0
    return mask[:, :, 0]


def require_picture_left(regions: Sequence[IgnoredRegion]) -> None:
    """Refuse regions that leave next to nothing to look at.

    Raises:
        SettingsError: They cover more than 95 % of the picture.
    """
    mask = counted_mask((200, 200), regions, Orientation())
    if np.count_nonzero(mask) < _LEAST_SHARE_LEFT * mask.size:
        shown = " ".join(str(region) for region in regions)
        raise SettingsError(f"the ignored regions {shown} leave nothing of the picture to look at")
