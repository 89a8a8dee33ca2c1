"""Shots: pictures from one camera, with what happens in them that is no transition."""

from dataclasses import dataclass, field

from benchmarks.hard_films.camera import Path, motion_blurred, moved
from benchmarks.hard_films.places import Scene
from benchmarks.hard_films.textures import Picture


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a detector might take for a transition.

    Attributes:
        start: First frame of it.
        end: First frame after it.
        what: Its name.
    """

    start: int
    end: int
    what: str


@dataclass(slots=True)
class Shot:
    """Pictures in order, all of one size, and the events in them, by frame of the shot."""

    pictures: list[Picture]
    events: list[Event] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.pictures)

    def note(self, start: int, frames: int, what: str) -> None:
        """Remember an event."""
        self.events.append(Event(start, min(start + frames, len(self)), what))


def film_scene(
    scene: Scene, path: Path, rate: float, size_px: tuple[int, int], begin_seconds: float = 0.0
) -> Shot:
    """Let a camera run along its path, from a moment of the scene on."""
    return Shot(
        [
            motion_blurred(
                scene.view(begin_seconds + number / rate, pose, size_px), moved(path, number)
            )
            for number, pose in enumerate(path)
        ]
    )
