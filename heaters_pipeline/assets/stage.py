"""What all assets share: the run of one at work on a video, and what becomes of its errors."""

import logging
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import dagster as dg

from heaters_pipeline.assets.given_config import given_config
from heaters_pipeline.assets.policy import RETRY_POLICY
from heaters_pipeline.assets.video_settings import video_layers
from heaters_pipeline.errors import HeatersError, InvalidVideoError, shortage
from heaters_pipeline.intake.rejections import write_rejection
from heaters_pipeline.isolation.calls import Children
from heaters_pipeline.living_runs import tag_run
from heaters_pipeline.names import (
    INTERRUPTED,
    SOURCE_ASSET,
    SOURCE_VERSION_TAG,
    SOURCE_VIDEOS,
    STEP_RETRIES_TAG,
    SUBMISSION_TAG,
)
from heaters_pipeline.partitions import source_version_tag
from heaters_pipeline.report.metrics.model import RunCounts, StageMetrics
from heaters_pipeline.settings_files import Values
from heaters_pipeline.settings_layers import GIVEN_NOW, given_layer
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.local_files import store_error_of
from heaters_pipeline.storage.object_store import ObjectInfo
from heaters_pipeline.workspace import Workspace

INTERRUPTED_KIND = "interrupted"
OUT_OF_MEMORY_KIND = "out_of_memory"
UNEXPECTED_KIND = "unexpected"
"""How failures are counted that are no ``HeatersError``."""

ProgressListener = Callable[[str, int, int], None]
"""Called with a phase, what is done and the total (0 if unknown)."""

progress_listener: ContextVar[ProgressListener | None] = ContextVar(
    "progress_listener", default=None
)
"""Who watches the run from this process, such as the progress bars of ``heaters process``."""

Config = TypeVar("Config", bound=dg.Config)

_logger = logging.getLogger(__name__)


