"""What the review page of a video shows, read from its manifest and its track. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from itertools import groupby, pairwise
from typing import Any

from heaters_pipeline.errors import ManifestError, printable
from heaters_pipeline.exchange.rates import EditClock, recorded_clock, recorded_rate
from heaters_pipeline.report.review_page.page_curve import curve_json
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.records.manifests import Json, Manifest, ManifestItem
from heaters_pipeline.storage.records.video_manifests import VideoManifest
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.media.timing import Timeline

PAGE_VERSION = 2
"""Of the page and of the data in it; a page of another version is made anew."""

Link = Callable[[str], str]
"""From the key of an object to the address by which the page finds it."""


def page_data(video: VideoManifest, track: ScoreTrack, link: Link) -> dict[str, Json]:
    """What a page shows of a video, as JSON.

    Args:
        video: Its manifest.
        track: The score track that the manifest names.
        link: Gives the address of an object.
    Raises:
        ManifestError: The video is not finished.
    """
    require_finished(video)
    source, scenes = video.stages["source_videos"], video.stages["scenes"]
    settings = detection_settings(scenes)
    timeline = track.timeline
    summary = source.summary
    return {
        "format_version": PAGE_VERSION,
        "video_id": video.video_id,
        "title": title_of(video),
        "source_sha256": summary["sha256"],
        "frames": timeline.frames,
        "timecode": timecode_json(recorded_clock(timeline, summary["info"])),
        "times": times_json(timeline),
        "shape": _shape(video),
        "facts": _facts(video, timeline, settings),
        "transitions": [
            {"kind": row["kind"], "start": row["start_frame"], "end": row["end_frame"]}
            for row in scenes.summary["transitions"]
        ],
        "gaps": [
            {"start": row["start_frame"], "end": row["end_frame"], "why": why}
            for why in ("dropped", "excluded")
            for row in scenes.summary[why]
        ],
        "clips": _clips(video, link),
        "curve": curve_json(track, settings),
    }


def require_finished(video: VideoManifest) -> None:
    """Refuse a video of which there is no page yet.

    Raises:
        ManifestError: It is not finished.
    """
    if not video.is_finished:
        raise ManifestError(
            f"{video.video_id} is not finished, so there is nothing to review yet: "
            f"run heaters process {video.video_id}"
        )


def title_of(video: VideoManifest) -> str:
    """What people call a video: its title, else its name in the store."""
    summary = video.stages["source_videos"].summary
    name = str(summary["source_key"]).removeprefix(keys.SOURCE_PREFIX)
    return printable(str(summary.get("title") or name))


def detection_settings(scenes: Manifest) -> DetectionSettings:
    """The settings by which the recorded scenes were decided."""
    recorded = scenes.inputs["settings"]
    return DetectionSettings(
        **{
            one.name: recorded[one.name]
            for one in fields(DetectionSettings)
            if one.name in recorded
        }
    )


def times_json(timeline: Timeline) -> dict[str, Json]:
    """When each frame is shown: ``[ticks, frames, ticks, frames ...]``, runs of equal durations."""
    steps = (after - one for one, after in pairwise((*timeline.pts, timeline.end_pts)))
    runs: list[Json] = []
    for ticks, same in groupby(steps):
        runs += [int(ticks), sum(1 for _ in same)]
    base = timeline.time_base
    return {"time_base": [base.numerator, base.denominator], "steps": runs}


def timecode_json(clock: EditClock) -> dict[str, Json]:
    """How the page counts timecode, so that it says what exports say of the same frame."""
    return {
        "rate": [clock.rate.numerator, clock.rate.denominator],
        "is_constant": clock.is_constant,
        "start_frame": clock.start_frame,
        "drop": clock.drop,
    }


def _facts(video: VideoManifest, timeline: Timeline, settings: DetectionSettings) -> list[Json]:
    """Names and values, for people."""
    source, clips = video.stages["source_videos"].summary, video.stages["clips"]
    info = source["info"]
    rate = recorded_rate(info)
    facts: list[tuple[str, str]] = [
        ("File", printable(str(source["source_key"]).removeprefix(keys.SOURCE_PREFIX))),
        ("Length", f"{float(timeline.seconds_at(timeline.frames)):.2f} s"),
        ("Frames", f"{timeline.frames:,}"),
        ("Picture", f"{info['width_px']} by {info['height_px']}, {info['codec']}"),
        ("Rate", f"{float(rate):.6g} frames/s" if rate else "varies"),
        ("Clips", f"{len(clips.items):,}"),
        ("Found by", f"{settings.method}, threshold {settings.effective_threshold:g}"),
    ]
    if source.get("tags"):
        facts.append(("Tags", printable(", ".join(source["tags"]))))
    return [list(fact) for fact in facts]


def _clips(video: VideoManifest, link: Link) -> list[Json]:
    sheets = _by_clip(video.stages["sprite_sheets"].items)
    pictures = _by_clip(video.stages["keyframes"].items)
    clips: list[Json] = []
    for item in video.stages["clips"].items:
        name = str(item.details["clip_identifier"])
        clip: dict[str, Json] = {
            "name": name,
            "start": item.start_frame,
            "end": item.end_frame,
            "url": link(item.key),
            "tiles": _tiles(sheets.get(name, ()), link),
            "picture": _picture(pictures.get(name, ()), link),
        }
        # Of a person's earlier decisions, where the manifest holds them.
        if item.details.get("review") in ("approved", "rejected"):
            clip["review"] = item.details["review"]
        if item.details.get("tags"):
            clip["tags"] = [str(tag) for tag in item.details["tags"]]
        clips.append(clip)
    return clips


def _shape(video: VideoManifest) -> list[Json]:
    """Width and height of a tile, which shows the picture as a person sees it, turned and all."""
    for item in video.stages["sprite_sheets"].items:
        if "page" in item.details:
            about = item.details
            return [about["width_px"] // about["columns"], about["height_px"] // about["rows"]]
    return [16, 9]


def _by_clip(items: Sequence[ManifestItem]) -> dict[str, list[ManifestItem]]:
    by_clip: dict[str, list[ManifestItem]] = {}
    for item in items:
        by_clip.setdefault(str(item.details["clip_identifier"]), []).append(item)
    return by_clip


def _tiles(items: Sequence[ManifestItem], link: Link) -> list[Json]:
    """The sheets of a clip, in order."""
    return [
        {
            "url": link(item.key),
            "columns": item.details["columns"],
            "rows": item.details["rows"],
            "count": item.details["tile_count"],
        }
        for item in items
        if "page" in item.details
    ]


def _picture(items: Sequence[ManifestItem], link: Link) -> dict[str, Any] | None:
    """The picture that stands for a clip: a thumbnail, else a key frame."""
    small = [item for item in items if "thumbnail_of" in item.details] or list(items)
    if not small:
        return None
    middle = small[len(small) // 2]
    return {"url": link(middle.key), "frame": middle.details.get("frame", middle.start_frame)}
