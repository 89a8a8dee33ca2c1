"""The Dagster instance of a command, opened so that several commands may begin at once."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from heaters_pipeline import home
from heaters_pipeline.living_runs import report_dead_here
from heaters_pipeline.storage.file_locks import hold_while_open
from heaters_pipeline.storage.local_files import os_errors_explained


@contextmanager
def dagster_instance() -> Iterator[dg.DagsterInstance]:
    """The instance of ``DAGSTER_HOME``.

    Opening it creates the tables of its database where they are missing. Dagster does so without
    looking whether another process is at it, and fails if one is.

    Raises:
        StoreError: There is no such folder, or it cannot be read.
    """
    folder = home.home_folder()
    with os_errors_explained(f"cannot open {folder}"):
        lock = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        hold_while_open(lock)
        instance = dg.DagsterInstance.get()
    finally:
        os.close(lock)
    with instance:
        # So that what is shown of runs is true where no daemon looks after them.
        report_dead_here(instance, home.cache_folder())
        yield instance
