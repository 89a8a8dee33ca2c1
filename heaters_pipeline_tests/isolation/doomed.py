"""Functions that end badly, to be called in a child process. Their inputs are harmless."""

import errno
import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heaters_pipeline.video.clips.write import write_clips
from heaters_pipeline.video.media.probe import VideoInfo
from heaters_pipeline.video.scoring.scores import score_frames


def process_id() -> int:
    """The process that calls it."""
    return os.getpid()


def kill_itself(number: int) -> None:
    """As a crash of the decoder does."""
    os.kill(os.getpid(), number)
    time.sleep(60)


def leave(code: int) -> None:
    """As C code does that gives up."""
    os._exit(code)


def take_memory(size_bytes: int) -> int:
    """Use so much at once."""
    return len(bytearray(size_bytes))


def take_cpu() -> None:
    """Calculate for ever."""
    while True:
        pass


def calculate(seconds: float) -> None:
    """Use so many seconds of CPU time."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def wait(seconds: float) -> str:
    """Do nothing for a while."""
    time.sleep(seconds)
    return "waited"


def crash_at_pictures(*_: Any, on_picture: Callable[..., None]) -> None:
    """In place of ``make_pictures``."""
    kill_itself(signal.SIGSEGV)


def raise_this(error: Exception) -> None:
    """Raise an error of the parent's choice."""
    raise error


def raise_odd_error() -> None:
    """Raise what cannot be pickled."""

    class OddError(Exception):
        pass

    raise OddError("of no module")


def start_no_thread() -> None:
    """As FFmpeg says it, whatever the reason."""
    raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")


def tell(count: int, *, on_step: Callable[[int], None]) -> int:
    """Tell of each step."""
    for step in range(count):
        on_step(step)
    return count


def log(level: int, text: str) -> None:
    """Write to the log."""
    logging.getLogger("heaters_pipeline.video.doomed").log(level, "said %s", text)


def write_and_wait(path: Path, *, on_begun: Callable[[int], None]) -> None:
    """Write to a file for ever."""
    with path.open("w") as file:
        on_begun(os.getpid())
        while True:
            file.write("on\n")
            file.flush()
            time.sleep(0.01)


def score_or_crash(path: Path, info: VideoInfo, *args: Any, **by_name: Any) -> Any:
    """Score frames, but crash at videos of 50 frames."""
    if info.frames_promised == 50:
        kill_itself(signal.SIGSEGV)
    return score_frames(path, info, *args, **by_name)


def cut_two_and_crash(*args: Any, on_clip: Callable[..., None], **by_name: Any) -> None:
    """Cut clips, but crash after the second one."""
    made = 0

    def on_clip_of_two(*outcome: Any) -> None:
        nonlocal made
        on_clip(*outcome)
        made += 1
        if made == 2:
            kill_itself(signal.SIGSEGV)

    write_clips(*args, on_clip=on_clip_of_two, **by_name)


@dataclass(frozen=True, slots=True)
class CrashAtClip:
    """Make something of a clip, but crash at those of so many frames.

    Attributes:
        function: Takes the clip's file, then its number of frames or a layout that knows it.
        frames: Of the clip.
    """

    function: Callable[..., Any]
    frames: int

    def __call__(self, clip: Path, known: Any, *args: Any) -> Any:
        if getattr(known, "frames", known) == self.frames:
            kill_itself(signal.SIGSEGV)
        return self.function(clip, known, *args)
