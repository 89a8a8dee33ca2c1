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
from heaters_pipeline.video.sample import elements, landscapes, studio, town
from heaters_pipeline.video.sample.brushes import Painter, Stage

FRAME_RATE: Final = Fraction(25)
_GRADUAL_SECONDS: Final = 1
_LEAST_SCENE_FRAMES: Final = 12
_LEAST_GRADUAL_FRAMES: Final = 5

Join = Literal["cut", "dissolve", "fade_through_black"]


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene of the film at its full length.

    Attributes:
        name: Shown to people.
        prepare: Makes the painter for a stage.
        seconds: Length in a film of full length.
        notes: The chord that is heard, as MIDI note numbers.
        join: How it follows the scene before.
        air: Loudness of wind, rain or waves, from 0 to 1.
        lightning: Flashes light up a few of its frames.
    """

    name: str
    prepare: Callable[[Stage], Painter]
    seconds: Fraction
    notes: tuple[int, ...]
    join: Join = "cut"
    air: float = 0.0
    lightning: bool = False


SCENES: Final = (
    Scene("mountains at dawn", landscapes.dawn, Fraction("4.4"), (48, 55, 64, 71, 74)),
    Scene("hot-air balloons", landscapes.balloons, Fraction("4.2"), (53, 57, 60, 64)),
    Scene("talk", studio.talk, Fraction(4), (45, 55, 60, 64)),
    Scene("flight over islands", landscapes.island, Fraction("4.4"), (43, 55, 59, 64), air=0.4),
    Scene("ocean", elements.ocean, Fraction("4.6"), (50, 57, 60, 65), air=0.6),
    Scene("reef", elements.reef, Fraction("4.8"), (46, 53, 58, 62), "dissolve", air=0.2),
    Scene("train", landscapes.evening_train, Fraction("3.4"), (41, 53, 57, 62), air=0.8),
    Scene("skyline", town.skyline, Fraction("4.2"), (45, 52, 59, 60, 64)),
    Scene("rain on a window", town.rainy_window, Fraction("4.2"), (50, 53, 57, 60), air=0.7),
    Scene("balls", studio.balls, Fraction("3.4"), (48, 52, 55, 59)),
    Scene("storm", elements.storm, Fraction("4.4"), (40, 52, 55, 62), air=1, lightning=True),
    Scene("camp fire", elements.camp_fire, Fraction("4.2"), (43, 50, 55, 59), "fade_through_black"),
    Scene("polar lights", landscapes.polar_lights, Fraction("4.8"), (47, 54, 57, 62)),
    Scene("ringed planet", studio.planet, Fraction("4.4"), (40, 55, 59, 66), "dissolve"),
    Scene("fireworks", town.fireworks, Fraction("4.6"), (48, 55, 60, 64, 67)),
)

FULL_SECONDS: Final = sum((scene.seconds for scene in SCENES), Fraction(0))


@dataclass(frozen=True, slots=True)
class GradualTruth:
    """A gradual change: frames ``[start, end)`` show both scenes, or one of them darkened.

    Attributes:
        kind: ``dissolve`` or ``fade_through_black``.
        start: First frame that is no longer only the old scene.
        end: First frame that is only the new scene.
    """

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SampleTruth:
    """What is in a sample video.

    Attributes:
        frames: Number of frames.
        frame_rate: Frames a second.
        cuts: First frame of each scene that begins with a hard cut.
        gradual: The gradual changes, in order.
        flashes: Frames that are lit by a flash, and are no cuts.
        clicks_seconds: When a click is heard: at each hard cut.
        scenes: Names of the scenes, in order.
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
        flashes = ", ".join(map(str, self.flashes))
        return {
            "frames": self.frames,
            "fps": float(self.frame_rate),
            "hard_cuts": list(self.cuts),
            "gradual": [{"start": g.start, "end": g.end, "kind": g.kind} for g in self.gradual],
            "ambiguous": [],
            "slides": [],
            "notes": f"Rendered. Scenes: {', '.join(self.scenes)}. "
            f"Frames {flashes} are lightning: NOT cuts.",
        }


@dataclass(frozen=True, slots=True)
class Shot:
    """The frames in which a scene is to be seen; gradual changes belong to both shots.

    Attributes:
        scene: What is shown.
        start: First frame.
        end: First frame after it.
        appears: Frames at its start that belong to a gradual change; 0 after a hard cut.
        vanishes: Frames at its end that belong to a gradual change; 0 before a hard cut.
        flashes: Frames that are lit by a flash.
    """

    scene: Scene
    start: int
    end: int
    appears: int
    vanishes: int
    flashes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Film:
    """The scenes laid out in frames.

    Attributes:
        shots: One for each scene, in order; neighbours overlap where they change gradually.
        truth: What a viewer can see.
    """

    shots: tuple[Shot, ...]
    truth: SampleTruth


def lay_out(seconds: Fraction | int) -> Film:
    """Lay the scenes out in a film of a given length.

    Args:
        seconds: Length of the film; it is rounded to whole frames.
    Raises:
        SettingsError: The film is so short that a scene would have under 12 frames.
    """
    ratio = Fraction(seconds) / FULL_SECONDS
    edges = [0, *(round(s * ratio * FRAME_RATE) for s in accumulate(s.seconds for s in SCENES))]
    if min(end - start for start, end in pairwise(edges)) < _LEAST_SCENE_FRAMES:
        least = FULL_SECONDS * (_LEAST_SCENE_FRAMES + 1) / min(s.seconds for s in SCENES)
        raise SettingsError(
            f"a sample video of {float(seconds):g} s is too short for its {len(SCENES)} scenes; "
            f"ask for at least {float(least / FRAME_RATE):.1f} s"
        )
    # Odd, so that a fade has a middle frame, which is black.
    reach = max(_LEAST_GRADUAL_FRAMES, round(_GRADUAL_SECONDS * ratio * FRAME_RATE)) // 2
    joins = [0 if scene.join == "cut" else 2 * reach + 1 for scene in SCENES] + [0]
    shots, gradual = [], []
    for index, (scene, (start, end)) in enumerate(zip(SCENES, pairwise(edges), strict=True)):
        appears, vanishes = joins[index], joins[index + 1]
        strike = start + round((end - start) * 0.3)
        flashes = (strike, strike + 1, strike + 4) if scene.lightning else ()
        first, last = start - appears // 2, end + (vanishes + 1) // 2
        shots.append(Shot(scene, first, last, appears, vanishes, flashes))
        if appears:
            gradual.append(GradualTruth(scene.join, first, first + appears))
    cuts = tuple(shot.start for shot in shots[1:] if shot.scene.join == "cut")
    truth = SampleTruth(
        frames=edges[-1],
        frame_rate=FRAME_RATE,
        cuts=cuts,
        gradual=tuple(gradual),
        flashes=tuple(frame for shot in shots for frame in shot.flashes),
        clicks_seconds=tuple(cut / FRAME_RATE for cut in cuts),
        scenes=tuple(scene.name for scene in SCENES),
    )
    return Film(tuple(shots), truth)
