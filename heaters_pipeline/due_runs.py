"""From what sensors sighted to the runs that are due for it, and what they ask Dagster for."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import dagster as dg
from dagster import DagsterRun

from heaters_pipeline.attempts import Sighting, runs_by_video
from heaters_pipeline.names import (
    GIVEN_TAG,
    PARTITION_TAG,
    SOURCE_KEY_TAG,
    SOURCE_VERSION_TAG,
    SOURCE_VIDEOS,
)
from heaters_pipeline.partitions import require_room, source_videos_partitions
from heaters_pipeline.settings_files import Values
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.workspace import Workspace

REQUESTS_PER_TICK = 50
"""A tick has 60 s and launching takes 0.3 to 0.4 s a run; the rest follows in the next ticks."""
_VIDEOS_PER_QUERY = 200


def due_sightings(
    instance: dg.DagsterInstance,
    sightings: Iterable[Sighting],
    is_due: Callable[[Sighting, Sequence[DagsterRun]], bool],
) -> Iterator[tuple[Sighting, Sequence[DagsterRun]]]:
    """Those that are due, with the runs of their videos; one query for many videos."""
    remaining = iter(sightings)
    while some := list(islice(remaining, _VIDEOS_PER_QUERY)):
        video_ids = [sighting.video_id for sighting in some]
        found = runs_by_video(instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: video_ids})))
        for sighting in some:
            runs = found.get(sighting.video_id, [])
            if is_due(sighting, runs):
                yield sighting, runs


def is_as_listed(store: ObjectStore, sighting: Sighting, listed: ObjectInfo | None) -> bool:
    """Whether the manifest is still the one that was listed: a run may have ended since then.

    The next tick sees what it wrote.
    """
    found = store.head(keys.video_manifest_key(sighting.video_id))
    return (found and found.version) == (listed and listed.version)


def require_sound_settings(workspace: Workspace, taken: list[Sighting]) -> None:
    """Start nothing that could only fail; what waits is taken up once the settings are mended.

    Raises:
        SettingsError: The settings of the store are broken; the tick says so.
    """
    if taken:
        # Runs that begin soon on this machine take what is read here.
        workspace.stored_settings.current(fresh=True)


def run_request(
    sighting: Sighting, tag: str, job_name: str, config: Values, *, by_hand: bool
) -> dg.RunRequest:
    """What a sensor asks for: a run of a job for what it sighted.

    Args:
        sighting: What it is due for.
        tag: That tells which version it was.
        job_name: The job.
        config: Of its assets.
        by_hand: Whether a person gave all of it.
    """
    ops = {asset: {"config": dict(values)} for asset, values in config.items()}
    tags = sighting.tags(tag)
    if by_hand:
        tags[GIVEN_TAG] = "given"
    if tag == SOURCE_VERSION_TAG and keys.guess_source_key(sighting.video_id) is None:
        tags[SOURCE_KEY_TAG] = sighting.found.key
    return dg.RunRequest(
        job_name=job_name,
        partition_key=sighting.video_id,
        run_config={"ops": ops} if ops else {},
        tags=tags,
    )


def tick_result(
    context: dg.SensorEvaluationContext,
    taken: list[Sighting],
    requests: list[dg.RunRequest],
    cursor: str | None = None,
) -> dg.SensorResult:
    """What a tick gives: its requests, and the partitions that they need.

    Raises:
        SettingsError: There would be more partitions than Dagster's database can handle.
    """
    existing = set(context.instance.get_dynamic_partitions(SOURCE_VIDEOS))
    added = [sighting.video_id for sighting in taken if sighting.video_id not in existing]
    require_room(context.instance, len(existing) + len(added))
    return dg.SensorResult(
        run_requests=requests,
        cursor=cursor,
        dynamic_partitions_requests=(
            [source_videos_partitions.build_add_request(added)] if added else []
        ),
    )
