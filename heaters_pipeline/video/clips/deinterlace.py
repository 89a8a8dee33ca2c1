"""The two fields of interlaced pictures become whole pictures, one for one.

Only the frames of one clip are looked at, so that it does not depend on what lies beside it: the
filter takes its first frame for the one before, and its last for the one after.
"""

from collections import deque
from collections.abc import Iterator

import av.video.frame

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.media.filter_graph import PictureFilter, source_arguments
from heaters_pipeline.video.media.frames import Frame

Pictured = tuple[Frame, av.video.frame.VideoFrame]
"""A frame, and the picture that is to be shown for it."""


def deinterlaced(frames: Iterator[Frame], threads: int) -> Iterator[Pictured]:
    """Give each frame with its picture, deinterlaced if it is interlaced.

    Up to the first interlaced frame nothing is held back; from there on the filter reads one
    frame ahead, and lets progressive ones through as they are.

    Args:
        frames: Of one clip, in order.
        threads: How many the filter may use; 0 for as many as there are cores.
    Raises (while iterating):
        ClipError: The filter gives another number of pictures.
    """
    deinterlacer: _Deinterlacer | None = None
    for frame in frames:
        if deinterlacer is not None and not deinterlacer.takes(frame):
            yield from deinterlacer.finish()
            deinterlacer = None
        if deinterlacer is None and frame.decoded.interlaced_frame:
            deinterlacer = _Deinterlacer(frame, threads)
        if deinterlacer is None:
            yield frame, frame.decoded
        else:
            yield from deinterlacer.feed(frame)
    if deinterlacer is not None:
        yield from deinterlacer.finish()


def shows_bottom_first(interlaced: av.video.frame.VideoFrame) -> bool:
    """Whether the lower field of an interlaced picture is the earlier one."""
    # PyAV does not say it; the filter lets nothing but such pictures pass.
    select = PictureFilter(interlaced, "select", "eq(interlace_type,2)")
    select.push(interlaced)
    return select.pull() is not None


class _Deinterlacer:
    """FFmpeg's bwdif for frames of one kind."""

    def __init__(self, first: Frame, threads: int) -> None:
        self._source = source_arguments(first.decoded)
        self._filter = PictureFilter(
            first.decoded, "bwdif", "mode=send_frame:deint=interlaced", threads=threads
        )
        self._pushed = 0
        self._waiting: deque[Frame] = deque()

    def takes(self, frame: Frame) -> bool:
        return source_arguments(frame.decoded) == self._source

    def feed(self, frame: Frame) -> Iterator[Pictured]:
        # The filter extrapolates timestamps, which those of the source may not allow.
        frame.decoded.pts = self._pushed
        self._pushed += 1
        self._waiting.append(frame)
        self._filter.push(frame.decoded)
        return self._finished()

    def finish(self) -> Iterator[Pictured]:
        if self._pushed == 1:
            # Compared with nothing but itself, it would be taken for a picture without motion.
            self._filter = PictureFilter(self._waiting[0].decoded, "estdif", "mode=frame")
            self._filter.push(self._waiting[0].decoded)
        self._filter.push(None)
        yield from self._finished()
        if self._waiting:
            raise ClipError(
                f"deinterlacing lost {len(self._waiting)} frames; encode with interlaced=keep"
            )

    def _finished(self) -> Iterator[Pictured]:
        while (picture := self._filter.pull()) is not None:
            if not self._waiting:
                raise ClipError(
                    "deinterlacing gave more pictures than frames; encode with interlaced=keep"
                )
            yield self._waiting.popleft(), picture
