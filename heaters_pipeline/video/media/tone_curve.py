"""What HDR colours become on a BT.709 screen. Pure arithmetic on arrays.

Brightness is compressed by the curve of ITU-R BT.2390 from the peak of the source to 203 nits, the
white of ordinary pictures by BT.2408. It is applied to the largest of red, green and blue, so hues
stay. A colour outside of BT.709 moves towards the grey of its luminance, no further than needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from heaters_pipeline.video.arrays import Float64Array

Colours = Float64Array
"""(..., 3) red, green, blue."""

Transfer = Literal["pq", "hlg"]
Primaries = Literal["bt709", "bt2020", "p3"]

SDR_WHITE_NITS = 203
HLG_PEAK_NITS = 1000

_MOST_NITS = 10_000
# SMPTE ST 2084.
_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
# ITU-R BT.2100.
_HLG_A, _HLG_B, _HLG_C = 0.17883277, 0.28466892, 0.55991073
_HLG_GAMMA = 1.2
_HLG_LUMINANCE = np.array([0.2627, 0.6780, 0.0593])
# ITU-R BT.1886: what a screen for BT.709 makes of a signal.
SDR_GAMMA = 2.4

_CHROMATICITIES: Mapping[Primaries, tuple[tuple[float, float], ...]] = {
    "bt709": ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    "bt2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    "p3": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
_WHITE_XY = (0.3127, 0.3290)


@dataclass(frozen=True, slots=True)
class HdrColours:
    """How colours are stored in an HDR source.

    Attributes:
        transfer: ``pq`` or ``hlg``.
        primaries: What red, green and blue are; their white is D65.
        peak_nits: The brightest that differs from white.
    """

    transfer: Transfer
    primaries: Primaries
    peak_nits: float


def sdr_of(signal: Colours, source: HdrColours) -> Colours:
    """Turn the signal of an HDR source, 0 to 1, into the signal of BT.709, 0 to 1."""
    nits = pq_nits(signal) if source.transfer == "pq" else hlg_nits(signal)
    brightest = nits.max(axis=-1, keepdims=True)
    compressed = compressed_nits(brightest, max(source.peak_nits, SDR_WHITE_NITS))
    share = np.divide(compressed, brightest, out=np.zeros_like(brightest), where=brightest > 0)
    linear = nits * share / SDR_WHITE_NITS @ _to_bt709(source.primaries).T
    return np.asarray(_in_gamut(linear) ** (1 / SDR_GAMMA))


def pq_nits(signal: Colours) -> Colours:
    """The light of a PQ signal."""
    root = np.clip(signal, 0, 1) ** (1 / _M2)
    light = np.maximum(root - _C1, 0) / (_C2 - _C3 * root)
    return np.asarray(_MOST_NITS * light ** (1 / _M1))


def pq_signal(nits: Colours) -> Colours:
    """The PQ signal of light."""
    power = (np.clip(nits, 0, _MOST_NITS) / _MOST_NITS) ** _M1
    return np.asarray(((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2)


def hlg_nits(signal: Colours) -> Colours:
    """The light of an HLG signal on its reference screen of 1000 nits."""
    signal = np.clip(signal, 0, 1)
    scene = np.where(
        signal <= 0.5, signal**2 / 3, (np.exp((signal - _HLG_C) / _HLG_A) + _HLG_B) / 12
    )
    luminance = np.maximum(scene @ _HLG_LUMINANCE, 0)[..., None]
    return np.asarray(HLG_PEAK_NITS * luminance ** (_HLG_GAMMA - 1) * scene)


def compressed_nits(nits: Colours, peak_nits: float) -> Colours:
    """Compress 0 to ``peak_nits`` into 0 to ``SDR_WHITE_NITS``; what is dark stays as it is.

    ITU-R BT.2390, section 5.4, for a black of 0.
    """
    peak, white = pq_signal(np.array([peak_nits, SDR_WHITE_NITS], np.float64))
    most = white / peak
    knee = 1.5 * most - 0.5
    given = np.minimum(pq_signal(nits) / peak, 1)
    if knee >= 1:
        return pq_nits(given * peak)
    # How far into the knee; the Hermite spline goes on from the line and levels out at the end.
    way = np.maximum(given - knee, 0) / (1 - knee)
    spline = (
        (2 * way**3 - 3 * way**2 + 1) * knee
        + (way**3 - 2 * way**2 + way) * (1 - knee)
        + (3 * way**2 - 2 * way**3) * most
    )
    return pq_nits(np.where(given < knee, given, spline) * peak)


def _in_gamut(linear: Colours) -> Colours:
    """Bring linear BT.709 colours to 0 to 1, at the same luminance."""
    luminance = np.clip(linear @ _rgb_to_xyz("bt709")[1], 0, 1)[..., None]
    away = linear - luminance
    room = np.where(away > 0, 1 - luminance, luminance)
    share = np.divide(room, np.abs(away), out=np.ones_like(away), where=np.abs(away) > room)
    near = luminance + away * share.min(axis=-1, keepdims=True)
    return np.asarray(np.clip(near, 0, 1))


def _to_bt709(primaries: Primaries) -> Float64Array:
    return np.asarray(np.linalg.inv(_rgb_to_xyz("bt709")) @ _rgb_to_xyz(primaries))


def _rgb_to_xyz(primaries: Primaries) -> Float64Array:
    columns = np.array([_xyz(*xy) for xy in _CHROMATICITIES[primaries]]).T
    return np.asarray(columns * np.linalg.solve(columns, _xyz(*_WHITE_XY)))


def _xyz(x: float, y: float) -> Float64Array:
    return np.array([x / y, 1, (1 - x - y) / y])
