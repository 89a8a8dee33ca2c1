"""Stands in for the daemon: evaluates the sensor of uploads, and carries out what it asks for."""

from pathlib import Path
from typing import Any

import dagster as dg
from dagster import DagsterRun, DagsterRunStatus

from heaters_pipeline.names import PARTITION_TAG, PROCESS_JOB, SOURCE_VIDEOS
from heaters_pipeline.storage.cache import LocalCache
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.uploads_sensor import process_uploads
from heaters_pipeline.workspace import Workspace


class Daemon:
    """Evaluates the sensor tick by tick, and carries out what it asks for."""

    def __init__(self, store: ObjectStore, folder: Path) -> None:
        self.store = store
        self.instance = dg.DagsterInstance.ephemeral()
        self.cursor: str | None = None
        self.folder = folder

    @property
    def workspace(self) -> Workspace:
        cache = LocalCache(self.folder / "cache", max_bytes=10**6)
        return Workspace(self.store, cache, self.folder / "scratch")

    def look(self) -> Any:
        """What a tick gives, of which nothing is carried out: the daemon dies."""
        with dg.build_sensor_context(
            instance=self.instance, resources={"workspace": self.workspace}, cursor=self.cursor
        ) as context:
            return process_uploads(context)

    def tick(self, *, launched: int | None = None) -> list[str]:
        """The videos for which a tick asks for runs, of which so many begin."""
        result = self.look()
        for request in result.dynamic_partitions_requests or []:
            self.instance.add_dynamic_partitions(SOURCE_VIDEOS, list(request.partition_keys))
        for run in (result.run_requests or [])[:launched]:
            self.instance.add_run(
                DagsterRun(
                    job_name=PROCESS_JOB,
                    tags={**run.tags, PARTITION_TAG: run.partition_key},
                    status=DagsterRunStatus.STARTED,
                )
            )
        if launched is None:
            # Dagster keeps the cursor after everything was launched.
            self.cursor = result.cursor
        return [run.partition_key for run in result.run_requests or []]


def upload(store: ObjectStore, name: str, content: bytes = b"a video") -> None:
    store.write_bytes(f"source_videos/{name}", content, content_type="video/mp4")
