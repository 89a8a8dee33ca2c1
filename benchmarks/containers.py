"""What becomes of each container, video codec and sound: the table in docs/formats.md.

    python -m benchmarks.containers [MP4 MKV ...] [--jobs 2]

For each container (all where none is named) it writes a small file with each video codec that
FFmpeg as PyAV brings it can encode and that the container takes, silent and with all sounds that it
takes, each in a track. Every file goes through the pipeline's own probe, scan and ``write_clips``:
one clip that does not begin with an I-frame, by ``auto`` and by ``copy``. Printed is what came out:
of the pictures how many frames were copied, of the sound whether the bytes of its packets are those
of the source. What is written and does not come back as that codec is not taken by the container.
"""

import argparse
import logging
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import av
import av.container
import av.error
import av.logging

from benchmarks.container_sources import (
    CONTAINERS,
    FRAMES,
    PICTURES,
    Container,
    Picture,
    Sound,
    sounds_of,
    write_source,
)
from heaters_pipeline.errors import ClipError, InvalidVideoError
from heaters_pipeline.video.clips.settings import ClipMethod
from heaters_pipeline.video.clips.write import ClipFile, ClipSettings, write_clips
from heaters_pipeline.video.media.probe import VideoInfo, probe
from heaters_pipeline.video.media.pyav import packets_of
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline.video.scoring.scores import score_frames

COPIED, ENCODED = "copied", "encoded"
_PCM = "pcm_"


@dataclass(frozen=True)
class Row:
    """What becomes of videos of a container.

    Attributes:
        container: Its name in the table.
        codecs: Of the pictures, those that fare alike.
        clean: What ``auto`` makes of a span of whole GOPs.
        other: What it makes of one that begins between two I-frames.
        hiding: What ``copy`` makes of that.
        clip: In what it is stored.
        copied: Codecs of the sounds that are copied.
        encoded: Of those that become AAC.
        odd: Others: what becomes of them, or of pictures beside them.
    """

    container: str
    codecs: tuple[str, ...]
    clean: str
    other: str = ""
    hiding: str = ""
    clip: str = ""
    copied: tuple[str, ...] = ()
    encoded: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()

    @property
    def way(self) -> tuple[str, str, str]:
        """On which the sound depends: the container, and how the clip's pictures are made."""
        return self.container, self.clip, self.other.partition(":")[0]

    def cells(self) -> list[str]:
        """The row as it stands in the table, but for its codecs."""
        cells = [self.clean, self.other, self.hiding, self.clip]
        return [self.container, *cells, _listed(self.copied), _listed((*self.encoded, *self.odd))]

    def line(self) -> str:
        """The row in Markdown."""
        container, *others = self.cells()
        return f"| {' | '.join([container, _listed(self.codecs), *others])} |"


HEAD = (
    "| container | video codec | `auto`, whole GOPs | `auto`, other spans | `copy`, other spans "
    "| clip | sound copied | sound to AAC |\n|---|---|---|---|---|---|---|---|"
)


def _listed(words: Sequence[str]) -> str:
    pcm = " ".join(word.removeprefix(_PCM) for word in words if word.startswith(_PCM))
    others = [word for word in words if not word.startswith(_PCM)]
    return ", ".join([*others, *([f"PCM ({pcm})"] if pcm else [])]) or "-"


def in_markdown(rows: Iterable[Row]) -> Iterator[str]:
    """The table, line by line, and below it the reasons to which its numbers refer."""
    reasons: dict[str, int] = {}

    def short(match: re.Match[str]) -> str:
        return f"{match[1]} [{reasons.setdefault(match[2], len(reasons) + 1)}]"

    yield HEAD
    for row in rows:
        yield re.sub(r"(encoded|refused|fails): ([^|*]+?)(?= \||\*\*)", short, row.line())
    yield ""
    yield from (f"{number}. {reason}" for reason, number in reasons.items())


def as_row(cells: str, reasons: Mapping[str, str]) -> str:
    """A line of the table with its reasons in full.

    Args:
        cells: The line.
        reasons: By their numbers.
    """
    return re.sub(r"(encoded|refused|fails) \[(\d+)\]", lambda m: f"{m[1]}: {reasons[m[2]]}", cells)


def examine(container: Container, picture: Picture) -> Row | None:
    """What becomes of a video codec in a container; None if that does not take it."""
    with _folder() as folder:
        path = folder / f"source.{container.extension}"
        if not write_source(path, container, picture, ()):
            return None
        names = container.name, (picture.codec,)
        try:
            info = probe(path)
            clean, other = spans_of(path)
            auto = clips_of(path, info, "auto", (clean, other))
            hiding = clips_of(path, info, "copy", (other,))
        except InvalidVideoError as error:
            return Row(*names, f"refused: {_reason(error, path)}")
        made = auto[other]
        return Row(
            *names,
            told(auto[clean], picture),
            told(made, picture),
            told(hiding[other], picture),
            "-" if isinstance(made, ClipError) else made.container.upper(),
        )


def with_sounds(row: Row, fates: Mapping[str, str]) -> Row:
    """Add what becomes of sounds, by their codecs."""
    odd = {codec: fate for codec, fate in fates.items() if fate not in (COPIED, ENCODED)}
    return replace(
        row,
        copied=tuple(codec for codec, fate in fates.items() if fate == COPIED),
        encoded=tuple(codec for codec, fate in fates.items() if fate == ENCODED),
        odd=tuple(f"**{codec}: {fate}**" for codec, fate in odd.items()),
    )


