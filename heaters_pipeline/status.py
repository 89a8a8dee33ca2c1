"""In which state each video is, derived from the store and from Dagster's runs.

Nothing keeps the state: it follows from what lies in the store, and from the latest run of a video
while it is at work or where nothing is finished. The failure of the latest run stands beside it.
"""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import dagster as dg
from dagster import DagsterEventType, DagsterRun, DagsterRunStatus

from heaters_pipeline.assets.stage import INTERRUPTED
from heaters_pipeline.errors import ManifestError, printable
from heaters_pipeline.intake.rejections import Rejection, list_rejections, read_rejection
from heaters_pipeline.intake.sources import has_video_name
from heaters_pipeline.names import (
    COMPARE_JOB,
    COMPARISON_ASSET,
    DISMISSED_TAG,
    DOWNLOAD_JOB,
    PARTITION_TAG,
    REPAIR_JOB,
)
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.video_manifests import (
    VideoManifest,
    lost_source,
    read_video,
    recorded_videos,
)

State = Literal[
    "new",
    "downloading",
    "downloaded",
    "splicing",
    "spliced",
    "download_failed",
    "splicing_failed",
    "source_deleted",
    "removed",
    "dismissed",
]

SHOWN_STATES: dict[State, str] = {
    "new": "new",
    "downloading": "downloading",
    "downloaded": "waiting",
    "splicing": "at work",
    "spliced": "done",
    "download_failed": "failed",
    "splicing_failed": "failed",
    "source_deleted": "source deleted",
    "removed": "removed",
    "dismissed": "dismissed",
}
"""What people read; the names of the states stand in records and documents."""

REMOVED = "removed"
"""The reason of a rejection where somebody removed a video and kept its source."""

READERS = 16
_RUNS_PER_QUERY = 500
_INTERRUPT = dg.DagsterExecutionInterruptedError.__name__
_RUNNING = {
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
}
_WHAT_WENT_WRONG = {
    DagsterEventType.STEP_FAILURE,
    DagsterEventType.RUN_FAILURE,
    DagsterEventType.ENGINE_EVENT,
}
_FROM_OUTSIDE = "This run has been marked as failed from outside the execution context."
"""Of a process that died while its code server lived, which noted before what it saw."""
_FAILED = {DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED}


@dataclass(frozen=True, slots=True)
class VideoStatus:
    """What a person asks of a video.

    Attributes:
        video_id: The partition.
        state: See ``State``.
        scenes: Number of scenes, None before they are known.
        clips: Number of clips, None before they are made.
        error: Of the latest run, also beside what an earlier one finished; None if it went well.
        retries: How often steps of the latest run, and the run itself, were tried again.
        updated: When something last happened to it, in UTC.
        title: What people call it, None if nobody said.
        tags: What people sort it by.
    """

    video_id: str
    state: State
    scenes: int | None
    clips: int | None
    error: str | None
    retries: int
    updated: datetime | None
    title: str | None = None
    tags: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For ``heaters status --json``."""
        updated = self.updated.isoformat(timespec="seconds") if self.updated else None
        return {
            "video_id": self.video_id,
            "state": self.state,
            "scenes": self.scenes,
            "clips": self.clips,
            "error": self.error,
            "retries": self.retries,
            "updated": updated,
            "title": self.title,
            "tags": list(self.tags),
        }

    def cells(self) -> tuple[str, ...]:
        """For the table of ``heaters status``; the times are those of this machine."""
        updated = self.updated.astimezone().strftime("%Y-%m-%d %H:%M:%S") if self.updated else "-"
        return (
            self.video_id,
            SHOWN_STATES[self.state],
            "-" if self.scenes is None else str(self.scenes),
            "-" if self.clips is None else str(self.clips),
            str(self.retries),
            updated,
            " ".join(self.error.split()) if self.error else "",
        )


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the listings of the store show of a video."""

    upload: ObjectInfo | None
    submission: ObjectInfo | None
    rejected_versions: frozenset[str]
    manifest: ObjectInfo | None

    @property
    def is_video(self) -> bool:
        """Whether it is a video for all that is known, and no other file that was dropped in."""
        by_name = self.upload is not None and has_video_name(self.upload.key)
        return bool(by_name or self.submission or self.rejected_versions or self.manifest)


