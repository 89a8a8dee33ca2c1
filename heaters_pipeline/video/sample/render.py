"""Draw and encode the sample video, and write its ground truth beside it.

The same package versions give the same decoded pictures: everything is drawn from seeds, on
several threads, and encoded on one.
"""

import json
import os
import tempfile
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.sample.brushes import Moment, Painter, Picture, Stage, mix
from heaters_pipeline.video.sample.film import (
    FRAME_RATE,
    FULL_SECONDS,
    Film,
    SampleTruth,
    Shot,
    lay_out,
)
from heaters_pipeline.video.sample.sound import SAMPLE_RATE, SAMPLES_PER_FRAME, Samples, compose

# Raise it with every change of the pictures, the sound or the encoding: a sample of another
# version is rendered anew.
SAMPLE_VERSION: Final = 1

_LEAST_HEIGHT_PX: Final = 54
_DRAWN_AHEAD: Final = 8
_PREPARED_AHEAD: Final = 25
# No key frame at a scene change, and long groups with B-frames: most cuts lie within a group,
# where cutting exactly without encoding is hard.
_X264_OPTIONS: Final = {
    "preset": "veryfast",
    "crf": "26",
    "subq": "1",
    # At small sizes x264's macroblock tree reads memory that nobody wrote (seen in core 165):
    # with it, the same pictures give another stream each time.
    "x264-params": "mbtree=0",
    "g": "100",
    "keyint_min": "100",
    "sc_threshold": "0",
    "bf": "3",
}
_AUDIO_BITS_PER_SECOND: Final = 160_000
_BT709, _SMPTE170M, _LIMITED_RANGE = 1, 6, 1


def render_sample(
    path: Path,
    *,
    seconds: Fraction | int = FULL_SECONDS,
    size_px: tuple[int, int] = (1280, 720),
    on_progress: Callable[[int, int], None] | None = None,
) -> SampleTruth:
    """Render the sample video as MP4: H.264 pictures and stereo AAC sound.

    The file appears under its name when it is complete, and never before. The truth is
    returned, not written: see ``write_truth``.

    Args:
        path: Where to; folders that are missing are made, a file that is there is replaced.
        seconds: Length; shorter films keep all scenes, each shortened in proportion.
        size_px: Width and height, 16:9, with an even height of at least 54.
        on_progress: Called with (frames done, frames in all) after each frame.
    Returns:
        What is in the video.
    Raises:
        SettingsError: The film would be too short for its scenes, or the size does not fit them.
    """
    width, height = size_px
    if height < _LEAST_HEIGHT_PX or width * 9 != height * 16 or height % 2:
        raise SettingsError(
            f"a sample video cannot be {width}x{height} px: it is composed for 16:9 and needs an "
            f"even height of at least {_LEAST_HEIGHT_PX}; take 1280x720 or 320x180"
        )
    film = lay_out(seconds)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
        unfinished = Path(folder) / path.name
        _encode(unfinished, film, Stage(width, height), on_progress)
        unfinished.replace(path)
    return film.truth


def truth_path(path: Path) -> Path:
    """Where the ground truth of a sample video lies: ``sample.mp4`` has ``sample.truth.json``."""
    return path.with_name(f"{path.stem}.truth.json")


def write_truth(path: Path, truth: SampleTruth) -> Path:
    """Write the ground truth beside a sample video, as a file of labels with one entry.

    Args:
        path: The video, which must exist: its size is noted, so that another file under the
            same name is not taken for it.
        truth: What ``render_sample`` returned.
    Returns:
        Path of the file of labels.
    """
    target = truth_path(path)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=path.parent) as folder:
        unfinished = Path(folder) / target.name
        unfinished.write_text(json.dumps(_record(path, truth), indent=1) + "\n", encoding="utf-8")
        unfinished.replace(target)
    return target


def is_rendered(path: Path) -> bool:
    """Whether the full sample of this version is there, with its truth."""
    try:
        found = json.loads(truth_path(path).read_text(encoding="utf-8"))
        return bool(found == _record(path, lay_out(FULL_SECONDS).truth))
    except (FileNotFoundError, ValueError):
        return False


