"""A fast scan decodes less and finds the same, in parts as from the start, in any encoding."""

import random
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.detection.transitions import find_transitions
from heaters_pipeline.video.media import parallel_scan as scan
from heaters_pipeline.video.media.frames import FrameReader
from heaters_pipeline.video.media.packet_index import index_packets
from heaters_pipeline.video.media.parallel_scan import PresentationOrder
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.scoring.scores import score_frames
from heaters_pipeline_tests.video.detection.moving_shots import (
    Picture,
    black,
    mixed,
    score,
    shot,
    write,
)


@dataclass(frozen=True)
class Encoding:
    """How the film is encoded, and what an index can tell of the file."""

    name: str
    codec: str
    options: dict[str, str] = field(default_factory=dict)
    extension: str = "mp4"
    leaves_out: bool = True
    indexed: bool = True


ENCODINGS = [
    Encoding("x264", "libx264", {"preset": "medium", "g": "30"}),
    Encoding("x264-no-scenecut", "libx264", {"sc_threshold": "0", "bf": "3", "g": "24"}),
    Encoding("x264-plain-b", "libx264", {"bf": "3", "b_strategy": "0", "b-pyramid": "none"}),
    Encoding(
        "x264-many-b",
        "libx264",
        {"bf": "8", "b_strategy": "0", "b-pyramid": "none"},
        # The frames that others refer to are too far apart.
        leaves_out=False,
    ),
    Encoding("x264-open-gop", "libx264", {"x264-params": "open-gop=1:keyint=20:bframes=3"}),
    Encoding(
        "x264-intra-refresh",
        "libx264",
        {"x264-params": "intra-refresh=1:keyint=20:bframes=2"},
    ),
    Encoding("x264-no-b", "libx264", {"bf": "0"}, leaves_out=False),
    Encoding("x264-ts", "libx264", {"bf": "3", "g": "20"}, "ts"),
    Encoding("x264-mkv", "libx264", {"bf": "2", "g": "20"}, "mkv"),
    Encoding("x265", "libx265", {"x265-params": "log-level=none:keyint=24"}),
    Encoding(
        "x265-open-gop", "libx265", {"x265-params": "log-level=none:open-gop=1:keyint=16"}, "mkv"
    ),
    Encoding("mpeg2", "mpeg2video", {"b": "2000000", "bf": "2", "g": "12"}, "ts"),
    Encoding("mpeg4", "mpeg4", {"b": "2000000", "bf": "2", "g": "24"}),
    Encoding("vp9", "libvpx-vp9", {"deadline": "realtime", "g": "20"}, "webm", leaves_out=False),
    Encoding("mpeg4-avi", "mpeg4", {"b": "2000000"}, "avi", leaves_out=False, indexed=False),
]


