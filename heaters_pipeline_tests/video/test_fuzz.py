"""Damaged files of each container are processed right, or refused: nothing crashes or hangs.

Each file is made of a good one and its seed alone, so that a failure names what makes it again.
"""

from collections.abc import Callable
from itertools import chain
from pathlib import Path

import av
import av.error
import numpy as np
import pytest

from heaters_pipeline.errors import ClipError, InvalidVideoError
from heaters_pipeline.video.clips.write import ClipFile, ClipSettings, write_clips
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.media.pyav import packets_of
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline.video.scoring.scores import score_frames
from heaters_pipeline_tests.videos import make_video

FRAMES = 40
SOURCES = {
    "mp4": ("libx264", "aac"),
    "mov": ("mpeg4", "aac"),
    "mkv": ("libx264", "ac3"),
    "ts": ("libx264", "aac"),
    "avi": ("mpeg4", "mp2"),
    "flv": ("libx264", "aac"),
    "mxf": ("mpeg2video", None),
}
QUICK, ALL = range(15), range(15, 290)

Rng = np.random.Generator


def bits_flipped(content: bytearray, rng: Rng) -> bytes:
    for at in rng.integers(0, len(content), rng.integers(1, 40)).tolist():
        content[at] ^= 1 << int(rng.integers(8))
    return bytes(content)


def cut(content: bytearray, rng: Rng) -> bytes:
    return bytes(content[: int(rng.integers(1, len(content)))])


def part_lost(content: bytearray, rng: Rng) -> bytes:
    start, end = sorted(rng.integers(0, len(content), 2).tolist())
    return bytes(content[:start] + content[end:])


def part_overwritten(content: bytearray, rng: Rng) -> bytes:
    start = int(rng.integers(len(content)))
    length = min(int(rng.integers(1, 4000)), len(content) - start)
    content[start : start + length] = rng.bytes(length)
    return bytes(content)


def part_repeated(content: bytearray, rng: Rng) -> bytes:
    """As of a box or a page that is spliced in at another place."""
    start, end, target = rng.integers(0, len(content), 3).tolist()
    start, end = min(start, end), max(start, end)
    return bytes(content[:target] + content[start:end] + content[target:])


MUTATIONS: tuple[Callable[[bytearray, Rng], bytes], ...] = (
    bits_flipped,
    cut,
    part_lost,
    part_overwritten,
    part_repeated,
)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("good")
    return {
        extension: make_video(
            folder / f"good.{extension}",
            [FRAMES // 2, FRAMES // 2],
            codec=codec,
            audio=audio,
            options={"g": "12"},
            size_px=(720, 576) if extension == "mxf" else (160, 90),
        ).read_bytes()
        for extension, (codec, audio) in SOURCES.items()
    }


@pytest.mark.parametrize("extension", SOURCES)
@pytest.mark.parametrize("seeds", [QUICK, pytest.param(ALL, marks=pytest.mark.slow)])
def test_mutated_files_are_processed_right_or_refused(
    extension: str, seeds: range, sources: dict[str, bytes], tmp_path: Path
) -> None:
    for seed in seeds:
        rng = np.random.default_rng([seed, *extension.encode()])
        mutated = MUTATIONS[seed % len(MUTATIONS)](bytearray(sources[extension]), rng)
        path = tmp_path / f"seed{seed}.{extension}"
        path.write_bytes(mutated)
        try:
            require_right(path, tmp_path / f"clips{seed}")
        except (InvalidVideoError, MemoryError):
            # A size that is damaged may ask for more memory than there is; the message says so.
            continue


def require_right(path: Path, folder: Path) -> None:
    """Process a file, and hold each clip that comes of it against the frames of its span."""
    folder.mkdir()
    info = probe(path)
    track = score_frames(path, info)
    half = max(1, track.frames // 2)
    spans = [Span(0, half)] + ([Span(half, track.frames)] if track.frames > half else [])
    made: dict[Span, ClipFile | ClipError] = {}
    write_clips(
        path,
        info,
        track.timeline,
        spans,
        lambda span: folder / f"{span.start}.mp4",
        ClipSettings(preset="ultrafast"),
        picture_digests=track.known_digests(),
        workers=1,
        on_clip=made.__setitem__,
    )
    assert made.keys() == set(spans), path.name
    pts, is_whole = decoded(path)
    is_clean = is_whole and len(pts) == track.frames and bool(np.all(np.diff(pts) > 0))
    for span, clip in made.items():
        if isinstance(clip, ClipFile):
            pts, is_whole = decoded(folder / f"{span.start}.mp4")
            # A copy has the damage of its source, and a decoder does with it what it does there.
            assert not is_clean or is_whole, (path.name, span)
            assert len(pts) == len(span) if is_clean else len(pts) <= len(span), (path.name, span)
            assert not is_clean or np.all(np.diff(pts) > 0), (path.name, span)


def decoded(path: Path) -> tuple[list[int], bool]:
    """The times of all frames that a decoder gives, and whether it refused none."""
    pts: list[int] = []
    is_whole = True
    with av.open(str(path), metadata_errors="replace") as container:
        stream = container.streams.video[0]
        for packet in chain(packets_of(container, stream), [None]):
            try:
                frames = stream.codec_context.decode(packet)
            except av.error.FFmpegError:
                is_whole = False
                continue
            is_whole &= all(frame.pts is not None for frame in frames)
            pts += [frame.pts or 0 for frame in frames]
    return pts, is_whole
