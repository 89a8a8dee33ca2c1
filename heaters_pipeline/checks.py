"""The checks as steps, for runs that are asked for them in the Dagster UI."""

from collections.abc import Iterator

import dagster as dg

from heaters_pipeline.assets.stage_checks import VIDEO_CHECKS, checks_step
from heaters_pipeline.names import CHECK_JOB, VIDEO_STAGES
from heaters_pipeline.workspace import Workspace

NO_PARTITION = (
    f"Dagster cannot run the checks of single videos from here: launch the job {CHECK_JOB} for one "
    "video, or as a backfill for all"
)


def _checks_of(asset: str) -> dg.AssetChecksDefinition:
    """All checks of an asset as one step of a run."""
    checks = [each for each in VIDEO_CHECKS if each.asset == asset]

    @dg.multi_asset_check(
        name=checks_step(asset),
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


all_checks = [_checks_of(asset) for asset in VIDEO_STAGES]
