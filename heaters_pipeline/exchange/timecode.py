"""SMPTE timecode: from the number of a frame to its label and back, drop-frame included. Pure.

A timecode counts whole frames: at 30000/1001 frames a second, 30 to each of its seconds, so that
its clock falls 3.6 s behind in an hour. Drop-frame timecode (SMPTE ST 12-1) leaves out the labels
of the first two frames of each minute but every tenth, no frame, and so keeps up. At 60000/1001 it
leaves out four. The standard has it for no other rate.
"""

import re
from fractions import Fraction

from heaters_pipeline.errors import SettingsError

DROP_RATES = {Fraction(30_000, 1001): 2, Fraction(60_000, 1001): 4}
"""Rates that have drop-frame timecode, and how many labels it leaves out at a time."""

_NTSC = Fraction(1000, 1001)
_LABEL = re.compile(r"(\d{2})[:;]([0-5]\d)[:;]([0-5]\d)([:;])(\d{2,3})", re.ASCII)


def has_timecode(rate: Fraction) -> bool:
    """Whether timecode can count at a rate: a whole number of frames a second, or 1000/1001 of it.

    Args:
        rate: Frames a second, > 0.
    """
    return rate.denominator == 1 or (rate / _NTSC).denominator == 1


def frames_a_second(rate: Fraction) -> int:
    """How many frames timecode counts to a second: 30 at 30000/1001."""
    return int(rate) if rate.denominator == 1 else int(rate / _NTSC)


def frames_a_day(rate: Fraction, *, drop: bool) -> int:
    """How many labels there are: after so many frames they begin again."""
    labels = 24 * 60 * 60 * frames_a_second(rate)
    return labels - (24 * 54 * DROP_RATES[rate] if drop else 0)


def timecode(frame: int, rate: Fraction, *, drop: bool = False) -> str:
    """The label of a frame, such as ``01:00:00:00``, or ``01:00:00;00`` with drop-frame.

    Args:
        frame: Counted from 00:00:00:00; after 24 hours the labels begin again.
        rate: Frames a second, of which ``has_timecode`` is true.
        drop: Drop-frame, at one of ``DROP_RATES``.
    """
    base = frames_a_second(rate)
    label = frame % frames_a_day(rate, drop=drop)
    if drop:
        dropped = DROP_RATES[rate]
        tens, rest = divmod(label, 600 * base - 9 * dropped)
        # The first minute of ten has all of its labels.
        minutes = max(0, rest - 60 * base) // (60 * base - dropped) + (rest >= 60 * base)
        label += dropped * (9 * tens + minutes)
    seconds, frames = divmod(label, base)
    width = max(2, len(str(base - 1)))
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{clock}{';' if drop else ':'}{frames:0{width}d}"


def frame_number(label: str, rate: Fraction) -> int:
    """The reverse: which frame a label is of, counted from 00:00:00:00.

    Args:
        label: ``HH:MM:SS:FF``; with ``;`` before the frames it is drop-frame.
        rate: Frames a second, of which ``has_timecode`` is true.
    Raises:
        SettingsError: There is no such label at this rate.
    """
    found = _LABEL.fullmatch(label)
    if found is None or int(found[1]) > 23:
        raise SettingsError(
            f"{label!r} is no timecode: it is written as HH:MM:SS:FF, or HH:MM:SS;FF if it is "
            "drop-frame"
        )
    hours, minutes, seconds, frames = (int(found[at]) for at in (1, 2, 3, 5))
    base = frames_a_second(rate)
    if frames >= base:
        raise SettingsError(
            f"there is no timecode {label} at {rate} frames a second: its last number goes to "
            f"{base - 1}; give the rate that it was made with"
        )
    minute = hours * 60 + minutes
    number = (minute * 60 + seconds) * base + frames
    if not is_drop(label):
        return number
    if rate not in DROP_RATES:
        raise SettingsError(
            f"{label} is drop-frame timecode, which {rate} frames a second do not have, only "
            "30000/1001 and 60000/1001; write it with a colon"
        )
    dropped = DROP_RATES[rate]
    if minutes % 10 and seconds == 0 and frames < dropped:
        raise SettingsError(
            f"there is no timecode {label}: drop-frame leaves it out; the frame is called "
            f"{label[:-2]}{dropped:02d}"
        )
    return number - dropped * (minute - minute // 10)


def is_drop(label: str) -> bool:
    """Whether a timecode is drop-frame, as its last separator says."""
    return re.search(r";\d+$", label) is not None