class StageRun:
    """One asset at work on one video: its timing and its progress.

    Attributes:
        context: Of the run in Dagster; None where work is only planned.
        seconds: Seconds by phase.
        input_version: Version of the input at work; what is rejected if it proves invalid.
        counts: What it made, reused and failed at.
        children: Who opens the video and its clips, where that is done in child processes.
    """

    def __init__(
        self,
        workspace: Workspace,
        stage: str,
        video_id: str,
        context: dg.AssetExecutionContext | None = None,
        counts: RunCounts | None = None,
        children: Children | None = None,
    ) -> None:
        self.context = context
        self.workspace = workspace
        self.stage = stage
        self.video_id = video_id
        self.seconds: dict[str, float] = {}
        self.input_version: str | None = None
        self.counts = counts or RunCounts()
        self.children = children or Children()
        self._clips_per_minute: float | None = None
        self._started = time.perf_counter()
        self._requests_before = workspace.store.requests
        self._logged_at = self._started

    def of_stage(self, stage: str) -> "StageRun":
        """The same for another stage of the video, whose work is done within this one."""
        return StageRun(
            self.workspace, stage, self.video_id, self.context, self.counts, self.children
        )

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time spent inside to the seconds of a phase."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started

    def progress(self, phase: str, done: int, total: int) -> None:
        """Tell who watches; the log gets a line every ten seconds."""
        listener = progress_listener.get()
        if listener is not None:
            listener(phase, done, total)
        now = time.perf_counter()
        if now - self._logged_at >= 10:
            self._logged_at = now
            _logger.info("%s: %s %d of %s", self.video_id, phase, done, total or "unknown")

    def claim(self) -> None:
        """Be the only run that makes something for the video; wait for another that does."""

        def on_wait(whom: str) -> None:
            _logger.info("%s: waits for %s, who works on it", self.video_id, whom)
            self.progress("waiting", 0, 0)

        with self.phase("wait"):
            self.workspace.claim(self.video_id, on_wait)

    def chosen(self, config: Config) -> Config:
        """The config of the stage that counts, of which the run was given a part or nothing.

        What the run was given by hand stays with the video.

        Raises:
            SettingsError: The settings of the store are broken, or some that count for the video
                are out of bounds or contradict each other.
        """
        if self.workspace.takes_config_as_it_is:
            return config
        return type(config)(**self.sound_settings().get(self.stage, {}))

    def sound_settings(self, source_key: str | None = None) -> Values:
        """The settings of all stages that count for the video, checked.

        Args:
            source_key: Of the video, as long as it is not registered.
        Raises:
            SettingsError: As ``chosen``.
        """
        now = given_config(self.context) if self.context else {}
        layers = video_layers(
            self.workspace, self.video_id, [given_layer(now, GIVEN_NOW)], source_key
        )
        sound = layers.sound_values()
        self.workspace.give(self.video_id, now)
        return sound

    def objects(self) -> dict[str, ObjectInfo]:
        """What the store holds of this stage of this video."""
        return self.workspace.objects(keys.objects_prefix(self.stage, self.video_id))

    def tag_source_version(self, version: str) -> None:
        """Say on the run which version of the source it processes, whoever started it.

        The sensor then starts no other run for that version.
        """
        if self.context is None:
            return
        tags = {SOURCE_VERSION_TAG: source_version_tag(self.video_id, version)}
        tag_run(self.context.instance, self.context.run.run_id, tags)

    def includes(self, stage: str) -> bool:
        """Whether a stage belongs to the run in Dagster, so that it comes after this one."""
        if self.context is None:
            return False
        chosen, steps = self.context.run.asset_selection, self.context.run.step_keys_to_execute
        is_chosen = not chosen or dg.AssetKey(stage) in chosen
        return is_chosen and (steps is None or stage in steps)

    @property
    def will_be_retried(self) -> bool:
        """Whether Dagster does not give up yet if the stage fails with what may pass."""
        return self.context is not None and self.context.retry_number < RETRY_POLICY.max_retries

    @property
    def is_submission(self) -> bool:
        """Whether a submission started the run."""
        return self.context is not None and SUBMISSION_TAG in self.context.run.tags

    def forget_if_never_registered(self) -> None:
        """Take the partition of what proved to be no video away, so that nothing of it stays red.

        The rejection says why, and the sensors add the partition again once it is replaced.
        """
        recorded = self.workspace.manifest(SOURCE_ASSET, self.video_id)
        if self.context is not None and self.stage == SOURCE_ASSET and recorded is None:
            self.context.instance.delete_dynamic_partition(SOURCE_VIDEOS, self.video_id)

    def clips_per_minute(self, count: int) -> dict[str, float]:
        """The clips made over the time since the asset started; nothing if none was made.

        A 0 for each run that had nothing to do would hide how fast the others were.
        """
        waited = self.seconds.get("wait", 0.0)
        minutes = (time.perf_counter() - self._started - waited) / 60
        if not count:
            return {}
        self._clips_per_minute = round(count / minutes, 1)
        return {"clips_per_minute": self._clips_per_minute}

    def metadata(self) -> dict[str, Any]:
        """What every materialization records."""
        # So that the memory that they took counts.
        self.children.end()
        total = time.perf_counter() - self._started
        phases = {f"seconds/{name}": round(value, 3) for name, value in self.seconds.items()}
        failures = {
            f"failures/{kind}": number
            for (stage, kind), number in self.counts.failures.items()
            if stage == self.stage
        }
        return {
            **failures,
            **phases,
            "seconds/total": round(total, 3),
            "peak_memory_mb": round(_peak_memory_bytes() / 1e6, 1),
            "store_requests": self._requests().total(),
        }

    def metrics(self) -> StageMetrics:
        """What the run came to, to be added to the totals of all runs."""
        items, failures = self.counts.items, self.counts.failures
        worked = bool(failures) or any(n for (_, outcome), n in items.items() if outcome == "made")
        return StageMetrics(
            stage=self.stage,
            items=items,
            failures=failures,
            phase_seconds=dict(self.seconds),
            store_requests=self._requests(),
            clips_per_minute=self._clips_per_minute,
            peak_memory_bytes=_peak_memory_bytes() if worked else None,
        )

    def _requests(self) -> Counter[str]:
        return self.workspace.store.requests - self._requests_before


