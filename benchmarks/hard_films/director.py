"""What all films are made with: where to film, how the camera moves, how shots are joined."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.hard_films import camera, effects, joins
from benchmarks.hard_films.camera import Path
from benchmarks.hard_films.places import Scene, place
from benchmarks.hard_films.scenes import Recording
from benchmarks.hard_films.shots import Shot, film_scene
from benchmarks.hard_films.textures import Picture, Rng, Textures
from benchmarks.hard_films.timeline import Timeline

Effect = Callable[[Rng, Shot, int], None]
Seconds = tuple[float, float]

_EDGE_FRAMES = 8
"""Effects and transitions stay that far apart, so that labels stay exact."""
_MOST_PLACES = 7


@dataclass(slots=True)
class Director:
    """Makes one film.

    Attributes:
        rng: Source of all that is chosen.
        rate: Frames a second.
        size_px: (width, height).
        timeline: The film.
        wanted: About how many frames it gets.
        recordings: Real shots to use beside generated places.
        textures: Of all surfaces.
    """

    rng: Rng
    rate: float
    size_px: tuple[int, int]
    timeline: Timeline
    wanted: int
    recordings: Sequence[Recording] = ()
    textures: Textures = field(init=False)
    _places: list[Scene] = field(default_factory=list)
    _last: Scene | None = None

    def __post_init__(self) -> None:
        """Prepare the textures."""
        self.textures = Textures(self.rng)

    @property
    def goes_on(self) -> bool:
        """Whether the film is shorter than it should be."""
        return self.timeline.frames < self.wanted

    def chance(self, share: float) -> bool:
        """Whether something happens that does so in a share of all cases."""
        return bool(self.rng.random() < share)

    def frames(self, seconds: Seconds) -> int:
        """A random length, at least 2."""
        return max(2, round(self.rng.uniform(*seconds) * self.rate))

    def scene(self) -> Scene:
        """Another scene than the one before: a new one, or one that was seen earlier."""
        others: list[Scene] = [one for one in self.recordings if one is not self._last]
        if not others or self.chance(0.5):
            if (len(self._places) < _MOST_PLACES and self.chance(0.6)) or len(self._places) < 2:
                self._places.append(place(self.rng, self.textures, self.size_px))
                self._last = self._places[-1]
                return self._last
            others = [one for one in self._places if one is not self._last]
        self._last = others[int(self.rng.integers(0, len(others)))]
        return self._last

    def framing(self) -> Path:
        """Where a shot stands and how near, (4,): added to all rows of a path."""
        return np.array(
            [
                self.rng.uniform(-1, 1),
                self.rng.uniform(-0.08, 0.08),
                self.rng.uniform(0, 0.8),
                self.rng.normal(0, 1),
            ]
        ) * (0.1 if isinstance(self._last, Recording) else 1)

    def motion(self, frames: int) -> Path:
        """How cameras move when nothing special happens."""
        kind = self.rng.choice(["still", "drift", "hand", "pan"], p=[0.2, 0.35, 0.35, 0.1])
        if kind == "still":
            return camera.still(frames)
        if kind == "pan":
            return camera.pan(self.rng, frames, self.rate)
        moving = camera.drift(self.rng, frames, self.rate)
        if kind == "drift":
            return moving
        strength = self.rng.uniform(0.001, 0.006)
        return moving + camera.shake(self.rng, frames, self.rate, strength)

    def shot(self, seconds: Seconds, scene: Scene | None = None, path: Path | None = None) -> Shot:
        """Film a scene, any if None, with a path added to a random framing."""
        scene = scene or self.scene()
        path = self.motion(self.frames(seconds)) if path is None else path
        return self.filmed(scene, path + self.framing(), self.rng.uniform(0, 20))

    def filmed(self, scene: Scene, path: Path, begin_seconds: float) -> Shot:
        """Film a scene from a moment of it on, with exactly this path."""
        return film_scene(scene, path, self.rate, self.size_px, begin_seconds)

    def moment(self, shot: Shot, needed: int) -> int | None:
        """A frame of a shot after which there are that many and the edge; None in a short shot."""
        last = len(shot) - needed - _EDGE_FRAMES
        return int(self.rng.integers(_EDGE_FRAMES, last + 1)) if last >= _EDGE_FRAMES else None

    def happens(self, shot: Shot, effect: Effect, needed: int) -> None:
        """Let something happen within a shot if it is long enough."""
        first = self.moment(shot, needed)
        if first is not None:
            effect(self.rng, shot, first)

    def passes_by(self, shot: Shot) -> None:
        """Let somebody pass close to the camera."""
        first = self.moment(shot, 26)
        if first is not None:
            effects.occluder(self.rng, shot, first, self.textures)

    def smokes(self, shot: Shot) -> None:
        """Let smoke drift through a shot."""
        first = self.moment(shot, 25)
        if first is not None:
            effects.smoke(self.rng, shot, first, self.textures)

    def overlaid(self, shot: Shot) -> None:
        """Put something over a shot."""
        first = self.moment(shot, 14)
        if first is not None:
            inset = self.shot((1, 1), path=camera.drift(self.rng, len(shot), self.rate))
            effects.overlay(self.rng, shot, first, inset)

    def _room(self, shot: Shot, wanted: int) -> int:
        """How long a transition to this shot can be."""
        return min(wanted, self.timeline.can_change - _EDGE_FRAMES, len(shot) // 2)

    def mixed(
        self, shot: Shot, frames: tuple[int, int], blend: joins.Blend, kind: str, look: str
    ) -> None:
        """Join a shot by mixing; by a cut where the shots are too short for that."""
        length = self._room(shot, int(self.rng.integers(frames[0], frames[1] + 1)))
        if length < frames[0]:
            self.timeline.cut(shot, "cut")
            return
        self.timeline.mix(shot, length, blend, kind, look)

    def dissolved(self, shot: Shot, frames: tuple[int, int], look: str = "dissolve") -> None:
        """Join a shot by a dissolve."""
        self.mixed(shot, frames, joins.dissolve, "dissolve", look)

    def wiped(self, shot: Shot, frames: tuple[int, int]) -> None:
        """Join a shot by a wipe."""
        self.mixed(shot, frames, joins.wipe(self.rng, self.size_px), "wipe", "wipe")

    def pushed(self, shot: Shot, frames: tuple[int, int]) -> None:
        """Join a shot that pushes the one before out, or slides over it."""
        self.mixed(shot, frames, joins.push(self.rng), "wipe", "push")

    def smeared(self, shot: Shot) -> None:
        """Join a shot by a smear of 3 to 5 frames."""
        self.mixed(shot, (3, 5), joins.smear(self.rng), "dissolve", "smear")

    def leaked(self, shot: Shot) -> None:
        """Join a shot by a light leak of 3 to 5 frames."""
        leak = joins.light_leak(self.rng, self.size_px)
        self.mixed(shot, (3, 5), leak, "dissolve", "light leak")

    def faded(self, shot: Shot, level: int, frames: tuple[int, int], hold: int) -> None:
        """Join a shot by a fade through black (0) or white (255)."""
        out = self._room(shot, int(self.rng.integers(frames[0], frames[1] + 1)))
        into = self._room(shot, int(self.rng.integers(frames[0], frames[1] + 1)))
        if min(out, into) < frames[0]:
            self.timeline.cut(shot, "cut")
            return
        self.timeline.fade_through(shot, out, hold, into, level)

    def faded_apart(self, shot: Shot, level: int, frames: tuple[int, int]) -> None:
        """Fade out and in with black or white between for so long that it is a scene."""
        length = self._room(shot, int(self.rng.integers(frames[0], frames[1] + 1)))
        if length < frames[0]:
            self.timeline.cut(shot, "cut")
            return
        self.timeline.fade_out(length, level, self.frames((1, 1.6)))
        self.timeline.fade_in(shot, length, level)

    def begins_black(self, frames: int) -> None:
        """Begin a film, or go on after a cut, with black."""
        width, height = self.size_px
        black: list[Picture] = [np.zeros((height, width, 3), np.uint8)] * frames
        self.timeline.cut(Shot(black), "to black")
