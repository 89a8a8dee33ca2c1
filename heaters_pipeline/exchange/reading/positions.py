"""From what files say of a place in a video, by number, time or timecode, to the frame there."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.exchange.timecode import frame_number
from heaters_pipeline.video.media.timing import Timeline

_SHOWN = 60
_SECONDS = re.compile(r"\d{1,9}(\.\d{1,18})?", re.ASCII)
_CLOCK = re.compile(r"(\d{1,3}):([0-5]\d):([0-5]\d(?:\.\d{1,18})?)", re.ASCII)
_NUMBER = re.compile(r"\d{1,12}", re.ASCII)
# The sound of a file may end later than its picture.
_SECONDS_BEYOND = 2


@dataclass(frozen=True, slots=True)
class Segment:
    """What a file calls a scene: frames ``[start, end)``; without an end it goes on."""

    start: int
    end: int | None


@dataclass(frozen=True, slots=True)
class Positions:
    """Finds frames of a video.

    Attributes:
        name: Of the file that is read, for what is said of it.
        timeline: When each frame of the video is shown.
        rate: Frames a second that its timecode counts.
        start_frame: Which frame its first is by timecode.
    """

    name: str
    timeline: Timeline
    rate: Fraction
    start_frame: int

    def refusal(self, where: str, problem: str) -> SettingsError:
        """What is wrong with the file, and where."""
        return SettingsError(f"{self.name}, {where}: {problem}")

    def numbered(self, text: str, where: str) -> int:
        """The frame with a number, which counts from 0; the number of frames is the end."""
        if not _NUMBER.fullmatch(text):
            raise self.refusal(where, f"{shortened(text)} is no number of a frame")
        number = int(text)
        if number > self.timeline.frames:
            raise self.refusal(
                where,
                f"there is no frame {number}: the video has {self.timeline.frames}; "
                "take the file that was made of this video",
            )
        return number

    def first_of(self, text: str, where: str) -> int:
        """The frame with a number, with which something begins."""
        number = self.numbered(text, where)
        if number == self.timeline.frames:
            raise self.refusal(where, f"nothing begins at frame {number}, where the video ends")
        return number

    def at_clock(self, text: str, where: str) -> int:
        """The frame that begins at a time, as seconds or ``HH:MM:SS.mmm``."""
        if _SECONDS.fullmatch(text):
            return self.at(Fraction(text), where)
        found = _CLOCK.fullmatch(text)
        if found is None:
            raise self.refusal(
                where, f"{shortened(text)} is no time: give seconds (12.5) or HH:MM:SS.mmm"
            )
        minutes = int(found[1]) * 60 + int(found[2])
        return self.at(minutes * 60 + Fraction(found[3]), where)

    def at(self, seconds: Fraction, where: str) -> int:
        """The frame that begins nearest to a time, counted from the first; or the end."""
        whole = self.timeline.seconds_at(self.timeline.frames)
        if not 0 <= seconds <= whole + _SECONDS_BEYOND:
            raise self.refusal(
                where,
                f"{float(seconds):.3f} s lies outside of the video, which has "
                f"{float(whole):.3f} s; take the file that was made of this video",
            )
        before = self.timeline.frame_at(seconds)
        passed = seconds - self.timeline.seconds_at(before)
        left = self.timeline.seconds_at(before + 1) - seconds
        return before if passed < left else before + 1

    def label_number(self, label: str, where: str) -> int:
        """The frame that a timecode counts from 00:00:00:00."""
        try:
            return frame_number(label, self.rate)
        except SettingsError as error:
            raise self.refusal(where, str(error)) from error

    def from_first(self, numbers: Sequence[Fraction]) -> list[Fraction]:
        """Frames of a list, all counted by timecode or all from the video's first, from that."""
        first = 0 if min(numbers) < self.start_frame else self.start_frame
        return [number - first for number in numbers]


def shortened(text: str) -> str:
    """What a file says, short enough to be shown."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
