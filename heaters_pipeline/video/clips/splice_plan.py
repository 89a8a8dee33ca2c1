"""Which frames of a clip are copied, and which have to be encoded so that none is hidden. Pure.

What is copied is a run of packets that begins where decoding can begin and ends before the first
packet that is there for frames behind the clip.
"""

from dataclasses import dataclass

from heaters_pipeline.video.clips.source_packets import SourcePackets
from heaters_pipeline.video.media.timing import Span

# VLC skips a frame where so few stand before the next point at which decoding can begin.
_SHORTEST_HEAD = 4
# Where fewer follow the last point at which decoding can begin, imageio does not find the last one
# by its index, and VLC may leave it out.
_SHORTEST_TAIL = 4
# Two switches and a check for a handful of frames are not worth it.
_LEAST_COPIED = 8
# Others begin further on, so that more would have to be encoded.
_POINTS_TRIED = 3


@dataclass(frozen=True, slots=True)
class CopiedRun:
    """Packets that are copied.

    Attributes:
        span: Frames that they show.
        first: The first one's place in decoding order.
        packets: How many are read from there on.
        dropped: Places, counted from the first, of those that are left out.
    """

    span: Span
    first: int
    packets: int
    dropped: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class SplicePlan:
    """How the frames of a clip are come by.

    Attributes:
        span: Frames of the clip.
        copied: The run that is copied, None where all frames are encoded.
        reason: Why all are encoded, else None.
    """

    span: Span
    copied: CopiedRun | None
    reason: str | None = None

    @property
    def head(self) -> Span | None:
        """Frames that are encoded before the copied ones; all where none are copied."""
        return _between(self.span.start, self.copied.span.start if self.copied else self.span.end)

    @property
    def tail(self) -> Span | None:
        """Frames that are encoded after the copied ones."""
        return _between(self.copied.span.end, self.span.end) if self.copied else None

    @property
    def copied_span(self) -> Span | None:
        """Frames that are copied."""
        return self.copied.span if self.copied else None

    @property
    def encoded_frames(self) -> int:
        """How many frames are encoded."""
        return len(self.span) - (len(self.copied.span) if self.copied else 0)

    @property
    def parts(self) -> tuple[Span, ...]:
        """What is encoded and what is copied, in order."""
        return tuple(part for part in (self.head, self.copied_span, self.tail) if part)


def _between(start: int, end: int) -> Span | None:
    return Span(start, end) if start < end else None


def plan_splice(packets: SourcePackets, span: Span) -> SplicePlan:
    """Find the longest run that a clip can copy.

    Args:
        packets: Of the source.
        span: Frames of the clip.
    """
    points = [
        place
        for place in packets.points_in(span)
        if packets.switches[place] or packets.frames[place] == span.start
    ]
    runs = [run for place in points[:_POINTS_TRIED] if (run := _run_from(packets, place, span))]
    whole = next((run for run in runs if run.span == span), None)
    if whole:
        return SplicePlan(span, whole)
    if packets.join_refusal:
        return SplicePlan(span, None, f"it would hide frames, and {packets.join_refusal}")
    if not points:
        return SplicePlan(span, None, "no frame at which decoding can begin anew lies in it")
    runs = [run for run in runs if _may_be_joined(packets, run, span)]
    longest = max(runs, key=lambda run: len(run.span), default=None)
    if longest is None:
        return SplicePlan(span, None, f"fewer than {_LEAST_COPIED} frames of it can be copied")
    return SplicePlan(span, longest)


def _may_be_joined(packets: SourcePackets, run: CopiedRun, span: Span) -> bool:
    head = run.span.start - span.start
    return (
        bool(packets.switches[run.first])
        and len(run.span) >= _LEAST_COPIED
        and (head == 0 or head >= _SHORTEST_HEAD)
    )


def _run_from(packets: SourcePackets, first: int, span: Span) -> CopiedRun | None:
    """The longest prefix in decoding order that shows frames without a gap, and none behind."""
    start = int(packets.frames[first])
    dropped: list[int] = []
    last, shown, best = start - 1, 0, None
    for place, frame in enumerate(packets.frames[first:].tolist()):
        if frame < start:
            # It is shown before the point, or it is none of the clip's at all.
            if frame < 0 or not packets.droppable[first + place]:
                break
            dropped.append(place)
            continue
        shown += 1
        last = max(last, frame)
        if last >= span.end:
            break
        tail = span.end - 1 - last
        if last - start + 1 == shown and (tail == 0 or tail >= _SHORTEST_TAIL):
            best = CopiedRun(Span(start, last + 1), first, place + 1, frozenset(dropped))
    return best
