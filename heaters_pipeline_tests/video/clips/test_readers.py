"""What other people's readers show of a clip: every frame of the span, and nothing else.

A small part of ``python -m benchmarks.readers``, which knows more readers and kinds of sources.
"""

import platform
import shutil
import sys
from collections.abc import Iterator, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.readers.kinds import KINDS
from benchmarks.readers.matrix import cut, read
from benchmarks.readers.processes import ReaderProcess
from heaters_pipeline.video.clips.settings import ClipMethod
from heaters_pipeline.video.clips.write import ClipSettings

SOURCES = (
    "H.264 closed, B 3, GOP 24, 2 tracks",
    "H.264 open, B 3, pyramid, 2 tracks",
    "H.264 VFR, closed",
    "HEVC open, B 4",
)
FRAMES = 72
READERS = ("PyAV", "ffmpeg, newest", "OpenCV", "decord", "Chromium")
# By mode, what is known to be wrong. Copies hide frames behind edit lists, which these readers do
# not heed, or only where they decode.
KNOWN: Mapping[str, Mapping[str, Set[str]]] = {
    "copy": {
        "PyAV": {"frames", "rate"},
        "ffmpeg, newest": {"without fps_mode", "random", "rate"},
        "OpenCV": {"FRAME_COUNT", "random", "rate"},
        "decord": {"count", "last", "len", "random", "rate", "duration", "error"},
        # It cannot begin with an I-frame whose leading pictures lack their references.
        "Chromium": {"duration", "error"},
    },
    "auto": {},
    "reencode": {},
}


@pytest.fixture(scope="module")
def readers() -> Iterator[list[ReaderProcess]]:
    if shutil.which("chromium") is None:
        pytest.skip("chromium is missing: install the package chromium")
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("there is no wheel of decord for this machine")
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        # Each imports its library first.
        started = [pool.submit(ReaderProcess, name, Path(sys.executable)) for name in READERS]
        processes = [each.result() for each in started]
        for process in processes:
            stack.callback(process.close)
        yield processes


@pytest.mark.parametrize("mode", KNOWN)
@pytest.mark.parametrize("source", SOURCES)
def test_every_reader_shows_the_frames_of_each_clip_and_no_others(
    source: str, mode: ClipMethod, readers: list[ReaderProcess], tmp_path: Path
) -> None:
    (kind,) = (replace(kind, frames=FRAMES) for kind in KINDS if kind.name == source)
    made = cut(kind, tmp_path, ClipSettings(mode, preset="veryfast"))
    assert made.failed == []
    with ThreadPoolExecutor() as pool:
        cells = list(pool.map(lambda process: read(process, made), readers))
    for process, cell in zip(readers, cells, strict=True):
        known = KNOWN.get(mode, {}).get(process.name, set())
        if (process.name, mode) == ("PyAV", "auto") and "VFR" in source:
            # Where frames have different lengths FFmpeg's seeks land behind some frames of ordinary
            # files as well, just before a key frame; here there are more of those.
            known |= {"random"}
        faults = {
            clip: [text for text in texts if text.partition(":")[0] not in known]
            for clip, texts in cell.faults.items()
        }
        assert {clip: texts for clip, texts in faults.items() if texts} == {}, process.name
