"""In which state each video is, derived from the store and from Dagster's runs.

Nothing keeps the state: it follows from what lies in the store, and from the latest run of a video
while it is at work or where nothing is finished. The failure of the latest run stands beside it.
What manifests say is taken from the stored catalog where that was made of just those.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import dagster as dg

from heaters_pipeline.errors import ManifestError, SettingsError, printable
from heaters_pipeline.intake.known_videos import KnownVideo, all_known_videos, known_videos
from heaters_pipeline.intake.rejections import Rejection, read_rejection
from heaters_pipeline.latest_runs import LatestRun, latest_runs, run_error
from heaters_pipeline.names import DOWNLOAD_JOB
from heaters_pipeline.report.catalog_facts import FinishedVideo, finished_videos
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.video_manifests import (
    VideoManifest,
    lost_source,
    read_video,
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
        local = self.updated and self.updated.astimezone().replace(microsecond=0, tzinfo=None)
        return (
            self.video_id,
            SHOWN_STATES[self.state],
            "-" if self.scenes is None else str(self.scenes),
            "-" if self.clips is None else str(self.clips),
            str(self.retries),
            str(local or "-"),
            " ".join(self.error.split()) if self.error else "",
        )


@dataclass(frozen=True, slots=True)
class _Look:
    """What is known of a video before any record of it is read."""

    video_id: str
    seen: KnownVideo
    run: LatestRun | None

    @property
    def updated(self) -> datetime | None:
        known = (self.seen.upload, self.seen.submission, self.seen.manifest)
        times = [found.modified for found in known if found]
        if self.run is not None and (self.run.is_under_way or self.run.is_failed or not times):
            times.append(self.run.changed)
        return max(times, default=None)


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What the manifest of a video says; ``source_key`` is None while that does not name one."""

    finished: bool = False
    source_key: str | None = None
    source_version: str | None = None
    scenes: int | None = None
    clips: int | None = None
    title: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    """The state of a video, and why it is in it: in words, or told by the run that failed."""

    look: _Look
    recorded: _Recorded
    state: State
    why: str | LatestRun | None = None


def video_statuses(
    store: ObjectStore,
    instance: dg.DagsterInstance,
    wanted: Collection[str] | Mapping[str, str | None] = (),
    *,
    states: Collection[State] = (),
    limit: int | None = None,
) -> list[VideoStatus]:
    """The status of all videos, or of the wanted ones that are known, by ``video_id``.

    A video is known if it was submitted, uploaded, processed, or a run was started for it.

    Args:
        store: Where they lie.
        instance: Where their runs are recorded.
        wanted: Their ids, or a mapping from those to the keys of their sources; none for all.
        states: Leave out the videos in any other state.
        limit: Of those left, the ones where something happened last; None for all.
    """
    rows: Mapping[str, FinishedVideo] = {}
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(latest_runs, instance, wanted)
        if wanted:
            sources = wanted if isinstance(wanted, Mapping) else dict.fromkeys(wanted)
            seen = known_videos(store, sources)
        else:
            rows = finished_videos(store)
            seen = all_known_videos(store, {each: row.source_key for each, row in rows.items()})
        runs = asked.result()
    known = {video_id for video_id, found in seen.items() if found.is_video} | runs.keys()
    unseen = KnownVideo()
    looks = [_Look(each, seen.get(each, unseen), runs.get(each)) for each in sorted(known)]
    if not states:
        looks = _newest(looks, limit)
    with ThreadPoolExecutor(READERS) as pool:
        found = _found(store, looks, rows, pool)
        if states:
            wanted_looks = _newest([one.look for one in found if one.state in states], limit)
            left = {look.video_id for look in wanted_looks}
            found = [one for one in found if one.look.video_id in left]
        failed = [one.why for one in found if isinstance(one.why, LatestRun)]
        errors = dict(zip(failed, pool.map(lambda run: _error(instance, run), failed), strict=True))
    return [
        _status(one, errors[one.why] if isinstance(one.why, LatestRun) else one.why)
        for one in found
    ]


def states_of(names: Collection[str]) -> list[State]:
    """The states that a person names, as the table shows them or as documents do.

    Raises:
        SettingsError: There is no such state.
    """
    known = {*SHOWN_STATES, *SHOWN_STATES.values()}
    if wrong := next((name for name in names if name not in known), None):
        shown = ", ".join(dict.fromkeys(SHOWN_STATES.values()))
        raise SettingsError(f"{wrong!r} is no state of a video; there are: {shown}")
    return [state for state, shown in SHOWN_STATES.items() if {state, shown} & set(names)]


def counted_states(statuses: Collection[VideoStatus]) -> str:
    """How many of the videos are in which state, for people."""
    counts = Counter(SHOWN_STATES[one.state] for one in statuses)
    shown = dict.fromkeys(SHOWN_STATES.values())
    states = [f"{counts[state]} {state}" for state in shown if counts[state]]
    return ": ".join([f"{len(statuses)} videos", *filter(None, [", ".join(states)])])


