"""The sharpest and best exposed of some frames: which ones are looked at, and how they are judged.

Decoding them is the business of ``source_pictures`` and ``keyframes``.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from threading import Lock

import cv2
import numpy as np

from heaters_pipeline.video.arrays import BoolArray, Picture
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline.video.stills.picture_shelf import MadePicture, SharpestPicture

MOST_CANDIDATES = 8
"""Of a clip; of one of 4 s, two a second."""

JUDGED_SIDE_PX = 640
"""Longer side of the picture that is judged: what cannot be seen at that size does not count."""

Rank = tuple[float, int]
"""How good a frame is, and its number, negative: of two that are as good, the earlier wins."""

_GREYS = np.arange(256) / 255
_WELL_EXPOSED = np.exp(-((_GREYS - 0.5) ** 2) / (2 * 0.2**2)).astype(np.float32)


def frames_without(span: Span, transitions: Sequence[Span]) -> tuple[Span, ...]:
    """The frames of a scene that show it alone.

    Args:
        span: The scene.
        transitions: Frames of gradual transitions, in order, none overlapping.
    Returns:
        In order; the whole scene if it is nothing but transitions.
    """
    left: list[Span] = []
    start = span.start
    for one in transitions[bisect_left(transitions, start, key=lambda one: one.end) :]:
        if one.start >= span.end:
            break
        if start < one.start:
            left.append(Span(start, one.start))
        start = max(start, one.end)
    if start < span.end:
        left.append(Span(start, span.end))
    return tuple(left) or (span,)


def candidates(spans: Sequence[Span], references: BoolArray | None = None) -> tuple[int, ...]:
    """The frames that are looked at: in the middle of equal parts of the spans.

    Args:
        spans: Where to look, in order, at least one.
        references: (frames of the video,) whether other frames are decoded from this one. The
            nearest of them in its span is taken in place of each, since it is decoded anyway. None
            where that is not known.
    """
    frames = np.concatenate([np.arange(span.start, span.end) for span in spans])
    parts = min(MOST_CANDIDATES, len(frames))
    chosen = frames[(2 * np.arange(parts) + 1) * len(frames) // (2 * parts)]
    if references is not None and references[frames].any():
        usable = frames[references[frames]]
        at = np.searchsorted(usable, chosen)
        before, after = usable[np.maximum(at - 1, 0)], usable[np.minimum(at, len(usable) - 1)]
        chosen = np.where(np.abs(chosen - before) <= np.abs(after - chosen), before, after)
    return tuple(sorted({int(frame) for frame in chosen}))


def goodness(picture: Picture) -> float:
    """How sharp and well exposed a picture is; pictures of one scene can be compared.

    The variance of its Laplacian (Pech-Pacheco et al., Diatom autofocusing in brightfield
    microscopy, ICPR 2000), times how well its pixels are exposed on average: each by a Gaussian of
    its distance from middle grey, of 0.2 of the range (Mertens et al., Exposure fusion, 2007).

    Args:
        picture: (height, width, 3) uint8 BGR.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    _, deviation = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))
    exposure = cv2.mean(cv2.LUT(grey, _WELL_EXPOSED))[0]
    return float(deviation[0, 0]) ** 2 * exposure


class Contest:
    """Which frame is the best so far, of each picture that is wanted; for several threads.

    A frame that is no better than one before needs no picture, so that few are made.
    """

    def __init__(self) -> None:
        self._best: dict[SharpestPicture, Rank] = {}
        self._lock = Lock()

    def enters(self, one: SharpestPicture, rank: Rank) -> bool:
        """Whether a frame is at least as good as all before; then it is the best so far."""
        with self._lock:
            if rank < self._best.get(one, rank):
                return False
            self._best[one] = rank
            return True


class Winners:
    """The pictures of the best frames, each known once all frames of its contest were seen."""

    def __init__(self, contestants: Mapping[SharpestPicture, Sequence[int]]) -> None:
        self._left = {one: len(frames) for one, frames in contestants.items()}
        self._best: dict[SharpestPicture, tuple[Rank, MadePicture]] = {}

    def seen(
        self, one: SharpestPicture, rank: Rank, made: MadePicture | None
    ) -> MadePicture | None:
        """Note that a frame was judged, with its picture if it was worth one.

        Returns:
            The picture of the best frame if it was the last one.
        """
        if made is not None and (one not in self._best or rank > self._best[one][0]):
            self._best[one] = rank, made
        self._left[one] -= 1
        return None if self._left[one] else self._best.pop(one)[1]
