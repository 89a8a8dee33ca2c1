"""What Dagster itself takes: a run with as many steps as ``process_videos``, all empty.

    python -m benchmarks.empty_run

As the command does it: the project's modules are imported, and a job is run in this process and
recorded in the instance of ``DAGSTER_HOME``.
"""

import argparse
import os

import dagster as dg

from heaters_pipeline.cli import local_runs
from heaters_pipeline.names import PARTITION_TAG, SOURCE_VIDEOS, VIDEO_STAGES
from heaters_pipeline.partitions import source_videos_partitions

VIDEO_ID = "empty"


def _asset(position: int) -> dg.AssetsDefinition:
    @dg.asset(
        name=VIDEO_STAGES[position],
        deps=VIDEO_STAGES[position - 1 : position] if position else [],
        partitions_def=source_videos_partitions,
    )
    def empty() -> None:
        """Nothing."""

    return empty


def empty_job() -> dg.JobDefinition:
    """A job of as many assets as the real one has; Dagster calls this by name."""
    made = dg.Definitions(
        assets=[_asset(position) for position in range(len(VIDEO_STAGES))],
        jobs=[dg.define_asset_job("empty", executor_def=dg.in_process_executor)],
    )
    return made.resolve_job_def("empty")


def main() -> None:
    """Run it once."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    if not os.environ.get("DAGSTER_HOME"):
        parser.error("DAGSTER_HOME is not set; name a folder with a dagster.yaml")
    with dg.DagsterInstance.get() as instance:
        instance.add_dynamic_partitions(SOURCE_VIDEOS, [VIDEO_ID])
        try:
            with dg.execute_job(
                dg.build_reconstructable_job("benchmarks.empty_run", empty_job.__name__),
                instance=instance,
                run_config=local_runs.QUIET,
                tags={PARTITION_TAG: VIDEO_ID},
            ) as result:
                if not result.success:
                    raise SystemExit("the empty run failed")
        finally:
            instance.delete_dynamic_partition(SOURCE_VIDEOS, VIDEO_ID)


if __name__ == "__main__":
    main()
