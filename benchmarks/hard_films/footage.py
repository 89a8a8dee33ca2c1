"""Real shots as material, from between the labelled transitions of videos."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.film import NO_FOOTAGE, shots
from benchmarks.hard_films.scenes import Recording
from benchmarks.hard_films.textures import Picture, Rng
from heaters_pipeline.video.media.frames import FrameReader
from heaters_pipeline.video.media.probe import probe

_LEAST_SPREAD = 10
"""Standard deviation of a picture; black with a watermark has less."""


@dataclass(frozen=True, slots=True)
class Footage:
    """Spans of videos that show one shot each: (file, first frame, frame after the last)."""

    spans: Sequence[tuple[Path, int, int]]

    def recordings(self, rng: Rng, count: int, width_px: int) -> list[Recording]:
        """Some of the shots that show anything, decoded at about that width."""
        chosen = rng.choice(len(self.spans), min(count, len(self.spans)), replace=False)
        read = [_recording(*self.spans[int(number)], width_px) for number in chosen]
        return [one for one in read if one.pictures[0].std() > _LEAST_SPREAD]


def footage(folder: Path, labels: Path, only: Sequence[str]) -> Footage:
    """The shots of the labelled videos in a folder.

    Args:
        folder: Of the videos.
        labels: Their labels file.
        only: Names of the videos to take; all that are footage if empty.
    """
    by_file = json.loads(labels.read_text())
    names = only or [name for name in sorted(by_file) if name not in NO_FOOTAGE]
    spans = []
    for name in names:
        promised, labelled = probe(folder / name).frames_promised, by_file[name]["frames"]
        if promised not in (None, labelled):
            # A file can hold two videos; what is labelled in one is elsewhere in the other.
            print(f"{name} is left out: {promised} frames are read, {labelled} are labelled")
            continue
        end = -1
        for span in shots(by_file[name]):
            # Of a long shot the first part alone: a cut to another part might not be seen.
            if span[0] != end:
                spans.append((folder / name, *span))
            end = span[1]
    return Footage(spans)


def _recording(path: Path, first: int, end: int, width_px: int) -> Recording:
    pictures: list[Picture] = []
    source = probe(path)
    for frame in FrameReader(path, source):
        if frame.index >= end:
            break
        if frame.index >= first:
            picture = frame.picture()
            scale = min(1.0, width_px / picture.shape[1])
            scaled = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            pictures.append(np.asarray(scaled, np.uint8))
    return Recording(pictures, float(source.frame_rate or 25))
