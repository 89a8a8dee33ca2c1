"""Joins shots to a film and writes down what is true of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.hard_films.joins import Blend, faded
from benchmarks.hard_films.shots import Event, Shot
from benchmarks.hard_films.textures import Picture


@dataclass(slots=True)
class Timeline:
    """A film that grows at its end; pictures go to ``write`` once no transition can change them.

    Attributes:
        write: Takes each picture of the film in order.
    """

    write: Callable[[Picture], None]
    _held: list[Picture] = field(default_factory=list)
    _written: int = 0
    _cuts: dict[int, str] = field(default_factory=dict)
    _gradual: list[dict[str, Any]] = field(default_factory=list)
    _events: list[Event] = field(default_factory=list)

    @property
    def frames(self) -> int:
        """How many the film has so far."""
        return self._written + len(self._held)

    @property
    def can_change(self) -> int:
        """How many frames at the end a transition may still change."""
        return len(self._held)

    def cut(self, shot: Shot, look: str) -> None:
        """Add a shot after a hard cut; the first of the film comes without."""
        if self.frames:
            self._cuts[self.frames] = look
        self.go_on(shot)

    def go_on(self, shot: Shot) -> None:
        """Add pictures that no transition parts from those before."""
        self._flush()
        self._add(shot, 0)

    def mix(self, shot: Shot, frames: int, blend: Blend, kind: str, look: str) -> None:
        """Add a shot over the last frames of the one before, mixing the two.

        Args:
            shot: Longer than ``frames``.
            frames: How many are mixed; as many, and one more, are there to be mixed with.
            blend: Makes a picture of two.
            kind: What our detection should call it.
            look: What it is.
        """
        if frames >= min(len(self._held), len(shot)):
            raise ValueError(f"a mix of {frames} frames needs longer shots on both sides")
        first = len(self._held) - frames
        for number in range(frames):
            share = (number + 1) / (frames + 1)
            self._held[first + number] = blend(
                self._held[first + number], shot.pictures[number], share
            )
        begin = self.frames - frames
        self._label(begin - 1, begin + frames, kind, look)
        self._flush()
        self._add(Shot(shot.pictures[frames:], shot.events), frames)

    def fade_out(self, frames: int, to: int, hold: int) -> None:
        """Fade the last ``frames`` frames; the first of ``hold`` >= 1 blank ones ends it."""
        self._fade_held(frames, to)
        begin = self.frames - frames
        self._label(begin - 1, self.frames, "fade_out", f"fade to {_name(to)}")
        self._hold(hold, to)

    def fade_in(self, shot: Shot, frames: int, of: int) -> None:
        """Fade a shot in from blank pictures, with which the film has to end now."""
        begin = self.frames
        self._fade_start(shot, frames, of)
        self._label(begin - 1, begin + frames, "fade_in", f"fade from {_name(of)}")
        self.go_on(shot)
        self._flush(frames)

    def fade_through(self, shot: Shot, out: int, hold: int, into: int, by: int) -> None:
        """Fade out and in as one transition, with ``hold`` blank frames between."""
        self._fade_held(out, by)
        begin = self.frames - out
        self._hold(hold, by)
        self._fade_start(shot, into, by)
        kind = f"fade_through_{_name(by)}"
        self._label(begin - 1, self.frames + into, kind, kind.replace("_", " "))
        self.go_on(shot)
        self._flush(into)

    def finish(self) -> dict[str, Any]:
        """Write what is held; what is true of the film, as a labels file holds it."""
        self._flush()
        return {
            "frames": self._written,
            "hard_cuts": sorted(self._cuts),
            "gradual": self._gradual,
            "ambiguous": [],
            "slides": [],
            "cut_tags": {str(frame): self._cuts[frame] for frame in sorted(self._cuts)},
            "events": [[one.start, one.end, one.what] for one in self._events],
        }

    def _label(self, start: int, end: int, kind: str, look: str) -> None:
        self._gradual.append({"start": start, "end": end, "kind": kind, "look": look})

    def _add(self, shot: Shot, skipped: int) -> None:
        begin = self.frames - skipped
        self._events += [Event(begin + e.start, begin + e.end, e.what) for e in shot.events]
        self._held += shot.pictures

    def _flush(self, frames: int | None = None) -> None:
        """Write what no transition may change any more: all that is held if None."""
        ready = self._held[:frames]
        for picture in ready:
            self.write(picture)
        self._written += len(ready)
        self._held = self._held[len(ready) :]

    def _fade_held(self, frames: int, to: int) -> None:
        if frames >= len(self._held):
            raise ValueError(f"a fade of {frames} frames needs a longer shot before it")
        for number in range(frames):
            at = len(self._held) - frames + number
            self._held[at] = faded(self._held[at], to, (number + 1) / (frames + 1))

    @staticmethod
    def _fade_start(shot: Shot, frames: int, of: int) -> None:
        if frames >= len(shot):
            raise ValueError(f"a fade of {frames} frames needs a longer shot after it")
        for number in range(frames):
            share = 1 - (number + 1) / (frames + 1)
            shot.pictures[number] = faded(shot.pictures[number], of, share)

    def _hold(self, frames: int, level: int) -> None:
        picture = np.full_like(self._held[-1], level)
        self._flush()
        self._held += [picture] * frames


def _name(level: int) -> str:
    return "white" if level else "black"
