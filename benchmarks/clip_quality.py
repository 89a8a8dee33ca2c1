"""What it costs to measure what pictures and sound are like, against what is done anyway.

``python -m benchmarks.clip_quality VIDEOS...`` scans each video, and makes its clips, a minute at
most each, with the CPU time of the measuring counted apart, in the same run. Also how much larger
a track becomes.
"""

import argparse
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from heaters_pipeline.video.clips import maker
from heaters_pipeline.video.clips.write import ClipSettings, write_clips
from heaters_pipeline.video.detection.scenes import scenes_from
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.detection.transitions import find_transitions
from heaters_pipeline.video.media.probe import VideoInfo, probe
from heaters_pipeline.video.scoring import sampling
from heaters_pipeline.video.scoring.picture_measures import StillnessWatch
from heaters_pipeline.video.scoring.scores import score_frames


class Counted:
    """Counts the CPU time of functions while they are called."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._stack = ExitStack()

    def __enter__(self) -> "Counted":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def count(self, owner: Any, name: str) -> None:
        """Count a function of a module or a class from now on."""
        self._stack.enter_context(patch.object(owner, name, self._counted(getattr(owner, name))))

    def _counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            begun = time.thread_time()
            try:
                return function(*arguments)
            finally:
                self.seconds += time.thread_time() - begun

        return counted


def scan(path: Path, info: VideoInfo) -> tuple[ScoreTrack, float, float]:
    """The track, the CPU time of the scan, and that of the measuring in it."""
    with Counted() as counted:
        counted.count(sampling, "measured")
        counted.count(sampling, "luma_of")
        counted.count(StillnessWatch, "_compare")
        begun = time.process_time()
        track = score_frames(path, info)
        return track, time.process_time() - begun, counted.seconds


def cut(path: Path, info: VideoInfo, track: ScoreTrack) -> tuple[float, float]:
    """The CPU time of making all clips, and that of measuring their sound."""
    settings = DetectionSettings()
    spans = scenes_from(track.timeline, find_transitions(track, settings), settings).scenes
    with TemporaryDirectory() as folder, Counted() as counted:
        counted.count(maker, "with_levels")
        begun = time.process_time()
        write_clips(
            path,
            info,
            track.timeline,
            spans,
            lambda span: Path(folder) / f"{span.start}.mp4",
            ClipSettings(),
            picture_digests=track.known_digests(),
            workers=os.cpu_count() or 1,
            on_clip=lambda *_: None,
        )
        return time.process_time() - begun, counted.seconds


def main() -> None:
    """Print a line of the table a video."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", nargs="+", type=Path)
    print("| video | scan, CPU s | pictures | clips, CPU s | sound | track, bytes | larger by |")
    print("|---|---|---|---|---|---|---|")
    for path in parser.parse_args().videos:
        info = probe(path)
        track, scanned, measured = scan(path, info)
        made, heard = cut(path, info, track)
        size, before = (len(each.to_bytes()) for each in (track, replace(track, qualities={})))
        print(
            f"| {path.name} | {scanned:.2f} | {measured / scanned:.1%} | {made:.2f} "
            f"| {heard / made:.1%} | {size} | {size / before - 1:.0%} |"
        )


if __name__ == "__main__":
    main()
