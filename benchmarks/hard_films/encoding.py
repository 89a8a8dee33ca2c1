"""From pictures to a file: the noise of a sensor, telecine, the encoder."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from benchmarks.hard_films.textures import Picture, Rng

Write = Callable[[Picture], None]


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a film is written.

    Attributes:
        rate: Frames a second.
        size_px: (width, height), even.
        suffix: Of the file, by which the container is chosen.
        codec: FFmpeg's encoder.
        options: Of the encoder.
        bit_rate: In bit/s; 0 for the quality that the options ask for.
    """

    rate: Fraction = Fraction(25)
    size_px: tuple[int, int] = (480, 270)
    suffix: str = ".mp4"
    codec: str = "libx264"
    options: tuple[tuple[str, str], ...] = (("preset", "veryfast"), ("crf", "26"))
    bit_rate: int = 0


@contextmanager
def encoder(path: Path, encoding: Encoding) -> Iterator[Write]:
    """Open a file to write pictures to."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoding.codec, rate=encoding.rate)
        stream.width, stream.height = encoding.size_px
        stream.pix_fmt = "yuv420p"
        stream.options = dict(encoding.options)
        stream.codec_context.thread_count = 1
        if encoding.bit_rate:
            stream.bit_rate = encoding.bit_rate

        def write(picture: Picture) -> None:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))

        yield write
        container.mux(stream.encode())


@dataclass(slots=True)
class Sensor:
    """Adds noise as a camera does: in proportion to the root of the light, and a floor of it.

    Attributes:
        write: Takes the noisy pictures.
        rng: Source of the noise.
        floor: Standard deviation in the dark, in 8-bit steps.
        shot_noise: Variance that is added for each step of luma.
    """

    write: Write
    rng: Rng
    floor: float
    shot_noise: float
    _noise: Any = None

    def __call__(self, picture: Picture) -> None:
        """Add noise, a new one for each picture, and hand it on."""
        if self.floor == 0:
            self.write(picture)
            return
        height, width = picture.shape[:2]
        if self._noise is None:
            noise = self.rng.normal(0, 1, (height + 64, width + 64, 3)).astype(np.float32)
            # Blur within a pixel, as demosaicing does it, keeps the noise from being white.
            self._noise = cv2.GaussianBlur(noise, (3, 3), 0.5) * 1.5
        top, left = (int(value) for value in self.rng.integers(0, 65, 2))
        noise = self._noise[top : top + height, left : left + width]
        levels = np.sqrt(self.floor**2 + self.shot_noise * np.arange(256, dtype=np.float32))
        sigma = cv2.LUT(picture, levels.astype(np.float32))
        noisy = cv2.multiply(noise, sigma)
        self.write(np.asarray(cv2.add(picture, noisy, dtype=cv2.CV_8U), np.uint8))


@dataclass(slots=True)
class Telecine:
    """Makes 5 frames of every 4, of fields as they came on television (3:2 pulldown).

    Frames A B C D become A, B, B+C, C+D, D, where ``+`` is the even rows of the first and the odd
    rows of the second: two of five show two pictures at once, also across a cut. What is over at
    the end of a film is left out.
    """

    write: Write
    _four: list[Picture] = field(default_factory=list)

    def __call__(self, picture: Picture) -> None:
        """Take a picture, and write five with each fourth."""
        self._four.append(picture)
        if len(self._four) < 4:
            return
        a, b, c, d = self._four
        for even, odd in ((a, a), (b, b), (b, c), (c, d), (d, d)):
            woven = even.copy()
            woven[1::2] = odd[1::2]
            self.write(woven)
        self._four = []

    @staticmethod
    def relabelled(label: dict[str, Any]) -> dict[str, Any]:
        """Labels of the film after it: a frame is where a field of it first shows."""

        def shown(frame: int) -> int:
            return 5 * (frame // 4) + frame % 4

        def alone(frame: int) -> int:
            return shown(frame) + (frame % 4 >= 2)

        frames = label["frames"] // 4 * 4
        return label | {
            "frames": frames // 4 * 5,
            "hard_cuts": [shown(cut) for cut in label["hard_cuts"] if cut < frames],
            "gradual": [
                one | {"start": shown(one["start"] + 1) - 1, "end": alone(one["end"])}
                for one in label["gradual"]
                if one["end"] < frames
            ],
            "cut_tags": {str(shown(int(cut))): look for cut, look in label["cut_tags"].items()},
            "events": [[shown(start), alone(end), what] for start, end, what in label["events"]],
        }
