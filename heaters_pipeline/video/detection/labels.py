"""What is true of a video's transitions, as a person labelled it, and how far others found it.

A labels file is a JSON object by file name, or a table (``_rows_by_file``):

    {"holiday.mp4": {"frames": 250, "hard_cuts": [30, 76],
                     "gradual": [{"start": 126, "end": 151, "kind": "dissolve"}],
                     "ambiguous": [[0, 27, "only a logo"]], "slides": []}}

Hard cuts and slides are first frames of what follows. ``start`` of a gradual transition is the
last frame before it, ``end`` the first after it. Ambiguous intervals are not judged. All but
``hard_cuts`` may be missing; other fields are notes.

Found frames and labelled cuts are matched one to one, the nearest first. What is left over is
neither right nor wrong where a slide changes, or inside a gradual or ambiguous interval with a
margin; elsewhere it is wrong. A gradual transition is hit when any found frame lies in its
interval with the margin.

Nothing is decided here: frames come from whichever method is judged.
"""

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from heaters_pipeline.errors import SettingsError

TOLERANCE_FRAMES = 1
"""How far a found frame may be from the labelled cut that it is taken for."""

MARGIN_FRAMES = 2
"""How far beyond an interval frames still belong to it, since ends of dissolves are hard to see."""


@dataclass(frozen=True, slots=True)
class LabelledGradual:
    """A gradual transition as a person saw it: last frame before, first frame after, its kind."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Labels:
    """What is true of one video.

    Attributes:
        frames: How many it has; None if the labels do not say.
        hard_cuts: First frames of new scenes.
        gradual: Gradual transitions.
        ambiguous: First and last frame of each interval that is not judged.
        slides: First frames of new slides; finding them is neither right nor wrong.
    """

    frames: int | None
    hard_cuts: tuple[int, ...]
    gradual: tuple[LabelledGradual, ...] = ()
    ambiguous: tuple[tuple[int, int], ...] = ()
    slides: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """How much was right, of one video or of several.

    Attributes:
        right: Labelled cuts that were found.
        wrong: Found frames at which nothing happens.
        missed: Labelled cuts that were not found.
        gradual_total: Labelled gradual transitions.
        gradual_hit: Those in which something was found.
    """

    right: int = 0
    wrong: int = 0
    missed: int = 0
    gradual_total: int = 0
    gradual_hit: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.right + other.right,
            self.wrong + other.wrong,
            self.missed + other.missed,
            self.gradual_total + other.gradual_total,
            self.gradual_hit + other.gradual_hit,
        )

    @property
    def precision(self) -> float:
        """Share of the found cuts that are right; 1 where nothing is to be found, and was not."""
        return self._share(self.wrong)

    @property
    def recall(self) -> float:
        """Share of the labelled cuts that were found; 1 where there are none, and none found."""
        return self._share(self.missed)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 0 where both are 0."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    @property
    def gradual_recall(self) -> float | None:
        """Share of the gradual transitions that were hit; None where there are none."""
        return self.gradual_hit / self.gradual_total if self.gradual_total else None

    def _share(self, others: int) -> float:
        if self.right + self.wrong + self.missed == 0:
            return 1.0
        return self.right / (self.right + others) if self.right + others else 0.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """What of the found frames is right.

    Attributes:
        counts: In numbers.
        matched: The found frame of each labelled cut that has one.
        wrong: Found frames at which nothing happens, rising.
        missed: Labelled cuts that were not found, rising.
        absorbed: Found frames that are neither right nor wrong, slides left out, rising.
    """

    counts: Counts
    matched: Mapping[int, int]
    wrong: tuple[int, ...]
    missed: tuple[int, ...]
    absorbed: tuple[int, ...]


def judge(labels: Labels, found: Iterable[int]) -> Judgement:
    """Judge the frames at which a video was split.

    Args:
        labels: What is true.
        found: First frames of new scenes. Frame 0 and repeats do not count.
    """
    frames = sorted({frame for frame in found if frame > 0})
    hard_cuts = sorted(set(labels.hard_cuts))
    matched = match(hard_cuts, frames)
    left = _without(frames, matched.values())
    slides = match(sorted(set(labels.slides)), left)
    left = _without(left, slides.values())
    gradual = [(one.start, one.end) for one in labels.gradual]
    absorbed = _inside(left, [*gradual, *labels.ambiguous])
    wrong = _without(left, absorbed)
    missed = _without(hard_cuts, matched)
    hit = sum(bool(_inside(frames, [interval])) for interval in gradual)
    return Judgement(
        Counts(len(matched), len(wrong), len(missed), len(gradual), hit),
        matched,
        tuple(wrong),
        tuple(missed),
        tuple(absorbed),
    )


def match(
    wanted: Sequence[int], found: Sequence[int], tolerance: int = TOLERANCE_FRAMES
) -> dict[int, int]:
    """Match frames one to one, nearest first, then earlier ones first.

    Args:
        wanted: Rising, without repeats.
        found: The same.
        tolerance: Most frames that two which match are apart.
    Returns:
        The found frame of each wanted one that has one.
    """
    pairs = sorted(
        (abs(found[at] - frame), frame, found[at])
        for frame in wanted
        for at in range(
            bisect_left(found, frame - tolerance), bisect_right(found, frame + tolerance)
        )
    )
    matched: dict[int, int] = {}
    used: set[int] = set()
    for _, frame, other in pairs:
        if frame not in matched and other not in used:
            matched[frame] = other
            used.add(other)
    return matched


def read_labels(path: Path) -> dict[str, Labels]:
    """Read a labels file.

    Raises:
        SettingsError: It cannot be read, or something in it is not as it should be.
    """
    is_table = path.suffix.lower() == ".csv"
    try:
        content = _rows_by_file(path) if is_table else json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read the labels {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        kind = "CSV" if is_table else "JSON"
        raise SettingsError(f"the labels {path} are no {kind}: no text in UTF-8") from error
    except ValueError as error:
        problem = "cannot be used" if is_table else "are no JSON"
        raise SettingsError(f"the labels {path} {problem}: {error}") from error
    if not isinstance(content, dict):
        raise SettingsError(f"the labels {path} must be an object by file name")
    return {name: _labels(_Place(path, name), entry) for name, entry in content.items()}


def _rows_by_file(path: Path) -> dict[str, Any]:
    """What the JSON would hold, from a table: columns ``file``, ``kind``, ``start``, ``end``.

    A kind is ``cut``, ``slide``, ``ambiguous`` or one of a gradual transition. A file in which
    nothing happens has a row without a kind.
    """
    # Takes a moment to import, and only tables need it.
    import pandas as pd

    columns = ["file", "kind", "start", "end"]
    try:
        # Blank lines are kept, so that a row's number is that of its line.
        table = pd.read_csv(path, dtype="str", skip_blank_lines=False)
    except pd.errors.EmptyDataError as error:
        raise ValueError("it is empty") from error
    if missing := [column for column in columns if column not in table]:
        raise ValueError(
            f"there is no column {', '.join(missing)}; "
            f"the first line must be {','.join(columns)}, separated by commas"
        )
    content: dict[str, Any] = {}
    for line, row in enumerate(table[columns].to_dict("records"), start=2):
        cells = {str(name): cell for name, cell in row.items() if not pd.isna(cell)}
        if not cells:
            continue
        try:
            file, kind, start, end = _cells(cells)
        except ValueError as error:
            raise ValueError(f"line {line}: {error}") from error
        fields = ("hard_cuts", "slides", "ambiguous", "gradual")
        entry = content.setdefault(file, {field: [] for field in fields})
        match kind:
            case "cut":
                entry["hard_cuts"].append(start)
            case "slide":
                entry["slides"].append(start)
            case "ambiguous":
                entry["ambiguous"].append([start, end])
            case str():
                entry["gradual"].append({"start": start, "end": end, "kind": kind})
    return content


def _cells(row: Mapping[str, str]) -> tuple[str, str | None, int | None, int | None]:
    file, kind = row.get("file"), row.get("kind")
    if file is None:
        raise ValueError("the file is missing")
    needed = () if kind is None else ("start",) if kind in {"cut", "slide"} else ("start", "end")
    frames: dict[str, int] = {}
    for name in ("start", "end"):
        value = row.get(name)
        if value is not None:
            # A column with gaps comes as 76.0 from pandas and from spreadsheets.
            if not re.fullmatch(r"\s*\d+(\.0*)?\s*", value):
                raise ValueError(
                    f"the {name} of a {kind} must be a whole frame from 0 on, not {value}"
                )
            frames[name] = int(float(value))
        elif name in needed:
            raise ValueError(f"the {name} of a {kind} is missing")
    return file, kind, frames.get("start"), frames.get("end")


def labels_for(
    labels: Mapping[str, Labels], names: Sequence[str], frames: int, path: Path
) -> Labels:
    """The labels of a video.

    Args:
        labels: By file name.
        names: What the video may be called; the first that is known counts.
        frames: How many frames it has.
        path: The labels file, for messages.
    Raises:
        SettingsError: It is not labelled, or the labels are of another number of frames.
    """
    name = next((name for name in names if name in labels), None)
    if name is None:
        known = ", ".join(sorted(labels)[:5]) + (", …" if len(labels) > 5 else "")
        raise SettingsError(f"{path} has no labels of {names[0]}; it knows {known or 'no video'}")
    found = labels[name]
    if found.frames is not None and found.frames != frames:
        raise SettingsError(
            f"{path} labels {found.frames} frames of {name}, but it has {frames}; "
            "label this version of it"
        )
    return found


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a labels file something stands."""

    path: Path
    name: str

    def wrong(self, problem: str) -> SettingsError:
        """The error that says so."""
        return SettingsError(f"the labels {self.path}, {self.name}: {problem}")


