"""What starts runs by itself: submissions, a catalog that is out of date, runs that died.

Each sensor compares what is listed with what the store's records were made of; ``attempts`` and
``due_catalog`` decide. If Dagster's database is lost, everything is run once more, finds its
objects and makes nothing. A listing that fails raises, and an empty one removes nothing.
No request has a ``run_key``: Dagster would drop one that comes back, in silence and for ever.
"""

import logging
from collections.abc import Container, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import dagster as dg

from heaters_pipeline import home
from heaters_pipeline.attempts import (
    Sighting,
    brings_in_again,
    submission_is_due,
)
from heaters_pipeline.due_catalog import why_no_catalog
from heaters_pipeline.due_runs import (
    REQUESTS_PER_TICK,
    due_sightings,
    require_sound_settings,
    run_request,
    tick_result,
)
from heaters_pipeline.errors import (
    InvalidVideoError,
    NewerRecordError,
    ObjectNotFoundError,
    SettingsError,
    StoreUnavailableError,
    printable,
)
from heaters_pipeline.intake.rejections import list_rejections, write_rejection
from heaters_pipeline.intake.submissions import read_listed
from heaters_pipeline.jobs import (
    CHANGED_VIDEOS,
    build_catalog,
    download_videos,
    process_videos,
)
from heaters_pipeline.living_runs import MAX_DEATHS, SilentRuns, report_dead_here
from heaters_pipeline.names import (
    DIED_TAG,
    DOWNLOAD_JOB,
    GIVEN_TAG,
    MAX_RETRIES_TAG,
    PARTITION_TAG,
    PROCESS_JOB,
    REVIEW_ASSET,
    REVIEW_INDEX_ASSET,
    SOURCE_ASSET,
    SOURCE_VIDEOS,
    SUBMISSION_TAG,
)
from heaters_pipeline.settings_files import Values, require_settings
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.workspace import Workspace

_logger = logging.getLogger(__name__)


def new_submissions(
    listing: Iterable[ObjectInfo],
    *,
    rejected: Container[tuple[str, str]],
) -> Iterator[Sighting]:
    """The submissions that can be carried out, done or not.

    Args:
        listing: What lies under ``submissions/``.
        rejected: ``(video_id, version digest)`` of what cannot be processed.
    """
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
    due = due_sightings(context.instance, sightings, submission_is_due)
    taken: list[Sighting] = []
    requests = []
    for sighting, _ in islice(due, REQUESTS_PER_TICK):
        work = _work_of(store, sighting)
        if work is not None:
            taken.append(sighting)
            job_name, config, by_hand = work
            requests.append(
                run_request(sighting, SUBMISSION_TAG, job_name, config, by_hand=by_hand)
            )
    require_sound_settings(workspace, taken)
    return tick_result(context, taken, requests)


@dg.sensor(
    job=build_catalog,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A change of what is recorded of videos starts a new catalog.",
)
def update_catalog(
    context: dg.SensorEvaluationContext, workspace: dg.ResourceParam[Workspace]
) -> dg.SensorResult | dg.SkipReason:
    """Start a run when videos are noted as changed since the stored catalog was made."""
    now, pause = datetime.now(UTC), home.catalog_pause()
    why_not = why_no_catalog(workspace.store, context.instance, now, pause)
    if why_not is not None:
        return dg.SkipReason(why_not)
    return dg.SensorResult(run_requests=[dg.RunRequest(run_config=CHANGED_VIDEOS)])


make_pages_when_finished = dg.AutomationConditionSensorDefinition(
    "make_pages_when_finished",
    target=dg.AssetSelection.assets(REVIEW_ASSET, REVIEW_INDEX_ASSET),
    minimum_interval_seconds=60,
    description="Makes the review page of each video that a run ends from now on, and the list of "
    "all videos then. Switch it on if you open pages from the store; heaters serve needs none.",
)


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
