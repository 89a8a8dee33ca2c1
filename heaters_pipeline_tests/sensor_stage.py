"""A stage for sensors: a store, an instance of Dagster, and ticks as the daemon makes them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster import DagsterEvent, DagsterEventType, DagsterRun, DagsterRunStatus

from heaters_pipeline.names import CATALOG_JOB, PARTITION_TAG, SOURCE_VIDEOS
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.cache import LocalCache
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectInfo
from heaters_pipeline.workspace import Workspace

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)


class Stage:
    """A folder store whose files count as whole at once, and an instance of Dagster."""

    def __init__(self, folder: Path) -> None:
        self.store = DirectoryObjectStore(folder / "store", settle_seconds=0)
        self.instance = dg.DagsterInstance.ephemeral()
        self._folder = folder

    def upload(self, name: str, content: bytes = b"a video") -> ObjectInfo:
        """Put something under ``source_videos/``."""
        return self.store.write_bytes(
            keys.source_key_for_name(name), content, content_type="video/mp4"
        )

    def evaluate(self, sensor: dg.SensorDefinition, cursor: str | None = None) -> Any:
        """What a tick of a sensor gives; its requests are carried out as the daemon would."""
        cache = LocalCache(self._folder / "cache", max_bytes=10**6)
        workspace = Workspace(self.store, cache, self._folder / "scratch")
        resources = {"workspace": workspace}
        with dg.build_sensor_context(
            instance=self.instance, resources=resources, cursor=cursor
        ) as context:
            result = sensor(context)
        if isinstance(result, dg.SensorResult):
            for request in result.dynamic_partitions_requests or []:
                assert isinstance(request, dg.AddDynamicPartitionsRequest)
                self.instance.add_dynamic_partitions(SOURCE_VIDEOS, list(request.partition_keys))
            for run in result.run_requests or []:
                self.instance.add_run(
                    DagsterRun(
                        job_name=run.job_name or CATALOG_JOB,
                        # As the daemon tags it.
                        tags={**run.tags, **_partition_tags(run)},
                        status=DagsterRunStatus.STARTED,
                    )
                )
        return result

    def end_runs(self, *, success: bool = True) -> None:
        """Let the runs end that are under way."""
        for run in self.instance.get_runs(dg.RunsFilter(statuses=[DagsterRunStatus.STARTED])):
            if success:
                event = DagsterEvent(DagsterEventType.RUN_SUCCESS.value, run.job_name)
                self.instance.report_dagster_event(event, run_id=run.run_id)
            else:
                self.instance.report_run_failed(run)


def _partition_tags(request: dg.RunRequest) -> dict[str, str]:
    return {PARTITION_TAG: request.partition_key} if request.partition_key else {}


def requested(result: Any) -> list[tuple[str | None, str | None]]:
    """Jobs and partitions of a tick's requests."""
    return [(request.job_name, request.partition_key) for request in result.run_requests]


def info(key: str, *, etag: str = "1", modified: datetime = LONG_AGO) -> ObjectInfo:
    """An object of a listing."""
    return ObjectInfo(key=key, size_bytes=10, etag=etag, modified=modified)
