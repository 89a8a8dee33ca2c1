"""A stored track comes back as it was, is small, and other tools can read it."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heaters_pipeline.errors import ManifestError
from heaters_pipeline.video.detection.score_track import SIMILARITIES, Scan, ScoreTrack
from heaters_pipeline.video.media.timing import Span, Timeline
from heaters_pipeline_tests.video.detection.moving_shots import score, shot, write


def noisy_track(frames: int, *, scan: Scan = "full", from_stream: bool = True) -> ScoreTrack:
    """A track with the noise of real footage in each number, so that it compresses badly."""
    rng = np.random.default_rng(1)
    analysed = np.arange(frames) if scan == "full" else np.arange(0, frames, 2)
    skipped = np.setdiff1d(np.arange(frames), analysed)

    def distances() -> npt.NDArray[np.float32]:
        values = np.round(rng.gamma(2, 0.3, frames) * 256).astype(np.float32) / 256
        values[[0, *skipped]] = np.nan
        return values

    similarities = {name: rng.random(frames, np.float32) for name in SIMILARITIES}
    for values in similarities.values():
        values[0 if scan == "full" else slice(None)] = np.nan
    base = rng.integers(40, 200, (1, 6, 8, 3))
    signatures = (base + rng.normal(0, 2, (frames, 6, 8, 3))).clip(0, 255).astype(np.uint8)
    signatures[skipped] = 0
    digests = rng.integers(0, 2**32, frames)
    digests[skipped] = -1
    detail = rng.gamma(2, 300, frames).astype(np.float32)
    detail[skipped] = np.nan
    pts = tuple(range(7, 7 + frames * 1001, 1001))
    return ScoreTrack(
        timeline=Timeline(pts, pts[-1] + 500, Fraction(1, 30000), from_stream),
        scan=scan,
        frame_step=2,
        analysed_frames=analysed,
        picture_digests=digests,
        similarities=similarities,
        histogram_sums=np.full(frames, 7.5, np.float32),
        change=distances(),
        across=distances(),
        residual=distances(),
        kept=distances(),
        still=distances(),
        likeness=distances(),
        steps=distances(),
        detail=detail,
        signatures=signatures,
        algorithm_version=3,
    )


@pytest.mark.parametrize("frames", [1, 2, 500])
@pytest.mark.parametrize("scan", ["full", "fast"])
@pytest.mark.parametrize("from_stream", [True, False])
def test_a_track_comes_back_as_it_was(frames: int, scan: Scan, from_stream: bool) -> None:
    track = noisy_track(frames, scan=scan, from_stream=from_stream)
    again = ScoreTrack.from_bytes(track.to_bytes())
    for name in ("timeline", "scan", "frame_step", "algorithm_version"):
        assert getattr(again, name) == getattr(track, name)
    assert again.similarities.keys() == track.similarities.keys()
    pairs = [(again.similarities[name], track.similarities[name]) for name in SIMILARITIES]
    arrays = (
        "analysed_frames",
        "picture_digests",
        "histogram_sums",
        "change",
        "across",
        "residual",
        "kept",
        "still",
        "likeness",
        "steps",
        "detail",
    )
    for name in (*arrays, "signatures"):
        pairs.append((getattr(again, name), getattr(track, name)))
    for found, expected in pairs:
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


def test_a_track_of_an_earlier_version_is_read_as_if_no_camera_had_moved() -> None:
    track = noisy_track(50)
    table = pq.read_table(pa.BufferReader(track.to_bytes())).drop(["residual", "likeness"])
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    earlier = ScoreTrack.from_bytes(sink.getvalue().to_pybytes())
    np.testing.assert_array_equal(earlier.residual, track.change)
    assert np.isnan(earlier.likeness).all()


def test_the_same_track_gives_the_same_bytes() -> None:
    assert noisy_track(100).to_bytes() == noisy_track(100).to_bytes()


def test_pandas_and_duckdb_read_a_track(tmp_path: Path) -> None:
    track = score(write(tmp_path / "video.mp4", shot(1, 10) + shot(2, 10)), scan="full")
    path = tmp_path / "track.parquet"
    path.write_bytes(track.to_bytes())
    frame = pd.read_parquet(path)
    assert frame["pts"].tolist() == list(track.timeline.pts)
    assert frame["correl"].idxmin() == 10
    query = f"select pts, signature_5_7_cr, change from '{path}' order by correl limit 1"
    [(pts, colour, change)] = duckdb.sql(query).fetchall()
    assert pts == track.timeline.pts[10]
    assert colour == track.signatures[10, 5, 7, 1]
    assert change == track.change[10]
    assert duckdb.sql(f"select pts from '{path}' where correl is null").fetchall() == [
        (track.timeline.pts[0],)
    ]


def test_a_track_of_two_hours_stays_below_thirty_megabytes() -> None:
    frames = 18_000
    assert len(noisy_track(frames).to_bytes()) * 10 < 30_000_000


@pytest.mark.parametrize("damage", ["text", "cut", "other-table", "other-version"])
def test_what_is_no_track_is_refused(damage: str, tmp_path: Path) -> None:
    content = noisy_track(50).to_bytes()
    if damage == "text":
        content = b"hello"
    elif damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "other-table":
        path = tmp_path / "other.parquet"
        pq.write_table(pa.table({"a": [1]}), path)
        content = path.read_bytes()
    else:
        path = tmp_path / "newer.parquet"
        table = pq.read_table(pa.BufferReader(content))
        metadata = {**table.schema.metadata, b"format_version": b"9"}
        pq.write_table(table.replace_schema_metadata(metadata), path)
        content = path.read_bytes()
    with pytest.raises(ManifestError, match="score track"):
        ScoreTrack.from_bytes(content)


def test_too_little_memory_is_not_taken_for_a_damaged_track(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_memory(_: object) -> pa.Table:
        raise pa.ArrowMemoryError("malloc of size 256 failed")

    content = noisy_track(3).to_bytes()
    monkeypatch.setattr(pq, "read_table", no_memory)
    with pytest.raises(MemoryError, match="256"):
        ScoreTrack.from_bytes(content)


def test_arrays_of_another_length_are_refused() -> None:
    track = noisy_track(10)
    with pytest.raises(ValueError, match="detail"):
        replace(track, detail=track.detail[:-1])
    with pytest.raises(ValueError, match="correl"):
        replace(track, similarities={**track.similarities, "correl": track.detail[:-1]})


def test_interpolated_values_go_evenly() -> None:
    track = noisy_track(5, scan="fast")
    values = np.array([0, 99, 10, 99, 14], np.float32)
    assert track.interpolated(values, Span(0, 5)).tolist() == [0, 5, 10, 12, 14]
    assert track.interpolated(values, Span(1, 4)).tolist() == [5, 10, 12]
    pictures = np.zeros((5, 6, 8, 3), np.uint8)
    pictures[2] = 200
    assert track.interpolated(pictures, Span(0, 5))[:, 3, 3, 0].tolist() == [0, 100, 200, 100, 0]


def test_what_is_not_known_of_a_picture_is_none() -> None:
    track = noisy_track(3, scan="fast")
    first, second, third = track.known_digests()
    assert second is None
    assert first == track.picture_digests[0]
    assert third == track.picture_digests[2]
