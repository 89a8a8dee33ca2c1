"""Timecode agrees with OpenTimelineIO, and comes back to the frame that it is of."""

from fractions import Fraction

import opentimelineio.opentime as otio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.exchange.timecode import (
    DROP_RATES,
    frame_number,
    frames_a_day,
    frames_a_second,
    has_timecode,
    timecode,
)

RATES = (
    *map(Fraction, (24, 25, 30, 48, 50, 60, 100, 120)),
    *(Fraction(n * 1000, 1001) for n in (24, 30, 60, 120)),
)
WITH_DROP = [(rate, False) for rate in RATES] + [(rate, True) for rate in DROP_RATES]


@given(st.sampled_from(WITH_DROP), st.integers(0, 2**24))
def test_a_label_leads_back_to_its_frame(kind: tuple[Fraction, bool], number: int) -> None:
    rate, drop = kind
    frame = number % frames_a_day(rate, drop=drop)
    assert frame_number(timecode(frame, rate, drop=drop), rate) == frame


@given(st.sampled_from(WITH_DROP), st.integers(0, 2**24))
def test_labels_are_those_of_opentimelineio(kind: tuple[Fraction, bool], number: int) -> None:
    rate, drop = kind
    # It knows no timecode above 60 frames a second.
    if rate > 60:
        return
    frame = number % frames_a_day(rate, drop=drop)
    assert timecode(frame, rate, drop=drop) == otio.to_timecode(
        otio.RationalTime(frame, float(rate)), float(rate), drop_frame=drop
    )


@pytest.mark.parametrize("rate", DROP_RATES)
def test_drop_frame_is_within_a_tenth_of_a_second_of_the_clock(rate: Fraction) -> None:
    # The standard: about 86.4 ms a day, while the other one falls 86.4 s behind.
    assert abs(frames_a_day(rate, drop=True) / rate - 86_400) < Fraction(1, 10)
    assert frames_a_day(rate, drop=False) / rate - 86_400 > 86


@pytest.mark.parametrize(
    ("frame", "rate", "label"),
    [
        (1_799, Fraction(30_000, 1001), "00:00:59;29"),
        (1_800, Fraction(30_000, 1001), "00:01:00;02"),
        (17_982, Fraction(30_000, 1001), "00:10:00;00"),
        (107_892, Fraction(30_000, 1001), "01:00:00;00"),
        (3_599, Fraction(60_000, 1001), "00:00:59;59"),
        (3_600, Fraction(60_000, 1001), "00:01:00;04"),
        (215_784, Fraction(60_000, 1001), "01:00:00;00"),
    ],
)
def test_drop_frame_leaves_out_the_labels_of_the_standard(
    frame: int, rate: Fraction, label: str
) -> None:
    assert timecode(frame, rate, drop=True) == label
    assert frame_number(label, rate) == frame


def test_labels_begin_again_after_a_day() -> None:
    assert timecode(25 * 86_400 + 1, Fraction(25)) == "00:00:00:01"
    assert timecode(2_589_408, Fraction(30_000, 1001), drop=True) == "00:00:00;00"


@pytest.mark.parametrize(
    ("label", "rate", "said"),
    [
        ("00:01:00;00", Fraction(30_000, 1001), "leaves it out; the frame is called 00:01:00;02"),
        ("00:01:00;03", Fraction(60_000, 1001), "leaves it out; the frame is called 00:01:00;04"),
        ("00:01:00;04", Fraction(25), "only 30000/1001 and 60000/1001"),
        ("00:01:00;04", Fraction(120_000, 1001), "only 30000/1001 and 60000/1001"),
        ("00:00:00:25", Fraction(25), "goes to 24"),
        ("24:00:00:00", Fraction(25), "is no timecode"),
        ("00:60:00:00", Fraction(25), "is no timecode"),
        ("1:00:00:00", Fraction(25), "is no timecode"),
        ("\u06601:00:00:00", Fraction(25), "is no timecode"),
        ("", Fraction(25), "is no timecode"),
    ],
)
def test_what_is_no_label_is_refused(label: str, rate: Fraction, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        frame_number(label, rate)


def test_which_rates_have_timecode() -> None:
    assert all(map(has_timecode, RATES))
    assert not any(
        map(has_timecode, (Fraction(25, 2), Fraction(2997, 100), Fraction(29_970, 1000)))
    )
    assert [frames_a_second(rate) for rate in RATES] == [
        *(24, 25, 30, 48, 50, 60, 100, 120),
        *(24, 30, 60, 120),
    ]
