"""Whether a run is due for what lies in the store, given what it was made of and was tried. Pure.

The store decides: a version is done if it is the one that the video's manifest was made of. Runs
only tell that one is under way, or that this very version was tried in vain.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dagster import DagsterRun, DagsterRunStatus

from heaters_pipeline.living_runs import MAX_DEATHS, died
from heaters_pipeline.names import (
    CORRECTIONS_TAG,
    GIVEN_TAG,
    MAX_RETRIES_TAG,
    PARTITION_TAG,
    SOURCE_ASSET,
    SOURCE_VERSION_TAG,
    SUBMISSION_TAG,
    UPLOADED_TAG,
)
from heaters_pipeline.partitions import corrections_tag, source_version_tag
from heaters_pipeline.settings import SETTINGS
from heaters_pipeline.settings_files import Values
from heaters_pipeline.storage.object_store import ObjectInfo
from heaters_pipeline.storage.records.made_of import MadeOf

UNDER_WAY = (
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
)
_FAILED = (DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A version of an object that a run may be due for.

    Attributes:
        video_id: The partition.
        found: The object.
        sidecars: What belongs to it and lies beside it.
    """

    video_id: str
    found: ObjectInfo
    sidecars: Sequence[ObjectInfo] = ()

    @property
    def name(self) -> str:
        """The version, as runs are tagged with it."""
        return source_version_tag(self.video_id, self.found.version)

    @property
    def uploaded(self) -> str:
        """When the last of it was put into the store; the same content may be put there again."""
        newest = max(each.modified for each in (self.found, *self.sidecars))
        return newest.isoformat(timespec="seconds")

    def is_recorded(self, made_of: MadeOf) -> bool:
        """Whether a manifest was made of just this."""
        beside = {(each.key, each.version) for each in self.sidecars}
        return made_of.version == self.found.version and made_of.sidecars == beside

    def tags(self, tag: str) -> dict[str, str]:
        """The tags of a run that is started for it."""
        return {tag: self.name, UPLOADED_TAG: self.uploaded}


def upload_is_due(
    sighting: Sighting, made_of: MadeOf | None, runs: Sequence[DagsterRun], *, is_partition: bool
) -> bool:
    """Whether a source object has to be processed.

    Args:
        sighting: The object as it is now.
        made_of: What the video's manifest was made of; None without a manifest.
        runs: All runs of the video.
        is_partition: Whether Dagster has a record of the video; its database may have been lost.
    """
    tried = _tried(sighting, SOURCE_VERSION_TAG, runs)
    if tried is None:
        return False
    if not is_partition:
        return True
    if made_of is not None and sighting.is_recorded(made_of):
        # What a person left half done, by single assets, is not undone.
        return not made_of.finished and not tried
    return not any(run.status in _FAILED for run in tried)


def upload_was_tried(sighting: Sighting, runs: Sequence[DagsterRun]) -> bool:
    """Whether there was a run of a source object as it is now, or is one."""
    return bool(_of_version(sighting, SOURCE_VERSION_TAG, runs))


def submission_is_due(sighting: Sighting, runs: Sequence[DagsterRun]) -> bool:
    """Whether a submission has to be carried out: none was tried for it."""
    return _tried(sighting, SUBMISSION_TAG, runs) == []


def corrections_are_due(sighting: Sighting, runs: Sequence[DagsterRun]) -> bool:
    """Whether a run has to take in what people decided: none has tried that as it is now."""
    if any(run.status in UNDER_WAY or _comes_again(run) for run in runs):
        return False
    wanted = corrections_tag(sighting.video_id, sighting.found)
    tried = [run for run in runs if run.tags.get(CORRECTIONS_TAG) == wanted]
    return len(tried) < MAX_DEATHS and all(died(run.tags) for run in tried)


def settings_of_dead(runs: Sequence[DagsterRun]) -> tuple[Values, bool]:
    """The settings of the newest run if its process died, so that they go on.

    Where its video came from is left out: it lies in the store by now.

    Returns:
        The settings, and whether all of them were given by hand.
    """
    newest = next(iter(runs), None)
    if newest is None or not died(newest.tags):
        return {}, False
    ops: Mapping[str, Any] = dict(newest.run_config).get("ops", {})  # type: ignore[assignment]
    settings = {
        asset: dict(op.get("config") or {}) for asset, op in ops.items() if asset in SETTINGS
    }
    return settings, GIVEN_TAG in newest.tags


def brings_in_again(runs: Sequence[DagsterRun]) -> DagsterRun | None:
    """The newest run of a video, if a command died at it while it brought the video in.

    No upload tells of such a video, so it is brought in again from where the person had it.

    Args:
        runs: All runs of the video, newest first.
    """
    newest = next(iter(runs), None)
    if newest is None or not died(newest.tags) or newest.tags.get(MAX_RETRIES_TAG) != "0":
        return None
    config: dict[str, Any] = dict(newest.run_config)
    source = config.get("ops", {}).get(SOURCE_ASSET, {}).get("config", {})
    deaths = sum(died(run.tags) for run in runs)
    is_open = bool(source.get("origin")) and SOURCE_VERSION_TAG not in newest.tags
    return newest if is_open and deaths < MAX_DEATHS else None


def runs_by_video(runs: Sequence[DagsterRun]) -> dict[str, list[DagsterRun]]:
    """Runs by partition, each newest first as they came."""
    found: dict[str, list[DagsterRun]] = {}
    for run in runs:
        found.setdefault(run.tags[PARTITION_TAG], []).append(run)
    return found


def _tried(sighting: Sighting, tag: str, runs: Collection[DagsterRun]) -> list[DagsterRun] | None:
    """The runs that tried this version, without those that died; None: wait, or leave it."""
    if any(run.status in UNDER_WAY or _comes_again(run) for run in runs):
        return None
    same = _of_version(sighting, tag, runs)
    alive = [run for run in same if not died(run.tags)]
    return None if len(same) - len(alive) >= MAX_DEATHS else alive


def _of_version(sighting: Sighting, tag: str, runs: Collection[DagsterRun]) -> list[DagsterRun]:
    return [
        run
        for run in runs
        if run.tags.get(tag) == sighting.name
        # One that a person started counts for the version whenever that was uploaded.
        and run.tags.get(UPLOADED_TAG, sighting.uploaded) == sighting.uploaded
    ]


def _comes_again(run: DagsterRun) -> bool:
    """Whether Dagster itself is about to try a run again whose process died."""
    return (
        run.tags.get("dagster/will_retry") == "true"
        and "dagster/auto_retry_run_id" not in run.tags
        and run.status is DagsterRunStatus.FAILURE
    )