def video_statuses(
    store: ObjectStore, instance: dg.DagsterInstance, wanted: Collection[str] = ()
) -> list[VideoStatus]:
    """The status of all videos, or of the wanted ones that are known, by ``video_id``.

    A video is known if it was submitted, uploaded, processed, or a run was started for it.
    """
    seen = _listings(store)
    runs = _latest_runs(instance, set(wanted))
    known = {video_id for video_id, found in seen.items() if found.is_video} | runs.keys()
    video_ids = sorted(known & set(wanted) if wanted else known)
    with ThreadPoolExecutor(READERS) as pool:
        return list(
            pool.map(
                lambda video_id: _status(
                    store,
                    instance,
                    video_id,
                    seen.get(video_id, _Seen(None, None, frozenset(), None)),
                    runs.get(video_id),
                ),
                video_ids,
            )
        )


def run_error(instance: dg.DagsterInstance, run_id: str) -> str | None:
    """The message of the step that made a run fail, or of the run itself; printable."""
    message = _recorded_error(instance, run_id)
    return "\n".join(map(printable, message.splitlines())) if message else None


def _recorded_error(instance: dg.DagsterInstance, run_id: str) -> str | None:
    records = instance.all_logs(run_id, of_type=_WHAT_WENT_WRONG)
    message, noted = None, None
    for record in records:
        event = record.dagster_event
        if event is None:
            continue
        if event.is_step_failure:
            user_data = event.step_failure_data.user_failure_data
            if user_data and user_data.description:
                return user_data.description
            error = event.step_failure_data.error
            if error and error.cls_name == _INTERRUPT:
                return INTERRUPTED
            message = (error.cause or error).message.strip() if error else event.message
        elif event.is_engine_event:
            noted = event.message
        elif message is None:
            # Nothing goes with what was reported in place of a process that died.
            error = event.job_failure_data.error if event.event_specific_data else None
            message = INTERRUPTED if error and error.cls_name == _INTERRUPT else event.message
            if message == _FROM_OUTSIDE:
                message = noted or message
    return message


def _listings(store: ObjectStore) -> dict[str, _Seen]:
    uploads = {
        keys.video_id_of(found.key): found
        for found in store.list(keys.SOURCE_PREFIX)
        if keys.is_video_upload(found.key)
    }
    submissions = {
        video_id: found
        for found in store.list(keys.SUBMISSION_PREFIX)
        if (video_id := keys.submission_video_id(found.key)) is not None
    }
    rejected: dict[str, set[str]] = {}
    for video_id, digest in list_rejections(store):
        rejected.setdefault(video_id, set()).add(digest)
    manifests = recorded_videos(store)
    video_ids = uploads.keys() | submissions.keys() | rejected.keys() | manifests.keys()
    return {
        video_id: _Seen(
            uploads.get(video_id),
            submissions.get(video_id),
            frozenset(rejected.get(video_id, ())),
            manifests.get(video_id),
        )
        for video_id in video_ids
    }


def _latest_runs(instance: dg.DagsterInstance, wanted: set[str]) -> dict[str, DagsterRun]:
    """The newest run of each video; one query for many runs, newest first."""
    latest: dict[str, DagsterRun] = {}
    cursor: str | None = None
    while True:
        runs = instance.get_runs(cursor=cursor, limit=_RUNS_PER_QUERY)
        for run in runs:
            video_id = run.tags.get(PARTITION_TAG)
            if _only_tells(run):
                continue
            if video_id and (not wanted or video_id in wanted):
                latest.setdefault(video_id, run)
        if len(runs) < _RUNS_PER_QUERY or (wanted and wanted <= latest.keys()):
            return latest
        cursor = runs[-1].run_id


