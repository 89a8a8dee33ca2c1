"""Measure whether histograms of sampled pictures cut as those of full-size pictures do.

    python -m benchmarks.histogram_reference --videos PATH ... [--sizes WxH ...] [--frames N]
        [--labels FILE ...] [--time VIDEO] [--list]

``--videos`` are files and folders of videos. The reference is the full-size picture, converted
to BGR as ``cv2.VideoCapture`` does: ``cv2.calcHist`` with 256 bins for B, G and R each,
concatenated, ``cv2.normalize``, ``cv2.compareHist``. Each size is measured in two ways: ``points``
scales the frame to it by single points, ``blocks`` takes whole colour blocks, about as many
pixels as the size has or more (``video.scoring.pixel_samples``). Pictures are never enlarged.

``furthest`` is how far from the threshold either similarity of a differing cut is; ``error`` and
``99 %`` are the median and the 99th percentile of the error of the unit similarity.

Thresholds are on the scale of ``video.detection.similarity_scale``, for which 0.3 and 0.6 of
``correl`` are its own scores. ``--list`` names each cut that differs with both similarities.
``--labels`` (files as ``benchmarks.detection_accuracy`` reads) adds F1 of the first size's
``blocks`` by unit threshold. ``--time`` measures the cost of a frame: CPU milliseconds, one thread,
a reformatter that is used again.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import av.video.frame
import av.video.reformatter
import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.detection_accuracy import Score
from heaters_pipeline.errors import InvalidVideoError
from heaters_pipeline.video.arrays import Picture
from heaters_pipeline.video.detection.similarity_scale import (
    SUGGESTED_UNIT_THRESHOLDS,
    PairSums,
    ScaledMethod,
    unit_similarity,
)
from heaters_pipeline.video.detection.transitions import Transition
from heaters_pipeline.video.media.frames import FrameReader, Interpolation
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.scoring.pixel_samples import PixelSampler

Sampling = Callable[[av.video.frame.VideoFrame], Picture]
Size = tuple[int, int]

COMPARISONS: dict[ScaledMethod, int] = {
    "correl": cv2.HISTCMP_CORREL,
    "chisqr": cv2.HISTCMP_CHISQR,
    "intersect": cv2.HISTCMP_INTERSECT,
    "bhattacharyya": cv2.HISTCMP_BHATTACHARYYA,
}
DEFAULT_SIZES = ("512x288", "480x270", "448x252", "384x216", "320x180", "256x144")
F1_THRESHOLDS = tuple(step / 20 for step in range(1, 20))
FULL = "full size"
TIMED_FRAMES = 60


@dataclass(frozen=True, slots=True)
class Scores:
    """What one way of sampling gives for a video.

    Attributes:
        native: OpenCV's scores by method, (frames,) each, NaN at frame 0.
        unit: The same on the common scale.
    """

    native: dict[ScaledMethod, npt.NDArray[np.float64]]
    unit: dict[ScaledMethod, npt.NDArray[np.float64]]

    def cuts(self, method: ScaledMethod, threshold: float) -> set[int]:
        """Frames whose unit similarity is below a threshold."""
        return {int(frame) for frame in np.flatnonzero(self.unit[method] < threshold)}


def histogram(picture: Picture) -> npt.NDArray[np.float32]:
    """The reference's histogram of a picture."""
    counts = [cv2.calcHist([picture], [channel], None, [256], [0, 256]) for channel in range(3)]
    values = np.concatenate(counts).astype(np.float32)
    return np.asarray(cv2.normalize(values, values), np.float32)


def full_size() -> Sampling:
    """Take the whole picture."""
    return points(None)


def points(size_px: Size | None) -> Sampling:
    """Scale to a size by single points and convert to BGR in one step."""
    reformatter = av.video.reformatter.VideoReformatter()

    def sample(frame: av.video.frame.VideoFrame) -> Picture:
        width, height = size_px or (frame.width, frame.height)
        converted = reformatter.reformat(
            frame,
            min(width, frame.width),
            min(height, frame.height),
            "bgr24",
            interpolation=Interpolation.POINT if size_px else Interpolation.BICUBIC,
            threads=1,
        )
        return np.asarray(converted.to_ndarray(), np.uint8)

    return sample


