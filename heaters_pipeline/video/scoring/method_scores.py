"""Tracks that answer what given settings ask for.

The bridge between what is asked (``detection``) and what is scanned (``scores``); it does neither.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path

from heaters_pipeline.video.detection.score_track import Scan, ScoreTrack
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.detection.transitions import full_scan_reason
from heaters_pipeline.video.media.probe import VideoInfo
from heaters_pipeline.video.scoring.ignored_region import IgnoredRegion
from heaters_pipeline.video.scoring.scores import ScoreSettings, score_frames


def scan_settings(
    scan: Scan = "fast", ignored_regions: Iterable[str] = (), video_stream: int | None = None
) -> ScoreSettings:
    """Settings of a scan as they are typed.

    Args:
        scan: ``fast`` or ``full``.
        ignored_regions: Parts of the picture that count for nothing, each ``left,top,right,bottom``
            in shares of its width and height from 0 to 1.
        video_stream: Index of the video stream; None for the largest.
    Raises:
        SettingsError: A region is none.
    """
    ignored = tuple(IgnoredRegion.parse(region) for region in ignored_regions)
    return ScoreSettings(scan, ignored, video_stream)


def score_for(
    path: Path,
    info: VideoInfo,
    variants: Collection[DetectionSettings],
    settings: ScoreSettings | None = None,
    *,
    on_progress: Callable[[int], None] | None = None,
) -> ScoreTrack:
    """Decode a video once, so that its track answers all of these settings.

    Args:
        path: The file.
        info: From ``probe``.
        variants: What the track is for.
        settings: Of the scan; it is made a full one if one of the variants needs it.
        on_progress: As for ``score_frames``.
    Raises:
        InvalidVideoError: The file cannot be decoded to its end.
    """
    settings = settings or ScoreSettings()
    if any(map(full_scan_reason, variants)):
        settings = replace(settings, scan="full")
    return score_frames(path, info, settings, on_progress=on_progress)


def suffices(track: ScoreTrack, variants: Collection[DetectionSettings]) -> bool:
    """Whether a track answers all of these settings."""
    return track.scan == "full" or not any(map(full_scan_reason, variants))