@contextmanager
def lasting_errors_fail(run: StageRun | None = None) -> Iterator[None]:
    """Turn errors into Dagster failures, of which only those that may pass are retried.

    Args:
        run: Of the stage, which counts the failure.
    Raises:
        dagster.Failure: With the message that a person needs.
    """

    def counted(kind: str) -> dict[str, Any]:
        if run is None:
            return {f"failures/{kind}": 1}
        run.counts.fail(run.stage, kind)
        return run.metadata()

    try:
        yield
    except dg.Failure:
        # Its units were counted one by one.
        raise
    except HeatersError as error:
        facts = counted(error.kind)
        if isinstance(error, InvalidVideoError):
            facts["reason"] = error.reason
        raise dg.Failure(
            description=str(error), metadata=facts, allow_retries=error.transient
        ) from error
    except dg.DagsterExecutionInterruptedError as error:
        # The retry policy would try again what a person has just ended.
        raise dg.Failure(
            description=INTERRUPTED, metadata=counted(INTERRUPTED_KIND), allow_retries=False
        ) from error
    except Exception as error:
        if (lacking := shortage(error)) is not None:
            raise dg.Failure(
                description=f"{lacking}; what is finished is kept",
                metadata=counted(OUT_OF_MEMORY_KIND),
                allow_retries=False,
            ) from error
        if isinstance(error, OSError):
            refused = store_error_of(error, f"cannot use {error.filename or 'the local disk'}")
            raise dg.Failure(
                description=f"{refused}; what is finished is kept",
                metadata=counted(refused.kind),
                allow_retries=refused.transient,
            ) from error
        counted(UNEXPECTED_KIND)
        raise


@contextmanager
def stage_run(
    context: dg.AssetExecutionContext, workspace: Workspace, stage: str
) -> Iterator[StageRun]:
    """Run an asset's work on one video.

    A video that cannot be processed is recorded as rejected, so that no sensor tries it again
    until it changes.

    Args:
        context: Of the run in Dagster.
        workspace: Of the run.
        stage: The asset.
    Raises:
        dagster.Failure: With the message that a person needs.
    """
    run = StageRun(workspace, stage, context.partition_key, context)
    if context.retry_number:
        _count_retry(context)
    with run.children, _added_to_totals(run), _reason_kept(run), lasting_errors_fail(run):
        workspace.tidy()
        try:
            yield run
        except InvalidVideoError as error:
            if run.input_version is not None:
                write_rejection(workspace.store, run.video_id, run.input_version, error)
                run.forget_if_never_registered()
            raise


def _count_retry(context: dg.AssetExecutionContext) -> None:
    """Note on the run that a step of it is tried again."""
    noted = context.instance.get_run_by_id(context.run.run_id)
    before = int(noted.tags.get(STEP_RETRIES_TAG, 0)) if noted else 0
    context.instance.add_run_tags(context.run.run_id, {STEP_RETRIES_TAG: str(before + 1)})


@contextmanager
def _reason_kept(run: StageRun) -> Iterator[None]:
    """Keep why the stage failed, to be said once more where a person looks first."""
    try:
        yield
    except dg.Failure as failure:
        reason = failure.description or str(failure)
        run.workspace.failures[run.stage] = reason
        if failure.allow_retries and run.will_be_retried:
            _logger.warning("%s; %s is tried again in some seconds", reason, run.stage)
        raise
    run.workspace.failures.pop(run.stage, None)


@contextmanager
def _added_to_totals(run: StageRun) -> Iterator[None]:
    """Add what the run comes to, whatever becomes of it, to the totals of all runs."""
    try:
        yield
    finally:
        if run.workspace.metrics is not None:
            run.workspace.metrics.add(run.metrics())


def _peak_memory_bytes() -> int:
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    peak = max(resource.getrusage(each).ru_maxrss for each in whose)
    return peak if sys.platform == "darwin" else peak * 1024
