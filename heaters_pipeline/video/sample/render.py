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
from heaters_pipeline.video.sample import draw, film
from heaters_pipeline.video.sample.film import FRAME_RATE, FULL_SECONDS, Film, SampleTruth, Shot
from heaters_pipeline.video.sample.sound import SAMPLE_RATE, SAMPLES_PER_FRAME, compose

# Raise it with every change of the pictures, the sound or the encoding: a sample of another
# version is rendered anew.
SAMPLE_VERSION: Final = 2

_LEAST_HEIGHT_PX: Final = 54
_DRAWN_AHEAD: Final = 8
# No key frame at a scene change, and long groups with B-frames: most cuts lie within a group,
# where cutting exactly without encoding is hard. At small sizes x264's macroblock tree reads
# memory that nobody wrote (seen in core 165): with it, each time gives another stream.
_X264_OPTIONS: Final = {
    "preset": "veryfast",
    "crf": "26",
    "x264-params": "keyint=100:min-keyint=100:scenecut=0:bframes=3:subme=1:mbtree=0",
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

    The file appears under its name when it is complete, and never before.

    Args:
        path: Where to; folders that are missing are made, a file that is there is replaced.
        seconds: Length; shorter films keep all scenes, each shortened in proportion.
        size_px: Width and height, 16:9, with an even height of at least 54.
        on_progress: Called with (frames done, frames in all) after each frame.
    Returns:
        What is in the video, for ``write_truth``.
    Raises:
        SettingsError: The film would be too short for its scenes, or the size does not fit them.
    """
    width, height = size_px
    if height < _LEAST_HEIGHT_PX or width * 9 != height * 16 or height % 2:
        raise SettingsError(
            f"a sample video cannot be {width}x{height} px: it is composed for 16:9 and needs an "
            f"even height of at least {_LEAST_HEIGHT_PX}; take 1280x720 or 320x180"
        )
    plan = film.lay_out(seconds)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
        unfinished = Path(folder) / path.name
        _encode(unfinished, plan, draw.Stage(width, height), on_progress)
        unfinished.replace(path)
    return plan.truth


def truth_path(path: Path) -> Path:
    """Where the ground truth of a sample video lies: ``sample.mp4`` has ``sample.truth.json``."""
    return path.with_name(f"{path.stem}.truth.json")


def write_truth(path: Path, truth: SampleTruth) -> Path:
    """Write the ground truth beside a sample video, as a file of labels with one entry.

    The size of the video, which must exist, is noted, so that another file under the same name
    is not taken for it. Returns the path of the file of labels.
    """
    target = truth_path(path)
    target.write_text(json.dumps(_record(path, truth), indent=1) + "\n", encoding="utf-8")
    return target


def is_rendered(path: Path) -> bool:
    """Whether the full sample of this version is there, with its truth."""
    try:
        found = json.loads(truth_path(path).read_text(encoding="utf-8"))
        return bool(found == _record(path, film.lay_out(FULL_SECONDS).truth))
    except (FileNotFoundError, ValueError):
        return False


def _record(path: Path, truth: SampleTruth) -> dict[str, object]:
    made = {"sample_version": SAMPLE_VERSION, "video_bytes": path.stat().st_size}
    return {path.name: truth.to_labels() | made}


def _encode(
    path: Path, plan: Film, stage: draw.Stage, on_progress: Callable[[int, int], None] | None
) -> None:
    sound = compose(plan)
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        container.metadata["title"] = "heaters sample"
        video = container.add_stream("libx264", FRAME_RATE, options=_X264_OPTIONS)
        video.width, video.height, video.pix_fmt = stage.width, stage.height, "yuv420p"
        context = video.codec_context
        # The stream depends on the number of threads, which must not depend on the machine.
        context.thread_count = 1
        context.color_primaries = context.color_trc = _BT709
        context.colorspace, context.color_range = _SMPTE170M, _LIMITED_RANGE
        audio = container.add_stream("aac", SAMPLE_RATE, layout="stereo")
        audio.bit_rate = _AUDIO_BITS_PER_SECOND
        with closing(_pictures(plan, stage)) as pictures:
            for number, picture in enumerate(pictures):
                picture.pts, picture.time_base = number, 1 / FRAME_RATE
                container.mux(video.encode(picture))
                block = sound[:, number * SAMPLES_PER_FRAME :][:, :SAMPLES_PER_FRAME].copy()
                heard = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
                heard.sample_rate, heard.pts = SAMPLE_RATE, number * SAMPLES_PER_FRAME
                container.mux(audio.encode(heard))
                if on_progress:
                    on_progress(number + 1, plan.truth.frames)
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


def _pictures(plan: Film, stage: draw.Stage) -> Generator[av.VideoFrame]:
    """Draw all frames on several threads and give them in order, a few ahead of the encoder."""
    seen: list[tuple[Shot, draw.Painter]] = []
    drawn: deque[Future[av.VideoFrame]] = deque()
    with ThreadPoolExecutor(max(2, min(8, os.cpu_count() or 2))) as pool:
        try:
            for frame in range(plan.truth.frames):
                seen = [(shot, painter) for shot, painter in seen if frame < shot.end]
                seen += [(s, s.scene.prepare(stage)) for s in plan.shots if s.start == frame]
                drawn.append(pool.submit(_draw, frame, seen))
                if len(drawn) > _DRAWN_AHEAD:
                    yield drawn.popleft().result()
            yield from (picture.result() for picture in drawn)
        finally:
            pool.shutdown(cancel_futures=True)


def _draw(frame: int, seen: list[tuple[Shot, draw.Painter]]) -> av.VideoFrame:
    shot, _ = seen[-1]
    step = frame - shot.start
    if len(seen) == 1:
        picture = _paint(frame, *seen[0])
    elif shot.scene.join == "dissolve":
        part = (step + 1) / (shot.appears + 1)
        picture = draw.mix(_paint(frame, *seen[0]), _paint(frame, *seen[1]), part)
    else:
        middle = shot.appears // 2
        lit = _paint(frame, *seen[step >= middle])
        # The middle frame and its two neighbours are black.
        picture = draw.mix(np.zeros_like(lit), lit, max(0, abs(step - middle) - 1) / middle)
    planes = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")


def _paint(frame: int, shot: Shot, painter: draw.Painter) -> draw.Picture:
    picture = painter(float((frame - shot.start) / FRAME_RATE))
    return shot.scene.flash(picture) if shot.scene.flash and frame in shot.flashes else picture
