"""What the page of a video is told."""

from fractions import Fraction

import pytest

from heaters_pipeline.report.review_page.page_data import timecode_rate
from heaters_pipeline.video.media.timing import Timeline

MILLISECOND = Fraction(1, 1000)


def timeline(rate: Fraction, time_base: Fraction) -> Timeline:
    """300 frames that follow each other evenly, but for a coarse clock."""
    pts = [round(frame / rate / time_base) for frame in range(301)]
    return Timeline(tuple(pts[:-1]), pts[-1], time_base)


@pytest.mark.parametrize(
    ("rate", "header"),
    [
        (Fraction(25), None),
        (Fraction(24000, 1001), None),
        (Fraction(30000, 1001), Fraction(2997, 100)),
    ],
)
def test_timecodes_count_at_the_rate_of_exports(rate: Fraction, header: Fraction | None) -> None:
    found = timecode_rate(timeline(rate, MILLISECOND), header)
    assert found == [rate.numerator, rate.denominator]


def test_without_a_rate_that_timecode_counts_there_is_none() -> None:
    assert timecode_rate(timeline(Fraction(25, 2), Fraction(1, 25)), Fraction(25, 2)) is None
    assert timecode_rate(Timeline((0, 40, 70, 140), 180, MILLISECOND), Fraction(25)) is None
