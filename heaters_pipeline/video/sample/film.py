"""The film that the sample video is: its scenes, how they join, and so what is true of it. Pure.

A scene begins with a hard cut, a dissolve or a fade through black. Asking for a shorter film
shortens every scene and every gradual change in proportion; nothing else changes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Final, Literal

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.sample import elements, landscapes
from heaters_pipeline.video.sample.draw import Painter, Picture, Stage

FRAME_RATE: Final = Fraction(25)
_LEAST_SCENE_FRAMES: Final = 12
_LEAST_GRADUAL_FRAMES: Final = 5


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene of the film.

    Attributes:
        prepare: Makes the painter for a stage.
        frames: Length in a film of full length.
        notes: The chord that is heard, as MIDI note numbers.
        join: How it follows the scene before.
        air: Loudness of wind, rain or waves, from 0 to 1.
        flash: What lightning makes of the few pictures that it lights up.
    """

    name: str
    prepare: Callable[[Stage], Painter]
    frames: int
    notes: tuple[int, ...]
    join: Literal["cut", "dissolve", "fade_through_black"] = "cut"
    air: float = 0.0
    flash: Callable[[Picture], Picture] | None = None


SCENES: Final = (
    Scene("mountains at dawn", landscapes.dawn, 115, (48, 55, 64, 71, 74)),
    Scene("hot-air balloons", landscapes.balloons, 115, (53, 57, 60, 64)),
    Scene("flight over islands", elements.islands, 115, (43, 55, 59, 64), air=0.4),
    Scene("ocean", elements.ocean, 115, (50, 57, 60, 65), air=0.6),
    Scene("ink in water", elements.ink, 110, (46, 53, 58, 62), "dissolve", air=0.2),
    Scene("mountain lake", landscapes.mountain_lake, 105, (45, 55, 60, 64)),
    Scene("skyline", landscapes.skyline, 110, (45, 52, 59, 60, 64)),
    Scene("canyon", elements.canyon, 110, (41, 53, 57, 62), air=0.4),
    Scene("storm", landscapes.storm, 115, (40, 52, 55, 62), air=1, flash=landscapes.lightning),
    Scene("polar lights", landscapes.polar_lights, 120, (47, 54, 57, 62), "fade_through_black"),
    Scene("snowfall", landscapes.snowfall, 105, (48, 52, 55, 59)),
    Scene("lava", elements.lava, 100, (38, 50, 53, 57), air=0.3),
    Scene("glacier", elements.glacier, 115, (45, 52, 57, 64), "dissolve", air=0.5),
    Scene("fireworks", landscapes.fireworks, 120, (48, 55, 60, 64, 67)),
)

FULL_SECONDS: Final = sum(scene.frames for scene in SCENES) / FRAME_RATE


@dataclass(frozen=True, slots=True)
class GradualTruth:
    """A dissolve or fade_through_black: frames ``[start, end)`` show no scene alone and in full."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SampleTruth:
    """What is in a sample video.

    Attributes:
        cuts: First frame of each scene that begins with a hard cut.
        flashes: Frames that are lit by a flash, and are no cuts.
        clicks_seconds: When a click is heard: at each hard cut.
    """

    frames: int
    frame_rate: Fraction
    cuts: tuple[int, ...]
    gradual: tuple[GradualTruth, ...]
    flashes: tuple[int, ...]
    clicks_seconds: tuple[Fraction, ...]
    scenes: tuple[str, ...]

    def to_labels(self) -> dict[str, object]:
        """One video's entry in a file of labels, as scorers of shot detection read it."""
        return {
            "frames": self.frames,
            "fps": float(self.frame_rate),
            "hard_cuts": list(self.cuts),
            "gradual": [{"start": g.start, "end": g.end, "kind": g.kind} for g in self.gradual],
            "ambiguous": [],
            "slides": [],
            "notes": f"Rendered. Scenes: {', '.join(self.scenes)}. "
            f"Frames {', '.join(map(str, self.flashes))} are lightning: NOT cuts.",
        }


@dataclass(frozen=True, slots=True)
class Shot:
    """The frames ``[start, end)`` in which a scene is seen; gradual changes are in both shots.

    Attributes:
        appears: Frames at its start that belong to a gradual change; 0 after a hard cut.
        vanishes: Frames at its end that belong to a gradual change; 0 before a hard cut.
    """

    scene: Scene
    start: int
    end: int
    appears: int
    vanishes: int
    flashes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Film:
    """The scenes laid out in frames; neighbouring shots overlap where they change gradually."""

    shots: tuple[Shot, ...]
    truth: SampleTruth


def lay_out(seconds: Fraction | int) -> Film:
    """Lay the scenes out in a film of a given length, rounded to whole frames.

    Raises:
        SettingsError: The film is so short that a scene would have under 12 frames.
    """
    ratio = Fraction(seconds) / FULL_SECONDS
    edges = [round(at * ratio) for at in accumulate((s.frames for s in SCENES), initial=0)]
    if min(end - start for start, end in pairwise(edges)) < _LEAST_SCENE_FRAMES:
        least = FULL_SECONDS * (_LEAST_SCENE_FRAMES + 1) / min(s.frames for s in SCENES)
        raise SettingsError(
            f"a sample video of {float(seconds):g} s is too short for its {len(SCENES)} scenes; "
            f"ask for at least {float(least):.1f} s"
        )
    # A second long in the full film; odd, so that a fade has a middle frame, which is black.
    reach = max(_LEAST_GRADUAL_FRAMES, round(ratio * FRAME_RATE)) // 2
    joins = [0 if scene.join == "cut" else 2 * reach + 1 for scene in SCENES] + [0]
    shots = []
    for index, (scene, (start, end)) in enumerate(zip(SCENES, pairwise(edges), strict=True)):
        appears, vanishes = joins[index], joins[index + 1]
        strike = start + round((end - start) * 0.3)
        flashes = (strike, strike + 1, strike + 4) if scene.flash else ()
        first, last = start - appears // 2, end + (vanishes + 1) // 2
        shots.append(Shot(scene, first, last, appears, vanishes, flashes))
    cuts = tuple(shot.start for shot in shots[1:] if not shot.appears)
    gradual = [(s.scene.join, s.start, s.start + s.appears) for s in shots if s.appears]
    truth = SampleTruth(
        frames=edges[-1],
        frame_rate=FRAME_RATE,
        cuts=cuts,
        gradual=tuple(GradualTruth(*change) for change in gradual),
        flashes=tuple(frame for shot in shots for frame in shot.flashes),
        clicks_seconds=tuple(cut / FRAME_RATE for cut in cuts),
        scenes=tuple(scene.name for scene in SCENES),
    )
    return Film(tuple(shots), truth)
