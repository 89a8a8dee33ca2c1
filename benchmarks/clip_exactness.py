"""Cut random clips and look at every frame that they show, with each reader at hand.

    python -m benchmarks.clip_exactness [--spans 20] [--seed 1] [--mode copy] [--videos DIR]

Without ``--videos`` the sources are the generated encodings of the tests (codecs x containers x
GOP structures), else all videos of a folder. A copied clip must show the very pictures
``[start, end)`` of its source in PyAV, in OpenCV and in the ffmpeg program (from the extra
``bench``, left out where it is not installed); an encoded one as many frames, and its PSNR is
printed: over all frames of a clip, as FFmpeg's filter psnr has it, of the luma (``Y``) and of all
samples of 4:2:0 (``YUV``), each of the worst clip. They are held against the pictures that the
encoder was given. OpenCV is left out where it does not read the source itself: AV1 gives no frame,
interlaced H.264 gives memory that nobody wrote.
The time is that of ``write_clip`` alone, with its check. The exit code is 1 if anything differs.
"""

import argparse
import importlib.util
import os
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import av.video.plane
import numpy as np
import numpy.typing as npt

from heaters_pipeline.errors import ClipError, InvalidVideoError
from heaters_pipeline.video.clips.deinterlace import deinterlaced
from heaters_pipeline.video.clips.encoder_frames import ClipPictures
from heaters_pipeline.video.clips.write import ClipFile, ClipSettings
from heaters_pipeline.video.media.frames import Frame, FrameReader
from heaters_pipeline.video.media.hdr_metadata import HdrMetadata
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.video.clips.clip_sources import (
    ENCODINGS,
    Known,
    know,
    random_spans,
    seen_by_ffmpeg,
    seen_by_opencv,
    write_clip,
)


@dataclass
class Row:
    """What became of the clips of one source."""

    name: str
    clips: int = 0
    frames: int = 0
    copied: int = 0
    differing: list[str] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)
    readers: set[str] = field(default_factory=lambda: {"PyAV"})
    luma_psnr_db: float = float("inf")
    psnr_db: float = float("inf")
    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    def line(self) -> str:
        """The row of the table."""
        luma_psnr, psnr = (
            f"{value:.1f}" if np.isfinite(value) else "-"
            for value in (self.luma_psnr_db, self.psnr_db)
        )
        return (
            f"{self.name:26} {self.clips:5} {self.frames:7} {self.copied:6} "
            f"{self.clips - self.copied:7} {len(self.differing):9} {luma_psnr:>5} {psnr:>6} "
            f"{statistics.median(self.wall_ms):7.0f} {max(self.wall_ms):7.0f} "
            f"{statistics.median(self.cpu_ms):7.0f}  {' '.join(sorted(self.readers))}"
        )


HEAD = (
    f"{'source':26} {'clips':>5} {'frames':>7} {'copied':>6} {'encoded':>7} {'differing':>9} "
    f"{'dB Y':>5} {'dB YUV':>6} {'ms':>7} {'ms max':>7} {'ms CPU':>7}  read with"
)


class Readers:
    """How the readers other than PyAV see the whole source."""

    def __init__(self, known: Known, program: str | None, *, opencv: bool) -> None:
        self.program = program
        frames = len(known.pictures)
        in_opencv = seen_by_opencv(known.path) if opencv else []
        self.opencv = in_opencv if len(in_opencv) == frames else None
        in_ffmpeg = seen_by_ffmpeg(program, known.path) if program else []
        self.ffmpeg = in_ffmpeg if len(in_ffmpeg) == frames else None

    def differing(self, clip: Path, span: Span, *, exact: bool) -> Iterator[str]:
        """The readers that show something else in a clip than in the source."""
        if self.opencv is not None:
            seen = seen_by_opencv(clip)
            if len(seen) != len(span) or (exact and seen != self.opencv[span.start : span.end]):
                yield f"OpenCV shows {len(seen)} frames"
        if self.ffmpeg is not None and self.program is not None:
            shown = seen_by_ffmpeg(self.program, clip)
            if len(shown) != len(span) or (exact and shown != self.ffmpeg[span.start : span.end]):
                yield f"ffmpeg shows {len(shown)} frames"

    @property
    def names(self) -> set[str]:
        """The readers that take part."""
        known = {"OpenCV": self.opencv, "ffmpeg": self.ffmpeg}
        return {"PyAV"} | {name for name, seen in known.items() if seen is not None}


def measure(
    known: Known, readers: Readers, spans: Sequence[Span], settings: ClipSettings, target: Path
) -> Row:
    """Cut random clips out of one source and judge each."""
    path = known.path
    row = Row(path.name, readers=readers.names)
    for span in spans:
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            clip = write_clip(
                known,
                span,
                target,
                settings,
                first_picture_digest=known.digests[span.start],
            )
        except ClipError as error:
            row.differing.append(f"[{span.start}, {span.end}): {error}")
            continue
        row.wall_ms.append((time.perf_counter() - wall) * 1000)
        row.cpu_ms.append((time.process_time() - cpu) * 1000)
        judge(row, known, span, clip, target, readers, settings)
    return row


