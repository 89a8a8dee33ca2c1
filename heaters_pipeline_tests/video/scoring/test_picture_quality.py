"""What pictures are like, on films of which it is known: measured in a scan, summed over spans."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import av.video.stream
import cv2
import numpy as np
import pytest

from heaters_pipeline.report.catalog_columns import QUALITY_COLUMNS
from heaters_pipeline.video.detection.score_track import QUALITIES, Scan, ScoreTrack
from heaters_pipeline.video.media.packet_index import index_packets
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline.video.scoring import scores
from heaters_pipeline.video.scoring.ignored_region import IgnoredRegion
from heaters_pipeline.video.scoring.picture_measures import PictureMeasures, StillnessWatch
from heaters_pipeline.video.scoring.scores import ScoreSettings, score_frames
from heaters_pipeline.video.scoring.span_quality import COLUMNS, span_quality
from heaters_pipeline_tests.video.detection.moving_shots import Picture, black, score, shot, write

SIZE = (180, 320)
WHITE_OF_PQ = 0.5807
"""Code of 203 nits, which is white in SDR (ITU-R BT.2408)."""


def grey(level: float, frames: int = 12, size: tuple[int, int] = SIZE) -> list[Picture]:
    """Pictures of one grey."""
    return [np.full((*size, 3), round(level), np.uint8)] * frames


def lossless(path: Path, pictures: list[Picture], pixel_format: str = "yuv420p") -> Path:
    """A film that shows exactly these pictures, as far as its colours go."""
    return write(path, pictures, codec="ffv1", pixel_format=pixel_format)


def quality(path: Path, span: Span | None = None) -> dict[str, float]:
    """What the pictures of a film are like, or those of a span of it."""
    track = score(path)
    found = span_quality(track, span or Span(0, track.frames))
    return {name: np.nan if value is None else value for name, value in found.items()}


def test_the_names_are_those_of_track_and_catalog() -> None:
    assert (*PictureMeasures._fields, "difference", "standstill") == QUALITIES
    assert tuple(column.name for column in QUALITY_COLUMNS) == COLUMNS


@pytest.mark.parametrize(
    ("pixel_format", "size"),
    [
        ("yuv420p", SIZE),
        ("yuvj420p", SIZE),
        ("yuv420p10le", SIZE),
        ("yuv444p", SIZE),
        ("bgr0", SIZE),
        ("gray", SIZE),
        ("yuv420p", (181, 323)),
        ("yuv422p", (601, 1003)),
        ("yuv420p", (36, 64)),
    ],
)
def test_brightness_contrast_and_sharpness_are_those_that_were_drawn(
    tmp_path: Path, pixel_format: str, size: tuple[int, int]
) -> None:
    striped = np.full((*size, 3), 60, np.uint8)
    striped[:, 1::2] = 100
    codec = "mjpeg" if pixel_format == "yuvj420p" else "ffv1"
    path = write(
        tmp_path / "film.mkv",
        [striped] * 8,
        codec=codec,
        pixel_format=pixel_format,
        options={"qmin": "1", "qmax": "1"} if codec == "mjpeg" else {},
    )
    found = quality(path)
    assert found["brightness"] == pytest.approx(80 / 255, abs=0.01)
    assert found["contrast"] == pytest.approx(20 / 255, abs=0.01)
    # Each pixel differs from that on its right by 40 levels, from that below by none.
    assert found["sharpness"] == pytest.approx(40, rel=0.05)


def test_pq_is_as_bright_as_sdr_that_looks_like_it(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    plane = np.full((270, 320), round(64 + 876 * WHITE_OF_PQ), "<u2")
    plane[180:] = 512
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", Fraction(25))
        assert isinstance(stream, av.video.stream.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p10le"
        stream.codec_context.color_trc = 16
        for _ in range(8):
            frame = av.VideoFrame.from_ndarray(plane, "yuv420p10le")
            frame.color_trc = 16
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert quality(path)["brightness"] == pytest.approx(1, abs=0.02)


def test_a_blurred_picture_is_less_sharp_at_any_size(tmp_path: Path) -> None:
    for scale in (1, 4):
        sharp = [cv2.resize(picture, None, fx=scale, fy=scale) for picture in shot(3, 8)]
        noise = np.random.default_rng(1).integers(-20, 20, sharp[0].shape)
        fine = [(picture + noise).clip(0, 255).astype(np.uint8) for picture in sharp]
        soft = [cv2.GaussianBlur(picture, (0, 0), 2) for picture in fine]
        found = [
            quality(lossless(tmp_path / f"{scale}-{number}.mkv", pictures))["sharpness"]
            for number, pictures in enumerate((fine, soft))
        ]
        assert found[1] < 0.5 * found[0]


def test_motion_is_the_change_in_a_second(tmp_path: Path) -> None:
    brighter = [picture for level in range(60, 160, 2) for picture in grey(level, 1)]
    assert quality(lossless(tmp_path / "a.mkv", brighter))["motion"] == pytest.approx(
        25 * 2 / 255, rel=0.1
    )
    # At another rate the same frames change faster.
    path = write(tmp_path / "b.mkv", brighter, codec="ffv1", frame_rate=Fraction(50))
    assert quality(path)["motion"] == pytest.approx(50 * 2 / 255, rel=0.1)
    assert quality(lossless(tmp_path / "c.mkv", grey(90)))["motion"] == 0


def test_frames_of_neighbours_do_not_count(tmp_path: Path) -> None:
    track = score(write(tmp_path / "film.mp4", grey(40, 50) + grey(200, 50)))
    dark, light = (span_quality(track, span) for span in (Span(0, 50), Span(50, 100)))
    assert dark["brightness"] == pytest.approx(40 / 255, abs=0.01)
    assert light["brightness"] == pytest.approx(200 / 255, abs=0.01)
    assert dark["motion"] == light["motion"] == 0


@pytest.mark.parametrize(("lit_share", "expected"), [(0, 0.25), (0.01, 0.25), (0.04, 0)])
def test_black_is_where_nearly_all_pixels_are(
    tmp_path: Path, lit_share: float, expected: float
) -> None:
    dark = np.full((*SIZE, 3), 10, np.uint8)
    dark[: round(180 * lit_share * 2), :160] = 220
    found = quality(write(tmp_path / "film.mp4", [dark] * 50 + shot(1, 150)))
    assert found["black_share"] == pytest.approx(expected, abs=0.02)


def test_frozen_is_the_time_in_which_nothing_changes(tmp_path: Path) -> None:
    moving = shot(1, 60, speed_px=3)
    film = moving[:30] + [moving[30]] * 60 + moving[30:]
    found = quality(write(tmp_path / "film.mp4", film))
    assert found["frozen_share"] == pytest.approx(60 / 120, abs=0.04)
    assert quality(write(tmp_path / "still.mp4", moving[:1] * 40))["frozen_share"] == 1


def test_drawings_that_are_shown_twice_are_not_frozen(tmp_path: Path) -> None:
    twice = [picture for picture in shot(1, 50, speed_px=5) for _ in range(2)]
    assert quality(write(tmp_path / "film.mp4", twice))["frozen_share"] == 0


def test_what_creeps_does_not_stand_still() -> None:
    watch, luma = StillnessWatch(), np.zeros((36, 64), np.uint8)
    for number in range(200):
        luma = luma.copy()
        luma.flat[number * 7] = 100
        watch.add(number, luma)
    differences, standstills = watch.told().T
    # Each differs from the one before by 0.0002.
    assert max(standstills) < 10
    assert np.count_nonzero(differences > 0) > 20


def test_pictures_are_compared_many_at_a_time_as_one_by_one() -> None:
    watch, random = StillnessWatch(), np.random.default_rng(1)
    pictures = [random.integers(0, 256, (36, 64), dtype=np.uint8)]
    # Some move, some stand still for long, some come back to what was before.
    for number in range(300):
        moves = number % 150 < 50 or (number % 150 < 100 and number % 7 == 0)
        step = random.integers(0, 9, (36, 64), dtype=np.uint8) if moves else 0
        pictures.append(np.asarray(pictures[-1] ^ step, np.uint8))
    expected, reference = [(np.nan, 0.0)], 0
    for number, picture in enumerate(pictures):
        watch.add(2 * number, picture)
        difference = np.abs(picture.astype(float) - pictures[reference]).mean() / 255
        if difference > 0.001:
            expected.append((difference, 0))
            reference = number
        elif number:
            expected.append((0, 2 * (number - reference)))
    assert max(standstill for _, standstill in expected) > 40
    np.testing.assert_allclose(watch.told(), expected, rtol=1e-6)


def test_letterbox_is_the_area_of_bars_on_both_sides(tmp_path: Path) -> None:
    def barred(*sides: slice, frames: int = 60) -> dict[str, float]:
        pictures = [picture.copy() for picture in shot(2, frames)]
        for picture in pictures:
            for side in sides:
                picture[side] = 0
        return quality(write(tmp_path / "film.mp4", pictures))

    letterbox = barred(slice(0, 24), slice(156, 180))["letterbox_share"]
    assert letterbox == pytest.approx(48 / 180, abs=0.03)
    assert barred()["letterbox_share"] == 0
    # A dark sky.
    assert barred(slice(0, 60))["letterbox_share"] == 0


def test_pillars_are_bars_and_what_is_seldom_over_them_does_not_end_them(tmp_path: Path) -> None:
    pictures = [picture.copy() for picture in shot(2, 100)]
    for number, picture in enumerate(pictures):
        picture[:, :40] = picture[:, 280:] = 0
        if number < 5:
            picture[80:100, 5:30] = 200
    found = quality(write(tmp_path / "film.mp4", pictures))
    assert found["letterbox_share"] == pytest.approx(80 / 320, abs=0.03)


def test_dark_scenes_have_no_bars(tmp_path: Path) -> None:
    for name, pictures in (("night", shot(4, 40, brightness=0.2)), ("black", black(40))):
        found = quality(write(tmp_path / f"{name}.mp4", pictures))
        assert found["letterbox_share"] == 0


def test_a_title_on_black_has_no_bars(tmp_path: Path) -> None:
    title = black(1)[0].copy()
    cv2.putText(title, "A title", (60, 100), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (255, 255, 255), 3)
    assert quality(write(tmp_path / "film.mp4", [title] * 40))["letterbox_share"] == 0


def test_dark_pictures_between_bars_do_not_end_them(tmp_path: Path) -> None:
    pictures = [picture.copy() for picture in shot(2, 40)]
    for picture in pictures[:20]:
        picture[:] = 0
        picture[80:100, 150:170] = 200
    for picture in pictures[20:]:
        picture[:24] = picture[156:] = 0
    found = quality(write(tmp_path / "film.mp4", pictures))
    assert found["letterbox_share"] == pytest.approx(48 / 180, abs=0.03)


def test_a_region_that_does_not_count_for_cuts_belongs_to_the_picture(tmp_path: Path) -> None:
    path = lossless(tmp_path / "film.mkv", shot(1, 20))
    ignoring = ScoreSettings(ignored=(IgnoredRegion(0, 0.5, 1, 1),))
    track = score_frames(path, probe(path), ignoring)
    assert span_quality(track, Span(0, 20)) == span_quality(score(path), Span(0, 20))


def test_a_fast_and_a_full_scan_and_a_stored_track_say_the_same(tmp_path: Path) -> None:
    path = write(tmp_path / "film.mp4", shot(1, 60) + shot(2, 60), options={"bf": "3", "g": "30"})
    fast, full = score(path), score(path, scan="full")
    assert fast.scan == "fast"
    stored = ScoreTrack.from_bytes(fast.to_bytes())
    for span in (Span(0, 60), Span(60, 120), Span(13, 77)):
        expected = span_quality(fast, span)
        assert None not in expected.values()
        assert expected == span_quality(full, span) == span_quality(stored, span)


@pytest.mark.parametrize("scan", ["fast", "full"])
def test_what_is_measured_changes_nothing_that_cuts_are_decided_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scan: Scan
) -> None:
    path = write(tmp_path / "film.mp4", shot(1, 60) + black(20) + shot(2, 60), options={"bf": "3"})
    measuring = score(path, scan=scan)
    monkeypatch.setattr(scores, "choose_measured_frames", lambda *_: frozenset[int]())
    alone = score(path, scan=scan)
    assert np.isfinite(measuring.qualities["brightness"]).any()
    assert not np.isfinite(alone.qualities["brightness"]).any()
    plain, others = (replace(track, qualities={}).to_bytes() for track in (measuring, alone))
    assert plain == others


def test_a_file_that_is_decoded_from_its_start_is_measured_too(tmp_path: Path) -> None:
    path = write(tmp_path / "film.avi", shot(1, 40))
    assert index_packets(path, probe(path)) is None
    assert None not in span_quality(score(path), Span(0, 40)).values()


def test_nothing_is_said_of_an_older_track_nor_of_frames_that_were_not_looked_at(
    tmp_path: Path,
) -> None:
    track = score(write(tmp_path / "film.mp4", shot(1, 40), options={"bf": "3", "g": "40"}))
    older = ScoreTrack.from_bytes(replace(track, qualities={}).to_bytes())
    assert older.qualities == {}
    assert span_quality(older, Span(0, 40)) == {}
    unknown = next(n for n in range(40) if n not in track.analysed_frames)
    assert span_quality(track, Span(unknown, unknown + 1)) == dict.fromkeys(COLUMNS)
