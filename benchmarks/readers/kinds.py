"""The kinds of sources that clips are cut from."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Kind:
    """How a source is encoded.

    Attributes:
        name: What is special about it.
        codec: PyAV's name of the encoder.
        options: Of the encoder.
        frames: How many.
        pixel_format: Of the pictures.
        size_px: (width, height).
        rate: Frames a second, where all last equally long.
        uneven: Frames last 1 to 6 ticks of 1/60 s.
        sound: Encoders of the audio tracks.
        extension: Of the file that is cut.
        in_quick: Whether the short form of the matrix has it.
    """

    name: str
    codec: str
    options: Mapping[str, str]
    frames: int = 150
    pixel_format: str = "yuv420p"
    size_px: tuple[int, int] = (160, 90)
    rate: Fraction = Fraction(25)
    uneven: bool = False
    sound: tuple[str, ...] = ()
    extension: str = "mp4"
    in_quick: bool = False

    @property
    def family(self) -> str:
        """The codec, as the table groups by it."""
        return self.name.split()[0]


def _x264(params: str) -> dict[str, str]:
    return {"preset": "veryfast", "crf": "23", "x264-params": params}


def _x265(params: str) -> dict[str, str]:
    return {"preset": "ultrafast", "crf": "26", "x265-params": f"log-level=none:{params}"}


_TWO = ("aac", "aac")
_FIXED = "scenecut=0:b-adapt=0"
_OLD = {"g": "12", "b": "800k"}
_VP9 = {"g": "24", "b": "300k"}

KINDS = (
    Kind("H.264 all I", "libx264", _x264("keyint=1")),
    Kind("H.264 closed, no B, GOP 25", "libx264", _x264(f"keyint=25:bframes=0:{_FIXED}")),
    Kind("H.264 closed, B 1, GOP 12", "libx264", _x264(f"keyint=12:bframes=1:{_FIXED}")),
    Kind(
        "H.264 closed, B 3, GOP 24, 2 tracks",
        "libx264",
        _x264(f"keyint=24:bframes=3:b-pyramid=none:{_FIXED}"),
        sound=_TWO,
        in_quick=True,
    ),
    Kind(
        "H.264 closed, B 3, pyramid",
        "libx264",
        _x264(f"keyint=24:bframes=3:b-pyramid=normal:{_FIXED}"),
        sound=("aac",),
        in_quick=True,
    ),
    Kind(
        "H.264 closed, B 2, strict",
        "libx264",
        _x264(f"keyint=24:bframes=2:b-pyramid=strict:{_FIXED}"),
    ),
    Kind(
        "H.264 closed, B 5, pyramid",
        "libx264",
        _x264(f"keyint=30:bframes=5:b-pyramid=normal:ref=4:{_FIXED}"),
        in_quick=True,
    ),
    Kind(
        "H.264 closed, B 4, flat", "libx264", _x264(f"keyint=24:bframes=4:b-pyramid=none:{_FIXED}")
    ),
    Kind(
        "H.264 open, B 2",
        "libx264",
        _x264(f"keyint=20:bframes=2:b-pyramid=none:open-gop=1:{_FIXED}"),
    ),
    Kind(
        "H.264 open, B 3, pyramid, 2 tracks",
        "libx264",
        _x264(f"keyint=20:bframes=3:b-pyramid=normal:open-gop=1:{_FIXED}"),
        sound=_TWO,
        in_quick=True,
    ),
    Kind(
        "H.264 open, B 5, strict",
        "libx264",
        _x264(f"keyint=20:bframes=5:b-pyramid=strict:open-gop=1:{_FIXED}"),
    ),
    Kind(
        "H.264 as x264 likes, cuts", "libx264", _x264("keyint=250"), sound=("aac",), in_quick=True
    ),
    Kind(
        "H.264 fast B, weights, 8 refs",
        "libx264",
        {"preset": "slow", "crf": "23", "x264-params": "keyint=40:ref=8:weightp=2"},
    ),
    Kind("H.264 GOP 250", "libx264", _x264("keyint=250:scenecut=0:bframes=3"), frames=300),
    Kind("H.264 GOP 600", "libx264", _x264("keyint=600:scenecut=0:bframes=3"), frames=640),
    Kind("H.264 one I", "libx264", _x264("keyint=infinite:scenecut=0:bframes=2")),
    Kind("H.264 VFR, closed", "libx264", _x264("keyint=16:bframes=3"), uneven=True, in_quick=True),
    Kind(
        "H.264 VFR, open, MKV",
        "libx264",
        _x264(f"keyint=16:bframes=3:open-gop=1:{_FIXED}"),
        uneven=True,
        extension="mkv",
    ),
    Kind(
        "H.264 29.97, 2 tracks",
        "libx264",
        _x264("keyint=30:bframes=2:scenecut=0"),
        rate=Fraction(30000, 1001),
        sound=_TWO,
    ),
    Kind(
        "H.264 59.94",
        "libx264",
        _x264("keyint=60:bframes=3:scenecut=0"),
        rate=Fraction(60000, 1001),
    ),
    Kind(
        "H.264 interlaced, MBAFF",
        "libx264",
        _x264("keyint=24:bframes=2:tff=1:scenecut=0"),
        size_px=(160, 96),
        in_quick=True,
    ),
    Kind(
        "H.264 TS, open",
        "libx264",
        _x264(f"keyint=20:bframes=3:open-gop=1:{_FIXED}"),
        sound=("aac",),
        extension="ts",
        in_quick=True,
    ),
    Kind(
        "H.264 MKV, closed",
        "libx264",
        _x264(f"keyint=24:bframes=3:{_FIXED}"),
        sound=_TWO,
        extension="mkv",
    ),
    Kind(
        "H.264 10 bit, closed",
        "libx264",
        _x264(f"keyint=24:bframes=3:{_FIXED}"),
        pixel_format="yuv420p10le",
        in_quick=True,
    ),
    Kind(
        "H.264 10 bit, open, pyramid",
        "libx264",
        _x264(f"keyint=20:bframes=4:open-gop=1:b-pyramid=normal:{_FIXED}"),
        pixel_format="yuv420p10le",
    ),
    Kind("H.264 4:2:2", "libx264", _x264(f"keyint=24:bframes=2:{_FIXED}"), pixel_format="yuv422p"),
    Kind("H.264 baseline", "libx264", {**_x264("keyint=25:scenecut=0"), "profile": "baseline"}),
    Kind("H.264 refreshed bit by bit", "libx264", _x264("keyint=30:intra-refresh=1:bframes=2")),
    Kind("HEVC closed, no B", "libx265", _x265("keyint=24:open-gop=0:bframes=0:scenecut=0")),
    Kind(
        "HEVC closed, B 3, 2 tracks",
        "libx265",
        _x265("keyint=24:open-gop=0:bframes=3:scenecut=0"),
        sound=_TWO,
        in_quick=True,
    ),
    Kind(
        "HEVC open, B 4",
        "libx265",
        _x265("keyint=20:open-gop=1:bframes=4:scenecut=0"),
        sound=("aac",),
        in_quick=True,
    ),
    Kind(
        "HEVC open, B 5, no pyramid",
        "libx265",
        _x265("keyint=20:open-gop=1:bframes=5:b-pyramid=0:rc-lookahead=20:scenecut=0"),
    ),
    Kind("HEVC RADL", "libx265", _x265("keyint=24:open-gop=0:radl=3:bframes=3:scenecut=0")),
    Kind("HEVC GOP 250", "libx265", _x265("keyint=250:scenecut=0"), frames=270),
    Kind("HEVC VFR", "libx265", _x265("keyint=20:bframes=3"), uneven=True),
    Kind(
        "HEVC 10 bit, open",
        "libx265",
        _x265("keyint=20:open-gop=1:bframes=4:scenecut=0"),
        pixel_format="yuv420p10le",
    ),
    Kind(
        "HEVC TS, open",
        "libx265",
        _x265("keyint=20:open-gop=1:bframes=4:scenecut=0"),
        extension="ts",
    ),
    Kind("HEVC all I", "libx265", _x265("keyint=1")),
    Kind(
        "VP9",
        "libvpx-vp9",
        {**_VP9, "deadline": "realtime", "cpu-used": "8"},
        sound=("libopus",),
        in_quick=True,
    ),
    Kind(
        "VP9 hidden references",
        "libvpx-vp9",
        {**_VP9, "deadline": "good", "cpu-used": "5", "lag-in-frames": "16", "auto-alt-ref": "1"},
    ),
    Kind(
        "AV1", "libsvtav1", {"preset": "12", "g": "24", "crf": "40"}, sound=("aac",), in_quick=True
    ),
    Kind("AV1 GOP 250", "libsvtav1", {"preset": "12", "g": "250", "crf": "40"}, frames=260),
    Kind(
        "MPEG-2 open, B 2, TS",
        "mpeg2video",
        {**_OLD, "bf": "2"},
        sound=("mp2",),
        extension="ts",
        in_quick=True,
    ),
    Kind(
        "MPEG-2 closed, B 2",
        "mpeg2video",
        {**_OLD, "bf": "2", "flags": "+cgop", "sc_threshold": "1000000000"},
        extension="ts",
    ),
    Kind("MPEG-2 all I", "mpeg2video", {"g": "1", "b": "4M"}),
    Kind("MPEG-4 no B", "mpeg4", _OLD, sound=("aac",)),
    Kind("MPEG-4 B 2", "mpeg4", {**_OLD, "bf": "2"}, in_quick=True),
)
