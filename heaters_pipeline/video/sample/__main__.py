"""Render the sample video: ``python -m heaters_pipeline.video.sample PATH``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from heaters_pipeline.video.sample.film import FRAME_RATE, lay_out
from heaters_pipeline.video.sample.render import (
    SAMPLE_VERSION,
    is_rendered,
    render_sample,
    truth_path,
    write_truth,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Render the sample and its truth, unless both are there; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m heaters_pipeline.video.sample",
        description="Render the sample video (about a minute, 1280x720, H.264 with sound), and "
        "its ground truth beside it (sample.truth.json). Nothing is done if both are there.",
    )
    parser.add_argument("path", type=Path, help="the MP4 file to write")
    path: Path = parser.parse_args(arguments).path
    try:
        if is_rendered(path):
            _say(f"{path}: the sample, version {SAMPLE_VERSION}, is there already: nothing to do")
            return 0
        write_truth(path, render_sample(path, on_progress=_announce))
    except OSError as error:
        reason = error.strerror or error
        sys.stderr.write(f"{path}: cannot be written: {reason}; choose another place\n")
        return 1
    _say(f"{path}: {path.stat().st_size / 1e6:.1f} MB; its truth is in {truth_path(path)}")
    return 0


def _announce(done: int, frames: int) -> None:
    """Print a line when the first frame of a scene is encoded."""
    for shot in lay_out(frames / FRAME_RATE).shots:
        if shot.start + 1 == done:
            _say(f"{100 * done // frames:3d} %  {shot.scene.join:18}  {shot.scene.name}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
