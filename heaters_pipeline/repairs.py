"""Make again what is missing or damaged of a video, and nothing else: ``repair_videos``."""

import logging
from typing import Any

import dagster as dg
from pydantic import Field

from heaters_pipeline.assets.recorded_settings import recorded_config
from heaters_pipeline.assets.stage import lasting_errors_fail
from heaters_pipeline.assets.stored_objects import NamedVideos
from heaters_pipeline.assets.verification import Fault, Verifier, VideoFacts
from heaters_pipeline.errors import HeatersError, ManifestError
from heaters_pipeline.local_runs import LocalRun, process_video
from heaters_pipeline.partitions import source_videos_partitions
from heaters_pipeline.resources import Workspace
from heaters_pipeline.storage import keys

REPAIR_JOB = "repair_videos"
FAULTS_SHOWN = 10

_logger = logging.getLogger(__name__)


class RepairConfig(dg.Config):
    """How closely a video is looked at before it is repaired."""

    deep: bool = Field(
        default=False,
        description="Read every object and compare its content. Without it only missing objects "
        "and wrong sizes are found.",
    )


def verify_video(workspace: Workspace, video_id: str, *, deep: bool) -> VideoFacts:
    """Look at one video as it is now."""
    with workspace.scratch() as folder:
        videos = NamedVideos(workspace.store, [video_id])
        (facts,) = Verifier(workspace.store, videos, deep=deep, folder=folder).look()
    return facts


def repair_video(
    instance: dg.DagsterInstance, workspace: Workspace, facts: VideoFacts
) -> LocalRun | None:
    """Make again what was found faulty, with the settings that the video was made with.

    Args:
        instance: Where the run is recorded.
        workspace: Fresh.
        facts: What was found; what is wrong by then must not have become right.
    Returns:
        The run, None if no run can mend anything.
    Raises:
        ManifestError: The settings that the video was made with are not known.
    """
    faults = [fault for fault in facts.faults if fault.repairable]
    if len(faults) < len(facts.faults) or not faults:
        # Without its source nothing can be made; with another, everything would be.
        return None
    if not facts.manifests:
        raise ManifestError(f"{facts.video_id} has no manifest that can be read; process it again")
    config = recorded_config(facts.manifests)
    workspace.claim(
        facts.video_id, lambda whom: _logger.info("%s: waits for %s", facts.video_id, whom)
    )
    for fault in faults:
        # A run believes sizes, and manifests; it must not meet what only looks right.
        if fault.kind != "missing":
            _logger.warning("%s is removed: %s", fault.key, fault.message)
            workspace.store.delete(fault.key)
    workspace.store.delete(keys.finished_key(facts.video_id))
    source_key = facts.manifests["source_videos"].summary["source_key"]
    return process_video(
        instance,
        facts.video_id,
        {**config, "source_videos": {"source_key": source_key}},
        workspace=workspace,
    )


def fault_lines(faults: tuple[Fault, ...]) -> list[str]:
    """Faults for people, cut short where they are many."""
    lines = [fault.message for fault in faults[:FAULTS_SHOWN]]
    more = len(faults) - len(lines)
    return [*lines, f"and {more} more"] if more else lines


@dg.op(description="Looks at a video's objects, and has made again what is missing or damaged.")
def repair(
    context: dg.OpExecutionContext, config: RepairConfig, workspace: dg.ResourceParam[Workspace]
) -> None:
    """Repair the video of the run's partition, in a run of ``process_videos`` of its own."""
    video_id = context.partition_key
    with lasting_errors_fail():
        facts = verify_video(workspace, video_id, deep=config.deep)
        if not facts.faults:
            context.log.info(f"{video_id} needs no repair: {_counts(facts)}")
            return
        for line in fault_lines(facts.faults):
            context.log.warning(line)
        run = repair_video(context.instance, workspace, facts)
        if run is not None and run.error is not None:
            raise HeatersError(f"{video_id} was not repaired: {run.error}")
        after = verify_video(workspace, video_id, deep=config.deep)
        if after.faults:
            lines = "; ".join(fault_lines(after.faults))
            raise HeatersError(f"{video_id} is not repaired: {lines}")
        context.log.info(f"{video_id} is repaired: {_counts(after)}")


def _counts(facts: VideoFacts) -> dict[str, Any]:
    return {stage: count.valid for stage, count in facts.stages.items()}


@dg.job(
    name=REPAIR_JOB,
    partitions_def=source_videos_partitions,
    description="Makes again what is missing or damaged of a video, with the settings that it was "
    "made with, and nothing else.",
    executor_def=dg.in_process_executor,
)
def repair_videos() -> None:
    """One step; what it makes is recorded by a run of ``process_videos``."""
    repair()
