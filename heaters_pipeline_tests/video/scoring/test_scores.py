"""Scores are OpenCV's, of the frames in order, from one decode."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from heaters_pipeline.errors import InvalidVideoError, SettingsError
from heaters_pipeline.video.clips.write import ClipFile, ClipSettings, write_clips
from heaters_pipeline.video.media.frames import FrameReader
from heaters_pipeline.video.media.packet_index import index_packets
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline.video.scoring.ignored_region import IgnoredRegion
from heaters_pipeline.video.scoring.scores import ScoreSettings, score_frames
from heaters_pipeline_tests.video.detection.moving_shots import black, score, shot, write
from heaters_pipeline_tests.videos import make_video

COMPARISONS = {
    "correl": cv2.HISTCMP_CORREL,
    "chisqr": cv2.HISTCMP_CHISQR,
    "intersect": cv2.HISTCMP_INTERSECT,
    "bhattacharyya": cv2.HISTCMP_BHATTACHARYYA,
}


@pytest.fixture
def two_shots(tmp_path: Path) -> Path:
    return write(tmp_path / "video.mp4", shot(1, 15) + shot(2, 15))


def pictures_of(path: Path) -> list[npt.NDArray[np.uint8]]:
    """All pictures, without any of the code under test."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


def reference_histogram(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The old system's histogram: ``split``, 3 x ``calcHist``, concatenated, ``normalize``."""
    parts = [cv2.calcHist([plane], [0], None, [256], [0, 256]) for plane in cv2.split(picture)]
    histogram = np.concatenate(parts)
    return cv2.normalize(histogram, histogram)


def test_similarities_of_a_small_picture_are_those_of_opencv(two_shots: Path) -> None:
    track = score(two_shots, scan="full")
    histograms = [reference_histogram(picture) for picture in pictures_of(two_shots)]
    assert len(histograms) == track.frames == 30
    for name, comparison in COMPARISONS.items():
        expected = [
            cv2.compareHist(histograms[number - 1], histograms[number], comparison)
            for number in range(1, 30)
        ]
        assert np.isnan(track.similarities[name][0])
        np.testing.assert_allclose(track.similarities[name][1:], expected, rtol=1e-6, atol=1e-6)
    sums = [histogram.sum() for histogram in histograms]
    np.testing.assert_allclose(track.histogram_sums, sums, rtol=1e-6)


def test_a_full_track_holds_timeline_and_digests_of_all_frames(two_shots: Path) -> None:
    track = score(two_shots, scan="full")
    reader = FrameReader(two_shots, probe(two_shots))
    digests = [frame.digest for frame in reader]
    assert track.timeline == reader.timeline
    assert track.picture_digests.tolist() == digests


def test_changes_are_large_at_the_cut_alone(two_shots: Path) -> None:
    track = score(two_shots)
    cut = int(np.nanargmax(track.change))
    assert 15 <= cut <= 16
    others = track.analysed_frames[1:][track.analysed_frames[1:] != cut]
    assert track.across[cut] > 5 * track.change[others].max()
    assert (track.across[others] <= track.change[others]).all()
    assert np.nanmax(track.change) <= 32


@pytest.mark.parametrize(("rate", "step"), [(12, 1), (25, 1), (30, 1), (50, 2), (60, 2), (120, 5)])
def test_steps_grow_with_the_frame_rate(tmp_path: Path, rate: int, step: int) -> None:
    track = score(write(tmp_path / "video.mp4", black(3), frame_rate=Fraction(rate)))
    assert track.frame_step == step


def test_a_small_bright_thing_counts_by_its_area_alone(tmp_path: Path) -> None:
    grey = [np.full((180, 320, 3), 40, np.uint8) for _ in range(20)]
    for picture in grey[10:]:
        picture[80:98, 100:132] = 255
    track = score(write(tmp_path / "video.mp4", grey), scan="full")
    # 1 % of the picture, with its rim at most 2 %, of which each pixel counts 32 at most.
    assert 0 < track.steps[10] <= 0.02 * 32


def test_motion_by_a_pixel_of_the_reduced_picture_is_no_distance(tmp_path: Path) -> None:
    moving = shot(1, 10, speed_px=5)
    path = write(tmp_path / "video.mp4", moving + shot(2, 1), options={"crf": "12"})
    track = score(path, scan="full")
    assert track.steps[1:10].max() < 0.3
    assert track.steps[10] > 5


def test_signatures_are_the_mean_colours_of_cells(tmp_path: Path) -> None:
    picture = np.zeros((180, 320, 3), np.uint8)
    picture[:30, :40] = 255
    picture[150:, 280:] = (0, 0, 255)
    track = score(write(tmp_path / "video.mp4", [picture] * 3))
    signature = track.signatures[0].astype(int)
    expected = cv2.cvtColor(np.uint8([[[255] * 3, [0, 0, 255], [0] * 3]]), cv2.COLOR_BGR2YCrCb)[0]
    for found, wanted in zip(
        (signature[0, 0], signature[5, 7], signature[3, 3]), expected, strict=True
    ):
        assert abs(found - wanted.astype(int)).max() <= 4


def test_a_blurred_picture_has_less_detail(tmp_path: Path) -> None:
    sharp = shot(1, 5)
    blurred = [cv2.GaussianBlur(picture, (0, 0), 12) for picture in sharp]
    path = write(tmp_path / "video.mp4", sharp + blurred, options={"bf": "0"})
    track = score(path)
    assert track.detail[5:].max() < 0.5 * track.detail[:5].min()


def test_progress_ends_with_all_frames(two_shots: Path) -> None:
    seen: list[int] = []
    score_frames(two_shots, probe(two_shots), on_progress=seen.append)
    assert seen[-1] == 30
    assert seen == sorted(seen)


def test_a_truncated_file_gives_no_track(two_shots: Path, tmp_path: Path) -> None:
    cut_short = write(tmp_path / "whole.mkv", shot(1, 60))
    content = cut_short.read_bytes()
    cut_short.write_bytes(content[: len(content) // 2])
    with pytest.raises(InvalidVideoError):
        score(cut_short)


def test_an_ignored_region_counts_for_nothing(tmp_path: Path) -> None:
    pictures = [picture.copy() for picture in shot(1, 40)]
    for number, picture in enumerate(pictures):
        # A news ticker whose text and colour change at once.
        picture[150:] = (200, 30, 30) if number < 20 else (20, 200, 220)
    path = write(tmp_path / "video.mp4", pictures)
    ticker = IgnoredRegion(0, 149 / 180, 1, 1)
    whole = score_frames(path, probe(path), ScoreSettings(scan="full"))
    rest = score_frames(path, probe(path), ScoreSettings(scan="full", ignored=(ticker,)))
    assert whole.steps[20] > 4
    assert rest.steps[20] < 0.5
    assert whole.similarities["correl"][20] < 0.9 < rest.similarities["correl"][20]


def test_a_frame_that_the_decoder_refuses_is_none_of_a_fast_scan_either(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = make_video(tmp_path / "whole.mp4", [30, 30], options={"bf": "2", "b-pyramid": "none"})
    path = tmp_path / "damaged.mp4"
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        video = source.streams.video[0]
        stream = target.add_stream_from_template(video)
        for number, packet in enumerate(each for each in source.demux(video) if each.size):
            # A unit of no bytes after the others, in a frame that no other refers to.
            damaged = av.Packet(bytes(packet) + bytes(4)) if number == 17 else packet
            damaged.pts, damaged.dts = packet.pts, packet.dts
            damaged.time_base, damaged.stream = packet.time_base, stream
            target.mux(damaged)
    fast = score_frames(path, probe(path), ScoreSettings("fast"))
    full = score_frames(path, probe(path), ScoreSettings("full"))
    assert fast.frames == full.frames < 60
    assert "damaged.mp4 is damaged: 1 of 60 frames are missing or not as they should be" in (
        caplog.text
    )


def test_damage_inside_a_frame_that_a_fast_scan_skips_fails_no_clip(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = _with_a_refused_b_frame(tmp_path)
    info = probe(path)
    track = score_frames(path, info, ScoreSettings(scan="fast"))
    assert (track.scan, track.frames) == ("fast", 60)
    spans = [Span(0, 30), Span(30, 60)]
    made: dict[Span, object] = {}
    write_clips(
        path,
        info,
        track.timeline,
        spans,
        lambda span: tmp_path / f"{span.start}.mp4",
        ClipSettings("reencode"),
        picture_digests=track.known_digests(),
        workers=1,
        on_clip=made.__setitem__,
    )
    assert all(isinstance(clip, ClipFile) for clip in made.values()), made
    for span in spans:
        assert len(pictures_of(tmp_path / f"{span.start}.mp4")) == 30
    assert "1 frames of damaged.mp4, from frame" in caplog.text
    assert "cannot be decoded: the one before is shown instead" in caplog.text


def _with_a_refused_b_frame(folder: Path) -> Path:
    options = {"x264-params": "bframes=3:b-adapt=0:b-pyramid=none:sliced-threads=0"}
    good = make_video(folder / "good.mp4", [60], size_px=(320, 180), options=options)
    index = index_packets(good, probe(good))
    assert index is not None
    with av.open(str(good)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    path = folder / "damaged.mp4"
    places = [packets[number].pos for number in (~index.references).nonzero()[0].tolist()]
    # Somewhere in the header of a slice.
    for bit in range(8 * 6, 8 * 12):
        content = bytearray(good.read_bytes())
        assert places[3] is not None
        content[places[3] + bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        reader = FrameReader(path, probe(path))
        is_refused = sum(1 for _ in reader) == 59 and reader.decode_errors == 1
        if is_refused and index_packets(path, probe(path)) is not None:
            return path
    raise AssertionError("the decoder refuses none of the frames")


def test_frames_out_of_order_are_known_by_the_times_that_stand_in_the_file(tmp_path: Path) -> None:
    whole = make_video(tmp_path / "whole.mp4", [30, 30], options={"bf": "2", "g": "60"})
    path = tmp_path / "mixed.mkv"
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        video = source.streams.video[0]
        stream = target.add_stream_from_template(video)
        packets = [packet for packet in source.demux(video) if packet.size]
        for number in range(10, 50, 8):
            one, other = packets[number], packets[number + 4]
            one.pts, other.pts = other.pts, one.pts
        for packet in packets:
            assert packet.pts is not None
            # No packet may be decoded after it is shown.
            packet.pts += 10 * 512
            packet.stream = stream
            target.mux(packet)
    track = score_frames(path, probe(path))
    assert not track.timeline.from_stream
    assert track.frames == 60
    expected = score_frames(whole, probe(whole))
    assert len(track.analysed_frames) == len(expected.analysed_frames)
    assert track.analysed_frames[[0, -1]].tolist() == [0, 59]


def test_settings_that_leave_nothing_to_look_at_are_refused() -> None:
    left, right = IgnoredRegion(0, 0, 0.5, 1), IgnoredRegion(0.5, 0, 1, 0.96)
    with pytest.raises(SettingsError, match="leave nothing"):
        ScoreSettings(ignored=(left, right))
    with pytest.raises(SettingsError, match="none of fast, full"):
        ScoreSettings(scan="quick")  # type: ignore[arg-type]
