"""Each kind of picture is what the ffmpeg program shows, once told what players do by themselves.

Tolerances are of the mean difference of all samples, in steps of 8 bits. None is needed where
nothing is scaled or converted.
"""

import subprocess
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest

from heaters_pipeline.video.media.picture_boxes import Crop
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.media.still_pictures import pictures_at
from heaters_pipeline.video.media.timing import Span, Timeline
from heaters_pipeline.video.stills.keyframes import middle_picture, write_keyframes
from heaters_pipeline.video.stills.picture_files import decoded_picture
from heaters_pipeline.video.stills.settings import KeyframeSettings, SpriteSettings
from heaters_pipeline.video.stills.sprite_layout import plan_sprites
from heaters_pipeline.video.stills.sprites import write_sprites
from heaters_pipeline_tests.video.clips.clip_sources import know
from heaters_pipeline_tests.video.clips.deep_clips import HLG, PQ, Colours, Signal, make_deep_video
from heaters_pipeline_tests.video.clips.interlaced_clips import make_interlaced_video
from heaters_pipeline_tests.video.described_pictures import crop_mp4
from heaters_pipeline_tests.video.stills.numbered_clips import load
from heaters_pipeline_tests.videos import Picture, make_video

FRAMES = 12
MIDDLE = FRAMES // 2
SIZE_PX = (160, 96)
TILE_PX = 80
# What JPEG does to these pictures of bars and stripes, and to half as large ones.
MORE_OF_KIND = {"key frame": 3.5, "sprite": 5, "contact sheet": 0, "still": 0}
SQUARE_PIXELS = "scale=iw*sar:ih:flags=area,setsar=1"
# Upright pictures were turned before, and with them their pixels.
SQUARE_PIXELS_OF_UPRIGHT = "scale=iw:ih/sar:flags=area,setsar=1"
# Light of 203 cd/m2, which is white paper after ITU-R BT.2408, becomes white. No curve follows: the
# pictures have nothing brighter, so that it changes nothing but what an HDR curve does to all.
TO_BT709 = (
    "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt709,tonemap=clip:desat=0,"
    "zscale=t=bt709:m=bt709:r=tv,format=yuv444p"
)


def rendered(path: Path, filters: str, number: int, side_px: int) -> Picture:
    """A frame as the ffmpeg program shows it, which turns and crops by itself.

    Args:
        path: The file.
        filters: What players do besides.
        number: Of the frame.
        side_px: Its longer side becomes this; pictures have it already, or are scaled down.
    """
    size = f"scale='min(iw,{side_px})':'min(ih,{side_px})':force_original_aspect_ratio=decrease"
    chain = f"select='eq(n,{number})',{filters},{size}:flags=area"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-vf", chain]
    command += ["-frames:v", "1", "-pix_fmt", "bgr24", "-c:v", "bmp", "-f", "image2pipe", "-"]
    return decoded_picture(subprocess.run(command, capture_output=True, check=True).stdout)


def pictures_of(path: Path, folder: Path) -> Mapping[str, tuple[int, Picture]]:
    """A picture in each way in which one is made, with the number of its frame."""
    info = probe(path)
    timeline = Timeline(range(FRAMES), FRAMES, Fraction(1, 25))
    layout = plan_sprites(timeline, Span(0, FRAMES), SpriteSettings(5, TILE_PX, jpeg_quality=95))
    paths = [folder / "key.jpg"]
    (key,) = write_keyframes(path, FRAMES, KeyframeSettings(jpeg_quality=95), paths)
    sprites = write_sprites(path, layout, [folder / "sheet.jpg"])
    width_px, height_px = sprites.tile_size_px
    tile = load(sprites.sheets[0].path)[:height_px, width_px : 2 * width_px]
    return {
        "key frame": (MIDDLE, load(key.path)),
        "sprite": (layout.tile_frames[1], tile),
        "contact sheet": (MIDDLE, middle_picture(path, FRAMES, max(SIZE_PX))),
        "still": (3, pictures_at(path, info, know(path).timeline, [3], max(SIZE_PX))[3]),
    }


