"""What starts runs by itself: submissions, objects that appear, a catalog that is out of date.

Each sensor compares what is listed with what the store's records were made of; ``attempts`` and
``due_catalog`` decide. If Dagster's database is lost, everything is run once more, finds its
objects and makes nothing. A listing that fails raises, and an empty one removes nothing.
No request has a ``run_key``: Dagster would drop one that comes back, in silence and for ever.
"""

import logging
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import dagster as dg
from dagster import DagsterRun

from heaters_pipeline import home
from heaters_pipeline.attempts import (
    Sighting,
    brings_in_again,
    runs_by_video,
    settings_of_dead,
    submission_is_due,
    upload_is_due,
)
from heaters_pipeline.due_catalog import why_no_catalog
from heaters_pipeline.errors import (
    InvalidVideoError,
    NewerRecordError,
    ObjectNotFoundError,
    SettingsError,
    StoreUnavailableError,
    printable,
)
from heaters_pipeline.intake.rejections import list_rejections, write_rejection
from heaters_pipeline.intake.sidecars import sidecars_by_stem, stem_of
from heaters_pipeline.intake.sources import has_video_name
from heaters_pipeline.intake.submissions import read_listed
from heaters_pipeline.jobs import build_catalog, download_videos, process_videos
from heaters_pipeline.living_runs import MAX_DEATHS, SilentRuns, report_dead_here
from heaters_pipeline.names import (
    DIED_TAG,
    DOWNLOAD_JOB,
    GIVEN_TAG,
    MAX_RETRIES_TAG,
    PARTITION_TAG,
    PROCESS_JOB,
    SOURCE_ASSET,
    SOURCE_KEY_TAG,
    SOURCE_VERSION_TAG,
    SOURCE_VIDEOS,
    SUBMISSION_TAG,
)
from heaters_pipeline.partitions import source_videos_partitions
from heaters_pipeline.settings_files import Values, require_settings
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.made_of import KnownManifests
from heaters_pipeline.storage.records.video_manifests import recorded_videos
from heaters_pipeline.workspace import Workspace

_logger = logging.getLogger(__name__)

REQUESTS_PER_TICK = 50
"""A tick has 60 s and launching takes 0.3 to 0.4 s a run; the rest follows in the next ticks."""
MANIFESTS_PER_TICK = 2000
"""Manifests that a tick reads, at 200 a second or more; the next ticks go on with the others."""
_VIDEOS_PER_QUERY = 200

_known_manifests = KnownManifests()


def new_uploads(
    listing: Iterable[ObjectInfo],
    *,
    rejected: Container[tuple[str, str]],
    now: datetime,
    settle_seconds: float,
) -> Iterator[Sighting]:
    """The source objects that can be processed, done or not.

    Args:
        listing: What lies under ``source_videos/``.
        rejected: ``(video_id, version digest)`` of what cannot be processed.
        now: The time in UTC.
        settle_seconds: How long a file must have stood still. Its age counts in both directions,
            so that a clock that was set back does not hold files up.
    """
    listed = list(listing)
    beside = sidecars_by_stem(listed)
    for found in listed:
        if not has_video_name(found.key):
            continue
        sidecars = beside.get(stem_of(found.key), [])
        ages = (abs((now - each.modified).total_seconds()) for each in (found, *sidecars))
        if min(ages) < settle_seconds:
            continue
        sighting = Sighting(keys.video_id_of(found.key), found, sidecars)
        refused = (sighting.video_id, keys.version_digest(found.version)) in rejected
        if not refused:
            yield sighting


def new_submissions(
    listing: Iterable[ObjectInfo],
    *,
    rejected: Container[tuple[str, str]],
) -> Iterator[Sighting]:
    """The submissions that can be carried out, done or not; the arguments are those of uploads."""
    for found in listing:
        video_id = keys.submission_video_id(found.key)
        if video_id is None:
            continue
        sighting = Sighting(video_id, found)
        refused = (sighting.video_id, keys.version_digest(found.version)) in rejected
        if not refused:
            yield sighting


