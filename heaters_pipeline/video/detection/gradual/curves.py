"""What the search for gradual transitions measures a video with. Pure.

Every measure of a stretch is a difference of two running sums or a look at a few of its frames,
so that it costs the same for a stretch of any length, and depends on nothing outside of it. What
the measures mean is no matter of this module.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from heaters_pipeline.video.arrays import BoolArray, Float32Array, Float64Array, Int64Array
from heaters_pipeline.video.detection.blank import are_blank
from heaters_pipeline.video.media.timing import Timeline

_BLOCK = 256  # frames; larger products leave the cache, and are spread over threads in vain

# Ranges in which results stay the same are of threshold_ranges, see ``cuts``.
_BLACK_LUMA = 24  # mean of the picture, 0 to 255; same from 12 to 96
_WHITE_LUMA = 225  # same up to 248


@dataclass(frozen=True, eq=False)
class GradualCurves:
    """A video as the search for gradual transitions sees it.

    Frames that were not measured may be put in between their neighbours: a mixture of two frames
    of an even ramp lies on the ramp.

    Attributes:
        signatures: (frames, rows, columns, 3) float32, mean Y, Cr and Cb of each cell, 0 to 255.
        detail: (frames,) float32, mean squared brightness step between neighbouring pixels.
        cuts: First frames of new scenes, increasing, without 0.
        frame_step: Frames that pass in about 1/25 of a second, >= 1.
        timeline: Of all frames.
    """

    signatures: Float32Array
    detail: Float32Array
    cuts: Sequence[int]
    frame_step: int
    timeline: Timeline
    scene_edges: Int64Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        frames = self.timeline.frames
        if self.signatures.ndim != 4 or self.signatures.shape[0] != frames:
            raise ValueError(f"signatures must be of {frames} frames, got {self.signatures.shape}")
        if self.detail.shape != (frames,):
            raise ValueError(f"detail must have the shape ({frames},), got {self.detail.shape}")
        object.__setattr__(self, "scene_edges", np.array([0, *self.cuts, frames], np.int64))

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.signatures)

    @cached_property
    def cells(self) -> Float32Array:
        """(frames, cells * 3) view of the signatures."""
        return self.signatures.reshape(self.frames, -1)

    @cached_property
    def paths(self) -> Float64Array:
        """(1 + columns + rows, frames): the change from frame to frame, summed up to each frame.

        The first is of the whole picture, then of each column from the left, then of each row
        from the top; all are means over cells. Cuts change nothing here.
        """
        _, rows, columns, channels = self.signatures.shape
        parts = np.zeros((rows, columns, channels, 1 + columns + rows), np.float32)
        parts[..., 0] = 1 / (rows * columns * channels)
        for column in range(columns):
            parts[:, column, :, 1 + column] = 1 / (rows * channels)
        for row in range(rows):
            parts[row, :, :, 1 + columns + row] = 1 / (columns * channels)
        parts = parts.reshape(-1, 1 + columns + rows)
        change = np.zeros((self.frames, parts.shape[1]), np.float32)
        for first in range(0, self.frames - 1, _BLOCK):
            block = np.diff(self.cells[first : first + _BLOCK + 1], axis=0)
            change[first + 1 : first + 1 + len(block)] = np.abs(block, out=block) @ parts
        change[self.scene_edges[1:-1]] = 0
        sums = np.empty(change.shape[::-1])
        for part, line in enumerate(sums):
            np.cumsum(change[:, part], dtype=np.float64, out=line)
        return sums

    @property
    def columns(self) -> Int64Array:
        """Where in ``paths`` the columns are, from the left."""
        return np.arange(1, 1 + self.signatures.shape[2])

    @property
    def rows(self) -> Int64Array:
        """Where in ``paths`` the rows are, from the top."""
        return np.arange(self.signatures.shape[1]) + 1 + len(self.columns)

    def cells_of(self, lines: Int64Array) -> Int64Array:
        """Which of ``cells`` each column, or each row, is made of: (lines, cells)."""
        numbers = np.arange(self.cells.shape[1]).reshape(self.signatures.shape[1:])
        across = lines[0] in self.columns
        parts = numbers.swapaxes(0, 1) if across else numbers
        own = parts.reshape(len(parts), -1)[lines - (self.columns if across else self.rows)[0]]
        return np.asarray(own)

    @cached_property
    def energy(self) -> Float64Array:
        """(frames,) ``detail``, never 0."""
        return self.detail.astype(np.float64) + 1

    @cached_property
    def energy_sums(self) -> Float64Array:
        """(frames + 1,) ``energy`` of all frames before each."""
        return np.concatenate([[0.0], np.cumsum(self.energy)])

    @cached_property
    def luma(self) -> Float64Array:
        """(frames,) mean brightness, 0 to 255."""
        mean = np.empty(self.frames)
        for first in range(0, self.frames, _BLOCK):
            luma = self.signatures[first : first + _BLOCK, ..., 0]
            mean[first : first + _BLOCK] = luma.reshape(len(luma), -1).mean(axis=1)
        return mean

    @cached_property
    def black(self) -> BoolArray:
        """(frames,) whether a frame shows nothing on black."""
        return self._blank & (self.luma <= _BLACK_LUMA)

    @cached_property
    def white(self) -> BoolArray:
        """(frames,) whether a frame shows nothing on white."""
        return self._blank & (self.luma >= _WHITE_LUMA)

    @cached_property
    def _blank(self) -> BoolArray:
        return are_blank(self.signatures, self.detail)

    @cached_property
    def scene_numbers(self) -> Int64Array:
        """(frames,) number of the stretch between cuts that each frame lies in, from 1."""
        return self.scenes_of(np.arange(self.frames))

    def scenes_of(self, frames: Int64Array) -> Int64Array:
        """Number of the stretch between cuts that each frame lies in, from 1."""
        numbers: Int64Array = np.searchsorted(self.scene_edges, frames, side="right")
        return numbers

    def likeness(self, first: int, last: int) -> float:
        """Correlation of the brightness of two frames' cells, -1 to 1; 0 if one is all alike.

        Of all cells, or without the topmost and the lowest ones, where bars and titles come and go.
        """
        sides = self.signatures[[first, last], ..., 0]
        return max(correlation(*sides), correlation(*sides[:, 1:-1]))

    def frames_around(self, frames: Int64Array) -> tuple[Int64Array, Int64Array]:
        """First and last frames of the stretches between cuts that frames lie in."""
        following = self.scenes_of(frames)
        return self.scene_edges[following - 1], self.scene_edges[following] - 1


def correlation(one: Float32Array, other: Float32Array) -> float:
    """How alike two arrays of brightness are, whatever the light, -1 to 1; 0 if one is even."""
    one, other = one.ravel() - one.mean(), other.ravel() - other.mean()
    shown = np.sqrt((one @ one) * (other @ other))
    return float(one @ other / shown) if shown else 0.0