def _labels(place: _Place, entry: Any) -> Labels:
    if not isinstance(entry, dict) or "hard_cuts" not in entry:
        raise place.wrong("there must be an object with hard_cuts")
    frames = entry.get("frames")
    if frames is not None and not _is_frame(frames):
        raise place.wrong(f"frames must be a number of frames, got {frames!r}")
    gradual = tuple(_gradual(place, one) for one in _list(place, entry, "gradual"))
    ambiguous = tuple(_interval(place, one) for one in _list(place, entry, "ambiguous"))
    return Labels(
        frames=frames,
        hard_cuts=_frames(place, entry, "hard_cuts"),
        gradual=tuple(sorted(gradual, key=attrgetter("start", "end"))),
        ambiguous=tuple(sorted(ambiguous)),
        slides=_frames(place, entry, "slides"),
    )


def _gradual(place: _Place, one: Any) -> LabelledGradual:
    ends: list[Any] = [one.get("start"), one.get("end")] if isinstance(one, dict) else []
    if len(ends) < 2 or not all(map(_is_frame, ends)) or ends[0] > ends[1]:
        raise place.wrong(f"a gradual transition needs start <= end, whole frames; got {one!r}")
    return LabelledGradual(ends[0], ends[1], str(one.get("kind", "gradual")))


