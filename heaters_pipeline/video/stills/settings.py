"""What storyboards, sprite sheets and key frames are asked to be. Pure, and quick to import."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

from heaters_pipeline.errors import SettingsError

KeyframeStrategy = Literal["midpoint", "multi", "sharpest"]
PictureFormat = Literal["jpg", "webp"]
"""As the extension of a file says it."""

MOST_SIDE_PX: dict[PictureFormat, int] = {"jpg": 65_500, "webp": 16_383}
"""Most pixels of a side: of libjpeg (the format itself has 65,535), and of WebP (RFC 9649, 2.5)."""

MAX_PAGE_SIDE_PX = 8192
MIN_TILE_WIDTH_PX = 16
AUTO_TILES = 600
"""Most tiles of a storyboard whose interval nobody chose: one a second for up to ten minutes."""
MOST_INTERVAL_SECONDS = 3600
_MIN_SIDE_PX = 16
_MAX_SIDE_PX = 8192


@dataclass(frozen=True, slots=True)
class PictureCoding:
    """How a picture is written.

    Attributes:
        quality: 1 to 100, as libjpeg and libwebp count it; of the two numbers that are the same,
            WebP's makes the smaller file.
        format: JPEG, or WebP.
    """

    quality: int
    format: PictureFormat = "jpg"

    def __post_init__(self) -> None:
        # Messages say what people set, which is called so since there were JPEGs alone.
        if not 1 <= self.quality <= 100:
            raise SettingsError(f"jpeg_quality is {self.quality}, it must lie between 1 and 100")
        if self.format not in get_args(PictureFormat):
            raise SettingsError(f"format is {self.format!r}, it must be jpg or webp")


@dataclass(frozen=True, slots=True)
class SpriteSettings:
    """How sprite sheets are made.

    Attributes:
        tiles_per_second: Most tiles for each second of a clip, the first and the last of which
            are its first and its last frame. Two are enough to see what moves, and a page of 25
            then shows a scene of 12.5 s, longer than most. Long clips get fewer
            (``max_tiles``), and never more than a tile for the shortest of their frames.
        tile_width_px: Width of a tile; of upright pictures it is the height. So a tile always
            fits into a square of this side. Smaller videos are not enlarged.
        columns: Tiles in a row.
        rows: Rows on a full page.
        jpeg_quality: 1 to 100, also of WebP.
        max_tiles: Most tiles of one clip; they are then spread evenly over all of it.
        format: Of the pages.
    """

    tiles_per_second: float = 2.0
    tile_width_px: int = 160
    columns: int = 5
    rows: int = 5
    jpeg_quality: int = 80
    max_tiles: int = 1000
    format: PictureFormat = "jpg"

    def __post_init__(self) -> None:
        if not 0.001 <= self.tiles_per_second <= 1000:
            raise SettingsError(
                f"tiles_per_second is {self.tiles_per_second}, it must lie between 0.001 and 1000"
            )
        if self.tile_width_px < MIN_TILE_WIDTH_PX:
            raise SettingsError(
                f"tile_width_px is {self.tile_width_px}, it must be at least {MIN_TILE_WIDTH_PX}"
            )
        for name, tiles in (("columns", self.columns), ("rows", self.rows)):
            if not 1 <= tiles <= MAX_PAGE_SIDE_PX // self.tile_width_px:
                raise SettingsError(
                    f"{name} is {tiles}, it must lie between 1 and what fits into a page of "
                    f"{MAX_PAGE_SIDE_PX} px, {MAX_PAGE_SIDE_PX // self.tile_width_px} tiles of "
                    f"{self.tile_width_px} px"
                )
        if self.max_tiles < 1:
            raise SettingsError(f"max_tiles is {self.max_tiles}, it must be at least 1")
        _ = self.coding

    @property
    def coding(self) -> PictureCoding:
        """How pages are written."""
        return PictureCoding(self.jpeg_quality, self.format)

    @property
    def interval_seconds(self) -> Fraction:
        """Seconds from one tile to the next, exactly as ``tiles_per_second`` is written."""
        return 1 / Fraction(str(self.tiles_per_second))


@dataclass(frozen=True, slots=True)
class StoryboardSettings:
    """How the storyboard of a whole video is made.

    Attributes:
        tile_width_px: Width of a tile; of upright pictures it is the height, as of sprite sheets.
            Smaller videos are not enlarged.
        interval_seconds: Whole seconds from one tile to the next, since some players cut times to
            those; 0 for the fewest that give no more than ``AUTO_TILES`` tiles.
        columns: Tiles in a row.
        rows: Rows on a full sheet.
        jpeg_quality: 1 to 100, also of WebP.
        format: Of the sheets; the BIF file holds JPEGs whatever it says.
    """

    tile_width_px: int = 320
    interval_seconds: int = 0
    columns: int = 10
    rows: int = 10
    jpeg_quality: int = 75
    format: PictureFormat = "jpg"

    def __post_init__(self) -> None:
        if not 0 <= self.interval_seconds <= MOST_INTERVAL_SECONDS:
            raise SettingsError(
                f"interval_seconds is {self.interval_seconds}, it must lie between 0 and "
                f"{MOST_INTERVAL_SECONDS}"
            )
        # Refuses what no sheet can have.
        _ = self.sheets

    @property
    def sheets(self) -> SpriteSettings:
        """The same as far as the sheets are concerned."""
        return SpriteSettings(
            tile_width_px=self.tile_width_px,
            columns=self.columns,
            rows=self.rows,
            jpeg_quality=self.jpeg_quality,
            format=self.format,
        )


@dataclass(frozen=True, slots=True)
class KeyframeSettings:
    """Which pictures are taken of a clip, and how large.

    Attributes:
        strategy: ``midpoint`` takes one in the middle, ``multi`` three at 25, 50 and 75 %,
            ``sharpest`` the sharpest and best exposed of some that are in no transition.
        max_side_px: Most pixels of the longer side. Smaller videos are not enlarged.
        jpeg_quality: 1 to 100, also of WebP.
        format: Of the files.
    """

    strategy: KeyframeStrategy = "midpoint"
    max_side_px: int = 1280
    jpeg_quality: int = 90
    format: PictureFormat = "jpg"

    def __post_init__(self) -> None:
        if self.strategy not in get_args(KeyframeStrategy):
            raise SettingsError(
                f"strategy is {self.strategy!r}, it must be midpoint, multi or sharpest"
            )
        if not _MIN_SIDE_PX <= self.max_side_px <= _MAX_SIDE_PX:
            raise SettingsError(
                f"max_side_px is {self.max_side_px}, it must lie between {_MIN_SIDE_PX} and "
                f"{_MAX_SIDE_PX}"
            )
        _ = self.coding

    @property
    def coding(self) -> PictureCoding:
        """How they are written."""
        return PictureCoding(self.jpeg_quality, self.format)