def judge(
    row: Row,
    known: Known,
    span: Span,
    clip: ClipFile,
    target: Path,
    readers: Readers,
    settings: ClipSettings,
) -> None:
    """Note what a clip shows."""
    exact = clip.method == "copy"
    row.clips += 1
    row.frames += len(span)
    row.copied += exact
    if clip.fallback_reason:
        row.reasons.add(clip.fallback_reason)
    shown = know(target)
    wrong = list(readers.differing(target, span, exact=exact))
    if len(shown.pictures) != len(span) or (
        exact and shown.pictures != known.pictures[span.start : span.end]
    ):
        wrong.append(f"PyAV shows {len(shown.pictures)} frames")
    row.differing.extend(f"[{span.start}, {span.end}): {text}" for text in wrong)
    if not exact:
        luma_psnr_db, psnr_db = clip_psnr_db(known, span, target, settings)
        row.luma_psnr_db = min(row.luma_psnr_db, luma_psnr_db)
        row.psnr_db = min(row.psnr_db, psnr_db)


def clip_psnr_db(
    known: Known, span: Span, clip: Path, settings: ClipSettings
) -> tuple[float, float]:
    """Of the luma, and of all samples, over all frames of a clip."""
    frames: Iterator[Frame] = iter(FrameReader(known.path, known.info))
    wanted = islice(frames, span.start, span.end)
    if settings.interlaced == "deinterlace":
        given = (picture for _, picture in deinterlaced(wanted, 0))
    else:
        given = (frame.decoded for frame in wanted)
    pictures: ClipPictures | None = None
    errors, samples = np.zeros(3), np.zeros(3)
    for shown, original in zip(FrameReader(clip, probe(clip)), given, strict=True):
        pictures = pictures or ClipPictures(
            original, HdrMetadata.of(original), settings.bit_depth, threads=0
        )
        encoded = pictures.convert(original)
        for index, planes in enumerate(zip(encoded.planes, shown.decoded.planes, strict=True)):
            first, second = (samples_of(plane, pictures.pixel_format) for plane in planes)
            errors[index] += np.square(first - second).sum()
            samples[index] += first.size
    most = 1023 if pictures and pictures.pixel_format.endswith("10le") else 255
    means = errors[0] / samples[0], errors.sum() / samples.sum()
    luma, whole = (float(10 * np.log10(most**2 / max(mean, 1e-6))) for mean in means)
    return luma, whole


def samples_of(plane: av.video.plane.VideoPlane, pixel_format: str) -> npt.NDArray[np.float64]:
    """The samples of a plane, without what pads its rows."""
    kind = np.uint16 if pixel_format.endswith("10le") else np.uint8
    rows = np.asarray(plane).view(kind).reshape(plane.height, -1)
    return rows[:, : plane.width].astype(np.float64)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spans", type=int, default=20, help="clips of each source")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--mode", choices=["copy", "reencode"], default="copy")
    parser.add_argument("--crf", type=int, default=18)
    parser.add_argument("--preset", default="veryfast")
    parser.add_argument("--codec", choices=["h264", "hevc"], default="h264")
    parser.add_argument("--bit-depth", choices=["8", "source"], default="8")
    parser.add_argument("--interlaced", choices=["deinterlace", "keep"], default="deinterlace")
    parser.add_argument("--videos", type=Path, help="a folder; default: generated encodings")
    options = parser.parse_args()
    # OpenCV and the AV1 encoder talk about each file.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    os.environ.setdefault("SVT_LOG", "0")
    program = None
    if importlib.util.find_spec("imageio_ffmpeg"):
        program = importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe()
    settings = ClipSettings(
        options.mode,
        crf=options.crf,
        preset=options.preset,
        codec=options.codec,
        bit_depth=options.bit_depth,
        interlaced=options.interlaced,
    )
    rows = []
    print(f"seed {options.seed}, {options.spans} clips each, {settings}\n{HEAD}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources: Iterable[tuple[Path, bool]]
        if options.videos:
            sources = [(path, True) for path in sorted(options.videos.iterdir()) if path.is_file()]
        else:
            sources = ((encoding.write(folder), encoding.opencv) for encoding in ENCODINGS)
        for path, opencv in sources:
            try:
                known = know(path)
            except InvalidVideoError as error:
                print(f"{path.name:26} is no video: {error}")
                continue
            readers = Readers(known, program, opencv=opencv)
            spans = random_spans(len(known.pictures), options.spans, f"{options.seed} {path.name}")
            row = measure(known, readers, spans, settings, folder / "clip.mp4")
            rows.append(row)
            print(row.line(), flush=True)
            for reason in sorted(row.reasons):
                print(f"    encoded because: {reason}")
            for text in row.differing:
                print(f"    DIFFERS {text}")
    differing = sum(len(row.differing) for row in rows)
    print(
        f"{len(rows)} sources, {sum(row.copied > 0 for row in rows)} of them copied; "
        f"{sum(row.clips for row in rows)} clips, {sum(row.copied for row in rows)} copied, "
        f"{sum(row.frames for row in rows)} frames, {differing} differing"
    )
    return 1 if differing else 0


if __name__ == "__main__":
    raise SystemExit(main())
