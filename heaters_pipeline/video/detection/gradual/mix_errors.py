"""How far curves are from those of an ideal mix, for many of its starts and ends at once. Pure.

A mix that starts at frame ``s`` and ends at frame ``e`` has gone ``p = (t - s) / (e - s)`` of its
way at frame ``t``. The sums of squared differences are taken apart into sums of terms that depend
on neither ``s`` nor ``e``. Running sums give those for any stretch at once, so that a pair of a
start and an end costs the same however long the mix is.

All functions take many windows; frames are counted from the first one of each window's row.
"""

from dataclasses import dataclass

import numpy as np

from heaters_pipeline.video.arrays import Float64Array, Int64Array


@dataclass(frozen=True, slots=True)
class Tried:
    """The mixes that are tried: in each window all of its starts with all of its ends.

    Attributes:
        starts: (windows, starts) where a mix starts.
        ends: (windows, ends) where it ends; what is said of one that ends before its start
            means nothing.
        widths: (windows,) how many frames of the window's row count, > every start and end.
    """

    starts: Int64Array
    ends: Int64Array
    widths: Int64Array

    @property
    def start(self) -> Int64Array:
        """(windows, starts, 1)."""
        return self.starts[:, :, None]

    @property
    def end(self) -> Int64Array:
        """(windows, 1, ends)."""
        return self.ends[:, None, :]

    @property
    def length(self) -> Int64Array:
        """(windows, starts, ends), at least 1."""
        return np.asarray(np.maximum(self.end - self.start, 1))

    def at_starts(self, values: Float64Array) -> Float64Array:
        """The values at the starts: (windows, starts, 1)."""
        return np.take_along_axis(values, self.starts, 1)[:, :, None]

    def at_ends(self, values: Float64Array) -> Float64Array:
        """The values at the ends: (windows, 1, ends)."""
        return np.take_along_axis(values, self.ends, 1)[:, None, :]


def progress_errors(progress: Float64Array, tried: Tried) -> Float64Array:
    """Sums of squared differences of progress ``x`` from each ramp: (windows, starts, ends).

    A ramp is 0 up to its start, ``p`` over the ``n`` frames from there on, and 1 from its end on:

        sum (x - p)^2 = sum x^2 - 2 sum x p + sum p^2, where n sum x p = sum x t - s sum x

    Args:
        progress: (windows, frames).
        tried: The ramps.
    """
    times = np.arange(progress.shape[1])
    x = _Sums.of(progress, tried)
    x_t = _Sums.of(progress * times, tried)
    x_x = _Sums.of(progress**2, tried)
    above_1 = _Sums.of((progress - 1) ** 2, tried)
    x_p = (x_t.inside - tried.start * x.inside) / tried.length
    p_p = _power_sums(2, tried.length)
    return np.asarray(x_x.before + x_x.inside - 2 * x_p + p_p + above_1.after)


def energy_errors(energy: Float64Array, tried: Tried) -> Float64Array:
    """Sums of squared differences of energy ``x`` from that of each mix: (windows, starts, ends).

    With ``a`` and ``b`` the energy at its start and end, a mix of unlike pictures has

        m = (1 - p)^2 a + p^2 b = a - 2 a p + (a + b) p^2

    since energy is quadratic and the detail of the two pictures has nothing in common. It is ``a``
    before the mix and ``b`` from its end on. Over the ``n`` frames of the mix

        sum (x - m)^2 = sum x^2 - 2 sum x m + sum m^2
        sum x m       = a sum x - 2 a sum x p + (a + b) sum x p^2
        n sum x p     = sum x t - s sum x
        n^2 sum x p^2 = sum x t^2 - 2 s sum x t + s^2 sum x
        sum m^2       = a^2 n - 4 a^2 sum p + (4 a^2 + 2 a (a + b)) sum p^2
                        - 4 a (a + b) sum p^3 + (a + b)^2 sum p^4

    Args:
        energy: (windows, frames).
        tried: The mixes.
    """
    times = np.arange(energy.shape[1])
    x = _Sums.of(energy, tried)
    x_t = _Sums.of(energy * times, tried)
    x_t_t = _Sums.of(energy * times**2, tried)
    x_x = _Sums.of(energy**2, tried)
    start, end, n = tried.start, tried.end, tried.length
    a, b = tried.at_starts(energy), tried.at_ends(energy)
    x_p = (x_t.inside - start * x.inside) / n
    x_p_p = (x_t_t.inside - 2 * start * x_t.inside + start**2 * x.inside) / n**2
    x_m = a * x.inside - 2 * a * x_p + (a + b) * x_p_p
    m_m = (
        a**2 * n
        - 4 * a**2 * _power_sums(1, n)
        + 2 * a * (3 * a + b) * _power_sums(2, n)
        - 4 * a * (a + b) * _power_sums(3, n)
        + (a + b) ** 2 * _power_sums(4, n)
    )
    outside = x_x.before - 2 * a * x.before + a**2 * start
    outside = outside + x_x.after - 2 * b * x.after + b**2 * (tried.widths[:, None, None] - end)
    return np.asarray(outside + x_x.inside - 2 * x_m + m_m)


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums of a value over the frames before, inside and after each mix.

    Attributes:
        before: (windows, starts, 1) over the frames before the start.
        inside: (windows, starts, ends) from the start on, up to the end.
        after: (windows, 1, ends) from the end on.
    """

    before: Float64Array
    inside: Float64Array
    after: Float64Array

    @classmethod
    def of(cls, values: Float64Array, tried: Tried) -> "_Sums":
        """Sum up values: (windows, frames)."""
        up_to = np.zeros((values.shape[0], values.shape[1] + 1))
        np.cumsum(values, axis=1, out=up_to[:, 1:])
        whole = np.take_along_axis(up_to, tried.widths[:, None], 1)[:, :, None]
        at_start, at_end = tried.at_starts(up_to), tried.at_ends(up_to)
        return cls(at_start, at_end - at_start, whole - at_end)


def _power_sums(exponent: int, length: Int64Array) -> Float64Array:
    """The sums of ``(k / length) ** exponent`` for k from 0 to length - 1, for exponents 1 to 4.

    By Euler and Maclaurin: exact up to 3, and less than 0.04 / length^3 too large for 4.
    """
    correction = exponent / (12 * length) if exponent > 1 else 0
    return np.asarray(length / (exponent + 1) - 0.5 + correction)
