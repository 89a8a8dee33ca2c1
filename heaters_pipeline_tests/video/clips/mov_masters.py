"""Camera and edit masters, and what their clips hold."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from heaters_pipeline.video.clips.settings import ClipSettings
from heaters_pipeline.video.clips.write import ClipFile
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.video.clips.clip_sources import Known, glance_at, write_clip
from heaters_pipeline_tests.videos import make_video

RATE_HZ = 48_000
TAGS = {
    "proxy": "apco",
    "lt": "apcs",
    "standard": "apcn",
    "hq": "apch",
    "4444": "ap4h",
    "4444xq": "ap4x",
}
Samples = npt.NDArray[np.generic]


@dataclass(frozen=True)
class Master:
    """A source as cameras and editing programs write it."""

    codec: str
    profile: str
    extension: str
    pixel_format: str = "yuv422p10le"
    size_px: tuple[int, int] = (160, 96)
    sound: str = "pcm_s16le"
    frame_rate: Fraction = Fraction(25)
    options: dict[str, str] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        """What QuickTime calls it."""
        return TAGS.get(self.profile, "AVdh" if self.profile else "AVdn")

    def __str__(self) -> str:
        return f"{self.profile or self.codec}.{self.extension}-{self.sound}"

    def write(self, folder: Path) -> Known:
        profile = {"profile": self.profile} if self.profile else {}
        path = make_video(
            folder / f"master.{self.extension}",
            [20, 10],
            size_px=self.size_px,
            frame_rate=self.frame_rate,
            codec=self.codec,
            options=profile | self.options,
            pixel_format=self.pixel_format,
            audio=self.sound,
        )
        return glance_at(path)


def prores(profile: str, extension: str, **more: object) -> Master:
    pixel_format = "yuv444p10le" if profile.startswith("4444") else "yuv422p10le"
    return Master("prores_ks", profile, extension, pixel_format, **more)


def cut(known: Known, span: Span, target: Path, **settings: object) -> ClipFile:
    return write_clip(known, span, target, ClipSettings(**settings), verify="full")


def samples_of(path: Path, stream: int = 0) -> Samples:
    with av.open(str(path)) as container:
        decoded = container.decode(container.streams.audio[stream])
        return np.concatenate([frame.to_ndarray().reshape(-1) for frame in decoded])
