"""Light that comes over a picture and goes again: an explosion, a flare in the lens. Pure.

It may stay for half a second, longer than a flash, and hide all that is to be seen meanwhile. What
tells it from a short shot: nothing gets darker when it comes, and little by little the picture of
before is back.
"""

import numpy as np

from heaters_pipeline.video.arrays import BoolArray, Float32Array, UInt8Array
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.media.timing import Span

_MOST_FRAMES = 16  # at 25 a second
_LEAST_LUMA = 30.0
"""Mean of the picture that it comes over; on black, such as between titles, any shot is light."""
_LEAST_BRIGHTER = 8.0  # of luma, on average
_SAME_LUMA = 4  # by which a cell may get darker
_LEAST_CELLS = 0.9
_MOST_LEFT = 0.4  # of how far the cells differed
_MOST_AT_ONCE = 0.6  # of that, in one step on the way back; a short shot ends in a cut
_LEAST_ALIKE = 0.8  # correlation of brightness before and after


def is_glare(track: ScoreTrack, before: int, after: int) -> bool:
    """Whether light comes, or goes, at once from one analysed frame to another."""
    earlier, later = _beside(track, before, after, Span(0, track.frames))
    first, last = track.signatures[before], track.signatures[after]
    return _is_lit(first, later) or _is_lit(last, earlier)


def comes_back(track: ScoreTrack, before: int, after: int, within: Span) -> bool:
    """Whether what is seen after a change was there before it, or the other way round.

    Args:
        track: Of the video.
        before: The last frame before the change; of frames between, the analysed one before.
        after: The first frame after it.
        within: The frames between the cuts around it: beyond are other shots.
    """
    known = track.analysed_frames
    before = int(known[np.searchsorted(known, before, side="right") - 1])
    after = int(known[np.searchsorted(known, after)])
    earlier, later = _beside(track, before, after, within)
    first, last = (track.signatures[at].astype(np.float32) for at in (before, after))
    apart = float(np.abs(last - first).mean())
    return bool(
        _is_back(first, later[1:].astype(np.float32), apart).any()
        or _is_back(last, earlier[1:].astype(np.float32), apart).any()
    )


def _beside(
    track: ScoreTrack, before: int, after: int, within: Span
) -> tuple[UInt8Array, UInt8Array]:
    """Cells of the pictures up to a frame, and from another on, the nearest first."""
    most = _MOST_FRAMES * track.frame_step
    ends = [max(before - most, within.start), min(after + most + 1, within.end)]
    low, high = np.searchsorted(track.analysed_frames, ends)
    frames = track.analysed_frames[low:high]
    earlier, later = frames[frames <= before][::-1], frames[frames >= after]
    return track.signatures[earlier], track.signatures[later]


def _is_lit(picture: UInt8Array, others: UInt8Array) -> bool:
    """Whether a picture is lit at once, and little by little is what it was.

    Args:
        picture: (rows, columns, 3) cells of Y, Cr and Cb.
        others: (pictures, rows, columns, 3) what follows it, or came before, the nearest first.
    """
    cells, values = picture.astype(np.float32), others.astype(np.float32)
    brighter = values[0, ..., 0] - cells[..., 0]
    if cells[..., 0].mean() < _LEAST_LUMA or brighter.mean() < _LEAST_BRIGHTER:
        return False
    if (brighter >= -_SAME_LUMA).mean() < _LEAST_CELLS:
        return False
    apart = float(np.abs(values[0] - cells).mean())
    steps = np.abs(np.diff(values, axis=0)).mean(axis=(1, 2, 3))
    slowly = np.maximum.accumulate(steps) <= _MOST_AT_ONCE * apart
    return bool((_is_back(cells, values[1:], apart) & slowly).any())


def _is_back(cells: Float32Array, others: Float32Array, apart: float) -> BoolArray:
    """Which pictures show the same as one that differed so far meanwhile: (pictures,)."""
    left = np.abs(others - cells).mean(axis=(1, 2, 3))
    shown = cells[..., 0] - cells[..., 0].mean()
    seen = others[..., 0] - others[..., 0].mean(axis=(1, 2), keepdims=True)
    alike = (seen * shown).sum(axis=(1, 2))
    most = np.sqrt(np.square(seen).sum(axis=(1, 2)) * np.square(shown).sum())
    return np.asarray((left <= _MOST_LEFT * apart) & (alike >= _LEAST_ALIKE * most))
