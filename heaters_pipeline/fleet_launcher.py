"""Dagster's Celery launcher, with two gaps closed: runs that are terminated, a broker that forgot.

As of dagster-celery 0.29.27 its ``terminate`` does not record that a person asked for it, so that
the run counts as failed and is started again by ``run_retries``. And a task of which the broker
knows nothing, as after a restart without its data, counts as dead although its run goes on.
"""

from dagster import DagsterRun
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG


class FleetRunLauncher(CeleryRunLauncher):
    """Hands each run to a worker of the fleet as a whole. ``dagster.yaml`` names it."""

    def terminate(self, run_id: str) -> bool:
        """Ask for the end of a run, which then counts as canceled.

        Returns:
            Whether it was asked; not of a run that is over, or was never handed to a worker.
        """
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished or DAGSTER_CELERY_TASK_ID_TAG not in run.tags:
            return False
        self._instance.report_run_canceling(run)
        return super().terminate(run_id)

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """What the broker knows of a run that was started; Dagster looks at the run once more then.

        FAILED when the process of the run died and its worker lives, or when the process ended and
        could not record it, as without its database. Of what the broker does not know nothing
        follows: the sensor ``report_dead_runs`` counts the signs of life of runs.
        """
        if DAGSTER_CELERY_TASK_ID_TAG not in run.tags:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "not yet tagged with its task")
        known = super().check_run_worker_health(run)
        if known.status is WorkerStatus.SUCCESS:
            return CheckRunHealthResult(WorkerStatus.FAILED, "it ended without recording how")
        if known.status is WorkerStatus.UNKNOWN:
            return CheckRunHealthResult(WorkerStatus.RUNNING, known.msg)
        return known
