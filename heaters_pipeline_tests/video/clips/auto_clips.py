"""Clips of the mode ``auto``, and what other readers than ours see in them."""

from pathlib import Path

import av
import numpy as np

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.write import ClipFile, ClipSettings
from heaters_pipeline.video.media.frames import FrameReader
from heaters_pipeline.video.media.pyav import rows_of
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.video.clips.clip_sources import Known, know, write_many
from heaters_pipeline_tests.videos import frame_number_of

AUTO = ClipSettings("auto", preset="ultrafast")


def make_all(
    known: Known, spans: list[Span], folder: Path, settings: ClipSettings = AUTO, **more: object
) -> dict[Span, ClipFile]:
    """Make clips ``<folder>/<start>-<end>.mp4``, each of which has to be of the mode ``auto``."""
    made: dict[Span, ClipFile] = {}

    def on_clip(span: Span, outcome: ClipFile | ClipError) -> None:
        assert isinstance(outcome, ClipFile), outcome
        assert (outcome.method, outcome.hidden_frames) == ("auto", 0), outcome
        made[span] = outcome

    write_many(
        known,
        spans,
        lambda span: path_of(folder, span),
        settings,
        picture_digests=known.digests,
        workers=2,
        on_clip=on_clip,
        **more,
    )
    assert set(made) == set(spans)
    return made


def path_of(folder: Path, span: Span) -> Path:
    return folder / f"{span.start}-{span.end}.mp4"


def lumas(path: Path, options: dict[str, str] | None = None) -> list[np.ndarray]:
    """The luma of each picture that PyAV shows, 255 at most, in the order in which it comes."""
    with av.open(str(path), options=options or {}) as container:
        return [luma(frame) for frame in container.decode(video=0)]


def luma(frame: av.VideoFrame) -> np.ndarray:
    is_deep = frame.format.components[0].bits > 8
    rows = rows_of(frame.planes[0])[: frame.height, : frame.width * (2 if is_deep else 1)]
    return np.ascontiguousarray(rows).view(np.uint16) * (255 / 1023) if is_deep else rows.copy()


def psnr_db(one: np.ndarray, other: np.ndarray) -> float:
    squares = np.mean((one[: other.shape[0], : other.shape[1]].astype(float) - other) ** 2)
    return 100.0 if squares == 0 else 10 * float(np.log10(255**2 / squares))


def numbers_in(path: Path) -> list[int]:
    return [frame_number_of(frame.picture()) for frame in FrameReader(path, know(path).info)]


def remux(source: Path, target: Path, format_name: str | None = None) -> None:
    options = {"safe": "0"} if format_name else {}
    with (
        av.open(str(source), format=format_name, options=options) as container,
        av.open(str(target), "w") as out,
    ):
        stream = out.add_stream_from_template(container.streams.video[0])
        for packet in container.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
