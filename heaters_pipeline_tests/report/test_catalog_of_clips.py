"""What the catalog says of clips and their videos besides names and spans, and of older records."""

import io
import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import av
import pyarrow.parquet as pq
import pytest

from heaters_pipeline.report.catalog_record import look_at_catalog
from heaters_pipeline.report.catalog_rows import rows_of
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.digests import file_sha256
from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline_tests.pipeline import SPANS, Pipeline, folder_pipeline
from heaters_pipeline_tests.videos import make_video

# Of the records of clips, tracks and videos of catalog version 6.
NEWER_DETAILS = ("width_px", "height_px", "codec", "sound", "made_at", "quality")


def rows(pipeline: Pipeline, key: str) -> list[dict[str, Any]]:
    """The rows of a table of the catalog, made anew."""
    outcome = pipeline.build_catalog()
    assert outcome.success, outcome.error
    return list(pq.read_table(io.BytesIO(pipeline.store.read_bytes(key))).to_pylist())


def path_of(uri: str) -> Path:
    """The file that an address names."""
    assert uri.startswith("file:///")
    return Path(unquote(urlsplit(uri).path))


def test_clips_are_what_the_catalog_says(processed: Pipeline) -> None:
    clips = rows(processed, keys.CATALOG_CLIPS)
    assert len(clips) == len(SPANS)
    for row, (start, end) in zip(clips, SPANS, strict=True):
        path = path_of(row["uri"])
        assert row["sha256"] == file_sha256(path)
        with av.open(str(path)) as container:
            video, audio = container.streams.video[0], container.streams.audio[0]
            size = (video.codec_context.width, video.codec_context.height)
            assert (row["width"], row["height"]) == size
            assert row["codec"] == video.codec_context.codec.canonical_name
            sound = (audio.codec_context.codec.canonical_name, audio.channels, audio.rate)
            shown = [row[f"audio_{name}"] for name in ("codec", "channels", "sample_rate")]
            assert shown == list(sound)
            assert len(list(container.decode(video=0))) == row["frames"] == end - start
        rate = Fraction(row["frame_rate_numerator"], row["frame_rate_denominator"])
        assert rate == 25
        assert (datetime.now(UTC) - row["made_at"]).total_seconds() >= 0
        # The tone of the film: 440 Hz on one channel, 12.2 dB below full scale.
        assert row["loudness_lufs"] == pytest.approx(-16, abs=1)
        assert row["silence_share"] == 0
        assert 0.1 < row["brightness"] < 0.9
        assert row["motion"] > 0
        assert (row["black_share"], row["frozen_share"], row["letterbox_share"]) == (0, 0, 0)


def test_transitions_stand_at_both_ends_of_a_clip_and_none_at_the_ends_of_the_video(
    processed: Pipeline,
) -> None:
    clips = rows(processed, keys.CATALOG_CLIPS)
    kinds = [(row["start_transition"], row["end_transition"]) for row in clips]
    assert kinds == [(None, "cut"), ("cut", "cut"), ("cut", "cut"), ("cut", None)]


def test_gradual_transitions_are_named_and_ends_without_a_change_are_not(
    processed: Pipeline,
) -> None:
    scenes = processed.manifest("scenes")
    transitions = [
        {"kind": "dissolve", "start_frame": 15, "end_frame": 25},
        {"kind": "fade_out", "start_frame": 90, "end_frame": 95},
    ]
    processed.record(replace(scenes, summary={**scenes.summary, "transitions": transitions}))
    clips = rows(processed, keys.CATALOG_CLIPS)
    kinds = [(row["start_transition"], row["end_transition"]) for row in clips]
    # As if the settings had divided what is behind the dissolve.
    assert kinds == [(None, "dissolve"), ("dissolve", None), (None, None), (None, None)]


def test_videos_are_what_the_catalog_says(processed: Pipeline, film: Path) -> None:
    (row,) = rows(processed, keys.CATALOG_VIDEOS)
    assert row["origin"] == str(film)
    assert row["source_duration_seconds"] == 3.8
    assert row["is_variable_frame_rate"] is False
    settings = json.loads(row["detection_settings"])
    assert settings == processed.manifest("scenes").inputs["settings"]


