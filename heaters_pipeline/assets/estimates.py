"""About how many bytes a planned run would store, and how many seconds it would take. Pure.

The rates were measured on two cores of a virtual machine, on real videos (``docs/benchmarks.md``).
They are good for the order of magnitude: what an encoder makes of a pixel differs by a factor of
six from video to video. How fast the source and the results travel to and from the store is not
known, so it is not counted; nor are records, pictures of the Dagster UI, and the start of Dagster.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from heaters_pipeline.assets.planning import StagePlan, VideoPlan
from heaters_pipeline.assets.run_settings import RunSettings
from heaters_pipeline.video.clips.copy import COPIED_CODECS
from heaters_pipeline.video.clips.write import ClipSettings
from heaters_pipeline.video.stills.keyframes import keyframe_positions

# A second of one core.
FAST_SCAN_PIXELS = 600e6
FULL_SCAN_PIXELS = 400e6
ENCODED_PIXELS = 14e6
SHEETS_PIXELS = 200e6
KEYFRAMES_PIXELS = 350e6
COPY_SECONDS = 0.08
"""Of one core for a clip that is copied, besides what its picture size costs."""
COPY_SECONDS_A_MEGAPIXEL = 0.3
"""Of one core for a clip that is copied: its first pictures are decoded and compared."""
SCAN_SECONDS = 0.6
"""Of one core for a scan, besides its pixels."""
CLIP_SECONDS = 0.05
"""Of one core for the sheets or the key frames of a clip, besides their pixels."""
SCENES_SECONDS = 1.5
"""Of one core, almost all of it for the pictures of the Dagster UI."""

TRACK_BYTES = 40_000
TRACK_BYTES_A_FRAME = 60
ENCODED_BITS_A_PIXEL = 0.05
"""At CRF 25; 6 more halve it."""
SHEET_BYTES_A_PIXEL = 0.2
KEYFRAME_BYTES_A_PIXEL = 0.13


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a stage is expected to cost.

    Attributes:
        size_bytes: To store; None if nothing can be said.
        seconds: Of time; None if nothing can be said.
    """

    size_bytes: int | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class _Footage:
    """What is to be cut or drawn.

    Attributes:
        seconds: Of the video; None if its length is not known.
        clips: How many; None before the scenes are known.
    """

    seconds: float | None
    clips: int | None


@dataclass(frozen=True, slots=True)
class _Header:
    """What a header says of a video, None where it says nothing."""

    codec: str | None
    width_px: int | None
    height_px: int | None
    frame_rate: float | None
    seconds: float | None
    audio_streams: int

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> "_Header":
        rate, seconds = info.get("frame_rate"), info.get("duration_promised_seconds")
        frames = info.get("frames_promised")
        if frames and rate:
            seconds = frames / Fraction(rate)
        return cls(
            info.get("codec"),
            info.get("width_px"),
            info.get("height_px"),
            float(Fraction(rate)) if rate else None,
            float(Fraction(seconds)) if seconds else None,
            len(info.get("audio", ())),
        )

    @property
    def pixels(self) -> int | None:
        """Of a picture."""
        return self.width_px * self.height_px if self.width_px and self.height_px else None

    def decoded_pixels(self, seconds: float | None) -> float | None:
        """Of so much of the video."""
        if seconds is None or not self.frame_rate or not self.pixels:
            return None
        return seconds * self.frame_rate * self.pixels


def estimate(plan: VideoPlan, settings: RunSettings, *, cores: int) -> dict[str, Estimate]:
    """What each stage is expected to cost; nothing for one in which nothing is to do.

    Before the scenes are known, clips are reckoned as all of the wanted part of the video.

    Args:
        plan: What a run would do.
        settings: Of the run.
        cores: Of the machine.
    """
    header = _Header.of(plan.source.info)
    costs = {}
    for stage in plan.stages:
        footage = _footage(stage, header, settings)
        size_bytes, core_seconds = _cost(stage, plan, header, footage, settings)
        seconds = None if core_seconds is None else core_seconds / cores
        costs[stage.stage] = Estimate(None if size_bytes is None else round(size_bytes), seconds)
    return costs


def total(costs: Iterable[Estimate]) -> Estimate:
    """The sum of what can be said; None if that is nothing, and something cannot be said."""
    costs = list(costs)
    sizes = [cost.size_bytes for cost in costs]
    seconds = [cost.seconds for cost in costs]
    size_bytes = sum(size for size in sizes if size)
    all_seconds = sum(each for each in seconds if each)
    return Estimate(
        None if None in sizes and not size_bytes else size_bytes,
        None if None in seconds and not all_seconds else all_seconds,
    )


