"""Clips of one source, and what a reader makes of them."""

import random
import subprocess
import tempfile
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.readers.faults import faults_of, faults_of_order, faults_of_sound
from benchmarks.readers.joins import concatenated, in_matroska
from benchmarks.readers.kinds import Kind
from benchmarks.readers.processes import ReaderError, ReaderProcess
from benchmarks.readers.reading import Question
from benchmarks.readers.sources import beeps_in, neighbouring_spans, remuxed, write_source
from benchmarks.readers.table import Cell
from benchmarks.readers.worker import READERS_BY_THE_CLOCK
from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.write import ClipSettings
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.media.timing import Span, Timeline, Window
from heaters_pipeline_tests.video.clips.clip_sources import glance_at, write_clip

_JUMPS = 12
_MORE_READINGS = 2
# Who gets these wrong in the source does not know such videos.
_FATAL = frozenset({"error", "count", "first", "last", "number", "before playing", "after playing"})


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip, or the source itself.

    Attributes:
        name: Of the span and of how it was made.
        method: How it was made.
        codec: FFmpeg's name of it.
        question: What readers are asked.
        numbers: Of its frames.
    """

    name: str
    method: str
    codec: str
    question: Question
    numbers: range


@dataclass(frozen=True, slots=True)
class Cut:
    """The clips of one source.

    Attributes:
        source: In MP4 or MOV, which a reader must know to be asked at all.
        clips: All of it, in order, but for those that could not be made.
        failed: Why those could not be made.
    """

    source: Clip
    clips: list[Clip]
    failed: list[str]


def question_of(path: Path, timeline: Timeline, span: Span, kind: Kind) -> Question:
    """Ask for the frames of a span, and directly for the last one, the first and some others."""
    start = timeline.seconds_at(span.start)
    boundaries = [
        float(timeline.seconds_at(frame) - start) for frame in range(span.start, span.end + 1)
    ]
    frames = len(span)
    inner = random.Random(frames).sample(range(frames), min(_JUMPS, frames))
    indices = dict.fromkeys([frames - 1, frames // 2, 0, *inner])
    # Sources begin at 0, whatever the clock of their container says.
    heard = Window(start, timeline.seconds_at(span.end))
    beeps = tuple(beeps_in(heard, track) for track in range(len(kind.sound)))
    return Question(path, tuple(boundaries), tuple(indices), kind.size_px, beeps)


def cut(kind: Kind, folder: Path, settings: ClipSettings) -> Cut:
    """Write a source and cut all of it into clips."""
    path = write_source(kind, folder)
    whole = glance_at(path).timeline
    span = Span(0, whole.frames)
    question = question_of(path, whole, span, kind)
    source = Clip("source", "", probe(path).codec, question, range(whole.frames))
    known = glance_at(remuxed(path, kind.extension))
    clips, failed = [], []
    for span in neighbouring_spans(known.path, known.timeline):
        container = settings.clip_container(known.info.codec)
        target = folder / f"{span.start:04}-{span.end:04}.{container}"
        try:
            made = write_clip(known, span, target, settings)
        except ClipError as error:
            failed.append(f"[{span.start}, {span.end}): {error}")
            continue
        question = question_of(target, known.timeline, span, kind)
        name = f"[{span.start}, {span.end}) {made.method}"
        codec = probe(target).codec
        clips.append(Clip(name, made.method, codec, question, range(span.start, span.end)))
    return Cut(source, clips, failed)


def read(process: ReaderProcess, made: Cut) -> Cell:
    """Let a reader read a source, and its clips if it knows such videos."""
    cell = Cell(source_faults=_faults_in(process, made.source, set()))
    known = {_kind_of(fault) for fault in cell.source_faults}
    for clip in made.clips:
        # What is encoded may be of another codec than the source.
        excused = known if clip.codec == made.source.codec else set()
        if not excused.isdisjoint(_FATAL):
            continue
        cell.clips += 1
        if faults := _faults_in(process, clip, excused):
            cell.faults[clip.name] = faults
    return cell


def _faults_in(process: ReaderProcess, clip: Clip, excused: Set[str]) -> list[str]:
    """What is wrong each time that a reader reads a clip.

    Players and browsers show pictures by a clock, and may lose one on a busy machine.
    """
    faults = _faults_at_once(process, clip, excused)
    for _ in range(_MORE_READINGS):
        if not faults or process.name not in READERS_BY_THE_CLOCK:
            break
        faults = min(faults, _faults_at_once(process, clip, excused), key=len)
    return faults


def _faults_at_once(process: ReaderProcess, clip: Clip, excused: Set[str]) -> list[str]:
    try:
        faults = faults_of(process.read(clip.question), clip.question, clip.numbers)
    except ReaderError as error:
        faults = [f"error: {error}"]
    return [fault for fault in faults if _kind_of(fault) not in excused]


def _kind_of(fault: str) -> str:
    return fault.partition(":")[0]


def joined(how: Sequence[str], process: ReaderProcess, program: str, made: Cut) -> Cell:
    """Join all clips of a source, and look at what comes out."""
    if made.failed:
        return Cell()
    name = made.source.question.path.name
    paths = [clip.question.path for clip in made.clips]
    faults = _order_in(
        process, made.source, lambda folder: concatenated(program, how, paths, folder / name)
    )
    return Cell(clips=1, faults={"all clips": faults} if faults else {})


def in_mkv(process: ReaderProcess, program: str, made: Cut) -> Cell:
    """Remux each clip, and look at what comes out."""

    def faults_in_mkv(clip: Clip) -> list[str]:
        path = clip.question.path
        return _order_in(
            process, clip, lambda folder: in_matroska(program, path, folder / f"{path.stem}.mkv")
        )

    cell = Cell(clips=len(made.clips), source_faults=faults_in_mkv(made.source))
    excused = {_kind_of(fault) for fault in cell.source_faults}
    for clip in made.clips:
        faults = [fault for fault in faults_in_mkv(clip) if _kind_of(fault) not in excused]
        if faults:
            cell.faults[clip.name] = faults
    return cell


def _order_in(process: ReaderProcess, clip: Clip, make: Callable[[Path], Path]) -> list[str]:
    # Several programs make files of the same clips at the same time.
    with tempfile.TemporaryDirectory(dir=clip.question.path.parent) as folder:
        try:
            question = replace(clip.question, path=make(Path(folder)), indices=())
            reading = process.read(question)
            return [*faults_of_order(reading, clip.numbers), *faults_of_sound(reading, question)]
        except subprocess.CalledProcessError as error:
            return [f"error: {error.stderr.splitlines()[-1:]}"]
        except ReaderError as error:
            return [f"error: {error}"]
