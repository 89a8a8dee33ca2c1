"""The checks of the assets of each video, and how a stage evaluates its own.

A run of ``process_videos`` has no steps for them: Dagster writes as much for a check in a step as
for an asset, three times as much as the verdict itself, and most of what starting a run costs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as Target,
)

from heaters_pipeline.assets.stage import StageRun
from heaters_pipeline.assets.verdicts import (
    Verdict,
    clips_have_their_frames,
    objects_exist,
    scenes_tile_the_video,
    source_is_stored,
    sprites_have_their_tiles,
    storyboard_has_its_tiles,
)
from heaters_pipeline.names import REPAIR_JOB, SOURCE_ASSET
from heaters_pipeline.storage.records.verification import OBJECT_STAGES
from heaters_pipeline.workspace import Workspace

StageEvent = dg.MaterializeResult[Any] | dg.AssetCheckEvaluation
"""What a stage gives to Dagster: its result, then what its checks found."""

FINDINGS_SHOWN = 10


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
        """What Dagster knows of it: no check of partitions, though each verdict names its video.

        For a check of partitions Dagster (1.13.27) asks its database for each video whenever a page
        shows the asset, and copies the set of all of them each time: 38 s for the two checks of an
        asset of 4,000 videos, in which the web server answers nobody.
        """
        return dg.AssetCheckSpec(self.name, asset=self.asset, description=self.description)

    def result(self, video_id: str, verdict: Verdict) -> dg.AssetCheckResult:
        """A verdict as people see it."""
        shown = list(verdict.faults[:FINDINGS_SHOWN])
        if len(verdict.faults) > len(shown):
            shown.append(f"and {len(verdict.faults) - len(shown)} more")
        repairable = shown and self.asset != SOURCE_ASSET
        mend = {"mend": repair_advice(video_id, deep=verdict.deep)} if repairable else {}
        faults = {"faults": len(verdict.faults)} if shown else {}
        return dg.AssetCheckResult(
            passed=not verdict.faults,
            asset_key=self.asset,
            check_name=self.name,
            description="; ".join(shown) or None,
            metadata={"video": video_id, **faults, **verdict.facts, **mend},
        )

    def evaluation(
        self, video_id: str, result: dg.AssetCheckResult, target: Target | None
    ) -> dg.AssetCheckEvaluation:
        """A verdict as Dagster keeps it, of the materialization that ``newest_of`` gives."""
        return dg.AssetCheckEvaluation(
            dg.AssetKey(self.asset),
            self.name,
            result.passed,
            metadata=result.metadata,
            target_materialization_data=target,
            description=result.description,
            partition=video_id,
        )


def newest_of(instance: dg.DagsterInstance, asset: str, video_id: str) -> Target | None:
    """The latest materialization of a video, which a verdict is of; None without any.

    Its class has no public name. A job of asset checks alone would find it by itself, but cannot be
    given a partition: Dagster takes the partitions of a job from its assets.
    """
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=[video_id])
    for found in instance.fetch_materializations(wanted, limit=1).records:
        return Target(run_id=found.run_id, storage_id=found.storage_id, timestamp=found.timestamp)
    return None


def repair_advice(video_id: str, *, deep: bool) -> str:
    """What makes again what is lost of a video; ``deep`` if only its content shows the fault."""
    option, config = (" --deep", " with deep: true") if deep else ("", "")
    return f"heaters verify {video_id}{option} --repair, or the job {REPAIR_JOB} for it{config}"


def _objects_check(stage: str) -> VideoCheck:
    return VideoCheck(
        stage,
        f"{stage}_exist",
        "Every object of the manifest is in the store with its size.",
        partial(objects_exist, stage=stage),
    )


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


def checks_step(asset: str) -> str:
    """The name of the step that evaluates the checks of an asset, in runs that have one."""
    return f"{asset}_checks"


def stage_checks(run: StageRun) -> Iterator[dg.AssetCheckEvaluation]:
    """Evaluate the checks of a stage once its result is recorded, unless the run has a step for it.

    Raises:
        HeatersError: What is to be compared cannot be read.
    """
    context = run.context
    if context is None or context.job_def.has_node_named(checks_step(run.stage)):
        return
    target = newest_of(context.instance, run.stage, run.video_id)
    for each in VIDEO_CHECKS:
        if each.asset == run.stage:
            result = each.result(run.video_id, each.verdict(run.workspace, run.video_id))
            yield each.evaluation(run.video_id, result, target)
