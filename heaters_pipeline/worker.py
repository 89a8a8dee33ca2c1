"""The Celery app of a fleet's worker: the one of the launcher, loaded before it forks.

``celery -A heaters_pipeline.worker worker`` runs it. Its settings are those of the launcher in
``dagster.yaml``, so that both agree about broker, queue and backend. It imports the pipeline once,
so that a run, which is a process forked from it, begins at once.
"""

import logging

import dagster_postgres
import pandas
from celery import Celery
from celery.signals import worker_process_init
from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef
from dagster_aws.s3 import compute_log_manager
from dagster_celery.tasks import create_execute_job_task, create_resume_job_task

from heaters_pipeline import definitions, home
from heaters_pipeline.errors import SettingsError
from heaters_pipeline.fleet_launcher import FleetRunLauncher
from heaters_pipeline.living_runs import FOLDER as RUN_LOCKS
from heaters_pipeline.living_runs import report_dead_here
from heaters_pipeline.report.plots import detection_picture, similarity_plot
from heaters_pipeline.storage.s3 import store as s3_store

__all__ = ["app", "definitions"]

# What a run would else import by itself, more than a second of it: matplotlib for its pictures,
# pandas with the first array of pyarrow, the instance's database, logs and store.
PRELOADED = (
    compute_log_manager,
    dagster_postgres,
    detection_picture,
    pandas,
    s3_store,
    similarity_plot,
)

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