@dg.sensor(
    jobs=[download_videos, process_videos],
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A submission starts the run that downloads its video.",
)
def bring_in_submissions(
    context: dg.SensorEvaluationContext, workspace: dg.ResourceParam[Workspace]
) -> dg.SensorResult:
    """Start a run for each submission that is new or was submitted again."""
    store = workspace.store
    sightings = new_submissions(
        store.list(keys.SUBMISSION_PREFIX), rejected=set(list_rejections(store))
    )
    due = _due(context.instance, sightings, submission_is_due)
    taken: list[Sighting] = []
    requests = []
    for sighting, _ in islice(due, REQUESTS_PER_TICK):
        work = _work_of(store, sighting)
        if work is not None:
            taken.append(sighting)
            job_name, config, by_hand = work
            requests.append(_request(sighting, SUBMISSION_TAG, job_name, config, by_hand=by_hand))
    _require_sound_settings(workspace, taken)
    return _result(context, taken, requests)


@dg.sensor(
    job=process_videos,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="An object under source_videos/ starts the run that processes it.",
)
def process_uploads(
    context: dg.SensorEvaluationContext, workspace: dg.ResourceParam[Workspace]
) -> dg.SensorResult:
    """Start a run for each source that, with its sidecars, its manifest was not made of."""
    store, instance = workspace.store, context.instance
    partitions = set(instance.get_dynamic_partitions(SOURCE_VIDEOS))
    recorded = recorded_videos(store)
    uploads = list(
        new_uploads(
            store.list(keys.SOURCE_PREFIX),
            rejected=set(list_rejections(store)),
            now=datetime.now(UTC),
            settle_seconds=store.settle_seconds,
        )
    )
    made_of = _known_manifests.update(
        store, recorded, (each.video_id for each in uploads), most=MANIFESTS_PER_TICK
    )

    def may_be_due(sighting: Sighting) -> bool:
        known = made_of.get(sighting.video_id)
        if known is None:
            # Without a manifest, or with one that the next tick reads.
            return sighting.video_id not in recorded
        is_done = known.finished and sighting.is_recorded(known)
        return not is_done or sighting.video_id not in partitions

    def is_due(sighting: Sighting, runs: Sequence[DagsterRun]) -> bool:
        known, video_id = made_of.get(sighting.video_id), sighting.video_id
        return upload_is_due(sighting, known, runs, is_partition=video_id in partitions)

    due = [
        (sighting, runs)
        for sighting, runs in islice(
            _due(instance, filter(may_be_due, uploads), is_due), REQUESTS_PER_TICK
        )
        if _is_as_listed(store, sighting, recorded.get(sighting.video_id))
    ]
    taken = [sighting for sighting, _ in due]
    _require_sound_settings(workspace, taken)
    requests = []
    for sighting, runs in due:
        settings, by_hand = settings_of_dead(runs)
        requests.append(
            _request(sighting, SOURCE_VERSION_TAG, PROCESS_JOB, settings, by_hand=by_hand)
        )
    return _result(context, taken, requests)


@dg.sensor(
    job=build_catalog,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A change of what is recorded of videos starts a new catalog.",
)
def update_catalog(
    context: dg.SensorEvaluationContext, workspace: dg.ResourceParam[Workspace]
) -> dg.SensorResult | dg.SkipReason:
    """Start a run when the stored catalog was not made of the manifests as they are."""
    why_not = why_no_catalog(workspace.store, context.instance, datetime.now(UTC))
    if why_not is not None:
        return dg.SkipReason(why_not)
    return dg.SensorResult(run_requests=[dg.RunRequest()])


