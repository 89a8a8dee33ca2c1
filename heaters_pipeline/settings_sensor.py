"""A sensor that sees changed settings of the store, and a check that is red if they are broken."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace

import dagster as dg

from heaters_pipeline.assets.changed_settings import made_with_others
from heaters_pipeline.errors import SettingsError
from heaters_pipeline.jobs import process_videos
from heaters_pipeline.names import CATALOG_ASSET, PARTITION_TAG, PROCESS_JOB, SETTINGS_TAG
from heaters_pipeline.settings_files import SettingsFile
from heaters_pipeline.storage.keys import SETTINGS
from heaters_pipeline.storage.records.video_manifests import recorded_videos
from heaters_pipeline.workspace import Workspace

SETTINGS_CHECK = "settings_are_sound"
VIDEOS_PER_TICK = 200
FOUND_PER_TICK = 20
"""Each of these is planned, which asks the store six times, and may be started."""

_UNDER_WAY = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


@dataclass(frozen=True, slots=True)
class Pass:
    """How far the sensor has looked through the videos since the file changed.

    Attributes:
        version: Of the file.
        after: The last video that it looked at.
        done: Whether nothing is left to be seen or started until the file changes.
        found: Videos of other settings so far.
        open: Those of them whose runs are still to end.
        would_make: What runs of them would make, by stage.
        broken: What is wrong with the file, empty if nothing is.
    """

    version: str
    after: str = ""
    done: bool = False
    found: int = 0
    open: int = 0
    would_make: dict[str, int] = field(default_factory=dict)
    broken: str = ""

    def summary(self, file: SettingsFile) -> str:
        """What a person reads of a pass that is done."""
        if not self.found:
            return "all finished videos were made with the settings that count for them now"
        made = ", ".join(f"{stage} {count}" for stage, count in self.would_make.items() if count)
        then = (
            "they are made again"
            if file.apply == "all"
            else f"they stay as they are; {SETTINGS} says apply: new"
        )
        return (
            f"{self.found} finished videos were made with other settings than count for them now; "
            f"runs of them would make: {made or 'nothing, but write their records'}; {then}"
        )


@dg.asset_check(
    asset=CATALOG_ASSET,
    name=SETTINGS_CHECK,
    description=f"{SETTINGS} of the store can be read, and holds settings that runs can work with.",
)
def settings_are_sound(workspace: dg.ResourceParam[Workspace]) -> dg.AssetCheckResult:
    """Red where no run could begin."""
    try:
        file = workspace.stored_settings.current(fresh=True)
    except SettingsError as error:
        return dg.AssetCheckResult(passed=False, description=str(error))
    return dg.AssetCheckResult(passed=True, metadata={"rules": len(file.rules)})


@dg.sensor(
    job=process_videos,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Says which finished videos were made with other settings than the store now has; "
    "starts their runs if settings.yaml says apply: all.",
)
def apply_changed_settings(
    context: dg.SensorEvaluationContext, workspace: dg.ResourceParam[Workspace]
) -> dg.SensorResult:
    """Look at some finished videos in each tick, from the first on whenever the file changes."""
    seen = Pass(**json.loads(context.cursor)) if context.cursor else None
    try:
        file = workspace.stored_settings.current(fresh=True)
    except SettingsError as error:
        return _broken(seen, str(error))
    if seen is None and not file.version:
        return dg.SensorResult(skip_reason=f"there is no {SETTINGS}: the defaults count")
    if seen is None or seen.version != file.version or seen.broken:
        mended = [_evaluation(None)]
        seen = Pass(file.version)
    elif seen.done:
        return dg.SensorResult(skip_reason=seen.summary(file), cursor=context.cursor)
    else:
        mended = []
    seen, requests = _go_on(context.instance, workspace.with_settings(file), file, seen, context)
    shown = seen.summary(file) if seen.done else f"looked at all videos up to {seen.after!r}"
    context.log.info(shown)
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else shown,
        cursor=json.dumps(asdict(seen)),
        asset_events=mended,
    )


def _go_on(
    instance: dg.DagsterInstance,
    workspace: Workspace,
    file: SettingsFile,
    seen: Pass,
    context: dg.SensorEvaluationContext,
) -> tuple[Pass, list[dg.RunRequest]]:
    """Look at the next videos; the runs that are to be started for them."""
    left = sorted(one for one in recorded_videos(workspace.store) if one > seen.after)
    others = made_with_others(
        workspace, left, most_videos=VIDEOS_PER_TICK, most_found=FOUND_PER_TICK
    )
    for problem in others.problems:
        context.log.warning(problem)
    started, open_runs = [], 0
    if file.apply == "all":
        started = list(_to_start(instance, others.videos, file.version))
        open_runs = len(others.videos) - len(_given_up(instance, others.videos, file.version))
    seen = replace(
        seen,
        after=others.last or seen.after,
        found=seen.found + len(others.videos),
        open=seen.open + open_runs,
        would_make=dict(Counter(seen.would_make) + others.would_make),
    )
    if others.all_seen:
        # What was started is done when a later pass finds it made, not when it was asked for.
        seen = replace(seen, done=True) if not seen.open else Pass(seen.version)
    requests = [
        dg.RunRequest(partition_key=video_id, tags={SETTINGS_TAG: file.version})
        for video_id in started
    ]
    return seen, requests


def _to_start(instance: dg.DagsterInstance, videos: Sequence[str], version: str) -> Iterator[str]:
    """The videos without a run that is under way, or that failed with these settings."""
    given_up = _given_up(instance, videos, version)
    for video_id in videos:
        newest = _newest_run(instance, video_id)
        if video_id not in given_up and not (newest and newest.status in _UNDER_WAY):
            yield video_id


def _given_up(instance: dg.DagsterInstance, videos: Sequence[str], version: str) -> set[str]:
    """The videos whose last run was started for these settings and failed: a person decides."""
    failed = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
    return {
        video_id
        for video_id in videos
        if (newest := _newest_run(instance, video_id)) is not None
        and newest.status in failed
        and newest.tags.get(SETTINGS_TAG) == version
    }


def _newest_run(instance: dg.DagsterInstance, video_id: str) -> dg.DagsterRun | None:
    wanted = dg.RunsFilter(job_name=PROCESS_JOB, tags={PARTITION_TAG: video_id})
    return next(iter(instance.get_runs(wanted, limit=1)), None)


def _broken(seen: Pass | None, why: str) -> dg.SensorResult:
    said = f"no run can work until this is mended: {why}"
    if seen is not None and seen.broken == why:
        return dg.SensorResult(skip_reason=said)
    before = seen or Pass("")
    return dg.SensorResult(
        skip_reason=said,
        cursor=json.dumps(asdict(replace(before, broken=why))),
        asset_events=[_evaluation(why)],
    )


def _evaluation(why: str | None) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        dg.AssetKey(CATALOG_ASSET), SETTINGS_CHECK, passed=why is None, description=why
    )
