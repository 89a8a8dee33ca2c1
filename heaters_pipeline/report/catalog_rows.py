"""The rows of a video in the catalog's tables, made of its manifest. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from heaters_pipeline.intake.sources import shown_video
from heaters_pipeline.report.catalog_columns import QUALITY_COLUMNS
from heaters_pipeline.storage.records.manifests import Manifest, ManifestItem, canonical_json
from heaters_pipeline.storage.records.video_manifests import VideoManifest

SOURCE_DELETED = "-source-deleted"
"""Ends the version of a record whose source is gone."""

VideoRows = tuple[dict[str, Any], list[dict[str, Any]]]
"""The row of a video, and those of its clips."""


def rows_of(video: VideoManifest, version: str) -> VideoRows | None:
    """The rows of a video; None while it is not finished."""
    if not video.is_finished:
        return None
    source, clips = video.stages["source_videos"], video.stages["clips"]
    sheets = _by_clip(video.stages["sprite_sheets"])
    pictures = _by_clip(video.stages["keyframes"])
    transitions = video.stages["scenes"].summary["transitions"]
    scan = video.stages["frame_scores"]
    constant, last = scan.summary.get("constant_frame_rate"), scan.items[0].end_frame
    rows = [
        {
            **_clip_row(video.video_id, item, sheets.get(_identifier(item), []), pictures),
            **_file_facts(item, Fraction(constant) if constant else None),
            "start_transition": _kind_at(item.start_frame, transitions, last),
            "end_transition": _kind_at(item.end_frame, transitions, last),
        }
        for item in clips.items
    ]
    storyboard = video.stages.get("storyboards")
    row = {**_video_row(source, clips, version), **_found_in(video)}
    row["storyboard_filepaths"] = [item.key for item in storyboard.items] if storyboard else []
    return row, rows


def _identifier(item: ManifestItem) -> str:
    return str(item.details["clip_identifier"])


def _by_clip(manifest: Manifest) -> dict[str, list[ManifestItem]]:
    by_clip: dict[str, list[ManifestItem]] = {}
    for item in manifest.items:
        by_clip.setdefault(_identifier(item), []).append(item)
    return by_clip


def _video_row(source: Manifest, clips: Manifest, version: str) -> dict[str, Any]:
    summary = source.summary
    info = summary["info"]
    rate = info["frame_rate"]
    return {
        "video_id": source.video_id,
        "source_key": summary["source_key"],
        "source_sha256": summary["sha256"],
        "source_version": summary.get("version"),
        "sidecars": [
            {"key": row["key"], "version": row["version"]} for row in summary.get("sidecars", ())
        ],
        "size_bytes": summary["size_bytes"],
        "container": info["container"],
        "codec": info["codec"],
        "width_px": info["width_px"],
        "height_px": info["height_px"],
        "frame_rate": _ratio(rate) if rate else None,
        "origin": shown_video(summary["origin"]) if summary["origin"] else None,
        "frames": sum(item.end_frame - item.start_frame for item in clips.items),
        "duration_seconds": float(
            sum(item.end_seconds - item.start_seconds for item in clips.items)
        ),
        "clips": len(clips.items),
        "title": summary.get("title"),
        "tags": summary.get("tags", []),
        "source_deleted": version.endswith(SOURCE_DELETED),
        "record_version": version,
    }


def _found_in(video: VideoManifest) -> dict[str, Any]:
    """What was found out of a source when it was scanned, and how its scenes were found."""
    scan, scenes = video.stages["frame_scores"], video.stages["scenes"]
    rate_is_known = "constant_frame_rate" in scan.summary
    return {
        "is_variable_frame_rate": scan.summary["constant_frame_rate"] is None
        if rate_is_known
        else None,
        "source_duration_seconds": float(scan.items[0].end_seconds),
        "detection_settings": canonical_json(scenes.inputs["settings"]).decode(),
    }


def _kind_at(frame: int, transitions: Iterable[Mapping[str, Any]], last: int) -> str | None:
    """The kind of the transition at which scenes meet there; None where there is none."""
    kinds = [
        str(row["kind"]) for row in transitions if row["start_frame"] <= frame <= row["end_frame"]
    ]
    return kinds[0] if 0 < frame < last and kinds else None


def _file_facts(item: ManifestItem, constant_rate: Fraction | None) -> dict[str, Any]:
    """What a clip file is; None for what an older record does not say."""
    details, frames = item.details, item.end_frame - item.start_frame
    rate = constant_rate or frames / (item.end_seconds - item.start_seconds)
    sound, made_at = details.get("sound") or {}, details.get("made_at")
    quality = details.get("quality", {})
    return {
        "sha256": details.get("sha256"),
        "frames": frames,
        "frame_rate_numerator": rate.numerator,
        "frame_rate_denominator": rate.denominator,
        "width": details.get("width_px"),
        "height": details.get("height_px"),
        "codec": details.get("codec"),
        "audio_codec": sound.get("codec"),
        "audio_channels": sound.get("channels"),
        "audio_sample_rate": sound.get("sample_rate_hz"),
        "made_at": datetime.fromisoformat(made_at) if made_at else None,
        **{column.name: quality.get(column.name) for column in QUALITY_COLUMNS},
        "loudness_lufs": sound.get("loudness_lufs"),
        "silence_share": sound.get("silence_share"),
    }


def _clip_row(
    video_id: str,
    item: ManifestItem,
    sheets: list[ManifestItem],
    pictures: dict[str, list[ManifestItem]],
) -> dict[str, Any]:
    indexes = [sheet.key for sheet in sheets if "page" not in sheet.details]
    taken = pictures.get(_identifier(item), [])
    return {
        "video_id": video_id,
        "clip_identifier": _identifier(item),
        "scene_index": item.details["scene_index"],
        "clip_filepath": item.key,
        "start_frame": item.start_frame,
        "end_frame": item.end_frame,
        "start_time_seconds": float(item.start_seconds),
        "end_time_seconds": float(item.end_seconds),
        "duration_seconds": float(item.end_seconds - item.start_seconds),
        "method": item.details["method"],
        "copied_frames": item.details.get("copied"),
        "hidden_frames": item.details.get("hidden_frames"),
        "size_bytes": item.size_bytes,
        "review": item.details.get("review", "waiting"),
        "tags": item.details.get("tags", []),
        "sprite_index_filepath": indexes[0] if indexes else None,
        "sprite_sheet_filepaths": [sheet.key for sheet in sheets if "page" in sheet.details],
        "keyframe_filepaths": [each.key for each in taken if "thumbnail_of" not in each.details],
        "thumbnail_filepaths": [each.key for each in taken if "thumbnail_of" in each.details],
    }


def _ratio(text: str) -> float:
    numerator, _, denominator = text.partition("/")
    return int(numerator) / int(denominator or 1)
