"""What must hold of the results, shown in the Dagster UI.

The checks compare records with what is really stored; none of them trusts the run before it. They
are evaluated by each run that processes a video, and by the job ``check_videos`` at any time.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as Target,
)

from heaters_pipeline.assets.units import Scene
from heaters_pipeline.errors import ClipError, InvalidVideoError
from heaters_pipeline.isolation.calls import Children
from heaters_pipeline.names import (
    CHECK_JOB,
    REPAIR_JOB,
    SOURCE_ASSET,
    STORYBOARDS_ASSET,
    VIDEO_STAGES,
)
from heaters_pipeline.partitions import source_videos_partitions
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.records.manifests import Manifest, ManifestItem
from heaters_pipeline.storage.records.verification import (
    OBJECT_STAGES,
    Finding,
    size_finding,
    source_advice,
)
from heaters_pipeline.video.clips.write import inspect_clip
from heaters_pipeline.video.stills.picture_files import picture_size_px
from heaters_pipeline.workspace import Workspace

FINDINGS_SHOWN = 10
NO_PARTITION = (
    f"Dagster cannot run the checks of single videos from here: launch the job {CHECK_JOB} for one "
    "video, or as a backfill for all"
)


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


@dataclass(frozen=True, slots=True)
class VideoCheck:
    """Something that must hold of an asset of each video.

    Attributes:
        asset: What is checked.
        name: Of the check.
        description: What must hold.
        verdict: Tells whether it does, of a store and a video.
    """

    asset: str
    name: str
    description: str
    verdict: Callable[[Workspace, str], Verdict]

    def spec(self) -> dg.AssetCheckSpec:
        """What Dagster knows of it, with a verdict for each partition.

        Dagster calls that a preview. Without it the verdict of the video that ran last would hide
        that of all others, so it is worth a warning that is not shown.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.PreviewWarning)
            return dg.AssetCheckSpec(
                self.name,
                asset=self.asset,
                description=self.description,
                partitions_def=source_videos_partitions,
            )

    def result(self, video_id: str, verdict: Verdict) -> dg.AssetCheckResult:
        """A verdict as people see it."""
        shown = list(verdict.faults[:FINDINGS_SHOWN])
        if len(verdict.faults) > len(shown):
            shown.append(f"and {len(verdict.faults) - len(shown)} more")
        repairable = shown and self.asset != SOURCE_ASSET
        mend = {"mend": repair_advice(video_id, deep=verdict.deep)} if repairable else {}
        return dg.AssetCheckResult(
            passed=not verdict.faults,
            asset_key=self.asset,
            check_name=self.name,
            description="; ".join(shown) or None,
            metadata={"faults": len(verdict.faults), **verdict.facts, **mend},
        )

    def evaluation(
        self, instance: dg.DagsterInstance, video_id: str, result: dg.AssetCheckResult
    ) -> dg.AssetCheckEvaluation:
        """A verdict as Dagster keeps it, of the video's latest materialization."""
        asset_key = dg.AssetKey(self.asset)
        newest = instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=asset_key, asset_partitions=[video_id]), limit=1
        ).records
        # Dagster calls a partition without it never checked, and has no public name for its class.
        # A job of asset checks alone, which would need none, cannot be given a partition: Dagster
        # takes the partitions of a job from its assets.
        targets = [
            Target(run_id=r.run_id, storage_id=r.storage_id, timestamp=r.timestamp) for r in newest
        ]
        return dg.AssetCheckEvaluation(
            asset_key,
            self.name,
            result.passed,
            metadata=result.metadata,
            target_materialization_data=next(iter(targets), None),
            description=result.description,
            partition=video_id,
        )


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


def _objects_check(stage: str) -> VideoCheck:
    def objects_exist(workspace: Workspace, video_id: str) -> Verdict:
        """Red when an object is missing or has another size."""
        if stage == STORYBOARDS_ASSET and workspace.manifest(stage, video_id) is None:
            return NO_STORYBOARD
        manifest = workspace.require_manifest(stage, video_id)
        facts = {"objects": len(manifest.items)}
        return Verdict(object_faults(workspace, manifest), facts)

    description = "Every object of the manifest is in the store with its size."
    return VideoCheck(stage, f"{stage}_exist", description, objects_exist)


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


def repair_advice(video_id: str, *, deep: bool) -> str:
    """What makes again what is lost of a video; ``deep`` if only its content shows the fault."""
    option, config = (" --deep", " with deep: true") if deep else ("", "")
    return f"heaters verify {video_id}{option} --repair, or the job {REPAIR_JOB} for it{config}"


def source_is_stored(workspace: Workspace, video_id: str) -> Verdict:
    """Red when somebody deleted the source, or put another one there that is not processed."""
    summary = workspace.require_manifest(SOURCE_ASSET, video_id).summary
    key, size_bytes = str(summary["source_key"]), int(summary["size_bytes"])
    found = workspace.prefetch_source(key)
    finding = size_finding(SOURCE_ASSET, key, size_bytes, found.size_bytes if found else None)
    return source_verdict(video_id, [finding] if finding else [])


def source_verdict(video_id: str, findings: Sequence[Finding]) -> Verdict:
    return Verdict([f"{each.why}: {source_advice(video_id, each)}" for each in findings])


SOURCE_CHECK = VideoCheck(
    SOURCE_ASSET,
    "source_is_stored",
    "The source video is in the store with the size that was registered.",
    source_is_stored,
)
OBJECT_CHECKS = tuple(_objects_check(stage) for stage in OBJECT_STAGES)
VIDEO_CHECKS = (
    VideoCheck(
        "scenes",
        "scenes_tile_the_video",
        "Scenes, dropped scenes and excluded frames hold each frame of the video once.",
        scenes_tile_the_video,
    ),
    VideoCheck(
        "clips",
        "clips_have_their_frames",
        "Each clip holds exactly the frames of its scene.",
        clips_have_their_frames,
    ),
    VideoCheck(
        "sprite_sheets",
        "sprites_have_their_tiles",
        "The pages of each clip hold all of its tiles, in the size that the index says.",
        sprites_have_their_tiles,
    ),
    VideoCheck(
        "storyboards",
        "storyboard_has_its_tiles",
        "The sheets hold all tiles of the storyboard, in the size that is recorded.",
        storyboard_has_its_tiles,
    ),
    SOURCE_CHECK,
    *OBJECT_CHECKS,
)


def _checks_of(asset: str, checks: Sequence[VideoCheck]) -> dg.AssetChecksDefinition:
    """All checks of an asset as one step of a run."""

    @dg.multi_asset_check(
        name=f"{asset}_checks",
        specs=[each.spec() for each in checks],
        description=f"Compares what is recorded of {asset} with what is stored.",
        can_subset=True,
    )
    def evaluate(
        context: dg.AssetCheckExecutionContext, workspace: dg.ResourceParam[Workspace]
    ) -> Iterator[dg.AssetCheckResult]:
        if not context.has_partition_key:
            raise dg.Failure(NO_PARTITION, allow_retries=False)
        video_id = context.partition_key
        chosen = {key.name for key in context.selected_asset_check_keys}
        for each in checks:
            if each.name in chosen:
                yield each.result(video_id, each.verdict(workspace, video_id))

    return evaluate


all_checks = [
    # The check of the source takes no step of its own, which costs each run time.
    _checks_of(asset, [SOURCE_CHECK, *checks] if asset == "frame_scores" else checks)
    for asset in VIDEO_STAGES[1:]
    if (checks := [each for each in VIDEO_CHECKS if each.asset == asset])
]