def blocks(size_px: Size) -> Sampling:
    """Take whole colour blocks, as the pipeline samples."""
    return PixelSampler(size_px[0] * size_px[1]).picture


def samplings(sizes: Iterable[Size]) -> dict[str, Callable[[], Sampling]]:
    """Everything that is compared, by name; each video gets samplings of its own."""
    named: dict[str, Callable[[], Sampling]] = {FULL: full_size}
    for size in sizes:
        text = f"{size[0]}x{size[1]}"
        named[f"points {text}"] = lambda size=size: points(size)  # type: ignore[misc]
        named[f"blocks {text}"] = lambda size=size: blocks(size)  # type: ignore[misc]
    return named


def score(
    path: Path, makers: dict[str, Callable[[], Sampling]], frames: int | None
) -> dict[str, Scores]:
    """Decode a video once and score it by every sampling."""
    made = {name: make() for name, make in makers.items()}
    found: dict[str, list[npt.NDArray[np.float32]]] = {name: [] for name in made}
    rows: dict[str, list[list[float]]] = {name: [] for name in made}
    sums: dict[str, list[float]] = {name: [] for name in made}
    for frame in islice(FrameReader(path, probe(path)), frames):
        for name, sample in made.items():
            after = histogram(sample(frame.decoded))
            before = found[name].pop() if found[name] else None
            rows[name].append(
                [
                    float("nan") if before is None else cv2.compareHist(before, after, comparison)
                    for comparison in COMPARISONS.values()
                ]
            )
            sums[name].append(float(after.sum()))
            found[name].append(after)
    return {name: _scores(np.array(rows[name]), np.array(sums[name])) for name in made}


def _scores(rows: npt.NDArray[np.float64], sums: npt.NDArray[np.float64]) -> Scores:
    native = {method: rows[:, column] for column, method in enumerate(COMPARISONS)}
    pairs = PairSums.of_neighbours(sums)
    return Scores(
        native, {method: unit_similarity(method, native[method], pairs) for method in native}
    )


def thresholds_of(method: ScaledMethod) -> list[float]:
    """The unit thresholds at which cut lists are compared."""
    return sorted({0.3, 0.6, SUGGESTED_UNIT_THRESHOLDS[method]})


def comparison_rows(
    videos: dict[str, dict[str, Scores]], sampling: str, listed: list[str]
) -> Iterator[list[str]]:
    """A row a method and threshold: how many cuts differ, and how far from the threshold."""
    for method in COMPARISONS:
        for threshold in thresholds_of(method):
            cuts, differing, furthest, errors = 0, 0, 0.0, []
            for name, scores in videos.items():
                reference, sampled = scores[FULL], scores[sampling]
                expected = reference.cuts(method, threshold)
                cuts += len(expected)
                errors.append(np.abs(reference.unit[method] - sampled.unit[method])[1:])
                for frame in sorted(expected ^ sampled.cuts(method, threshold)):
                    full, small = reference.unit[method][frame], sampled.unit[method][frame]
                    differing += 1
                    furthest = max(furthest, abs(full - threshold), abs(small - threshold))
                    listed.append(
                        f"{sampling}, {method} {threshold:g}: {name} {frame}: "
                        f"{full:.3f} full size, {small:.3f} sampled (native "
                        f"{reference.native[method][frame]:.4g}, "
                        f"{sampled.native[method][frame]:.4g})"
                    )
            error = np.percentile(np.concatenate(errors), [50, 99])
            yield [
                sampling, method, f"{threshold:g}", str(cuts), str(differing),
                f"{furthest:.3f}" if differing else "-", f"{error[0]:.4f}", f"{error[1]:.4f}",
            ]  # fmt: skip


