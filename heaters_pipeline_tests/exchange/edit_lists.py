"""Edit lists for tests: of a video at each rate, start and kind that formats have to keep apart."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from heaters_pipeline.exchange.edit_list import (
    EditList,
    GradualTransition,
    ListedScene,
    Sound,
)
from heaters_pipeline.exchange.timecode import frame_number, is_drop
from heaters_pipeline.video.media.timing import Span, Timeline

NTSC_FILM = Fraction(24_000, 1001)
NTSC = Fraction(30_000, 1001)
NTSC_DOUBLE = Fraction(60_000, 1001)


@dataclass(frozen=True, slots=True)
class Case:
    """A rate with the timecode of the first frame."""

    rate: Fraction
    start: str

    def __str__(self) -> str:
        return f"{float(self.rate):.2f} from {self.start}"

    @property
    def start_frame(self) -> int:
        return frame_number(self.start, self.rate)


CASES = (
    Case(Fraction(24), "00:00:00:00"),
    Case(Fraction(25), "10:59:58:20"),
    Case(NTSC_FILM, "01:00:00:00"),
    Case(NTSC, "00:00:00:00"),
    Case(NTSC, "00:00:00;00"),
    Case(NTSC, "01:00:00:00"),
    Case(NTSC, "10:59:58;20"),
    Case(Fraction(50), "01:00:00:00"),
    Case(NTSC_DOUBLE, "10:59:58:20"),
    Case(NTSC_DOUBLE, "10:59:58;20"),
)

# Of more than ten minutes at each rate, so that a clock that drifts is seen.
CUTS = (0, 1, 120, 17_982, 18_000, 40_000, 40_001)


def edit_list(case: Case, cuts: Sequence[int] = CUTS, sound: Sound | None = None) -> EditList:
    """A video of a constant rate, cut there; the last number is its length."""
    return EditList(
        name="holiday",
        media_name="holiday & <1>.mov",
        media_uri="file:///films/holiday%20%26%20%3C1%3E.mov",
        rate=case.rate,
        is_constant=True,
        frames=cuts[-1],
        duration_seconds=cuts[-1] / case.rate,
        start_frame=case.start_frame,
        drop=is_drop(case.start),
        size_px=(1920, 1080),
        sound=sound,
        scenes=tuple(
            ListedScene(
                f"holiday_clip_{number:03d}", Span(start, end), start / case.rate, end / case.rate
            )
            for number, (start, end) in enumerate(pairwise(cuts), start=1)
        ),
        transitions=(
            GradualTransition("dissolve", Span(110, 130), 110 / case.rate, 130 / case.rate),
        ),
    )


def without(edits: EditList, number: int) -> EditList:
    """The same without a scene."""
    scenes = [scene for at, scene in enumerate(edits.scenes) if at != number]
    return replace(edits, scenes=tuple(scenes))


def timeline_of(case: Case, frames: int = CUTS[-1]) -> Timeline:
    """When the frames of such a video are shown, by a clock that rounds."""
    ticks = 90_000 / case.rate
    pts = tuple(round(at * ticks) for at in range(frames + 1))
    return Timeline(pts[:-1], pts[-1], Fraction(1, 90_000))


def spans(edits: EditList) -> list[tuple[int, int]]:
    """The frames of the scenes."""
    return [(scene.span.start, scene.span.end) for scene in edits.scenes]
