"""Whether what is recorded of a stage agrees with what is stored; none trusts the run before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from heaters_pipeline.assets.units import Scene
from heaters_pipeline.errors import ClipError, InvalidVideoError
from heaters_pipeline.isolation.calls import Children
from heaters_pipeline.names import SOURCE_ASSET, STORYBOARDS_ASSET
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.records.manifests import Manifest, ManifestItem
from heaters_pipeline.storage.records.verification import Finding, size_finding, source_advice
from heaters_pipeline.video.clips.write import inspect_clip
from heaters_pipeline.video.stills.picture_files import picture_size_px
from heaters_pipeline.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found.

    Attributes:
        faults: What is wrong, a sentence each; empty if nothing is.
        facts: What was looked at, by name.
        deep: Only the content of the objects shows the faults.
    """

    faults: Sequence[str]
    facts: Mapping[str, Any] = field(default_factory=dict)
    deep: bool = False


NO_STORYBOARD = Verdict([], {"storyboard": "none; the video was finished before there were any"})


def scenes_tile_the_video(workspace: Workspace, video_id: str) -> Verdict:
    """Red when a frame is in no scene and not listed as left out, or is in two."""
    frames = workspace.require_manifest("frame_scores", video_id).items[0].end_frame
    summary = workspace.require_manifest("scenes", video_id).summary
    return Verdict(tiling_faults(summary, frames), {"frames": frames})


def tiling_faults(summary: dict[str, Any], frames: int) -> list[str]:
    """Where the scenes of a manifest leave a gap or overlap; empty when they tile the video."""
    rows = [*summary["scenes"], *summary["dropped"], *summary["excluded"]]
    spans = sorted(Scene.from_json(row).span for row in rows)
    faults, expected = [], 0
    for span in spans:
        if span.start != expected:
            faults.append(f"a scene starts at frame {span.start}, not at {expected}")
        expected = span.end
    if expected != frames:
        faults.append(f"the scenes end at frame {expected}, the video at {frames}")
    return faults


def objects_exist(workspace: Workspace, video_id: str, stage: str) -> Verdict:
    """Red when an object of the stage is missing or has another size."""
    if stage == STORYBOARDS_ASSET and workspace.manifest(stage, video_id) is None:
        return NO_STORYBOARD
    manifest = workspace.require_manifest(stage, video_id)
    return Verdict(object_faults(workspace, manifest), {"objects": len(manifest.items)})


def object_faults(workspace: Workspace, manifest: Manifest) -> list[str]:
    """Objects of a manifest that are missing from the store or have another size."""
    stored = workspace.objects(keys.objects_prefix(manifest.stage, manifest.video_id))
    sizes = {key: found.size_bytes for key, found in stored.items()}
    findings = (
        size_finding(manifest.stage, item.key, item.size_bytes, sizes.get(item.key))
        for item in manifest.items
    )
    return [finding.why for finding in findings if finding is not None]


def clips_have_their_frames(workspace: Workspace, video_id: str) -> Verdict:
    """Red when a clip does not open or shows another number of frames than its scene.

    Opens the clips that can be read without fetching them, which are those of a folder store. Of
    the others only the record is compared: each was opened and checked before it was uploaded.
    """
    clips = workspace.require_manifest("clips", video_id).items
    scenes = workspace.require_manifest("scenes", video_id).summary["scenes"]
    faults = span_faults(clips, [Scene.from_json(row) for row in scenes])
    opened = 0
    with Children() as children:
        for item in clips:
            path = workspace.store.local_path(item.key)
            if path is None:
                continue
            opened += 1
            faults += clip_faults(item, path, children)
    return Verdict(faults, {"clips": len(clips), "opened": opened})


def span_faults(clips: Sequence[ManifestItem], scenes: Sequence[Scene]) -> list[str]:
    """Scenes without a clip of just that span, and the other way round."""
    wanted = [scene.span for scene in scenes]
    recorded = [Scene.of(item).span for item in clips]
    missing = [span for span in wanted if span not in set(recorded)]
    surplus = [span for span in recorded if span not in set(wanted)]
    return [f"no clip of frames [{span.start}, {span.end})" for span in missing] + [
        f"a clip of frames [{span.start}, {span.end}) belongs to no scene" for span in surplus
    ]