@dg.sensor(
    job=process_videos,
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Reports the runs failed whose process was killed, so that others can begin.",
)
def report_dead_runs(
    context: dg.SensorEvaluationContext, workspace: dg.ResourceParam[Workspace]
) -> dg.SensorResult | dg.SkipReason:
    """Report the runs failed that nobody works on any more; the other sensors go on from there.

    They see what lies in the store; what a killed command had not brought there is asked for here.
    """
    instance, folder = context.instance, home.cache_folder()
    silent = SilentRuns.remembered(context.cursor)
    dead = [*report_dead_here(instance, folder), *silent.report(instance, folder)]
    context.update_cursor(silent.to_text())
    if requests := list(_to_bring_in_again(instance, workspace.store)):
        return dg.SensorResult(run_requests=requests)
    if not dead:
        return dg.SkipReason("all runs are alive")
    return dg.SkipReason(f"reported failed: {', '.join(run.run_id for run in dead)}")


def _to_bring_in_again(instance: dg.DagsterInstance, store: ObjectStore) -> Iterator[dg.RunRequest]:
    failed = [dg.DagsterRunStatus.FAILURE]
    died = dg.RunsFilter(job_name=PROCESS_JOB, tags={DIED_TAG: "true"}, statuses=failed)
    found = instance.get_runs(died, limit=REQUESTS_PER_TICK)
    video_ids = {run.tags[PARTITION_TAG] for run in found if PARTITION_TAG in run.tags}
    for video_id in sorted(video_ids):
        runs = instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: video_id}))
        run = brings_in_again(runs)
        if run is None or not instance.has_dynamic_partition(SOURCE_VIDEOS, video_id):
            continue
        config: dict[str, Any] = dict(run.run_config)
        ops = config["ops"]
        key = ops[SOURCE_ASSET]["config"].get("source_key")
        if key is None or store.head(key) is None:
            # The daemon may try it once more: with the command's that is as often as any version.
            tags = {MAX_RETRIES_TAG: str(MAX_DEATHS - 2)}
            if GIVEN_TAG in run.tags:
                tags[GIVEN_TAG] = run.tags[GIVEN_TAG]
            yield dg.RunRequest(
                job_name=PROCESS_JOB, partition_key=video_id, run_config={"ops": ops}, tags=tags
            )


def _due(
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


def _is_as_listed(store: ObjectStore, sighting: Sighting, listed: ObjectInfo | None) -> bool:
    """Whether the manifest is still the one that was listed: a run may have ended since then.

    The next tick sees what it wrote.
    """
    found = store.head(keys.video_manifest_key(sighting.video_id))
    return (found and found.version) == (listed and listed.version)


def _require_sound_settings(workspace: Workspace, taken: list[Sighting]) -> None:
    """Start nothing that could only fail; what waits is taken up once the settings are mended.

    Raises:
        SettingsError: The settings of the store are broken; the tick says so.
    """
    if taken:
        # Runs that begin soon on this machine take what is read here.
        workspace.stored_settings.current(fresh=True)


def _work_of(store: ObjectStore, sighting: Sighting) -> tuple[str, Values, bool] | None:
    """The job for a submission, its config, and whether that holds settings.

    None for one that is rejected, or cannot be read now.
    """
    try:
        submission = read_listed(store, sighting.found)
        require_settings(submission.settings, sighting.found.key)
    except InvalidVideoError as error:
        write_rejection(store, sighting.video_id, sighting.found.version, error)
        _logger.warning("%s", error)
        return None
    except (ObjectNotFoundError, NewerRecordError, StoreUnavailableError) as error:
        # It must not hold up the others, and is looked at again in the next tick.
        _logger.warning("%s is left for later: %s", printable(sighting.found.key), error)
        return None
    except SettingsError:
        # Its own run says what is wrong with them, where people look.
        return DOWNLOAD_JOB, {}, False
    told = {SOURCE_ASSET: submission.config} if submission.config else {}
    if submission.url and not submission.settings:
        # A link is downloaded first, and the upload then starts the processing.
        return DOWNLOAD_JOB, told, False
    # With settings all is done in one run, also if the video lies in the store already.
    return PROCESS_JOB, {**told, **submission.settings}, bool(submission.settings)


def _request(
    sighting: Sighting, tag: str, job_name: str, config: Values, *, by_hand: bool
) -> dg.RunRequest:
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