def differences(path: Path, filters: str, folder: Path) -> dict[str, float]:
    """How far each kind of picture is from what the ffmpeg program shows, in steps of 8 bits."""
    found = {}
    for name, (number, picture) in pictures_of(path, folder).items():
        expected = rendered(path, filters, number, TILE_PX if name == "sprite" else max(SIZE_PX))
        assert picture.shape == expected.shape, name
        found[name] = float(np.abs(picture.astype(int) - expected).mean())
    return found


def far(found: Mapping[str, float], most: float) -> dict[str, float]:
    """The kinds of pictures that are too far from what the ffmpeg program shows."""
    return {name: each for name, each in found.items() if each > most + MORE_OF_KIND[name]}


def anamorphic(path: Path, degrees: int = 0) -> Path:
    ratio = Fraction(4, 3)
    return make_video(
        path, [FRAMES], size_px=(120, 96), sample_aspect_ratio=ratio, rotation_degrees=degrees
    )


def turned(degrees: int, *, is_mirrored: bool) -> Callable[[Path], Path]:
    return lambda path: make_video(
        path, [FRAMES], size_px=SIZE_PX, rotation_degrees=degrees, is_mirrored=is_mirrored
    )


def cropped(path: Path) -> Path:
    return crop_mp4(make_video(path, [FRAMES], size_px=SIZE_PX), Crop(40, 20, 90, 60), SIZE_PX)


def cropped_matroska(path: Path) -> Path:
    matroska = path.with_suffix(".mkv")
    with av.open(str(cropped(path))) as source, av.open(str(matroska), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux():
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    return matroska


def interlaced(field_order: str) -> Callable[[Path], Path]:
    return lambda path: make_interlaced_video(path, FRAMES, field_order, codec="libx264")


CASES: dict[str, tuple[Callable[[Path], Path], str, float]] = {
    "turned right": (turned(270, is_mirrored=False), "null", 0),
    "upside down": (turned(180, is_mirrored=False), "null", 0),
    "mirrored": (turned(0, is_mirrored=True), "null", 0),
    "turned and mirrored": (turned(90, is_mirrored=True), "null", 0),
    "anamorphic": (anamorphic, SQUARE_PIXELS, 2.5),
    "anamorphic and turned": (lambda path: anamorphic(path, 90), SQUARE_PIXELS_OF_UPRIGHT, 2.5),
    "cropped": (cropped, "null", 0),
    "cropped, Matroska": (cropped_matroska, "null", 0),
    "top field first": (interlaced("tff"), "estdif=mode=frame", 0),
    "bottom field first": (interlaced("bff"), "estdif=mode=frame", 0),
}


@pytest.mark.parametrize("case", CASES)
def test_pictures_are_those_of_the_ffmpeg_program(case: str, tmp_path: Path) -> None:
    make, filters, most = CASES[case]
    found = differences(make(tmp_path / "a.mp4"), filters, tmp_path)
    assert not far(found, most)


def darker_than_paper(brightest: float) -> Signal:
    """A ramp of grey above patches of faint colours, up to a signal."""
    signal = np.zeros((SIZE_PX[1], SIZE_PX[0], 3))
    signal[:32] = np.linspace(0.05, brightest, SIZE_PX[0])[None, :, None]
    faint = np.array([[1, 0.9, 0.9], [0.9, 1, 0.9], [0.9, 0.9, 1], [1, 1, 0.9], [0.9, 1, 1]])
    for row in range(4):
        patches = np.repeat(faint * brightest * (row + 1) / 4, SIZE_PX[0] // len(faint), axis=0)
        signal[32 + 16 * row : 48 + 16 * row] = patches
    return signal


@pytest.mark.parametrize(("colours", "brightest"), [(PQ, 0.5), (HLG, 0.6)], ids=["PQ", "HLG"])
def test_hdr_is_as_the_ffmpeg_program_converts_it_up_to_the_curve(
    colours: Colours, brightest: float, tmp_path: Path
) -> None:
    path = make_deep_video(tmp_path / "a.mp4", [darker_than_paper(brightest)] * FRAMES, colours)
    found = differences(path, TO_BT709, tmp_path)
    assert not far(found, 1.5)
