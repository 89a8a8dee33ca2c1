"""Build the 1080p film that detection and clips are timed on, out of real footage.

    python -m benchmarks.film --videos DIR --labels FILE --out film.mp4 [--seconds 211] [--grain 0]

Takes shots between the labelled transitions of real videos, scales them to 1920x1080 and joins
them with hard cuts, the later rounds mirrored and zoomed in so that no shot comes twice the same.
H.264 by x264 (preset medium, CRF 23, B-frames, its own choice of I-frames) at 25 frames a second,
with a sound track. Deterministic for one set of package versions; some minutes of encoding.
"""

import argparse
import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import av.audio.frame
import cv2
import numpy as np
import numpy.typing as npt

from heaters_pipeline.video.media.frames import FrameReader
from heaters_pipeline.video.media.probe import probe

SIZE_PX = (1920, 1080)
RATE = 25
NO_FOOTAGE = ("counter.mp4", "fades.mp4", "av1_pattern.mkv")
"""Numbers, flat grey and a test pattern."""
_LEAST_FRAMES = 24
_MOST_FRAMES = 150
_EDGE_FRAMES = 2
_SOUND_RATE = 48_000

Picture = npt.NDArray[np.uint8]


def shots(label: dict[str, object]) -> list[tuple[int, int]]:
    """Spans of a labelled video that are free of any transition."""
    edges = [(cut, cut) for cut in (*label["hard_cuts"], *label["slides"])]  # type: ignore[misc]
    edges += [(one["start"], one["end"] + 1) for one in label["gradual"]]  # type: ignore[attr-defined]
    edges += [(one[0], one[1] + 1) for one in label["ambiguous"]]  # type: ignore[attr-defined]
    found, begin = [], 0
    for start, end in (*sorted(edges), (label["frames"], label["frames"])):
        for first in range(begin + _EDGE_FRAMES, start - _EDGE_FRAMES, _MOST_FRAMES):
            last = min(first + _MOST_FRAMES, start - _EDGE_FRAMES)
            if last - first >= _LEAST_FRAMES:
                found.append((first, last))
        begin = max(begin, end)
    return found


def framed(picture: Picture, turn: int) -> Picture:
    """Fill 1920x1080, from the second round on mirrored, zoomed in and elsewhere in the picture."""
    height, width = picture.shape[:2]
    scale = max(SIZE_PX[0] / width, SIZE_PX[1] / height) * (1 + 0.25 * turn)
    across, down = SIZE_PX[0] / scale, SIZE_PX[1] / scale
    left = (width - across) * (0.5 if turn == 0 else (turn % 3) / 2)
    top = (height - down) * (0.5 if turn == 0 else ((turn + 1) % 3) / 2)
    matrix = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]], np.float32)
    filled = cv2.warpAffine(
        picture, matrix, SIZE_PX, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(cv2.flip(filled, 1) if turn % 2 else filled, np.uint8)


def film(folder: Path, labels: dict[str, dict[str, object]], frames: int) -> Iterator[Picture]:
    """The pictures of the film."""
    left, turn = frames, 0
    while left > 0:
        for name in sorted(labels):
            wanted = shots(labels[name])
            if not wanted or name in NO_FOOTAGE:
                continue
            path = folder / name
            for frame in FrameReader(path, probe(path)):
                if left > 0 and any(start <= frame.index < end for start, end in wanted):
                    left -= 1
                    yield framed(frame.picture(), turn)
        turn += 1


def build(videos: Path, labels: Path, out: Path, seconds: int, grain: float) -> int:
    """Encode the film; gives its number of frames."""
    noise = np.random.default_rng(1).normal(0, grain, (8, SIZE_PX[1], SIZE_PX[0], 1))
    frames = 0
    with av.open(str(out), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height = SIZE_PX
        stream.pix_fmt = "yuv420p"
        # PyAV would ask x264 for slices, which no file in the wild has.
        stream.codec_context.thread_type = "FRAME"
        stream.options = {"preset": "medium", "crf": "23"}
        sound = container.add_stream("aac", rate=_SOUND_RATE, layout="stereo")
        for picture in film(videos, json.loads(labels.read_text()), seconds * RATE):
            if grain:
                grained = picture + noise[frames % 8]
                picture = np.clip(grained, 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
            container.mux(sound.encode(_sound(frames)))
            frames += 1
        container.mux(stream.encode())
        container.mux(sound.encode())
    return frames


def _sound(frame: int) -> av.audio.frame.AudioFrame:
    samples = _SOUND_RATE // RATE
    times = (np.arange(samples) + frame * samples) / _SOUND_RATE
    wave = (8000 * np.sin(2 * np.pi * 330 * times)).astype(np.int16)
    sound = av.AudioFrame.from_ndarray(np.repeat(wave, 2)[None], format="s16", layout="stereo")
    sound.sample_rate, sound.pts, sound.time_base = _SOUND_RATE, frame * samples, Fraction(1, 48000)
    return sound


def main() -> None:
    """Build the film."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=Path, required=True, help="folder of real videos")
    parser.add_argument("--labels", type=Path, required=True, help="their labels")
    parser.add_argument("--out", type=Path, required=True, help="the film, an MP4 file")
    parser.add_argument("--seconds", type=int, default=211)
    parser.add_argument("--grain", type=float, default=0, help="noise added, sigma in 8-bit steps")
    options = parser.parse_args()
    frames = build(options.videos, options.labels, options.out, options.seconds, options.grain)
    print(f"{options.out}: {frames} frames, {options.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
