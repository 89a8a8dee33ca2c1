"""The Celery app of a fleet's worker: the one of the launcher, loaded before it forks.

``celery -A heaters_pipeline.worker worker`` runs it. Its settings are those of the launcher in
``dagster.yaml``, so that both agree about broker, queue and backend. It imports the pipeline once,
so that a run, which is a process forked from it, begins at once.
"""

import logging

from celery import Celery
from celery.signals import worker_process_init
from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef
from dagster_celery.tasks import create_execute_job_task, create_resume_job_task

from heaters_pipeline import definitions, home
from heaters_pipeline.errors import SettingsError
from heaters_pipeline.fleet_launcher import FleetRunLauncher
from heaters_pipeline.living_runs import FOLDER as RUN_LOCKS
from heaters_pipeline.living_runs import report_dead_here

__all__ = ["app", "definitions"]

_logger = logging.getLogger(__name__)


def app_of_launcher() -> Celery:
    """The app that the launcher of ``dagster.yaml`` sends runs to; connects to nothing.

    Raises:
        SettingsError: The instance starts runs otherwise.
    """
    folder = home.home_folder()
    launcher = InstanceRef.from_dir(str(folder)).run_launcher
    if not isinstance(launcher, FleetRunLauncher):
        raise SettingsError(
            f"{folder / 'dagster.yaml'} has no FleetRunLauncher, so that no run would reach a "
            "worker; DAGSTER_HOME must name the folder of the fleet's dagster.yaml"
        )
    create_execute_job_task(launcher.celery)
    create_resume_job_task(launcher.celery)
    return launcher.celery


def report_dead(**_: object) -> None:
    """Report the runs that died in this worker, when the process that follows them begins."""
    cache = home.cache_folder()
    # Whoever lives holds its lock; one without any, as mostly, needs no connection.
    if any((cache / RUN_LOCKS).glob("*")):
        with DagsterInstance.get() as instance:
            report_dead_here(instance, cache)


app = app_of_launcher()
worker_process_init.connect(report_dead)
