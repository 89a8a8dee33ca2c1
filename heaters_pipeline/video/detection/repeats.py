"""Pictures that are shown several times over, as in animation on twos and slowed-down film. Pure.

Where each picture is shown two to six times, all of the motion is in every second to sixth frame:
each of those changes is several times the mean of what is around it, as a cut is. Without the
repeated frames the same film is one of fewer frames a second, and decided on as such.

Only analysed frames are looked at, so that a fast and a full scan find the same.
"""

from dataclasses import replace

import cv2
import numpy as np

from heaters_pipeline.video.arrays import BoolArray, Float64Array, Int64Array
from heaters_pipeline.video.detection.score_track import OF_FRAMES, ScoreTrack
from heaters_pipeline.video.media.timing import Timeline

_LONGEST_FRAMES = 6  # at 25 a second; what stands for longer is a still
_MOST_CHANGE = 0.1  # of a picture that is repeated; compression changes it a little
_MOST_SHARE = 0.1  # of the largest change nearby
_LEAST_KEPT, _LEAST_LIKE = 0.25, 0.6
"""What a change leaves within a scene, or how alike both sides are. A still of a few frames between
two cuts is a shot."""
_AROUND = 12  # holds to each side
_LEAST_HELD = 0.4
"""Share of those, and itself, in which a picture is repeated within a scene; of film that is shown
at 30 a second it is 0.25."""


def without_repeats(track: ScoreTrack) -> tuple[ScoreTrack, Int64Array]:
    """The track of a video without the frames that repeat the one before, where many do.

    Returns:
        The track, and for each of its frames which one of the video it is.
    """
    frames = _distinct(track)
    return (track if len(frames) == track.frames else _only(track, frames)), frames


def _distinct(track: ScoreTrack) -> Int64Array:
    """All frames but the repeated ones, increasing, from 0 on."""
    analysed = track.analysed_frames
    is_repeat = _repeats(track)
    changes = np.flatnonzero(~is_repeat)
    if not is_repeat.any() or not len(changes):
        return np.arange(track.frames)
    # A hold goes from one change to the next.
    lengths = np.diff(np.concatenate([[0], analysed[1:][changes], [track.frames]]))
    hold_of = np.searchsorted(changes, np.arange(len(is_repeat)))
    is_held = np.bincount(hold_of[is_repeat], minlength=len(lengths)) > 0
    is_held &= lengths <= _LONGEST_FRAMES * track.frame_step
    goes_on = _goes_on(track, analysed[1:][changes])
    in_scene = is_held & (np.append(False, goes_on) | np.append(goes_on, False))
    held_around = _sums_around(in_scene)
    is_usual = np.abs(lengths * held_around - _sums_around(in_scene * lengths)) <= held_around
    is_held &= held_around >= _LEAST_HELD * _sums_around(np.ones(len(lengths)))
    # What moves fast may leave nothing from one picture to the next, at the pace of the others.
    is_held &= in_scene | is_usual
    is_shown = np.ones(track.frames, np.bool_)
    for change in np.flatnonzero(is_repeat & is_held[hold_of]).tolist():
        is_shown[analysed[change] + 1 : analysed[change + 1] + 1] = False
    return np.flatnonzero(is_shown)


def _sums_around(values: BoolArray | Float64Array) -> Float64Array:
    """Of each hold and those around it."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    each = np.arange(len(values))
    last = np.minimum(each + _AROUND + 1, len(values))
    return np.asarray(sums[last] - sums[np.maximum(each - _AROUND, 0)])


def _repeats(track: ScoreTrack) -> BoolArray:
    """Whether each analysed frame but the first is nearly the same as the one before."""
    change = track.change[track.analysed_frames[1:]]
    nearby = np.ones((1, 2 * _LONGEST_FRAMES + 1), np.uint8)
    largest = cv2.dilate(change[None], nearby)[0] if len(change) else change
    return np.asarray(change <= np.minimum(_MOST_CHANGE, _MOST_SHARE * largest))


def _goes_on(track: ScoreTrack, frames: Int64Array) -> BoolArray:
    """Whether what changes at each of the frames is the same scene before and after."""
    # Of a small change, it is not known how alike both sides are.
    likeness = np.nan_to_num(track.likeness[frames], nan=1.0)
    return np.asarray((track.kept[frames] >= _LEAST_KEPT) | (likeness >= _LEAST_LIKE))


def _only(track: ScoreTrack, frames: Int64Array) -> ScoreTrack:
    """The track of a video of these frames alone, each at its time; frame 0 is among them."""
    timeline = track.timeline
    pts = [timeline.pts[frame] for frame in frames.tolist()]
    is_among = np.isin(track.analysed_frames, frames, assume_unique=True)
    return replace(
        track,
        timeline=Timeline(pts, timeline.end_pts, timeline.time_base, timeline.from_stream),
        analysed_frames=np.searchsorted(frames, track.analysed_frames[is_among]),
        tile_frames=np.zeros(0, np.int64),
        qualities={},
        similarities={name: values[frames] for name, values in track.similarities.items()},
        **{name: getattr(track, name)[frames] for name in OF_FRAMES},
    )
