"""The annotations of public benchmarks of shot detection, read as they are distributed.

Each says by other numbers where a shot ends. Here all become a ``Change``: the last frame of a
shot and the first of the next one, counted from 0 in the order in which they are shown. The notes
below name the public code that reads the same files so.

========== ============================= =============================== =========================
set        file, below ``ROOT/<set>``    a line or entry                 numbers
========== ============================= =============================== =========================
BBC        ``fixed/<nn>-scenes.txt``     first and last frame of a shot  from 0 (1)
BBC        ``annotations/shots/``        the same                        one less than from 0 (2)
           ``<nn>_<name>.txt``
RAI        ``**/<n>_gt.txt``             the same                        from 0 (3)
AutoShot   ``annotations/<id>.txt``      the same                        from 0 (1)
SHOT       ``kuaishou_v2.txt``           after a line with the video:    from 0 (4)
                                         last frame of a shot, first of
                                         the next
ClipShots  ``annotations/test.json``     ``transitions`` of a video:     from 0 (5)
                                         last frame of a shot, first of
                                         the next
========== ============================= =============================== =========================

1. PySceneDetect, ``benchmark/dataset.py``, ``_read_tab_separated_cuts``: second column + 1 is the
   first frame of the next shot, as in its ``FrameTimecode.frame_num``, which counts from 0 (the
   comment there says "1-based"; measured with its version 0.7.2). It reads BBC's corrected files.
2. TransNetV2, ``training/consolidate_datasets.py``: adds 1 to both columns.
3. There, too, without adding anything; ``gyglim/shot-detection-evaluation`` agrees.
4. ``wentaozhu/AutoShot``: its test takes shots as counted from 0 (``utils.py``), and the shots of
   its test videos (in ``CBD-Lab/FilmShots``, 12580139534: 0 80, 81 149, 150 178, 183 253) have
   the numbers of these pairs (80,81 149,150 178,183).
5. ``Tangshitao/ClipShots``, ``tools/evaluate.py``: a cut where the second is the first + 1.
   TransNetV2 takes both as counted from 0. It adds 1 to both where a video has one frame more
   than ``frame_num``, and leaves out videos that differ more; PySceneDetect does neither, nor is
   it done here, but such videos are named.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from typing import Any


class AnnotationError(Exception):
    """An annotation is not as it should be; says in which file, and in which line or entry."""


@dataclass(frozen=True, slots=True)
class Change:
    """From one shot to the next: last frame of the one, first of the other, from 0.

    A cut has nothing between them; the frames between belong to a gradual transition.
    """

    last: int
    first: int

    @property
    def is_cut(self) -> bool:
        """Whether the shots meet."""
        return self.first == self.last + 1


@dataclass(frozen=True, slots=True)
class AnnotatedVideo:
    """What is said of one video.

    Attributes:
        name: For messages.
        path: The video; None where it is not below the root.
        changes: In order.
        end: The frame after the last shot, where shots are annotated and not their changes.
        frames: How many frames it has, where that is said.
    """

    name: str
    path: Path | None
    changes: tuple[Change, ...]
    end: int | None = None
    frames: int | None = None


@dataclass(slots=True)
class Annotations:
    """A set as it lies below a root.

    Attributes:
        videos: Those with an annotation.
        notes: What was passed over, a sentence each.
        missing: The annotation that is not there, if there is none.
    """

    videos: list[AnnotatedVideo] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: Path | None = None


Reader = Callable[[Path, bool], Annotations]
"""Reads a set from its folder. The flag leaves out videos whose annotation has a malformed line.

