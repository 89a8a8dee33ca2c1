"""Corrections of people: scenes and transitions as found, plus their edits, in order. Pure.

An edit applies to the scenes as a person saw them, which the settings had made of the transitions:
short ones merged, long ones split. What comes out is what the person saw come out. No duration is
applied to it again, so that a cut of a person is never merged away, and what a person merged is
never split. When detection has changed, each edit is applied anew where it still makes sense.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from heaters_pipeline.video.detection.scenes import SceneList, breaks_of
from heaters_pipeline.video.detection.settings import GradualFrames
from heaters_pipeline.video.detection.transitions import Transition
from heaters_pipeline.video.media.timing import Span

EditKind = Literal["split", "merge", "move"]

NEAR_FRAMES = 2
"""How far from its frame a cut may be found that a person merged or moved: methods place one cut a
frame apart at most, and by default scenes last a quarter of a second, 6 frames at 24 a second, so
that no other cut is meant."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What a person changed of the scenes.

    Attributes:
        kind: ``split`` lets a scene begin at the frame, ``merge`` makes one scene of the two that
            meet there, ``move`` lets them meet elsewhere.
        frame: First frame of the scene behind the cut.
        to: The same after a move; None for the others.
    """

    kind: EditKind
    frame: int
    to: int | None = None


@dataclass(frozen=True, slots=True)
class Corrected:
    """What became of the edits of a video.

    Attributes:
        scenes: The three lists of the video's frames, each frame in one of them, as before.
        transitions: Without those that people took for none, with their cuts, in order.
        refusals: For each edit why it does not apply; None where it does.
    """

    scenes: SceneList
    transitions: tuple[Transition, ...]
    refusals: tuple[str | None, ...]


def correct(
    found: SceneList,
    transitions: Sequence[Transition],
    edits: Iterable[Edit],
    gradual: GradualFrames,
) -> Corrected:
    """Apply edits one after the other, each to the outcome of those before it.

    Two scenes that are merged take in the frames between them, if those were excluded or dropped.
    A cut is found again within ``NEAR_FRAMES`` of where it was; that of a gradual transition, and
    one with frames between the scenes, also from any of those frames.

    Args:
        found: Of the whole video.
        transitions: Of which the scenes were made, in order.
        edits: In the order in which they were made.
        gradual: Where the scenes meet at a gradual transition.
    """
    draft = _Draft(found, transitions, gradual)
    refusals = tuple(draft.refusal_of(edit) for edit in edits)
    return Corrected(draft.scenes(), draft.transitions(), refusals)


class _Draft:
    """Scenes while they are edited; a cut is named by the number of the scene behind it."""

    def __init__(
        self, found: SceneList, transitions: Sequence[Transition], gradual: GradualFrames
    ) -> None:
        self._starts = [span.start for span in found.scenes]
        self._ends = [span.end for span in found.scenes]
        self._found = found
        frames = max((span.end for spans in _lists(found) for span in spans), default=0)
        parts = sorted(breaks_of(frames, transitions, gradual), key=lambda part: part[1])
        # Where scenes part, rising, and the transition of each; those that part none stay.
        self._parts = [part for _, part in parts]
        self._parting = [one for one, _ in parts]
        parting = set(self._parting)
        self._others = [one for one in transitions if one not in parting]

    def refusal_of(self, edit: Edit) -> str | None:
        """Apply an edit, or say why it does not apply."""
        if edit.kind == "split":
            return self._split(edit.frame)
        cut = self._cut_near(edit.frame)
        if edit.kind == "merge":
            return self._merge(cut, edit.frame)
        return self._move(cut, edit.frame, edit.frame if edit.to is None else edit.to)

    def scenes(self) -> SceneList:
        """As they are now."""
        scenes = tuple(map(Span, self._starts, self._ends))

        def left(spans: Iterable[Span]) -> tuple[Span, ...]:
            return tuple(span for span in spans if self._scene_of(span.start) is None)

        return SceneList(scenes, left(self._found.dropped), left(self._found.excluded))

    def transitions(self) -> tuple[Transition, ...]:
        """As they are now, in order."""
        left = (*self._parting, *self._others)
        return tuple(sorted(left, key=lambda one: (one.start, one.end)))

    def _split(self, frame: int) -> str | None:
        scene = self._scene_of(frame)
        if scene is None:
            return f"frame {frame} is in no scene"
        if self._starts[scene] == frame:
            return f"a scene begins at frame {frame} already"
        self._starts.insert(scene + 1, frame)
        self._ends.insert(scene, frame)
        self._add_cut(frame)
        return None

    def _merge(self, cut: int | None, frame: int) -> str | None:
        if cut is None:
            return _no_cut(frame)
        self._remove_transitions(cut)
        del self._starts[cut], self._ends[cut - 1]
        return None

    def _move(self, cut: int | None, frame: int, to: int) -> str | None:
        there = self._scene_beginning(to)
        if there is not None and cut in (there, None):
            return f"a scene begins at frame {to} already"
        if cut is None:
            return _no_cut(frame)
        if there and abs(there - cut) == 1:
            # Another cut lies there: both are one.
            return self._merge(cut, frame)
        if not self._starts[cut - 1] < to < self._ends[cut]:
            return f"frame {to} is in neither of the scenes that meet at {self._starts[cut]}"
        self._remove_transitions(cut)
        self._ends[cut - 1] = self._starts[cut] = to
        self._add_cut(to)
        return None

    def _scene_of(self, frame: int) -> int | None:
        scene = bisect_right(self._starts, frame) - 1
        return scene if scene >= 0 and frame < self._ends[scene] else None

    def _scene_beginning(self, frame: int) -> int | None:
        scene = bisect_left(self._starts, frame)
        begins = scene < len(self._starts) and self._starts[scene] == frame
        return scene if begins else None

    def _cut_near(self, frame: int) -> int | None:
        """The cut that a person meant by the first frame behind it, or None."""
        behind = bisect_right(self._starts, frame)
        # The nearest of those beside the frame; the first scene of all has no cut before it.
        near = [cut for cut in (behind - 1, behind) if 0 < cut < len(self._starts)]
        near.sort(key=lambda cut: abs(self._starts[cut] - frame))
        for cut in near:
            if self._starts[cut] == frame or self._ends[cut - 1] <= frame < self._starts[cut]:
                return cut
        for cut in near:
            if any(one.start <= frame < one.end for one in self._transitions_at(cut)):
                return cut
        return next((cut for cut in near if abs(self._starts[cut] - frame) <= NEAR_FRAMES), None)

    def _parts_at(self, cut: int) -> slice:
        """Which of the parts are those of a cut: they lie between its scenes."""
        first, last = self._ends[cut - 1], self._starts[cut]
        return slice(
            bisect_left(self._parts, (first, first)), bisect_right(self._parts, (last, last))
        )

    def _transitions_at(self, cut: int) -> list[Transition]:
        return self._parting[self._parts_at(cut)]

    def _remove_transitions(self, cut: int) -> None:
        at = self._parts_at(cut)
        del self._parts[at], self._parting[at]

    def _add_cut(self, frame: int) -> None:
        at = bisect_left(self._parts, (frame, frame))
        # One that was found there, and merged away as short, is back.
        if self._parts[at : at + 1] != [(frame, frame)]:
            self._parts.insert(at, (frame, frame))
            self._parting.insert(at, Transition("cut", frame, frame))


def _no_cut(frame: int) -> str:
    return f"there is no cut within {NEAR_FRAMES} frames of {frame} any more"


def _lists(found: SceneList) -> tuple[tuple[Span, ...], ...]:
    return (found.scenes, found.dropped, found.excluded)