def clip_faults(item: ManifestItem, path: Path, children: Children) -> list[str]:
    """What is wrong with a clip's file; empty when it holds its frames."""
    promised = item.end_frame - item.start_frame
    try:
        shown = children.call(f"{item.key} was looked at", inspect_clip, path).frames
    except (ClipError, InvalidVideoError) as error:
        return [f"{item.key} does not open: {error}"]
    return [] if shown == promised else [f"{item.key} shows {shown} frames, not {promised}"]


def sprites_have_their_tiles(workspace: Workspace, video_id: str) -> Verdict:
    """Red when tiles are missing, or a page that can be read in place has another size."""
    sheets = workspace.require_manifest("sprite_sheets", video_id).items
    clips = workspace.require_manifest("clips", video_id).items
    by_clip: dict[str, list[ManifestItem]] = {}
    for item in sheets:
        by_clip.setdefault(str(item.details["clip_identifier"]), []).append(item)
    faults = [
        f"{clip.details['clip_identifier']} has no sprite sheet"
        for clip in clips
        if clip.details["clip_identifier"] not in by_clip
    ]
    opened = 0
    for identifier, items in by_clip.items():
        faults += tile_faults(identifier, items)
        for item in items:
            path = workspace.store.local_path(item.key)
            if path is not None and "page" in item.details:
                opened += 1
                faults += page_faults(item, path)
    return Verdict(faults, {"clips": len(by_clip), "pages_opened": opened})


def storyboard_has_its_tiles(workspace: Workspace, video_id: str) -> Verdict:
    """Red when tiles are missing, or a sheet that can be read in place has another size."""
    manifest = workspace.manifest(STORYBOARDS_ASSET, video_id)
    if manifest is None:
        return NO_STORYBOARD
    sheets = [item for item in manifest.items if "page" in item.details]
    tiles = sum(item.details["tile_count"] for item in sheets)
    wanted = int(manifest.summary["tiles"])
    faults = [] if tiles == wanted else [f"there are {tiles} tiles on the sheets, not {wanted}"]
    opened = 0
    for item in sheets:
        path = workspace.store.local_path(item.key)
        if path is not None:
            opened += 1
            faults += page_faults(item, path)
    return Verdict(faults, {"tiles": tiles, "sheets_opened": opened})


def tile_faults(identifier: str, items: Sequence[ManifestItem]) -> list[str]:
    """Where the pages of one clip and its index disagree."""
    pages = [item.details for item in items if "page" in item.details]
    indexes = [item.details for item in items if "page" not in item.details]
    if len(indexes) != 1:
        return [f"{identifier} has {len(indexes)} sprite indexes, not 1"]
    (index,) = indexes
    faults = []
    tiles = sum(page["tile_count"] for page in pages)
    if tiles != index["tile_count"]:
        faults.append(f"{identifier} has {tiles} tiles on its pages, not {index['tile_count']}")
    for page in pages:
        room = page["columns"] * page["rows"]
        size = (page["columns"] * index["tile_width_px"], page["rows"] * index["tile_height_px"])
        if page["tile_count"] > room:
            faults.append(f"{identifier} has {page['tile_count']} tiles on a page for {room}")
        if size != (page["width_px"], page["height_px"]):
            faults.append(f"{identifier} has a page whose size does not fit its grid")
    return faults


def page_faults(item: ManifestItem, path: Path) -> list[str]:
    """What is wrong with a page's file; empty when it is a picture of the promised size."""
    promised = (item.details["width_px"], item.details["height_px"])
    try:
        size_px = picture_size_px(path.read_bytes())
    except ClipError as error:
        return [f"{item.key} does not open: {error}"]
    if size_px != promised:
        return [f"{item.key} is {size_px[0]}x{size_px[1]}, not {promised[0]}x{promised[1]}"]
    return []


def source_is_stored(workspace: Workspace, video_id: str) -> Verdict:
    """Red when somebody deleted the source, or put another one there that is not processed."""
    summary = workspace.require_manifest(SOURCE_ASSET, video_id).summary
    key, size_bytes = str(summary["source_key"]), int(summary["size_bytes"])
    found = workspace.prefetch_source(key)
    finding = size_finding(SOURCE_ASSET, key, size_bytes, found.size_bytes if found else None)
    return source_verdict(video_id, [finding] if finding else [])


def source_verdict(video_id: str, findings: Sequence[Finding]) -> Verdict:
    return Verdict([f"{each.why}: {source_advice(video_id, each)}" for each in findings])
