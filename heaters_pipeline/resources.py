"""The workspace as a Dagster resource: opened for a run or a tick, and closed after it."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from contextvars import ContextVar

import dagster as dg
from pydantic import Field

from heaters_pipeline import home
from heaters_pipeline.living_runs import living_run
from heaters_pipeline.report.metrics.opening import open_totals
from heaters_pipeline.settings_files import SettingsFile
from heaters_pipeline.storage.cache import LocalCache
from heaters_pipeline.storage.open_store import open_store
from heaters_pipeline.workspace import Workspace

given_workspace: ContextVar["Workspace | None"] = ContextVar("given_workspace", default=None)
"""What a run in this process is to work with, if who starts it has already looked at the video."""


def open_workspace(location: str | None = None, settings: SettingsFile | None = None) -> Workspace:
    """The workspace of this environment; sends no request.

    Args:
        location: Of the store; ``HEATERS_STORE`` by default.
        settings: Those of the store, if they were just read.
    Raises:
        SettingsError: ``HEATERS_STORE`` or another setting is unusable.
    """
    folder = home.cache_folder()
    store = open_store(location or home.store_location(), base_folder=home.home_folder())
    cache = LocalCache(folder / "objects", max_bytes=home.cache_max_bytes())
    totals = home.metrics_file()
    metrics = open_totals(totals, home.metrics_gateway()) if totals else None
    return Workspace(store, cache, folder / "scratch", metrics, home.allowed_links(), settings)


class WorkspaceResource(dg.ConfigurableResource[Workspace]):
    """The store with its local copies."""

    location: str | None = Field(
        default=None,
        description="A folder or s3://bucket/prefix. Default: HEATERS_STORE, else ./data.",
    )

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Workspace]:
        """Give a run, or the tick of a sensor, its workspace."""
        with ExitStack() as stack:
            if context.run is not None and context.instance is not None:
                stack.enter_context(living_run(context.instance, context.run, home.cache_folder()))
            workspace = given_workspace.get() or open_workspace(self.location)
            yield stack.enter_context(closing(workspace))
            # Dagster's page of a run opens at its last events, which are those of the steps that
            # were left out. So the reason is said again, after them.
            for stage, reason in workspace.failures.items():
                if context.log:
                    context.log.error(f"{stage} failed: {reason}")