@pytest.fixture(scope="module")
def film() -> list[Picture]:
    """Cuts, a dissolve, a fade, a flash and shots of a few frames."""
    pictures = shot(1, 40) + shot(2, 23)
    pictures += mixed(shot(3, 12), shot(4, 12)) + shot(4, 30) + shot(5, 6) + shot(6, 5)
    pictures += shot(7, 40)
    flash = [np.minimum(picture.astype(int) + 120, 255).astype(np.uint8) for picture in shot(7, 2)]
    pictures += flash + shot(7, 20) + black(8) + shot(8, 31)
    return pictures


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let parts of some frames be decoded by three threads, and handed over in small batches."""
    monkeypatch.setattr(scan, "_PART_FRAMES", 16)
    monkeypatch.setattr(scan, "_BATCH_FRAMES", 5)
    monkeypatch.setattr("heaters_pipeline.video.scoring.scores.worker_count", lambda: 3)


def transitions(track: ScoreTrack) -> list[tuple[str, int, int]]:
    found = find_transitions(track, DetectionSettings())
    return [(one.kind, one.start, one.end) for one in found]


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda encoding: encoding.name)
@pytest.mark.usefixtures("small_parts")
def test_a_fast_scan_finds_what_a_full_one_finds(
    tmp_path: Path, film: list[Picture], encoding: Encoding
) -> None:
    path = tmp_path / f"film.{encoding.extension}"
    write(path, film, codec=encoding.codec, options=encoding.options)
    fast, full = score(path), score(path, scan="full")
    assert transitions(fast) == transitions(full)
    assert any(kind == "cut" for kind, _, _ in transitions(full))
    assert fast.timeline == full.timeline
    assert fast.analysed_frames.tolist() == full.analysed_frames.tolist()
    assert (fast.scan == "fast") == encoding.leaves_out
    decoded = fast.picture_digests >= 0
    assert decoded.mean() < 0.8 or not encoding.leaves_out
    reader = FrameReader(path, probe(path))
    digests = np.array([frame.digest for frame in reader])
    assert fast.timeline == reader.timeline
    # Frames that were left out changed no picture that was not.
    np.testing.assert_array_equal(fast.picture_digests[decoded], digests[decoded])
    np.testing.assert_array_equal(full.picture_digests, digests)
    np.testing.assert_array_equal(fast.signatures, full.signatures)
    assert (index_packets(path, probe(path)) is not None) == encoding.indexed


@pytest.mark.usefixtures("small_parts")
def test_parts_hold_each_frame_once(tmp_path: Path, film: list[Picture]) -> None:
    options = {"x265-params": "log-level=none:open-gop=1:keyint=16"}
    path = write(tmp_path / "film.mkv", film, codec="libx265", options=options)
    index = index_packets(path, probe(path))
    assert index is not None
    parts = PresentationOrder(index).parts(16)
    assert len(parts) > 5
    assert parts[0].frames.start == 0
    assert parts[-1].frames.end == len(film)
    for part, following in pairwise(parts):
        assert part.frames.end == following.frames.start


def test_frames_far_apart_are_not_left_out(tmp_path: Path) -> None:
    options = {"bf": "15", "b_strategy": "0", "b-pyramid": "none", "sc_threshold": "0"}
    track = score(write(tmp_path / "film.mp4", shot(1, 60, speed_px=3), options=options))
    assert np.diff(track.analysed_frames).max() <= 4


def test_a_video_of_one_frame_is_scanned(tmp_path: Path) -> None:
    for frames in (1, 2, 3):
        track = score(write(tmp_path / f"{frames}.mp4", shot(1, frames)))
        assert track.frames == frames
        assert transitions(track) == []


def test_a_start_that_is_not_zero_and_a_variable_rate_keep_their_times(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    rng = random.Random(3)
    pts = 5000
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", 25)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.options = {"bf": "2"}
        stream.codec_context.time_base = Fraction(1, 1000)
        for picture in shot(1, 40) + shot(2, 40):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = pts, Fraction(1, 1000)
            pts += rng.randint(15, 90)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    reader = FrameReader(path, probe(path))
    assert sum(1 for _ in reader) == 80
    fast = score(path)
    assert fast.scan == "fast"
    assert fast.timeline == reader.timeline
    assert transitions(fast) == [("cut", 40, 40)]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.usefixtures("small_parts")
def test_a_damaged_file_has_the_frames_of_a_decode_from_the_start(
    tmp_path: Path, film: list[Picture], seed: int
) -> None:
    path = write(tmp_path / "film.mp4", film, options={"bf": "2", "g": "20"})
    content = bytearray(path.read_bytes())
    rng = random.Random(seed)
    # Inside the pictures; the index of the file lies behind them.
    for _ in range(4):
        at = rng.randint(len(content) // 10, len(content) * 7 // 10)
        content[at : at + 40] = bytes(rng.randbytes(40))
    path.write_bytes(content)
    full, fast = score(path, scan="full"), score(path)
    reader = FrameReader(path, probe(path))
    assert sum(1 for _ in reader) == full.frames
    # How damage is patched up depends on what was decoded before, so pictures may differ.
    assert full.timeline == reader.timeline
    # Damage to frames that it left out is not seen by a fast scan.
    assert full.frames <= fast.frames <= len(film)


def test_who_stops_listening_stops_the_decoders(
    tmp_path: Path, film: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    class EnoughError(Exception):
        """Whoever watches has seen enough."""

    def enough(_: int) -> None:
        raise EnoughError

    monkeypatch.setattr(scan, "_PART_FRAMES", 16)
    monkeypatch.setattr(scan, "_BATCHES_AHEAD", 1)
    monkeypatch.setattr(scan, "_BATCH_FRAMES", 2)
    path = write(tmp_path / "film.mp4", film, options={"g": "16"})
    with pytest.raises(EnoughError):
        score_frames(path, probe(path), on_progress=enough)
