"""The JSON documents of the command line, apart from Dagster."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

from heaters_pipeline.assets.units import Scene
from heaters_pipeline.names import VIDEO_STAGES
from heaters_pipeline.storage.records.manifests import Manifest, ManifestItem
from heaters_pipeline.storage.records.verification import OBJECT_STAGES
from heaters_pipeline.video.detection.scenes import SceneList
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.detection.transitions import Transition
from heaters_pipeline.video.media.probe import VideoInfo
from heaters_pipeline.video.media.timing import Span, Timeline

SKIP_REASON = "already_exists_in_s3"


def process_document(
    video_id: str,
    state: str,
    error: str | None,
    manifests: Mapping[str, Manifest],
    stages: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """What ``heaters process --json`` says of a video.

    Args:
        video_id: The partition.
        state: As ``heaters status`` says it.
        error: Why the run failed, or None.
        manifests: Of the stages that the run completed.
        stages: What each asset recorded.
    """
    skipped = {stage for stage, facts in stages.items() if facts.get("skipped")}
    decided = manifests["scenes"].summary if "scenes" in manifests else {}
    counts = {
        name: sum(int(stages.get(stage, {}).get(name, 0)) for stage in OBJECT_STAGES)
        for name in ("made", "reused", "failed")
    }
    return {
        "video_id": video_id,
        "state": state,
        "error": error,
        "source": _source(manifests["source_videos"]) if "source_videos" in manifests else {},
        **{
            name: [Scene.from_json(row).cells() for row in decided.get(name, ())]
            for name in ("scenes", "dropped", "excluded")
        },
        "storyboard": _storyboard(_items(manifests, "storyboards"), skipped),
        "clips": [_clip(item, skipped) for item in _items(manifests, "clips")],
        "sprite_sheets": _sprite_sheets(_items(manifests, "sprite_sheets"), skipped),
        "keyframes": [
            _keyframe(item, skipped)
            for item in _items(manifests, "keyframes")
            if "thumbnail_of" not in item.details
        ],
        "counts": counts,
        "seconds": {
            stage: stages[stage]["seconds/total"]
            for stage in VIDEO_STAGES
            if "seconds/total" in stages.get(stage, {})
        },
    }


def detect_document(
    path: Path,
    info: VideoInfo,
    timeline: Timeline,
    settings: DetectionSettings,
    transitions: Collection[Transition],
    found: SceneList,
) -> dict[str, Any]:
    """What ``heaters detect --json`` says of a file."""

    def row(span: Span) -> dict[str, int | float]:
        return Scene(span, timeline.seconds_at(span.start), timeline.seconds_at(span.end)).cells()

    return {
        "video": {
            "path": str(path),
            "container": info.container,
            "codec": info.codec,
            "width_px": info.width_px,
            "height_px": info.height_px,
            "frame_rate": _decimal(info.frame_rate),
            "frames": timeline.frames,
            "duration_seconds": _decimal(timeline.seconds_at(timeline.frames)),
        },
        "detection_params": _params(settings),
        "scenes": [row(span) for span in found.scenes],
        "dropped": [row(span) for span in found.dropped],
        "excluded": [row(span) for span in found.excluded],
        "transitions": [
            {"kind": one.kind, "start_frame": one.start, "end_frame": one.end}
            for one in transitions
        ],
    }


def _params(settings: DetectionSettings) -> dict[str, Any]:
    shown = {**asdict(settings), "threshold": settings.effective_threshold}
    return {
        name: float(value) if isinstance(value, Fraction) else value
        for name, value in shown.items()
    }


def _decimal(value: Fraction | None) -> float | None:
    return None if value is None else round(float(value), 3)


def _items(manifests: Mapping[str, Manifest], stage: str) -> tuple[ManifestItem, ...]:
    return manifests[stage].items if stage in manifests else ()


def _source(manifest: Manifest) -> dict[str, Any]:
    summary = manifest.summary
    info = summary["info"]
    rate = info["frame_rate"]
    return {
        "key": summary["source_key"],
        "origin": summary["origin"],
        "sha256": summary["sha256"],
        "size_bytes": summary["size_bytes"],
        "container": info["container"],
        "codec": info["codec"],
        "width_px": info["width_px"],
        "height_px": info["height_px"],
        "frame_rate": _decimal(Fraction(rate)) if rate else None,
    }


def _outcome(item: ManifestItem, stage: str, skipped: Collection[str]) -> dict[str, Any]:
    # A stage that had nothing to do left its manifest as an earlier run wrote it.
    reused = stage in skipped or item.reused
    return {"skipped": reused, "reason": SKIP_REASON if reused else None}


def _clip(item: ManifestItem, skipped: Collection[str]) -> dict[str, Any]:
    cells = Scene.of(item).cells()
    duration_seconds = cells.pop("duration_seconds")
    return {
        "clip_identifier": item.details["clip_identifier"],
        "clip_filepath": item.key,
        **cells,
        "metadata": {
            "duration_seconds": duration_seconds,
            "scene_index": item.details["scene_index"],
            **_outcome(item, "clips", skipped),
            "method": item.details["method"],
            "container": item.details.get("container", "mp4"),
            "fallback_reason": item.details["fallback_reason"],
            "copied": item.details.get("copied"),
            "hidden_frames": item.details.get("hidden_frames"),
            "size_bytes": item.size_bytes,
        },
    }


def _storyboard(items: Collection[ManifestItem], skipped: Collection[str]) -> dict[str, Any] | None:
    """The storyboard; None before it is made."""
    if not items:
        return None
    files = {item.key.rpartition(".")[2]: item for item in items if "page" not in item.details}
    return {
        "sheet_filepaths": [item.key for item in items if "page" in item.details],
        **{
            name: files[extension].key
            for name, extension in (
                ("webvtt_filepath", "vtt"),
                ("json_filepath", "json"),
                ("hls_filepath", "m3u8"),
                ("bif_filepath", "bif"),
            )
        },
        "tile_count": sum(item.details.get("tile_count", 0) for item in items),
        "metadata": _outcome(files["vtt"], "storyboards", skipped),
    }


def _sprite_sheets(
    items: Collection[ManifestItem], skipped: Collection[str]
) -> list[dict[str, Any]]:
    pages: dict[str, list[str]] = {}
    for item in items:
        if "page" in item.details:
            pages.setdefault(item.details["clip_identifier"], []).append(item.key)
    return [
        {
            "clip_identifier": item.details["clip_identifier"],
            "index_filepath": item.key,
            "sprite_sheet_filepaths": pages.get(item.details["clip_identifier"], []),
            "columns": item.details["columns"],
            "rows": item.details["rows"],
            "tile_width_px": item.details["tile_width_px"],
            "tile_height_px": item.details["tile_height_px"],
            "fps": item.details["fps"],
            "tile_count": item.details["tile_count"],
            "metadata": _outcome(item, "sprite_sheets", skipped),
        }
        for item in items
        if "page" not in item.details
    ]


def _keyframe(item: ManifestItem, skipped: Collection[str]) -> dict[str, Any]:
    return {
        "clip_identifier": item.details["clip_identifier"],
        "keyframe_filepath": item.key,
        "thumbnail_filepath": item.details.get("thumbnail"),
        "position_percent": item.details["percent"],
        "frame": item.details["frame"],
        "width_px": item.details["width_px"],
        "height_px": item.details["height_px"],
        "metadata": _outcome(item, "keyframes", skipped),
    }
