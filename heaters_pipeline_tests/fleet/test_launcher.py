"""What the launcher of a fleet makes of what the broker knows; broker and backend are in memory."""

from collections.abc import Iterator

import dagster as dg
import pytest
from dagster import DagsterRun, DagsterRunStatus
from dagster._core.launcher import WorkerStatus
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

from heaters_pipeline.fleet_launcher import FleetRunLauncher

TASK = "a-task"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as created:
        yield created


@pytest.fixture
def launcher(instance: dg.DagsterInstance) -> FleetRunLauncher:
    created = FleetRunLauncher("dagster", broker="memory://", backend="cache+memory://")
    created.register_instance(instance)
    return created


def begin(instance: dg.DagsterInstance, **tags: str) -> DagsterRun:
    """A run that a worker took."""
    named = {DAGSTER_CELERY_TASK_ID_TAG: TASK, **tags}
    return instance.add_run(DagsterRun("job", tags=named, status=DagsterRunStatus.STARTED))


@pytest.mark.parametrize(
    ("state", "status"),
    [
        # Nothing, as after a restart without its data: the run may well go on.
        (None, WorkerStatus.RUNNING),
        ("STARTED", WorkerStatus.RUNNING),
        ("RETRY", WorkerStatus.RUNNING),
        ("FAILURE", WorkerStatus.FAILED),
        # Its process ended, and the run still counts as started.
        ("SUCCESS", WorkerStatus.FAILED),
    ],
)
def test_health_is_what_the_broker_knows_for_sure(
    launcher: FleetRunLauncher,
    instance: dg.DagsterInstance,
    state: str | None,
    status: WorkerStatus,
) -> None:
    if state is not None:
        result = RuntimeError("lost") if state in ("FAILURE", "RETRY") else 0
        launcher.celery.backend.store_result(TASK, result, state)
    assert launcher.check_run_worker_health(begin(instance)).status is status
    launcher.celery.backend.forget(TASK)


def test_a_run_that_is_not_yet_tagged_is_left_alone(
    launcher: FleetRunLauncher, instance: dg.DagsterInstance
) -> None:
    run = instance.add_run(DagsterRun("job", status=DagsterRunStatus.STARTED))
    assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
    assert not launcher.terminate(run.run_id)


def test_a_run_that_is_over_is_not_terminated(
    launcher: FleetRunLauncher, instance: dg.DagsterInstance
) -> None:
    run = begin(instance)
    instance.report_run_failed(run)
    assert not launcher.terminate(run.run_id)
    assert not launcher.terminate("of nobody")
