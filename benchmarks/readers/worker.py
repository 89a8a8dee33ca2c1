"""The process of one reader: questions come in by a line each, answers go out.

    python -m benchmarks.readers.worker NAME

What goes wrong in a reader ends its process: the one that asked takes the last line of the error
for the answer, and starts another process. So no reader takes the others down with it.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from benchmarks.readers.browsers import Chromium, Firefox
from benchmarks.readers.loaders import Decord, ImageIo, MoviePy, OpenCv, PyAv, TorchCodec
from benchmarks.readers.players import Ffmpeg, GStreamer, Mpv, Vlc
from benchmarks.readers.reading import Question, Reading


class Reader(Protocol):
    """A player or a loader."""

    version: str

    def read(self, question: Question) -> Reading:
        """Read a video."""


READERS: Mapping[str, Callable[[], Reader]] = {
    "PyAV": PyAv,
    "ffmpeg, newest": Ffmpeg,
    "ffmpeg, distribution's": lambda: Ffmpeg("ffmpeg"),
    "OpenCV": OpenCv,
    "torchcodec, exact": lambda: TorchCodec("exact"),
    "torchcodec, approximate": lambda: TorchCodec("approximate"),
    "decord": Decord,
    "decord2": lambda: Decord(Path(sys.prefix) / "decord2"),
    "imageio, pyav": lambda: ImageIo("pyav"),
    "imageio, ffmpeg": lambda: ImageIo("FFMPEG"),
    "moviepy": MoviePy,
    "GStreamer": GStreamer,
    "mpv": Mpv,
    "VLC": Vlc,
    "Chromium": Chromium,
    "Firefox": Firefox,
}
READERS_BY_THE_CLOCK = frozenset({"VLC", "Chromium", "Firefox"})


def main() -> None:
    """Answer until there are no more questions."""
    # Libraries print what they like; their output must not come between the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        reader = READERS[sys.argv[1]]()
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), file=answers)
        return
    print(json.dumps({"version": reader.version}), file=answers)
    for line in sys.stdin:
        print(reader.read(Question.from_json(line)).to_json(), file=answers)


if __name__ == "__main__":
    main()
