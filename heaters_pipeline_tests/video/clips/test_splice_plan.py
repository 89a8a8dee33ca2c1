"""Which frames of a clip are copied, and which have to be encoded so that none is hidden."""

import numpy as np
import pytest

from heaters_pipeline.video.clips.source_packets import SourcePackets
from heaters_pipeline.video.clips.splice_plan import plan_splice
from heaters_pipeline.video.media.timing import Span

# In decoding order: I at 0, then each P before the two B-frames that are shown before it.
CLOSED = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]


def source(
    gops: list[list[int]],
    *,
    points: set[int] | None = None,
    switches: set[int] | None = None,
    droppable: set[int] = frozenset(),
    refusal: str | None = None,
) -> SourcePackets:
    """Packets that show the frames of GOPs, each numbered from the end of the one before."""
    frames: list[int] = []
    starts = []
    for gop in gops:
        starts.append(len(frames))
        base = len(frames)
        frames += [base + number for number in gop]
    begins = {frames[start] for start in starts} if points is None else points
    idr = begins if switches is None else switches
    numbers = np.array(frames)
    return SourcePackets(
        pts=numbers * 40,
        frames=numbers,
        begins=np.isin(numbers, list(begins)),
        seekable=np.isin(numbers, list(begins)),
        switches=np.isin(numbers, list(idr)),
        droppable=np.isin(numbers, list(droppable)),
        reordering=1,
        least_ticks=40,
        sets=None,
        repeats_sets=False,
        join_refusal=refusal,
    )


THREE_GOPS = [CLOSED, CLOSED, CLOSED]


@pytest.mark.parametrize("span", [Span(0, 30), Span(0, 10), Span(10, 30), Span(20, 27), Span(0, 1)])
def test_a_clean_span_is_copied_whole(span: Span) -> None:
    plan = plan_splice(source(THREE_GOPS), span)
    assert (plan.copied_span, plan.head, plan.tail, plan.reason) == (span, None, None, None)
    assert plan.encoded_frames == 0


def test_the_head_is_encoded_up_to_the_next_point() -> None:
    plan = plan_splice(source(THREE_GOPS), Span(4, 30))
    assert plan.parts == (Span(4, 10), Span(10, 30))
    assert plan.copied is not None
    assert (plan.copied.first, plan.copied.packets) == (10, 20)
    assert plan.encoded_frames == 6


@pytest.mark.parametrize(
    ("end", "copied_to"), [(27, 27), (26, 21), (25, 21), (24, 24), (28, 24), (29, 24), (30, 30)]
)
def test_the_tail_begins_behind_a_prefix_without_a_gap_and_has_four_frames(
    end: int, copied_to: int
) -> None:
    plan = plan_splice(source(THREE_GOPS), Span(10, end))
    assert plan.copied_span == Span(10, copied_to)
    assert plan.tail == (Span(copied_to, end) if copied_to < end else None)


@pytest.mark.parametrize("head", [1, 2, 3])
def test_a_head_of_few_frames_goes_on_to_the_point_after(head: int) -> None:
    plan = plan_splice(source(THREE_GOPS), Span(10 - head, 30))
    assert plan.parts == (Span(10 - head, 20), Span(20, 30))


def test_what_would_copy_a_few_frames_is_encoded_whole() -> None:
    plan = plan_splice(source(THREE_GOPS), Span(13, 26))
    assert plan.copied is None
    assert plan.parts == (Span(13, 26),)
    assert plan.reason == "fewer than 8 frames of it can be copied"


def test_where_no_point_lies_inside_all_is_encoded() -> None:
    plan = plan_splice(source(THREE_GOPS), Span(11, 20))
    assert (plan.copied, plan.encoded_frames) == (None, 9)
    assert plan.reason == "no frame at which decoding can begin anew lies in it"


def test_parameter_sets_are_switched_at_idr_pictures_alone() -> None:
    packets = source(THREE_GOPS, switches={0, 20})
    # A recovery point is good enough where nothing is encoded.
    assert plan_splice(packets, Span(10, 30)).copied_span == Span(10, 30)
    assert plan_splice(packets, Span(4, 30)).parts == (Span(4, 20), Span(20, 30))
    packets = source([*THREE_GOPS, CLOSED], switches={0, 20})
    assert plan_splice(packets, Span(12, 38)).parts == (Span(12, 20), Span(20, 34), Span(34, 38))


def test_leading_frames_that_nothing_needs_are_left_out() -> None:
    # The second GOP is open: its I-frame 12 is followed by 10 and 11, which are shown before it.
    gops = [CLOSED, [2, 0, 1, 5, 3, 4, 8, 6, 7]]
    packets = source(gops, points={0, 12}, switches={0}, droppable={10, 11})
    plan = plan_splice(packets, Span(12, 19))
    assert plan.copied_span == Span(12, 19)
    assert plan.copied is not None
    assert (plan.copied.first, plan.copied.packets, plan.copied.dropped) == (10, 9, {1, 2})
    needed = source(gops, points={0, 12}, switches={0})
    assert plan_splice(needed, Span(12, 19)).copied is None


def test_what_cannot_be_joined_is_copied_whole_or_not_at_all() -> None:
    packets = source(THREE_GOPS, refusal="it has fields")
    assert plan_splice(packets, Span(10, 20)).copied_span == Span(10, 20)
    plan = plan_splice(packets, Span(4, 30))
    assert (plan.copied, plan.reason) == (None, "it would hide frames, and it has fields")


def test_every_frame_is_in_one_part() -> None:
    packets = source([CLOSED, CLOSED, CLOSED, CLOSED])
    for start in range(40):
        for end in range(start + 1, 41):
            parts = plan_splice(packets, Span(start, end)).parts
            assert [frame for part in parts for frame in range(part.start, part.end)] == list(
                range(start, end)
            )
