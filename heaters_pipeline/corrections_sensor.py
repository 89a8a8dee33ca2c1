"""The sensor that starts a run for each video of which people decided something new.

It lists a part of the corrections each tick, and all of them in one round of ticks after the other.
A run says on itself which version of the corrections it took in, whoever started it, so that
nothing is started for what was taken in already. If that is forgotten with Dagster's database, each
corrected video is run once more, and nothing of it is made.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

import dagster as dg

from heaters_pipeline.attempts import Sighting, corrections_are_due
from heaters_pipeline.due_runs import (
    REQUESTS_PER_TICK,
    due_sightings,
    require_sound_settings,
    tick_result,
)
from heaters_pipeline.jobs import process_videos
from heaters_pipeline.names import CORRECTIONS_TAG, PROCESS_JOB
from heaters_pipeline.partitions import corrections_tag
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.video_manifests import record_of
from heaters_pipeline.workspace import Workspace

OBJECTS_PER_TICK = 5000
"""Corrections that a tick lists, in 5 pages; the runs of their videos are 25 queries."""


@dg.sensor(
    job=process_videos,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="What people decided of a video starts the run that makes what it changes.",
)
def apply_corrections(
    context: dg.SensorEvaluationContext, workspace: dg.ResourceParam[Workspace]
) -> dg.SensorResult:
    """Start a run for each processed video whose corrections no run took in as they are."""
    store = workspace.store
    part = list(
        islice(
            store.list(keys.CORRECTION_PREFIX, start_after=context.cursor or ""), OBJECTS_PER_TICK
        )
    )
    due = due_sightings(context.instance, _sightings(store, part), corrections_are_due)
    # Of a video that was never processed its first run takes them in.
    recorded = (one for one, _ in due if record_of(store, one.video_id) is not None)
    taken = list(islice(recorded, REQUESTS_PER_TICK))
    require_sound_settings(workspace, taken)
    requests = [
        dg.RunRequest(
            job_name=PROCESS_JOB,
            partition_key=one.video_id,
            tags={CORRECTIONS_TAG: corrections_tag(one.video_id, one.found)},
        )
        for one in taken
    ]
    # Else the same part is looked at again, whose first runs are under way then.
    is_passed = len(taken) < REQUESTS_PER_TICK
    is_last = len(part) < OBJECTS_PER_TICK
    after = "" if is_last else part[-1].key
    return tick_result(context, taken, requests, after if is_passed else context.cursor)


def _sightings(store: ObjectStore, listing: list[ObjectInfo]) -> Iterator[Sighting]:
    now = datetime.now(UTC)
    for found in listing:
        video_id = keys.corrected_video(found.key)
        # In a folder somebody may still be copying it there.
        if video_id and abs((now - found.modified).total_seconds()) >= store.settle_seconds:
            yield Sighting(video_id, found)