def f1_rows(
    videos: dict[str, dict[str, Scores]], labels: dict[str, dict[str, Any]], sampling: str
) -> Iterator[list[str]]:
    """A row a method: F1 over all labelled videos by unit threshold, and where each is best."""
    for method in COMPARISONS:
        counts = np.array(
            [
                [
                    _counts(name, labels[name], scores[sampling].cuts(method, threshold))
                    for threshold in F1_THRESHOLDS
                ]
                for name, scores in videos.items()
                if labels.get(name, {}).get("hard_cuts")
            ]
        )
        right, others = counts[..., 0], counts[..., 1]
        pooled = 2 * right.sum(0) / (2 * right + others).sum(0)
        single = 2 * right / (2 * right + others)
        best = [float(np.mean(np.array(F1_THRESHOLDS)[row >= row.max() - 1e-9])) for row in single]
        low, middle, high = np.percentile(best, [10, 50, 90])
        yield [
            method,
            *(f"{value:.2f}" for value in pooled),
            f"{low:.2f}, {middle:.2f}, {high:.2f}",
        ]


def _counts(name: str, label: dict[str, Any], cuts: set[int]) -> tuple[int, int]:
    judged = Score()
    judged.add(name, label, [Transition("cut", cut, cut) for cut in sorted(cuts)], 1)
    return judged.right, len(judged.wrong) + len(judged.missed)


def cost_rows(path: Path, makers: dict[str, Callable[[], Sampling]]) -> Iterator[list[str]]:
    """A row a sampling: CPU milliseconds of a frame, the least of five rounds."""
    frames = [frame.decoded for frame in islice(FrameReader(path, probe(path)), TIMED_FRAMES)]
    for name, make in makers.items():
        sample = make()
        pictures = [sample(frame) for frame in frames]
        height, width = pictures[0].shape[:2]
        yield [
            name,
            f"{width}x{height}",
            f"{_least_ms(sample, frames):.2f}",
            f"{_least_ms(histogram, pictures):.2f}",
        ]


def _least_ms(work: Callable[[Any], object], items: list[Any]) -> float:
    rounds = []
    for _ in range(5):
        started = time.process_time()
        for item in items:
            work(item)
        rounds.append((time.process_time() - started) / len(items) * 1000)
    return min(rounds)


def print_table(rows: list[list[str]]) -> None:
    """Columns as wide as their content."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
    print()


def video_files(paths: Iterable[Path]) -> Iterator[Path]:
    """The files, and the files in the folders, that are videos."""
    for path in paths:
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            try:
                probe(file)
            except InvalidVideoError:
                continue
            yield file


def size_from(text: str) -> Size:
    """``640x360`` as (640, 360)."""
    width, height = text.split("x")
    return int(width), int(height)


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=Path, nargs="+", required=True, help="files and folders")
    parser.add_argument("--sizes", type=size_from, nargs="+", help="WIDTHxHEIGHT")
    parser.add_argument("--frames", type=int, help="of each video, from its start")
    parser.add_argument("--labels", type=Path, nargs="*", default=[], help="of the videos, for F1")
    parser.add_argument("--time", type=Path, help="a video to measure the cost with")
    parser.add_argument("--list", action="store_true", help="name each cut that differs")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    makers = samplings(options.sizes or [size_from(text) for text in DEFAULT_SIZES])
    videos = {}
    for path in video_files(options.videos):
        videos[path.name] = score(path, makers, options.frames)
        print(f"{path.name}: {len(videos[path.name][FULL].unit['correl'])} frames")
    print()
    listed: list[str] = []
    rows = [["sampling", "method", "threshold", "cuts", "differ", "furthest", "error", "99 %"]]
    for sampling in list(makers)[1:]:
        rows += comparison_rows(videos, sampling, listed)
    print_table(rows)
    if options.list:
        print("\n".join(listed), end="\n\n")
    labels = {k: v for file in options.labels for k, v in json.loads(file.read_text()).items()}
    if labels:
        heads = ["F1", *(f"{threshold:g}" for threshold in F1_THRESHOLDS), "best, 10 50 90 %"]
        for sampling in (FULL, list(makers)[2]):
            print(f"F1 by unit threshold, {sampling}")
            print_table([heads, *f1_rows(videos, labels, sampling)])
    if options.time:
        heads = ["sampling", "pixels", "sample ms", "histogram ms"]
        print_table([heads, *cost_rows(options.time, makers)])


if __name__ == "__main__":
    main()
