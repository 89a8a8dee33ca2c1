"""Runs of the command are recorded as those of the code location that ``heaters ui`` shows.

Dagster's ``execute_job`` records none: the timeline and the history of the job would leave these
runs out, and the UI would warn when one is run again. What can is private to Dagster.
"""

import sys
from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.reconstruct import ReconstructableJob
from dagster._core.execution.api import execute_run
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from heaters_pipeline import definitions


def execute_recorded(
    job: ReconstructableJob,
    instance: dg.DagsterInstance,
    run_config: Mapping[str, Any],
    tags: Mapping[str, str],
) -> dg.JobExecutionResult:
    """Run one of the pipeline's jobs in this process and wait for it; a failure is no exception.

    Args:
        job: As ``dg.build_reconstructable_job`` gives it.
        instance: Where the run is recorded.
        run_config: Of the run.
        tags: Of the run.
    """
    definition = job.get_definition()
    run = instance.create_run_for_job(
        job_def=definition,
        run_config=run_config,
        tags=tags,
        remote_job_origin=RemoteJobOrigin(code_location(), definition.name),
        job_code_origin=job.get_python_origin(),
    )
    return execute_run(job, run, instance)


def code_location() -> RemoteRepositoryOrigin:
    """What loads the definitions, as a daemon and the UI know it."""
    # Named as by workspace.yaml, or by the module that ``heaters ui`` gives to Dagster.
    module = definitions.__name__
    target = LoadableTargetOrigin(executable_path=sys.executable, module_name=module)
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, module)
    repository = definitions.defs.get_repository_def().name
    return RemoteRepositoryOrigin(location, repository)
