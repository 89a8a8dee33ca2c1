"""Encoded clips of 10-bit and HDR sources: kept as they are, or tone-mapped to 8 bits."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from heaters_pipeline.video.clips.settings import BitDepth, Codec
from heaters_pipeline.video.clips.write import ClipSettings
from heaters_pipeline.video.media.hdr_metadata import HdrMetadata
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline.video.media.tone_curve import HdrColours, sdr_of
from heaters_pipeline.video.media.tone_mapping import ToneMapper, hdr_colours
from heaters_pipeline_tests.video.clips.clip_sources import Known, glance_at, know, write_clip
from heaters_pipeline_tests.video.clips.deep_clips import (
    CONTENT_LIGHT,
    HLG,
    MASTERING,
    PQ,
    SDR,
    Colours,
    Signal,
    frame_of,
    make_deep_video,
    ramps,
    signal_of,
    yuv_of,
)
from heaters_pipeline_tests.videos import make_video

SPAN = Span(3, 10)
GREY_CODES, COLOUR_CODES = 1.5, 1.0


def encode(
    known: Known, target: Path, *, codec: Codec = "h264", bit_depth: BitDepth = "8"
) -> list[av.VideoFrame]:
    """Encode the span and give the frames that the clip shows."""
    settings = ClipSettings("reencode", crf=4, preset="ultrafast", codec=codec, bit_depth=bit_depth)
    clip = write_clip(known, SPAN, target, settings)
    assert (clip.frames, clip.fallback_reason) == (len(SPAN), None)
    return frames_of(target)


def frames_of(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def colours_of(frame: av.VideoFrame) -> Colours:
    return Colours(frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range)


def samples_of(frame: av.VideoFrame, plane: int = 0) -> npt.NDArray[np.float64]:
    """A plane in the units of 8 bits."""
    is_deep = frame.format.components[0].bits > 8
    layout = frame.planes[plane]
    rows = np.asarray(layout).view(np.uint16 if is_deep else np.uint8)
    samples = rows.reshape(layout.height, -1)[:, : layout.width]
    return samples / (4 if is_deep else 1)


def tagged(codec: Codec) -> tuple[str, str]:
    return {"h264": ("avc1", "High 10"), "hevc": ("hvc1", "Main 10")}[codec]


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@pytest.mark.parametrize("colours", [PQ, HLG, SDR], ids=["pq", "hlg", "sdr"])
def test_ten_bits_and_their_colours_are_kept(
    codec: Codec, colours: Colours, tmp_path: Path
) -> None:
    known = know(make_deep_video(tmp_path / "a.mp4", ramps(12), colours))
    shown = encode(known, tmp_path / "clip.mp4", codec=codec, bit_depth="source")
    originals = frames_of(known.path)[SPAN.start : SPAN.end]
    for original, frame in zip(originals, shown, strict=True):
        assert frame.format.name == "yuv420p10le"
        assert colours_of(frame) == colours
        for plane in range(3):
            error = np.abs(samples_of(frame, plane) - samples_of(original, plane))
            assert error.mean() < 0.5
    with av.open(str(tmp_path / "clip.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.codec_tag, stream.profile) == tagged(codec)


@pytest.mark.parametrize("source_codec", ["libx265", "libx264"])
@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_the_hdr_metadata_is_kept(codec: Codec, source_codec: str, tmp_path: Path) -> None:
    params = {
        "libx265": f"master-display={MASTERING}:max-cll={CONTENT_LIGHT}",
        "libx264": f"mastering-display={MASTERING}:cll={CONTENT_LIGHT}",
    }[source_codec]
    path = make_deep_video(tmp_path / "a.mkv", ramps(12), PQ, codec=source_codec, params=params)
    hdr_metadata = HdrMetadata.of(frames_of(path)[0])
    display, light = hdr_metadata.mastering_display, hdr_metadata.content_light
    assert display is not None
    assert light is not None
    assert (display.max_nits, display.min_nits) == (4000, Fraction(1, 200))
    assert display.red == (Fraction(34, 50), Fraction(16, 50))
    assert display.white == (Fraction(15635, 50_000), Fraction(16450, 50_000))
    assert (light.max_cll_nits, light.max_fall_nits) == (1200, 400)
    first = encode(know(path), tmp_path / "clip.mp4", codec=codec, bit_depth="source")[0]
    assert HdrMetadata.of(first) == hdr_metadata
    first = encode(know(path), tmp_path / "clip.mp4", codec=codec, bit_depth="8")[0]
    assert HdrMetadata.of(first) == HdrMetadata()


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@pytest.mark.parametrize("colours", [PQ, HLG], ids=["pq", "hlg"])
def test_hdr_becomes_bt_709_of_8_bits(codec: Codec, colours: Colours, tmp_path: Path) -> None:
    known = know(make_deep_video(tmp_path / "a.mp4", ramps(12), colours))
    source = HdrColours("pq" if colours is PQ else "hlg", "bt2020", 1000)
    shown = encode(known, tmp_path / "clip.mp4", codec=codec)
    for offset, frame in enumerate(shown):
        assert frame.format.name == "yuv420p"
        assert colours_of(frame) == SDR
        expected = bt709_codes(ramps(12)[SPAN.start + offset], source)
        error = np.abs(samples_of(frame) - expected[0])
        # In the middle of the steps, where the encoder has nothing to blur.
        assert error[:, 4:155:10].mean() < GREY_CODES
        for chroma in (1, 2):
            assert np.abs(samples_of(frame, chroma) - 128).mean() < 1


def bt709_codes(signal: Signal, source: HdrColours) -> list[npt.NDArray[np.float64]]:
    """Y, Cb and Cr of each pixel in 8 bits, not rounded."""
    shown = sdr_of(signal, source)
    luma = shown @ np.array([0.2126, 0.7152, 0.0722])
    blue, red = (shown[..., 2] - luma) / 1.8556, (shown[..., 0] - luma) / 1.5748
    return [16 + 219 * luma, 128 + 224 * blue, 128 + 224 * red]


@pytest.mark.parametrize("colours", [PQ, HLG], ids=["pq", "hlg"])
def test_the_table_of_colours_gives_what_the_arithmetic_gives(colours: Colours) -> None:
    rng = np.random.default_rng(5)
    # Less than pure colours: those at the edge of BT.709 fall between the steps of the table.
    grey = rng.random((32, 32, 1)) * 0.7
    patches = np.kron(grey + rng.random((32, 32, 3)) * 0.15, np.ones((16, 16, 1)))
    planes = yuv_of(patches)
    frame = frame_of(planes, colours)
    picture = ToneMapper(frame, HdrMetadata(), "yuv420p", 1).convert(frame)
    assert colours_of(picture) == SDR
    expected = bt709_codes(signal_of(planes), hdr_colours(frame, HdrMetadata()))
    for plane, step in enumerate((16, 8, 8)):
        wanted = expected[plane][8::16, 8::16]
        error = np.abs(samples_of(picture, plane)[step // 2 :: step, step // 2 :: step] - wanted)
        assert error.mean() < COLOUR_CODES
        assert np.quantile(error, 0.95) < 2


def test_the_hdr_metadata_of_the_source_decides_on_brightness(tmp_path: Path) -> None:
    brightness = []
    for name, params in (
        ("display", f"master-display={MASTERING}"),
        ("light", "max-cll=4000,100"),
        ("nothing", ""),
    ):
        known = know(make_deep_video(tmp_path / f"{name}.mp4", ramps(12), PQ, params=params))
        brightness.append(samples_of(encode(known, tmp_path / "clip.mp4")[0])[:, 100:120].mean())
    assert brightness[0] == pytest.approx(brightness[1], abs=0.5)
    assert brightness[2] > brightness[0] + 5


def test_sdr_of_10_bits_becomes_8_by_rounding_alone(tmp_path: Path) -> None:
    known = know(make_deep_video(tmp_path / "a.mp4", ramps(12), SDR))
    originals = frames_of(known.path)[SPAN.start : SPAN.end]
    for original, frame in zip(originals, encode(known, tmp_path / "clip.mp4"), strict=True):
        assert (frame.format.name, colours_of(frame)) == ("yuv420p", SDR)
        assert np.abs(samples_of(frame) - samples_of(original)).mean() < 0.6


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_sources_of_8_bits_stay_so(codec: Codec, tmp_path: Path) -> None:
    known = know(make_video(tmp_path / "a.mp4", [12]))
    for frame in encode(known, tmp_path / "clip.mp4", codec=codec, bit_depth="source"):
        assert frame.format.name == "yuv420p"


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@pytest.mark.parametrize("bit_depth", ["8", "source"])
def test_odd_sizes_lose_no_sample(codec: Codec, bit_depth: BitDepth, tmp_path: Path) -> None:
    path = tmp_path / "odd.mkv"
    signal = [0.3 + 0.4 * one for one in ramps(12, size_px=(162, 92))]
    # H.264 of 4:4:4 alone has odd sizes, and 10 bits as well.
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 161, 91, "yuv444p10le"
        for one in signal:
            frame = frame_of(yuv_of(one), PQ).reformat(161, 91, "yuv444p10le")
            stream.codec_context.color_trc = PQ.transfer
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    shown = encode(glance_at(path), tmp_path / "clip.mp4", codec=codec, bit_depth=bit_depth)
    for frame in shown:
        luma = samples_of(frame)
        assert luma.shape == (92, 162)
        assert np.abs(luma[91] - luma[90]).mean() < 1
        assert np.abs(luma[:, 161] - luma[:, 160]).mean() < 1
        assert luma[40, 150] > luma[40, 10] + 20


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@pytest.mark.parametrize("bit_depth", ["8", "source"])
def test_uneven_instants_stay(codec: Codec, bit_depth: BitDepth, tmp_path: Path) -> None:
    pts_ms = [0, 30, 100, 110, 190, 230, 233, 300, 420, 430, 500, 540]
    known = know(make_deep_video(tmp_path / "a.mkv", ramps(12), HLG, pts_ms=pts_ms))
    shown = encode(known, tmp_path / "clip.mp4", codec=codec, bit_depth=bit_depth)
    for offset, frame in enumerate(shown):
        assert frame.pts is not None
        assert frame.pts * frame.time_base == Fraction(pts_ms[3 + offset] - 110, 1000)


def test_hevc_says_nothing_on_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    known = know(make_video(tmp_path / "a.mp4", [12]))
    capfd.readouterr()
    encode(known, tmp_path / "clip.mp4", codec="hevc")
    assert capfd.readouterr() == ("", "")
