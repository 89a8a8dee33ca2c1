"""Decoding times from which readers find the right rate, and how long the last frame lasts."""

from collections.abc import Sequence
from fractions import Fraction

import pytest

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.track_times import (
    EvenDecoding,
    Sample,
    can_end_exactly,
    end_exactly,
    hidden_after,
)
from heaters_pipeline.video.media.timing import Span, Timeline


def even(
    decoded: Sequence[int], shown: Sequence[int], end_pts: int, reordering: int, least: int
) -> list[Sample]:
    times = EvenDecoding(shown, end_pts, reordering, least)
    samples = [sample for pts in decoded for sample in times.add(pts)]
    return [*samples, *times.finish()]


def require_consistent(samples: Sequence[Sample], delay: int, end_pts: int) -> None:
    assert samples[0].dts == min(sample.pts for sample in samples) - delay
    assert all(sample.dts <= sample.pts for sample in samples)
    ends = [sample.dts + sample.duration for sample in samples]
    assert ends[:-1] == [sample.dts for sample in samples[1:]]
    assert all(sample.duration > 0 for sample in samples)
    assert ends[-1] == end_pts - delay


@pytest.mark.parametrize("frames", [1, 2, 4, 40, 100])
def test_even_frames_are_decoded_evenly(frames: int) -> None:
    shown = [number * 40 for number in range(frames)]
    # A P-frame, and the two that are shown before it.
    decoded = [shown[0]]
    for at in range(1, frames, 3):
        group = shown[at : at + 3]
        decoded += [group[-1], *group[:-1]]
    samples = even(decoded, shown, frames * 40, 1, 40)
    assert [sample.pts for sample in samples] == decoded
    assert {sample.duration for sample in samples} == {40}
    require_consistent(samples, 40, frames * 40)


def test_the_frame_shown_last_lasts_as_long_as_it_does() -> None:
    shown = [0, 40, 80, 120, 160, 200, 240, 280]
    decoded = [0, 120, 40, 80, 280, 160, 200, 240]
    end_pts = 280 + 90
    samples = even(decoded, shown, end_pts, 1, 40)
    (last,) = (sample for sample in samples if sample.pts == 280)
    assert last.duration == 90
    require_consistent(samples, 40, end_pts)


def test_a_last_frame_too_long_for_its_place_leaves_the_others_alone() -> None:
    shown, end_pts = [0, 40, 80, 120], 100_000
    samples = even([0, 120, 40, 80], shown, end_pts, 1, 40)
    require_consistent(samples, 40, end_pts)
    timeline = Timeline(tuple(shown), end_pts, Fraction(1, 1000))
    assert not can_end_exactly(timeline, Span(0, 4))
    assert can_end_exactly(timeline, Span(0, 3))
    assert can_end_exactly(timeline, Span(3, 4))


def test_another_number_of_packets_is_refused() -> None:
    times = EvenDecoding([0, 40], 80, 0, 40)
    list(times.add(0))
    with pytest.raises(ClipError, match="1 packets for 2 frames"):
        list(times.finish())
    list(times.add(40))
    with pytest.raises(ClipError, match="more than 2 packets"):
        list(times.add(80))


def test_a_packet_decoded_too_late_is_refused() -> None:
    times = EvenDecoding([0, 40, 80], 120, 0, 40)
    list(times.add(0))
    list(times.add(80))
    with pytest.raises(ClipError, match="after it is shown"):
        list(times.add(40))


def test_hidden_frames_behind_the_span_follow_it_closely() -> None:
    # Frame 4 is a reference far behind the span, which ends at 80.
    assert hidden_after([0, 160, 40, 400], 80, 40) == [0, 80, 40, 120]


def test_hidden_frames_do_not_stretch_the_last_one() -> None:
    pts = hidden_after([0, 160, 40], 80, 40)
    samples = [Sample(own, at - 40) for own, at in zip(pts, sorted(pts), strict=True)]
    end_exactly(samples, 80, 120 - 40, -1000)
    assert [(sample.pts, sample.duration) for sample in samples] == [(0, 40), (80, 40), (40, 40)]
