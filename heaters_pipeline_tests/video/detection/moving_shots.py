"""Videos for scene detection: textured shots in motion, put together frame by frame."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import av.video.stream
import cv2
import numpy as np
import numpy.typing as npt

from heaters_pipeline.video.detection.score_track import Scan, ScoreTrack
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.detection.transitions import find_transitions
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.scoring.scores import ScoreSettings, score_frames

Picture = npt.NDArray[np.uint8]

SIZE_PX = (320, 180)


def shot(
    seed: int, frames: int, *, speed_px: float = 1.0, brightness: float = 1.0
) -> list[Picture]:
    """A camera moving over a scene of its own: (180, 320, 3) uint8 BGR each."""
    width, height = SIZE_PX
    rng = np.random.default_rng(seed)
    scene = np.zeros((height + 80, width + 400, 3), np.float32)
    for cells, contrast in ((4, 120), (12, 70), (40, 50)):
        coarse = rng.uniform(-1, 1, (cells, 2 * cells, 3)).astype(np.float32)
        scene += contrast * cv2.resize(coarse, scene.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    scene = (scene + rng.uniform(60, 190, 3).astype(np.float32)) * brightness
    pictures = scene.clip(0, 255).astype(np.uint8)
    across = [round(number * speed_px) % 400 for number in range(frames)]
    return [np.ascontiguousarray(pictures[40 : 40 + height, x : x + width]) for x in across]


def mixed(before: Sequence[Picture], after: Sequence[Picture]) -> list[Picture]:
    """A dissolve as long as its two sides, in even steps, neither side shown alone."""
    shares = np.arange(1, len(before) + 1) / (len(before) + 1)
    return [
        np.asarray(cv2.addWeighted(a, 1 - share, b, share, 0), np.uint8)
        for share, a, b in zip(shares, before, after, strict=True)
    ]


def wiped(before: Sequence[Picture], after: Sequence[Picture]) -> list[Picture]:
    """A front that goes from left to right."""
    pictures = []
    for number, (a, b) in enumerate(zip(before, after, strict=True), start=1):
        front = SIZE_PX[0] * number // (len(before) + 1)
        pictures.append(np.concatenate([b[:, :front], a[:, front:]], axis=1))
    return pictures


def black(frames: int) -> list[Picture]:
    """Black frames."""
    return [np.zeros((SIZE_PX[1], SIZE_PX[0], 3), np.uint8)] * frames


def write(
    path: Path,
    pictures: Sequence[Picture],
    *,
    frame_rate: Fraction = Fraction(25),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
) -> Path:
    """Encode pictures as a video."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, frame_rate)
        assert isinstance(stream, av.video.stream.VideoStream)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pixel_format
        stream.options = options or ({"preset": "veryfast"} if codec == "libx264" else {})
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    return path


def score(path: Path, scan: Scan = "fast") -> ScoreTrack:
    """Score a video."""
    return score_frames(path, probe(path), ScoreSettings(scan=scan))


def found_in(path: Path, settings: DetectionSettings | None = None) -> list[tuple[str, int, int]]:
    """(kind, start, end) of each transition found in a video."""
    transitions = find_transitions(score(path), settings or DetectionSettings())
    return [(found.kind, found.start, found.end) for found in transitions]