def test_origins_that_were_recorded_with_secrets_are_shown_without(processed: Pipeline) -> None:
    source = processed.manifest("source_videos")
    origin = "https://me:password@example.org/film.mp4?token=secret#part"
    processed.record(replace(source, summary={**source.summary, "origin": origin}))
    (row,) = rows(processed, keys.CATALOG_VIDEOS)
    assert row["origin"] == "https://example.org/film.mp4?…"


def test_a_variable_rate_is_one_and_its_clips_have_their_average(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    pts = [0, 1, 2, 3, 4, 8, 12, 16, 20, 24, 28, 29, 30, 31, 32]
    path = make_video(tmp_path / "a.mkv", [15], pts=pts, time_base=Fraction(1, 25))
    assert pipeline.process("vfr", source_videos={"origin": str(path)}).success
    (video,) = rows(pipeline, keys.CATALOG_VIDEOS)
    assert video["is_variable_frame_rate"] is True
    (clip,) = rows(pipeline, keys.CATALOG_CLIPS)
    rate = clip["frame_rate_numerator"] / clip["frame_rate_denominator"]
    assert rate == pytest.approx(15 / clip["duration_seconds"])
    assert (clip["audio_codec"], clip["audio_channels"], clip["loudness_lufs"]) == (None,) * 3


def test_a_constant_rate_is_exact_whatever_the_clock_of_the_file(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    # Matroska counts in milliseconds.
    path = make_video(tmp_path / "a.mkv", [30], frame_rate=Fraction(30000, 1001))
    assert pipeline.process("ntsc", source_videos={"origin": str(path)}).success
    (clip,) = rows(pipeline, keys.CATALOG_CLIPS)
    assert (clip["frame_rate_numerator"], clip["frame_rate_denominator"]) == (30000, 1001)
    assert rows(pipeline, keys.CATALOG_VIDEOS)[0]["is_variable_frame_rate"] is False


def test_what_older_records_do_not_say_is_empty(processed: Pipeline) -> None:
    clips, scan = processed.manifest("clips"), processed.manifest("frame_scores")
    items = tuple(
        replace(
            item,
            details={name: one for name, one in item.details.items() if name not in NEWER_DETAILS},
        )
        for item in clips.items
    )
    processed.record(replace(clips, items=items))
    summary = {name: one for name, one in scan.summary.items() if name != "constant_frame_rate"}
    processed.record(replace(scan, summary=summary))
    found = rows_of(read_video(processed.store, "film"), "1")
    assert found is not None
    video, (first, *_) = found
    assert video["is_variable_frame_rate"] is None
    unknown = {"width", "height", "codec", "made_at", "brightness", "loudness_lufs", "audio_codec"}
    assert {first[name] for name in unknown} == {None}
    assert (first["frame_rate_numerator"], first["frame_rate_denominator"]) == (25, 1)
    assert first["frames"] == 20
    # And they are no reason to make anything.
    before = processed.versions("clips/"), processed.manifest("clips").items
    outcome = processed.process()
    assert outcome.success, outcome.error
    assert outcome.metadata["clips"]["skipped"] is True
    assert (processed.versions("clips/"), processed.manifest("clips").items) == before


def test_clips_that_are_adopted_are_described_as_those_that_were_made(processed: Pipeline) -> None:
    made = {item.key: item.details for item in processed.manifest("clips").items}
    processed.forget("clips")
    assert processed.process().success
    for item in processed.manifest("clips").items:
        assert item.details["reason"]
        for name in ("width_px", "codec", "sound", "quality"):
            assert item.details[name] == made[item.key][name]
        found = processed.store.head(item.key)
        assert found is not None
        assert datetime.fromisoformat(item.details["made_at"]) == found.modified


def test_addresses_are_those_of_the_place_where_the_store_is_now(
    processed: Pipeline, tmp_path: Path
) -> None:
    rows(processed, keys.CATALOG_CLIPS)
    shutil.copytree(tmp_path / "store", tmp_path / "an other")
    moved = folder_pipeline(tmp_path / "an other", tmp_path / "other cache")
    assert look_at_catalog(moved.store).catalog is None
    clips = rows(moved, keys.CATALOG_CLIPS)
    assert len(clips) == len(SPANS)
    for row in clips:
        assert path_of(row["uri"]) == tmp_path / "an other" / row["clip_filepath"]
        assert path_of(row["uri"]).is_file()
    moved.instance.dispose()