def spans_of(path: Path) -> tuple[Span, Span]:
    """One of whole GOPs, and one that begins 5 frames behind an I-frame."""
    with av.open(str(path)) as file:
        keys = [index for index, frame in enumerate(file.decode(video=0)) if frame.key_frame]
    start = next((key for key in keys if key >= 10), 0)
    end = next((key for key in keys if key >= start + 20), FRAMES)
    return Span(start, end), Span(start + 5, FRAMES - 5)


def clips_of(
    path: Path, info: VideoInfo, mode: ClipMethod, spans: Sequence[Span]
) -> dict[Span, ClipFile | ClipError]:
    """Make clips beside a video as a run does: ``<first frame>-<mode>``."""
    track = score_frames(path, info)
    made: dict[Span, ClipFile | ClipError] = {}
    write_clips(
        path,
        info,
        track.timeline,
        spans,
        lambda span: path.parent / f"{span.start}-{mode}",
        ClipSettings(mode, preset="veryfast"),
        picture_digests=track.known_digests(),
        workers=1,
        on_clip=made.__setitem__,
    )
    return made


def told(made: ClipFile | ClipError, picture: Picture) -> str:
    """What became of the pictures of a clip, in words that fit all codecs."""
    if isinstance(made, ClipError):
        return f"fails: {made}"
    copied = sum(len(part) for part in made.copied)
    if 0 < copied < made.frames:
        return "joined"
    if copied:
        return f"copied, {made.hidden_frames} hidden" if made.hidden_frames else "copied"
    reason = (made.fallback_reason or "").replace(picture.codec, "this codec")
    return f"encoded: {reason}"


def fates_of_sounds(container: Container, picture: Picture, silent: Row) -> dict[str, str]:
    """What becomes of each sound that a container takes, by its codec.

    Args:
        container: The container.
        picture: The codec beside the sound.
        silent: What becomes of the pictures without it.
    """
    with _folder() as folder:
        sounds = sounds_of(folder, container, picture)
        if container.many_sounds and len(sounds) > 1:
            together = _fates(folder, container, picture, sounds, silent.other)
            if {COPIED, ENCODED}.issuperset(together.values()):
                return together
        fates: dict[str, str] = {}
        for sound in sounds:
            fates |= _fates(folder, container, picture, (sound,), silent.other)
        return fates


def _fates(
    folder: Path, container: Container, picture: Picture, sounds: Sequence[Sound], expected: str
) -> dict[str, str]:
    path = folder / f"sound.{container.extension}"
    codecs = [sound.codec for sound in sounds]
    if not write_source(path, container, picture, sounds):
        # Of one sound: some go with certain pictures only.
        return dict.fromkeys(codecs, "not taken") if len(sounds) > 1 else {}
    try:
        _, span = spans_of(path)
        made = clips_of(path, probe(path), "auto", (span,))[span]
    except InvalidVideoError as error:
        return dict.fromkeys(codecs, f"refused: {_reason(error, path)}")
    if told(made, picture) != expected:
        return dict.fromkeys(codecs, told(made, picture))
    before = _sound_packets(path)
    after = _sound_packets(path.parent / f"{span.start}-auto")
    if len(after) < len(sounds):
        return dict.fromkeys(codecs, "lost")
    return {
        codec: COPIED if all(packet in b"".join(source) for packet in clip) else ENCODED
        for codec, source, clip in zip(codecs, before, after, strict=True)
    }


def _reason(error: InvalidVideoError, path: Path) -> str:
    return str(error).removeprefix(f"{path.name} ")


def _sound_packets(path: Path) -> list[list[bytes]]:
    """The packets of each track of sound."""
    with av.open(str(path)) as file:
        tracks: dict[int, list[bytes]] = {stream.index: [] for stream in file.streams.audio}
        for packet in packets_of(file):
            if packet.stream_index in tracks:
                tracks[packet.stream_index].append(bytes(packet))
        return list(tracks.values())


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def grouped(rows: Iterable[Row]) -> list[Row]:
    """Rows of a container that say the same of several codecs become one."""
    alike: dict[tuple[str, ...], Row] = {}
    for row in rows:
        first = alike.get(tuple(row.cells()))
        alike[tuple(row.cells())] = replace(
            row, codecs=(*(first.codecs if first else ()), *row.codecs)
        )
    return list(alike.values())


def table(containers: Sequence[Container], jobs: int) -> list[Row]:
    """The rows of containers."""
    pairs = [(container, picture) for container in containers for picture in PICTURES]
    with ProcessPoolExecutor(jobs, initializer=_quiet) as pool:
        found = list(pool.map(examine, *zip(*pairs, strict=True)))
        rows = {pair: row for pair, row in zip(pairs, found, strict=True) if row}
        # What becomes of sound depends on how the pictures are made, not on their codec.
        first_of = {row.way: (*pair, row) for pair, row in reversed(rows.items()) if row.clip}
        fates = pool.map(fates_of_sounds, *zip(*first_of.values(), strict=True)) if first_of else ()
        by_way = dict(zip(first_of, fates, strict=True))
    return grouped(with_sounds(row, by_way.get(row.way, {})) for row in rows.values())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("containers", nargs="*", help="names of the first column; default: all")
    parser.add_argument("--jobs", type=int, default=2, help="how many files are made at a time")
    options = parser.parse_args()
    names = options.containers or [container.name for container in CONTAINERS]
    wanted = [container for container in CONTAINERS if container.name in names]
    print("\n".join(in_markdown(table(wanted, options.jobs))))


def _quiet() -> None:
    av.logging.set_level(None)
    os.environ["SVT_LOG"] = "0"
    logging.disable(logging.WARNING)


if __name__ == "__main__":
    main()
