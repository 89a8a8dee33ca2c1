"""A small share of a frame's pixels, exactly as the full-size picture has them, for histograms.

Decoded pictures keep one colour sample for a block of brightness samples (2x2 in 4:2:0). Whole
blocks are taken, every k-th across and down, and converted to BGR as the full-size picture is.
Scaling by points does neither: it joins the brightness of one pixel with the colour of another,
and swscale rounds differently while it scales, which gives flat pictures a second colour.

What the pixels are for is no matter of this module.
"""

from math import isqrt
from typing import cast

import av.video.format
import av.video.frame
import av.video.plane
import av.video.reformatter
import numpy as np

from heaters_pipeline.video.arrays import Picture, UInt8Array
from heaters_pipeline.video.media.ffmpeg_resources import shortage_raised

LEAST_PIXELS = 320 * 180
"""The fewest with which the histogram methods, but ``chisqr``, cut as full-size histograms do: of
3,051 frames of ten real videos at most 2 are decided otherwise (benchmarks/histogram_reference.py,
docs/benchmarks.md, "Sampled histograms against full-size ones")."""


class PixelSampler:
    """Sample frame after frame; what the conversion needs is set up once for all of them.

    Args:
        least_pixels: A picture of as many pixels or more gives at least so many, less what
            its edges cost, and fewer than four times as many; a smaller one gives all it has.
    """

    def __init__(self, least_pixels: int = LEAST_PIXELS) -> None:
        self._least_pixels = least_pixels
        self._reformatter = av.video.reformatter.VideoReformatter()
        self._blocks: av.video.frame.VideoFrame | None = None

    def picture(self, frame: av.video.frame.VideoFrame) -> Picture:
        """Pixels of a frame before rotation, in their places as far as a smaller picture has them.

        Planar YUV of 8 bits in 4:2:0 and 4:2:2 gives a subset of the full-size picture bit for
        bit. With more bits, colours are those of the nearest sample instead of interpolated ones.
        """
        across, down = _block_px(frame.format)
        step = min(
            isqrt(frame.width * frame.height // self._least_pixels),
            frame.width // across,
            frame.height // down,
        )
        if step <= 1:
            return self._converted(frame, av.video.reformatter.Interpolation.BICUBIC)
        if not _has_plane_for_each_component(frame):
            full = self._converted(frame, av.video.reformatter.Interpolation.BICUBIC)
            return _blocks_of_picture(full, across, down, step)
        return self._converted(self._sampled(frame, step), av.video.reformatter.Interpolation.POINT)

    def _converted(
        self,
        frame: av.video.frame.VideoFrame,
        interpolation: av.video.reformatter.Interpolation,
    ) -> Picture:
        # More threads cost more than they save on a small picture.
        with shortage_raised():
            converted = self._reformatter.reformat(
                frame, format="bgr24", interpolation=interpolation, threads=1
            )
        return cast("Picture", converted.to_ndarray())

    def _sampled(self, frame: av.video.frame.VideoFrame, step: int) -> av.video.frame.VideoFrame:
        """Every ``step``-th block of a frame, in a frame of the same format."""
        across, down = _block_px(frame.format)
        columns = len(range(step // 2, frame.width // across, step))
        rows = len(range(step // 2, frame.height // down, step))
        # swscale converts pictures of odd height in another way, which rounds differently.
        rows -= rows * down % 2 if rows > 1 else 0
        target = self._target(columns * across, rows * down, frame.format.name)
        for component in frame.format.components:
            is_chroma = component.is_chroma
            sample_bytes = -(-component.bits // 8)
            block_bytes = sample_bytes * (1 if is_chroma else across)
            block_rows = 1 if is_chroma else down
            source = _in_blocks(frame.planes[component.plane], block_rows, block_bytes)
            source = source[: frame.height // down, :, : frame.width // across]
            taken = source[step // 2 :: step, :, step // 2 :: step][:rows]
            place = _in_blocks(target.planes[component.plane], block_rows, block_bytes)
            place[:rows, :, :columns] = taken
        target.colorspace, target.color_range = frame.colorspace, frame.color_range
        return target

    def _target(self, width_px: int, height_px: int, name: str) -> av.video.frame.VideoFrame:
        kept = self._blocks
        if kept is None or (kept.width, kept.height, kept.format.name) != (
            width_px,
            height_px,
            name,
        ):
            kept = self._blocks = av.video.frame.VideoFrame(width_px, height_px, name)
        return kept


def _block_px(pixel_format: av.video.format.VideoFormat) -> tuple[int, int]:
    """(width, height) of the pixels that share a colour sample."""
    return 16 // pixel_format.chroma_width(16), 16 // pixel_format.chroma_height(16)


def _blocks_of_picture(full: Picture, across: int, down: int, step: int) -> Picture:
    rows, columns = full.shape[0] // down, full.shape[1] // across
    blocks = full[: rows * down, : columns * across].reshape(rows, down, columns, across, 3)
    taken = blocks[step // 2 :: step, :, step // 2 :: step]
    return np.ascontiguousarray(taken).reshape(taken.shape[0] * down, -1, 3)


def _has_plane_for_each_component(frame: av.video.frame.VideoFrame) -> bool:
    pixel_format = frame.format
    planes = sorted(component.plane for component in pixel_format.components)
    return (
        not pixel_format.has_palette
        and not pixel_format.is_bit_stream
        and planes == list(range(len(frame.planes)))
        and all(plane.line_size > 0 for plane in frame.planes)
    )


def _in_blocks(plane: av.video.plane.VideoPlane, rows: int, row_bytes: int) -> UInt8Array:
    """A view of a plane's memory: (blocks down, rows of a block, blocks across) of ``row_bytes``.

    Elements are opaque bytes, so that numpy moves a block's row at once.
    """
    lines = np.asarray(plane, np.uint8).reshape(-1, plane.line_size)
    usable = plane.line_size // row_bytes * row_bytes
    blocks = lines[: len(lines) // rows * rows, :usable].view(f"V{row_bytes}")
    return cast("UInt8Array", blocks.reshape(len(lines) // rows, rows, -1))
