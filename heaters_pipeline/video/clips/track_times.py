"""When a clip's video packets are decoded, so that readers find its rate and last frame's length.

MP4 says no more of a sample's length than when the next one in the file is decoded. From that
readers take the average rate, and how long the picture lasts that is shown last.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.media.timing import Span, Timeline

# Between a picture and those that are shown before it but decoded after it: H.264 and HEVC allow
# 16 frames.
_HELD_BACK = 20


@dataclass(slots=True)
class Sample:
    """When a packet is shown, decoded, and how long until the next one is decoded; in ticks."""

    pts: int
    dts: int
    duration: int = 0


def hidden_after(pts: Sequence[int], end_pts: int, frame_ticks: int) -> list[int]:
    """Move pictures that are shown after the span, and so hidden, close behind its end.

    A reference picture may be far behind. At its own time it would make the last frame of the span
    last until then.

    Args:
        pts: Of packets in any order.
        end_pts: When the span ends.
        frame_ticks: How far apart the hidden ones are to be.
    """
    late = {at: number for number, at in enumerate(sorted(at for at in pts if at >= end_pts))}
    return [end_pts + late[at] * frame_ticks if at >= end_pts else at for at in pts]


def end_exactly(samples: Sequence[Sample], end_pts: int, end_dts: int, earliest_dts: int) -> None:
    """Set how long packets last, the one shown last as long as the last frame.

    Where other frames follow that one in decoding order, it would last as long as some other frame;
    so where frames are of different lengths, decoding times are moved, if there is room.

    Args:
        samples: The last ones in decoding order, with their decoding times.
        end_pts: When the last frame ends.
        end_dts: When the last packet ends.
        earliest_dts: Before which none may be moved.
    """
    last = max(
        (place for place, sample in enumerate(samples) if sample.pts < end_pts),
        key=lambda place: samples[place].pts,
    )
    dts = [*(sample.dts for sample in samples), end_dts]
    dts[last] = dts[last + 1] - (end_pts - samples[last].pts)
    for place in range(last - 1, -1, -1):
        dts[place] = min(dts[place], dts[place + 1] - 1)
    if dts[0] < earliest_dts or dts[last] > samples[last].pts:
        dts = [*(sample.dts for sample in samples), end_dts]
    for sample, (at, following) in zip(samples, pairwise(dts), strict=True):
        sample.dts, sample.duration = at, max(1, following - at)


def can_end_exactly(timeline: Timeline, span: Span) -> bool:
    """Whether the last frame is not longer than the room in which decoding times can be moved."""
    last = span.end - 1
    before = timeline.pts[last] - timeline.pts[max(span.start, last - _HELD_BACK // 2)]
    return span.start == last or timeline.boundary_pts(span.end) - timeline.pts[last] < before


class EvenDecoding:
    """Gives the packets of a track, one after the other, their decoding times.

    All clips of a video are decoded so much before they are shown: then they can be joined.

    Args:
        shown: When each frame of the track is shown, rising; as many packets come.
        end_pts: When the last one ends.
        reordering: How many frames may precede another in decoding and follow it when shown.
        least_ticks: Between decoding times at the start.
    """

    def __init__(
        self, shown: Sequence[int], end_pts: int, reordering: int, least_ticks: int
    ) -> None:
        self._shown = shown
        self._end_pts = end_pts
        self._reordering = reordering
        self._least_ticks = least_ticks
        self._count = 0
        self._held: deque[Sample] = deque()
        self._earliest = self._dts_of(0)

    def add(self, pts: int) -> Iterator[Sample]:
        """Take the next packet in decoding order; gives those whose times are settled."""
        if self._count == len(self._shown):
            raise ClipError(f"there are more than {len(self._shown)} packets for as many frames")
        dts = self._dts_of(self._count)
        if dts > pts:
            raise ClipError(f"packet {self._count} would be decoded after it is shown")
        self._count += 1
        self._held.append(Sample(pts, dts))
        if len(self._held) > _HELD_BACK:
            done = self._held.popleft()
            self._earliest = self._held[0].dts
            done.duration = self._earliest - done.dts
            yield done

    def finish(self) -> Iterator[Sample]:
        """Gives the rest, which ends when the last frame does."""
        if self._count < len(self._shown):
            raise ClipError(f"there are {self._count} packets for {len(self._shown)} frames")
        samples = list(self._held)
        end_dts = self._end_pts - self._reordering * self._least_ticks
        end_exactly(samples, self._end_pts, end_dts, self._earliest)
        yield from samples

    def _dts_of(self, count: int) -> int:
        if count >= self._reordering:
            return self._shown[count - self._reordering]
        return self._shown[0] - (self._reordering - count) * self._least_ticks