def _footage(stage: StagePlan, header: _Header, settings: RunSettings) -> _Footage:
    if stage.known:
        seconds = sum(unit.scene.end_seconds - unit.scene.start_seconds for unit in stage.to_make)
        return _Footage(float(seconds), len(stage.to_make))
    if header.seconds is None:
        return _Footage(None, None)
    end = settings.detection.end_seconds
    last = header.seconds if end is None else min(header.seconds, float(end))
    return _Footage(max(0.0, last - float(settings.detection.start_seconds)), None)


def _cost(
    stage: StagePlan,
    plan: VideoPlan,
    header: _Header,
    footage: _Footage,
    settings: RunSettings,
) -> tuple[float | None, float | None]:
    """Bytes to store, and seconds of one core."""
    if stage.done or (stage.known and not stage.made):
        return 0, 0
    pixels = header.decoded_pixels(footage.seconds)
    match stage.stage:
        case "source_videos":
            return plan.source.size_bytes, None
        case "frame_scores":
            return _scan_cost(header, settings)
        case "scenes":
            return 0, SCENES_SECONDS
        case "clips":
            return _clips_cost(plan.source.size_bytes, header, footage, settings.clips)
        case "sprite_sheets":
            return _sheet_bytes(header, footage, settings), _drawing(pixels, footage, SHEETS_PIXELS)
        case _:
            seconds = _drawing(pixels, footage, KEYFRAMES_PIXELS)
            return _keyframe_bytes(header, footage, settings), seconds


def _scan_cost(header: _Header, settings: RunSettings) -> tuple[float | None, float | None]:
    pixels = header.decoded_pixels(header.seconds)
    rate = FULL_SCAN_PIXELS if settings.scan.scan == "full" else FAST_SCAN_PIXELS
    if pixels is None or not header.pixels:
        return None, None
    return TRACK_BYTES + TRACK_BYTES_A_FRAME * pixels / header.pixels, SCAN_SECONDS + pixels / rate


def _clips_cost(
    source_bytes: int | None, header: _Header, footage: _Footage, settings: ClipSettings
) -> tuple[float | None, float | None]:
    if settings.mode == "reencode" or (header.codec and header.codec not in COPIED_CODECS):
        pixels = header.decoded_pixels(footage.seconds)
        if pixels is None or footage.seconds is None:
            return None, None
        picture_bits = ENCODED_BITS_A_PIXEL * 2 ** ((25 - settings.crf) / 6) * pixels
        sound_bits = header.audio_streams * settings.audio_bitrate_kbps * 1000 * footage.seconds
        return (picture_bits + sound_bits) / 8, pixels / ENCODED_PIXELS
    if footage.seconds is None or not header.seconds or source_bytes is None:
        # Packets as they are: all of them together are about the source.
        return source_bytes, None
    size_bytes = source_bytes * min(1.0, footage.seconds / header.seconds)
    if footage.clips is None or header.pixels is None:
        return size_bytes, None
    each = COPY_SECONDS + COPY_SECONDS_A_MEGAPIXEL * header.pixels / 1e6
    return size_bytes, footage.clips * each


def _sheet_bytes(header: _Header, footage: _Footage, settings: RunSettings) -> float | None:
    if footage.seconds is None or not header.width_px or not header.height_px:
        return None
    sprites = settings.sprites
    longer, shorter = _sides(header.width_px, header.height_px)
    tile_pixels = sprites.tile_width_px**2 * shorter / longer
    tiles = footage.seconds * sprites.tiles_per_second + (footage.clips or 0)
    return tiles * tile_pixels * SHEET_BYTES_A_PIXEL


def _keyframe_bytes(header: _Header, footage: _Footage, settings: RunSettings) -> float | None:
    if footage.clips is None or not header.width_px or not header.height_px:
        return None
    longer, shorter = _sides(header.width_px, header.height_px)
    side_px = min(longer, settings.keyframes.max_side_px)
    pictures = footage.clips * len(keyframe_positions(settings.keyframes))
    return pictures * side_px**2 * shorter / longer * KEYFRAME_BYTES_A_PIXEL


def _sides(width_px: int, height_px: int) -> tuple[int, int]:
    return max(width_px, height_px), min(width_px, height_px)


def _drawing(pixels: float | None, footage: _Footage, rate: float) -> float | None:
    return None if pixels is None else pixels / rate + CLIP_SECONDS * (footage.clips or 0)
