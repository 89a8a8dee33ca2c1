"""What HDR colours become: against values of the standards, and properties that eyes rely on."""

import numpy as np
import pytest

from heaters_pipeline.video.media.tone_curve import (
    Colours,
    HdrColours,
    compressed_nits,
    hlg_nits,
    pq_nits,
    pq_signal,
    sdr_of,
)

PQ = HdrColours("pq", "bt2020", 1000)
HLG = HdrColours("hlg", "bt2020", 1000)
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def colour(*channels: float) -> Colours:
    return np.array(channels, np.float64)


@pytest.mark.parametrize(
    ("signal", "nits"), [(0, 0), (0.15, 1.0), (0.508, 100), (0.5807, 203), (0.7518, 1000), (1, 1e4)]
)
def test_pq_is_that_of_the_standard(signal: float, nits: float) -> None:
    assert pq_nits(colour(signal)) == pytest.approx([nits], rel=0.01, abs=1e-6)
    assert pq_signal(colour(nits)) == pytest.approx([signal], abs=1e-3)


@pytest.mark.parametrize(("signal", "nits"), [(0, 0), (0.38, 26), (0.75, 203), (1, 1000)])
def test_hlg_is_that_of_the_standard_on_a_screen_of_1000_nits(signal: float, nits: float) -> None:
    assert hlg_nits(colour(signal, signal, signal)) == pytest.approx([nits] * 3, rel=0.02, abs=1e-6)


@pytest.mark.parametrize("peak_nits", [203, 400, 1000, 4000, 10_000])
def test_brightness_is_compressed_from_the_peak_to_white(peak_nits: float) -> None:
    nits = np.linspace(0, peak_nits, 2000)
    compressed = compressed_nits(nits, peak_nits)
    assert compressed[-1] == pytest.approx(203, rel=1e-6)
    assert np.all(np.diff(compressed) > 0)
    assert np.all(compressed <= nits + 1e-6)
    dark = nits < 20
    assert compressed[dark] == pytest.approx(nits[dark], rel=0.1)
    assert compressed_nits(colour(20_000), peak_nits) == pytest.approx([203], rel=1e-6)


def test_brightness_is_compressed_as_bt_2390_says() -> None:
    # Its formulas, done by hand for a peak of 1000 nits: the knee is at PQ 0.4942, and half-way
    # from there to the peak lies 0.623.
    assert compressed_nits(colour(90), 1000) == pytest.approx([90], rel=1e-3)
    assert pq_signal(compressed_nits(pq_nits(colour(0.6235)), 1000))[0] == pytest.approx(
        0.5 * 0.4952 + 0.125 * (0.7518 - 0.4952) + 0.5 * 0.5807, abs=2e-3
    )


@pytest.mark.parametrize("source", [PQ, HLG], ids=["pq", "hlg"])
def test_grey_stays_grey_from_black_to_white(source: HdrColours) -> None:
    top = float(pq_signal(colour(1000))[0]) if source is PQ else 1.0
    signal = np.linspace(0, top, 256)[:, None].repeat(3, axis=1)
    shown = sdr_of(signal, source)
    assert np.ptp(shown, axis=1).max() < 1e-6
    assert (shown[0, 0], shown[-1, 0]) == pytest.approx((0, 1), abs=1e-6)
    assert np.all(np.diff(shown[:, 0]) > 0)


def test_white_of_203_nits_on_a_screen_of_203_nits_is_white() -> None:
    dim = HdrColours("pq", "bt2020", 203)
    nits = colour(203, 50.75, 0)
    for shown, share in zip(
        sdr_of(pq_signal(nits)[:, None].repeat(3, axis=1), dim), nits / 203, strict=True
    ):
        assert shown == pytest.approx([share ** (1 / 2.4)] * 3, abs=1e-4)


@pytest.mark.parametrize("primaries", ["bt709", "p3", "bt2020"])
def test_what_bt_709_holds_keeps_its_hue_and_the_rest_its_luminance(primaries: str) -> None:
    source = HdrColours("pq", primaries, 203)  # type: ignore[arg-type]
    rng = np.random.default_rng(1)
    linear = rng.random((500, 3)) * 203
    shown = sdr_of(pq_signal(linear), source) ** 2.4 * 203
    assert np.all((shown >= -1e-9) & (shown <= 203 + 1e-9))
    if primaries == "bt709":
        assert shown == pytest.approx(linear, abs=1e-3)
        return
    weights = {"p3": [0.2290, 0.6917, 0.0793], "bt2020": [0.2627, 0.6780, 0.0593]}[primaries]
    assert shown @ LUMINANCE == pytest.approx(linear @ weights, rel=0.01, abs=0.1)
    # A mild orange lies inside of BT.709 and has the colour that a matrix gives.
    mild = sdr_of(pq_signal(colour(100, 80, 60)), source)
    assert mild[0] > mild[1] > mild[2]


def test_the_purest_colours_stay_that_colour() -> None:
    for channel in range(3):
        signal = np.zeros(3)
        signal[channel] = 0.55
        shown = sdr_of(signal, PQ)
        assert shown.argmax() == channel
        assert shown[channel] > 1.5 * np.delete(shown, channel).max()