Raises ``AnnotationError`` for one without the flag.
"""


def read_bbc(folder: Path, skip_malformed: bool) -> Annotations:
    """BBC Planet Earth: 11 episodes, ``videos/bbc_<nn>.mp4``.

    The corrected annotations count where there are some, since the published table is of them.
    """
    fixed = _files(folder / "fixed", r"(\d+)-scenes\.txt")
    original = _files(folder / "annotations" / "shots", r"(\d+)_.*\.txt")
    videos = _videos(folder, lambda stem: stem.removeprefix("bbc_").split("_")[0])
    if fixed or not original:
        return _shots(fixed, videos, 0, skip_malformed, folder / "fixed" / "<nn>-scenes.txt")
    return _shots(original, videos, 1, skip_malformed, folder / "annotations")


def read_rai(folder: Path, skip_malformed: bool) -> Annotations:
    """RAI: 10 broadcasts, ``<n>.mp4`` or ``<n>_<name>.mp4``, and ``<n>_gt.txt`` anywhere below.

    Its ``scenes_<n>.txt`` are scenes of several shots and are not read.
    """
    annotations = {path.name.removesuffix("_gt.txt"): path for path in _below(folder, "_gt.txt")}
    videos = _videos(folder, lambda stem: stem.split("_")[0])
    return _shots(annotations, videos, 0, skip_malformed, folder / "<n>_gt.txt")


def read_autoshot(folder: Path, skip_malformed: bool) -> Annotations:
    """The test videos of SHOT as PySceneDetect packs them: 164 of 200, ``videos/<id>.mp4``."""
    annotations = _files(folder / "annotations", r"(.+)\.txt")
    videos = _videos(folder, str)
    return _shots(annotations, videos, 0, skip_malformed, folder / "annotations" / "<id>.txt")


def read_shot(folder: Path, skip_malformed: bool) -> Annotations:
    """SHOT by its authors, training and test together: ``kuaishou_v2.txt``, videos anywhere below.

    A line with a video's file, in the first half with a number of frames, is followed by one line
    a change, ``last,first`` in the first half and ``last first`` in the second. The file has lines
    that are malformed, such as ``2959.2960`` and ``128,129152,153``.
    """
    source = folder / "kuaishou_v2.txt"
    if not source.is_file():
        return Annotations(missing=source)
    videos = {path.name: path for path in _below(folder, ".mp4")}
    annotations = Annotations()
    for name, lines in _blocks(source):
        with _skipping(annotations, name, skip_malformed):
            changes = [_change(source, number, text) for number, text in lines]
            for (before, after), (number, text) in zip(pairwise(changes), lines[1:], strict=True):
                if after.last < before.first:
                    raise _malformed(source, number, text, "it begins before the one above ends")
            annotations.videos.append(AnnotatedVideo(name, videos.get(name), tuple(changes)))
    return annotations


def read_clipshots(folder: Path, skip_malformed: bool) -> Annotations:
    """ClipShots' test split: 500 videos, ``videos/<name>`` or ``videos/test/<name>``.

    ``video_lists/test.txt``, if it is there, says which of the annotated videos count. Entries of
    ``transitions`` that are no pair, or whose frames do not rise, are passed over, as PySceneDetect
    does, and named.
    """
    source = folder / "annotations" / "test.json"
    if not source.is_file():
        return Annotations(missing=source)
    try:
        content = json.loads(source.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise AnnotationError(f"{source}, line {error.lineno}: no JSON: {error.msg}") from error
    if not isinstance(content, dict):
        raise AnnotationError(f"{source} must be an object by file name")
    listed = folder / "video_lists" / "test.txt"
    names = set(listed.read_text(encoding="utf-8").split()) if listed.is_file() else set(content)
    annotations = Annotations()
    for name in sorted(names & content.keys()):
        with _skipping(annotations, name, skip_malformed):
            places = (folder / "videos" / name, folder / "videos" / "test" / name)
            path = next((place for place in places if place.is_file()), None)
            place = f"{source}, {name}"
            changes, frames = _transitions(place, content[name], annotations.notes)
            annotations.videos.append(AnnotatedVideo(name, path, changes, frames=frames))
    return annotations


def _transitions(place: str, entry: Any, notes: list[str]) -> tuple[tuple[Change, ...], int | None]:
    """The changes of a video of ClipShots and its number of frames, if that is said."""
    pairs = entry.get("transitions") or [] if isinstance(entry, dict) else None
    if not isinstance(pairs, list):
        raise AnnotationError(f"{place}: there must be an object with a list of transitions")
    changes = []
    for number, pair in enumerate(pairs, start=1):
        is_pair = isinstance(pair, list) and len(pair) >= 2 and all(type(n) is int for n in pair)
        if is_pair and pair[1] > pair[0]:
            changes.append(Change(pair[0], pair[1]))
        else:
            notes.append(f"{place}: transition {number} is passed over: {pair!r}")
    frames = entry.get("frame_num")
    count = int(frames) if isinstance(frames, int | float) else None
    return tuple(sorted(changes, key=attrgetter("last", "first"))), count


def _shots(
    annotations: dict[str, Path],
    videos: dict[str, Path],
    shift: int,
    skip_malformed: bool,
    wanted: Path,
) -> Annotations:
    """Read files with a line a shot, one a video; ``shift`` is added to each number."""
    if not annotations:
        return Annotations(missing=wanted)
    read = Annotations()
    for key, source in annotations.items():
        with _skipping(read, source.name, skip_malformed):
            shots = list(_read_shots(source, shift))
            changes = tuple(Change(one[1], other[0]) for one, other in pairwise(shots))
            read.videos.append(
                AnnotatedVideo(source.name, videos.get(key), changes, shots[-1][1] + 1)
            )
    unannotated = sorted(videos[key].name for key in videos.keys() - annotations.keys())
    read.notes += [f"{name} has no annotation and is not scored" for name in unannotated]
    return read


def _read_shots(source: Path, shift: int) -> Iterator[tuple[int, int]]:
    end = -1
    for number, text in _lines(source):
        first, last = _two_numbers(source, number, text, r"\s+")
        first, last = first + shift, last + shift
        if last < first:
            raise _malformed(source, number, text, "the shot ends before it begins")
        if first <= end:
            raise _malformed(source, number, text, "it begins before the shot above ends")
        end = last
        yield first, last
    if end < 0:
        raise AnnotationError(f"{source} holds no shot")


def _blocks(source: Path) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """The videos of ``kuaishou_v2.txt``, each with its numbered lines."""
    name, lines = "", list[tuple[int, str]]()
    for number, text in _lines(source):
        header = re.fullmatch(r"(\S+\.mp4)(\s+\d+)?", text)
        if header is None:
            if not name:
                raise _malformed(source, number, text, "a line with a video must come first")
            lines.append((number, text))
            continue
        if name:
            yield name, lines
        name, lines = header[1], []
    if name:
        yield name, lines


def _change(source: Path, number: int, text: str) -> Change:
    last, first = _two_numbers(source, number, text, r",\s*|\s+")
    if first <= last:
        raise _malformed(source, number, text, "the first frame of a shot is after the last before")
    return Change(last, first)


def _lines(source: Path) -> Iterator[tuple[int, str]]:
    for number, text in enumerate(source.read_text(encoding="utf-8").splitlines(), start=1):
        if stripped := text.strip():
            yield number, stripped


def _two_numbers(source: Path, number: int, text: str, separator: str) -> tuple[int, int]:
    cells = re.split(separator, text)
    if len(cells) != 2 or not all(cell.isdecimal() for cell in cells):
        raise _malformed(source, number, text, "there must be two frame numbers")
    return int(cells[0]), int(cells[1])


def _malformed(source: Path, number: int, text: str, problem: str) -> AnnotationError:
    return AnnotationError(f"{source}, line {number}: {problem}, got {text!r}")


def _files(folder: Path, pattern: str) -> dict[str, Path]:
    matches = ((re.fullmatch(pattern, path.name), path) for path in sorted(folder.glob("*")))
    return {match[1]: path for match, path in matches if match}


def _videos(folder: Path, key: Callable[[str], str]) -> dict[str, Path]:
    return {key(path.stem): path for path in _below(folder, ".mp4")}


def _below(folder: Path, ending: str) -> list[Path]:
    """Files below a folder, those in linked folders among them: large sets often lie elsewhere."""
    places = os.walk(folder, followlinks=True)
    return sorted(
        Path(at, name) for at, _, names in places for name in names if name.endswith(ending)
    )


@contextmanager
def _skipping(annotations: Annotations, name: str, skip: bool) -> Iterator[None]:
    """Note and leave out a video whose annotation is malformed, or say how to have it left out."""
    try:
        yield
    except AnnotationError as error:
        if not skip:
            advice = "mend it, or leave out such videos with --skip-malformed"
            raise AnnotationError(f"{error}; {advice}") from error
        annotations.notes.append(f"{name} is left out: {error}")