def _interval(place: _Place, one: Any) -> tuple[int, int]:
    ends = one[:2] if isinstance(one, list) else []
    if len(ends) < 2 or not all(map(_is_frame, ends)) or ends[0] > ends[1]:
        raise place.wrong(f"an ambiguous interval is [first frame, last frame, why]; got {one!r}")
    return ends[0], ends[1]


def _frames(place: _Place, entry: Mapping[str, Any], field: str) -> tuple[int, ...]:
    frames = _list(place, entry, field)
    if not all(map(_is_frame, frames)):
        raise place.wrong(f"{field} must hold whole frames from 0 on")
    return tuple(sorted(set(frames)))


def _list(place: _Place, entry: Mapping[str, Any], field: str) -> list[Any]:
    value = entry.get(field, [])
    if not isinstance(value, list):
        raise place.wrong(f"{field} must be a list, got {value!r}")
    return value


def _is_frame(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _without(frames: Iterable[int], others: Iterable[int]) -> list[int]:
    gone = set(others)
    return [frame for frame in frames if frame not in gone]


def _inside(frames: Sequence[int], intervals: Iterable[tuple[int, int]]) -> list[int]:
    """The frames in any of the intervals, ends and margin included."""
    inside: set[int] = set()
    for start, end in intervals:
        first = bisect_left(frames, start - MARGIN_FRAMES)
        inside.update(frames[first : bisect_right(frames, end + MARGIN_FRAMES)])
    return sorted(inside)