def _record(path: Path, truth: SampleTruth) -> dict[str, object]:
    made = {"sample_version": SAMPLE_VERSION, "video_bytes": path.stat().st_size}
    return {path.name: truth.to_labels() | made}


def _encode(
    path: Path, film: Film, stage: Stage, on_progress: Callable[[int, int], None] | None
) -> None:
    sound = compose(film)
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        container.metadata["title"] = "heaters sample"
        video = container.add_stream("libx264", film.truth.frame_rate, options=_X264_OPTIONS)
        video.width, video.height, video.pix_fmt = stage.width, stage.height, "yuv420p"
        context = video.codec_context
        # The stream depends on the number of threads, which must not depend on the machine.
        context.thread_count = 1
        context.color_primaries = context.color_trc = _BT709
        context.colorspace, context.color_range = _SMPTE170M, _LIMITED_RANGE
        audio = container.add_stream("aac", SAMPLE_RATE, layout="stereo")
        audio.bit_rate = _AUDIO_BITS_PER_SECOND
        with closing(_pictures(film, stage)) as pictures:
            for number, picture in enumerate(pictures):
                picture.pts, picture.time_base = number, 1 / film.truth.frame_rate
                container.mux(video.encode(picture))
                container.mux(audio.encode(_heard(sound, number)))
                if on_progress:
                    on_progress(number + 1, film.truth.frames)
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


def _heard(sound: Samples, number: int) -> av.AudioFrame:
    """The sound of one frame."""
    start = number * SAMPLES_PER_FRAME
    block = np.ascontiguousarray(sound[:, start : start + SAMPLES_PER_FRAME])
    heard = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
    heard.sample_rate, heard.time_base = SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
    heard.pts = start
    return heard


def _pictures(film: Film, stage: Stage) -> Generator[av.VideoFrame]:
    """Draw all frames on several threads and give them in order, a few ahead of the encoder."""
    workers = max(2, min(8, os.cpu_count() or 2))
    with ThreadPoolExecutor(workers, thread_name_prefix="sample") as pool:
        painters: dict[int, Future[Painter]] = {}
        drawn: deque[Future[av.VideoFrame]] = deque()
        try:
            for frame in range(film.truth.frames):
                for index, shot in enumerate(film.shots):
                    if frame == max(0, shot.start - _PREPARED_AHEAD):
                        painters[index] = pool.submit(shot.scene.prepare, stage)
                    if frame == shot.end:
                        del painters[index]
                # A painter is submitted before the frames that wait for it, so none waits for ever.
                seen = [
                    (shot, painters[index])
                    for index, shot in enumerate(film.shots)
                    if shot.start <= frame < shot.end
                ]
                drawn.append(pool.submit(_draw, frame, seen))
                if len(drawn) > _DRAWN_AHEAD:
                    yield drawn.popleft().result()
            while drawn:
                yield drawn.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _draw(frame: int, seen: list[tuple[Shot, Future[Painter]]]) -> av.VideoFrame:
    shot, _ = seen[-1]
    step = frame - shot.start
    if len(seen) == 1:
        picture = _paint(frame, *seen[0])
    elif shot.scene.join == "dissolve":
        part = (step + 1) / (shot.appears + 1)
        picture = mix(_paint(frame, *seen[0]), _paint(frame, *seen[1]), part)
    else:
        middle = shot.appears // 2
        lit = _paint(frame, *seen[step >= middle])
        # The middle frame and its two neighbours are black.
        picture = mix(np.zeros_like(lit), lit, max(0, abs(step - middle) - 1) / middle)
    planes = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")


def _paint(frame: int, shot: Shot, painter: Future[Painter]) -> Picture:
    step = frame - shot.start
    seconds = float(step / FRAME_RATE)
    progress = step / (shot.end - shot.start)
    return painter.result()(Moment(seconds, progress, frame in shot.flashes))