def _only_tells(run: DagsterRun) -> bool:
    """Whether a run tells something about a video but leaves its state alone.

    What a repair makes is made by another run.
    """
    chosen = run.asset_selection
    return run.job_name in (COMPARE_JOB, REPAIR_JOB) or chosen == {dg.AssetKey(COMPARISON_ASSET)}


def _status(
    store: ObjectStore,
    instance: dg.DagsterInstance,
    video_id: str,
    seen: _Seen,
    run: DagsterRun | None,
) -> VideoStatus:
    video = read_video(store, video_id) if seen.manifest else VideoManifest(video_id)
    scenes, clips = video.stages.get("scenes"), video.stages.get("clips")
    source = video.stages["source_videos"].summary if "source_videos" in video.stages else {}
    state, error = _state(store, instance, video, seen, run)
    return VideoStatus(
        video_id=video_id,
        state=state,
        scenes=len(scenes.summary["scenes"]) if scenes else None,
        clips=len(clips.items) if clips else None,
        error=error,
        retries=_retries(instance, run) if run else 0,
        updated=_updated(instance, seen, run),
        title=source.get("title"),
        tags=tuple(source.get("tags", ())),
    )


def _state(
    store: ObjectStore,
    instance: dg.DagsterInstance,
    video: VideoManifest,
    seen: _Seen,
    run: DagsterRun | None,
) -> tuple[State, str | None]:
    stored = seen.upload is not None or "source_videos" in video.stages
    if run is not None and run.status in _RUNNING:
        return ("splicing" if stored and run.job_name != DOWNLOAD_JOB else "downloading"), None
    if "source_videos" in video.stages and seen.upload is None:
        return "source_deleted", _deleted(video)
    finished = video.is_finished and _is_current(video, seen)
    failed = run is not None and run.status in _FAILED
    dismissed = run is not None and failed and DISMISSED_TAG in run.tags
    if run is not None and failed and not dismissed:
        if run.status is DagsterRunStatus.CANCELED:
            error = f"run {run.run_id[:8]} was canceled"
        else:
            error = run_error(instance, run.run_id) or f"run {run.run_id[:8]} left no message"
        if finished:
            return "spliced", error
        return ("splicing_failed" if stored else "download_failed"), error
    if finished:
        return "spliced", None
    current = seen.upload or seen.submission
    if current and keys.version_digest(current.version) in seen.rejected_versions:
        key = keys.rejection_key(video.video_id, current.version)
        why = _why_rejected(store, key)
        message = why if isinstance(why, str) else printable(why.message)
        if isinstance(why, Rejection) and why.reason == REMOVED:
            return "removed", message
        if isinstance(why, str) or not why.dismissed:
            return ("splicing_failed" if stored else "download_failed"), message
        dismissed = True
    return ("dismissed" if dismissed else "downloaded" if stored else "new"), None


def _deleted(video: VideoManifest) -> str:
    key = video.stages["source_videos"].summary["source_key"]
    return f"{key} is gone; {lost_source(video.video_id)}"


def _why_rejected(store: ObjectStore, key: str) -> Rejection | str:
    try:
        return read_rejection(store, key)
    except ManifestError as error:
        # Its name alone tells that the version was rejected.
        return str(error)


def _is_current(video: VideoManifest, seen: _Seen) -> bool:
    """Whether the results are those of the object that lies in the store now."""
    recorded = video.stages["source_videos"].summary["version"]
    return seen.upload is None or recorded == seen.upload.version


def _retries(instance: dg.DagsterInstance, run: DagsterRun) -> int:
    steps = instance.get_run_step_stats(run.run_id)
    again = sum(max((step.attempts or 1) - 1, 0) for step in steps)
    return again + int(run.tags.get("dagster/retry_number", 0))


def _updated(instance: dg.DagsterInstance, seen: _Seen, run: DagsterRun | None) -> datetime | None:
    known = (seen.upload, seen.submission, seen.manifest)
    times = [found.modified for found in known if found]
    if run is not None:
        stats = instance.get_run_stats(run.run_id)
        last = stats.end_time or stats.start_time or stats.enqueued_time
        if last:
            times.append(datetime.fromtimestamp(last, UTC))
    return max(times, default=None)
