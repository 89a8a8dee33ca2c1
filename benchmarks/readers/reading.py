"""What a reader is asked about a video, and what it answers. Plain data that goes through a pipe.

Imported by the readers' processes too, which know no more of this project.
"""

import json
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

SAMPLE_RATE_HZ = 48_000
"""Of the sound of sources and clips, and of what readers are asked for."""

# Half of how loud a beep is; what stands between beeps lasts longer than a gap.
_LOUD = 0.18
_GAP_SECONDS = 0.02


class Beep(NamedTuple):
    """A short sound.

    Attributes:
        seconds: When it begins, counted from the first frame's start.
        is_certain: Whether so much of it lies in the video that it must be heard.
    """

    seconds: float
    is_certain: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A video that a reader is to read.

    Attributes:
        path: The file.
        boundaries_seconds: When each frame starts, from 0 on, and when the last one ends.
        indices: Frames that are asked for directly, each of which makes a reader jump.
        size_px: (width, height), for readers that must be told.
        beeps: Of each audio track.
    """

    path: Path
    boundaries_seconds: tuple[float, ...]
    indices: tuple[int, ...]
    size_px: tuple[int, int]
    beeps: tuple[tuple[Beep, ...], ...] = ()

    def middle_seconds(self, index: int) -> float:
        """The middle of a frame, which no rounding moves to another one."""
        return sum(self.boundaries_seconds[index : index + 2]) / 2

    @property
    def is_even(self) -> bool:
        """Whether all frames last equally long, up to the rounding of timestamps."""
        lasting = [after - at for at, after in pairwise(self.boundaries_seconds)]
        return max(lasting) - min(lasting) < 0.1 * min(lasting)

    def to_json(self) -> str:
        """One line."""
        return json.dumps({**asdict(self), "path": str(self.path)})

    @classmethod
    def from_json(cls, line: str) -> "Question":
        """Read what ``to_json`` wrote."""
        content = json.loads(line)
        return cls(
            Path(content["path"]),
            tuple(content["boundaries_seconds"]),
            tuple(content["indices"]),
            tuple(content["size_px"]),
            tuple(tuple(Beep(*beep) for beep in track) for track in content["beeps"]),
        )


@dataclass(slots=True)
class Reading:
    """What a reader gives; None stands for a picture without a readable number.

    Attributes:
        in_order: Number of each picture, from the first to the last; None if it cannot be had.
        glimpsed: Numbers of pictures seen while it played, of which some may be left out.
        ends: The first and the last picture that stood still before and after playing, or none.
        at: Pairs of the index that was asked for and the number of the picture that came.
        counts: What it says of the number of frames, by the name that the reader has for it.
        rates: What it says of frames a second, by name.
        durations: What it says of the length in seconds, by name.
        sounds: Of each audio track that was listened to: when beeps begin, in seconds.
        sound_seconds: How long each of them is.
    """

    in_order: list[int | None] | None = None
    glimpsed: list[int | None] = field(default_factory=list)
    ends: list[int | None] = field(default_factory=list)
    at: list[tuple[int, int | None]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)
    durations: dict[str, float] = field(default_factory=dict)
    sounds: list[list[float]] = field(default_factory=list)
    sound_seconds: list[float] = field(default_factory=list)

    def hear(self, samples: npt.NDArray[np.float32], start_seconds: float = 0.0) -> None:
        """Add the sound of the next track.

        Args:
            samples: Of shape (samples,), from -1 to 1.
            start_seconds: When the first is heard.
        """
        loud = np.flatnonzero(np.abs(samples) > _LOUD)
        starts = loud[np.diff(loud, prepend=-SAMPLE_RATE_HZ) > SAMPLE_RATE_HZ * _GAP_SECONDS]
        self.sounds.append([start_seconds + float(at) / SAMPLE_RATE_HZ for at in starts])
        self.sound_seconds.append(start_seconds + len(samples) / SAMPLE_RATE_HZ)

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> "Reading":
        """Read what ``to_json`` wrote."""
        reading = cls(**json.loads(line))
        reading.at = [(index, number) for index, number in reading.at]
        return reading
