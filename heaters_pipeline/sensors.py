"""What starts runs by itself: submissions, objects that appear, a catalog that is out of date.

Each sensor is a pure function of what is listed and what is known. What is known are tags of
runs; if Dagster's database is lost, everything is run once more, finds its objects in the store and
makes nothing. A listing that fails raises, and an empty one removes nothing.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from types import MappingProxyType
from typing import Any

import dagster as dg

from heaters_pipeline.errors import ManifestError
from heaters_pipeline.intake.rejections import list_rejections
from heaters_pipeline.intake.sources import has_video_name
from heaters_pipeline.intake.submissions import read_submission
from heaters_pipeline.jobs import build_catalog, download_videos, process_videos
from heaters_pipeline.names import (
    DOWNLOAD_JOB,
    PROCESS_JOB,
    SOURCE_ASSET,
    SOURCE_VERSION_TAG,
    SOURCE_VIDEOS,
    SUBMISSION_TAG,
)
from heaters_pipeline.partitions import source_version_tag, source_videos_partitions
from heaters_pipeline.report.catalog import catalog_fingerprint, record_versions
from heaters_pipeline.resources import Workspace
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore

REQUESTS_PER_TICK = 50
"""A tick has 60 s and launching takes 0.3 to 0.4 s a run; the rest follows in the next ticks."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A version of an object that no run was started for yet."""

    video_id: str
    found: ObjectInfo

    @property
    def name(self) -> str:
        """What the run is tagged with."""
        return source_version_tag(self.video_id, self.found.version)


def new_uploads(
    listing: Iterable[ObjectInfo],
    *,
    known: Container[str],
    rejected: Container[tuple[str, str]],
    now: datetime,
    settle_seconds: float,
) -> Iterator[Sighting]:
    """The source objects that a processing run has to be started for.

    Args:
        listing: What lies under ``source_videos/``.
        known: Names of the versions that runs were started for.
        rejected: ``(video_id, version digest)`` of what cannot be processed.
        now: The time in UTC.
        settle_seconds: How long a file must have stood still. Its age counts in both directions,
            so that a clock that was set back does not hold files up.
    """
    for found in listing:
        if not has_video_name(found.key):
            continue
        if abs((now - found.modified).total_seconds()) < settle_seconds:
            continue
        sighting = Sighting(keys.video_id_of(found.key), found)
        refused = (sighting.video_id, keys.version_digest(found.version)) in rejected
        if sighting.name not in known and not refused:
            yield sighting


def new_submissions(
    listing: Iterable[ObjectInfo],
    *,
    known: Container[str],
    rejected: Container[tuple[str, str]],
) -> Iterator[Sighting]:
    """The submissions that a run has to be started for; the arguments are those of uploads."""
    for found in listing:
        name = found.key.removeprefix(keys.SUBMISSION_PREFIX)
        if not name.endswith(".json") or "/" in name:
            continue
        sighting = Sighting(name.removesuffix(".json"), found)
        refused = (sighting.video_id, keys.version_digest(found.version)) in rejected
        if sighting.name not in known and not refused:
            yield sighting


@dg.sensor(
    jobs=[download_videos, process_videos],
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A submission starts the run that downloads its video.",
)
def submitted_videos(
    context: dg.SensorEvaluationContext, workspace: dg.ResourceParam[Workspace]
) -> dg.SensorResult:
    """Start a run for each submission that is new or was submitted again."""
    store = workspace.store
    sightings = new_submissions(
        store.list(keys.SUBMISSION_PREFIX),
        known=_known(context.instance, SUBMISSION_TAG),
        rejected=set(list_rejections(store)),
    )
    taken = list(islice(sightings, REQUESTS_PER_TICK))
    requests = []
    for sighting in taken:
        job_name, config = _submitted(store, sighting)
        requests.append(_request(job_name, sighting, SUBMISSION_TAG, config))
    return _result(context, taken, requests)


@dg.sensor(
    job=process_videos,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="An object under source_videos/ starts the run that processes it.",
)
def downloaded_videos(
    context: dg.SensorEvaluationContext, workspace: dg.ResourceParam[Workspace]
) -> dg.SensorResult:
    """Start a run for each source object that is new or was replaced, whoever uploaded it."""
    store = workspace.store
    sightings = new_uploads(
        store.list(keys.SOURCE_PREFIX),
        known=_known(context.instance, SOURCE_VERSION_TAG),
        rejected=set(list_rejections(store)),
        now=datetime.now(UTC),
        settle_seconds=store.settle_seconds,
    )
    taken = list(islice(sightings, REQUESTS_PER_TICK))
    requests = [_request(PROCESS_JOB, sighting, SOURCE_VERSION_TAG) for sighting in taken]
    return _result(context, taken, requests)


@dg.sensor(
    job=build_catalog,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A change of what is recorded of videos starts a new catalog.",
)
def changed_catalog(
    context: dg.SensorEvaluationContext, workspace: dg.ResourceParam[Workspace]
) -> dg.SensorResult | dg.SkipReason:
    """Start a run when manifests are others than those of the last catalog."""
    versions = record_versions(workspace.store)
    fingerprint = catalog_fingerprint(versions)
    if not versions or fingerprint == context.cursor:
        return dg.SkipReason("nothing changed since the last catalog")
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=fingerprint)], cursor=fingerprint)


def _submitted(store: ObjectStore, sighting: Sighting) -> tuple[str, dict[str, Any]]:
    """The job of a submission, and what it tells the run of the video."""
    try:
        submission = read_submission(store, sighting.video_id)
    except ManifestError:
        # One that is damaged must not hold up the others; its own run fails with the message.
        return DOWNLOAD_JOB, {}
    # A link is downloaded first, and the upload then starts the processing; a key that is
    # submitted lies in the store already.
    return (DOWNLOAD_JOB if submission.url else PROCESS_JOB), submission.config


def _known(instance: dg.DagsterInstance, tag: str) -> set[str]:
    # One query for all runs: a query for each listed object would take minutes.
    return {value for _, values in instance.get_run_tags([tag]) for value in values}


def _request(
    job_name: str, sighting: Sighting, tag: str, config: Mapping[str, Any] = MappingProxyType({})
) -> dg.RunRequest:
    return dg.RunRequest(
        run_config={"ops": {SOURCE_ASSET: {"config": dict(config)}}} if config else {},
        job_name=job_name,
        partition_key=sighting.video_id,
        run_key=f"{tag}:{sighting.name}",
        tags={tag: sighting.name},
    )


def _result(
    context: dg.SensorEvaluationContext,
    taken: list[Sighting],
    requests: list[dg.RunRequest],
) -> dg.SensorResult:
    existing = set(context.instance.get_dynamic_partitions(SOURCE_VIDEOS))
    added = [sighting.video_id for sighting in taken if sighting.video_id not in existing]
    return dg.SensorResult(
        run_requests=requests,
        dynamic_partitions_requests=(
            [source_videos_partitions.build_add_request(added)] if added else []
        ),
    )