def _newest(looks: Sequence[_Look], limit: int | None) -> list[_Look]:
    """Those where something happened last, in the order that they had; None for all."""
    if limit is None:
        return list(looks)
    by_time = sorted(looks, key=lambda look: look.updated or datetime.min.replace(tzinfo=UTC))
    left = {look.video_id for look in by_time[-limit:]}
    return [look for look in looks if look.video_id in left]


def _found(
    store: ObjectStore,
    looks: Sequence[_Look],
    rows: Mapping[str, FinishedVideo],
    pool: ThreadPoolExecutor,
) -> list[_Found]:
    """The states; only what the catalog does not tell is read, by several at a time."""
    told = {look.video_id: _told(look, rows.get(look.video_id)) for look in looks}

    def one(look: _Look) -> _Found:
        recorded = told[look.video_id] or _of_manifest(read_video(store, look.video_id))
        return _state(store, look, recorded)

    unread = [look for look in looks if not told[look.video_id] or look.seen.rejected_versions]
    read = dict(zip((look.video_id for look in unread), pool.map(one, unread), strict=True))
    return [read.get(look.video_id) or one(look) for look in looks]


def _told(look: _Look, row: FinishedVideo | None) -> _Recorded | None:
    """What is known of the manifest without reading it; None if it has to be read."""
    manifest = look.seen.manifest
    if manifest is None:
        return _Recorded()
    # One of an older version does not change when the manifests of later stages do.
    is_whole = manifest.key == keys.video_manifest_key(look.video_id)
    if row is None or row.manifest_version != manifest.version or not is_whole:
        return None
    return _Recorded(
        finished=True,
        source_key=row.source_key,
        source_version=row.source_version,
        scenes=row.clips,
        clips=row.clips,
        title=row.title,
        tags=row.tags,
    )


def _of_manifest(video: VideoManifest) -> _Recorded:
    source, scenes, clips = (
        video.stages.get(stage) for stage in ("source_videos", "scenes", "clips")
    )
    summary = source.summary if source else {}
    return _Recorded(
        finished=video.is_finished,
        source_key=str(summary["source_key"]) if source else None,
        source_version=summary.get("version"),
        scenes=len(scenes.summary["scenes"]) if scenes else None,
        clips=len(clips.items) if clips else None,
        title=summary.get("title"),
        tags=tuple(summary.get("tags", ())),
    )


def _status(found: _Found, error: str | None) -> VideoStatus:
    recorded, run = found.recorded, found.look.run
    return VideoStatus(
        video_id=found.look.video_id,
        state=found.state,
        scenes=recorded.scenes,
        clips=recorded.clips,
        error=error,
        retries=run.retries if run else 0,
        updated=found.look.updated,
        title=recorded.title,
        tags=recorded.tags,
    )


def _state(store: ObjectStore, look: _Look, recorded: _Recorded) -> _Found:
    seen, run = look.seen, look.run

    def found(state: State, why: str | LatestRun | None = None) -> _Found:
        return _Found(look, recorded, state, why)

    stored = seen.upload is not None or recorded.source_key is not None
    failed: State = "splicing_failed" if stored else "download_failed"
    if run is not None and run.is_under_way:
        return found("splicing" if stored and run.job_name != DOWNLOAD_JOB else "downloading")
    if recorded.source_key is not None and seen.upload is None:
        return found(
            "source_deleted", f"{recorded.source_key} is gone; {lost_source(look.video_id)}"
        )
    # The results are those of the object that lies in the store now.
    is_current = seen.upload is None or recorded.source_version == seen.upload.version
    finished = recorded.finished and is_current
    if run is not None and run.is_failed and not run.is_dismissed:
        return found("spliced" if finished else failed, run)
    if finished:
        return found("spliced")
    dismissed = run is not None and run.is_dismissed
    current = seen.upload or seen.submission
    if current and keys.version_digest(current.version) in seen.rejected_versions:
        why = _why_rejected(store, keys.rejection_key(look.video_id, current.version))
        message = why if isinstance(why, str) else printable(why.message)
        if isinstance(why, Rejection) and why.reason == REMOVED:
            return found("removed", message)
        if isinstance(why, str) or not why.dismissed:
            return found(failed, message)
        dismissed = True
    return found("dismissed" if dismissed else "downloaded" if stored else "new")


def _error(instance: dg.DagsterInstance, run: LatestRun) -> str:
    if run.is_canceled:
        return f"run {run.run_id[:8]} was canceled"
    return run_error(instance, run.run_id) or f"run {run.run_id[:8]} left no message"


def _why_rejected(store: ObjectStore, key: str) -> Rejection | str:
    try:
        return read_rejection(store, key)
    except ManifestError as error:
        # Its name alone tells that the version was rejected.
        return str(error)
