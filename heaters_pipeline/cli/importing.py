"""``heaters import``: very many uploads at once, by one backfill over all of them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from heaters_pipeline.backfills import launch_backfill, starts_backfills
from heaters_pipeline.cli.run_origin import code_location
from heaters_pipeline.due_runs import require_sound_settings
from heaters_pipeline.names import PROCESS_JOB
from heaters_pipeline.partitions import add_partitions
from heaters_pipeline.source_keys import note_source_keys
from heaters_pipeline.storage import keys
from heaters_pipeline.uploads_sensor import look_at
from heaters_pipeline.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Import:
    """What was done.

    Attributes:
        objects: How many objects lie under the prefix.
        videos: For how many of them a run is due.
        added: How many of those had no partition.
        backfill: Its id; None if nothing is due.
        is_started: A daemon is at work, which starts the runs.
        requests: What the store was asked, by operation.
    """

    objects: int
    videos: int
    added: int
    backfill: str | None
    is_started: bool
    requests: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """For ``heaters import --json``."""
        return {
            "objects": self.objects,
            "videos": self.videos,
            "partitions_added": self.added,
            "backfill": self.backfill,
            "daemon_is_running": self.is_started,
            "requests": self.requests,
        }

    @property
    def lines(self) -> list[str]:
        """For people."""
        if self.backfill is None:
            return [f"none of {self.objects} objects is a video that is still to be processed"]
        after = (
            "the daemon starts them; heaters status tells how far they are"
            if self.is_started
            else "no daemon is at work that starts them: start heaters ui, or dagster-daemon run"
        )
        return [
            f"{self.videos} of {self.objects} objects are videos to be processed; "
            f"{self.added} partitions added",
            f"backfill {self.backfill} asks for their runs; {after}",
        ]


def import_uploads(workspace: Workspace, instance: dg.DagsterInstance, prefix: str) -> Import:
    """Ask for a run for each upload under a prefix for which one is due, all by one backfill.

    Args:
        workspace: Of the store.
        instance: Where partitions are added and the backfill is recorded.
        prefix: What the keys begin with, with or without ``source_videos/``; empty for all.
    Raises:
        SettingsError: There are too many for Dagster's database, or the settings are broken.
        StoreError: The store cannot be listed.
    """
    store, now = workspace.store, datetime.now(UTC)
    wanted = keys.SOURCE_PREFIX + prefix.removeprefix(keys.SOURCE_PREFIX)
    listed = list(store.list(wanted))
    due = [sighting for sighting, _ in look_at(store, instance, listed, now, most=None).due]
    require_sound_settings(workspace, due)
    video_ids = sorted(sighting.video_id for sighting in due)
    added = add_partitions(instance, video_ids)
    note_source_keys(instance, [sighting.found.key for sighting in due])
    title = f"heaters import {prefix}".rstrip()
    backfill = (
        launch_backfill(instance, code_location(), PROCESS_JOB, video_ids, title=title)
        if video_ids
        else None
    )
    is_started = starts_backfills(instance)
    return Import(
        len(listed), len(video_ids), len(added), backfill, is_started, dict(store.requests)
    )
