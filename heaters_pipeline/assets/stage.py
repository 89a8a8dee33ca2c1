"""What all assets share: is it done, what is missing, and how the outcome is reported.

The store decides, never Dagster's database: a stage is done when its manifest has the wanted
fingerprint and one LIST shows every object of it with its size. Otherwise only the units that are
missing are made. Objects first, manifest last.
"""

import logging
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import dagster as dg

from heaters_pipeline.assets.producer import producer_versions
from heaters_pipeline.assets.units import Unit
from heaters_pipeline.errors import HeatersError, InvalidVideoError, ManifestError
from heaters_pipeline.intake.rejections import write_rejection
from heaters_pipeline.partitions import SOURCE_VERSION_TAG, source_version_tag
from heaters_pipeline.resources import Workspace
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.manifests import Json, Manifest, ManifestItem, fingerprint_of
from heaters_pipeline.storage.object_store import ObjectInfo

SKIP_REASON = "already_exists_in_s3"
INTERRUPTED = "the run was interrupted; what is finished is kept, start it again"
FAILURES_SHOWN = 5

ProgressListener = Callable[[str, int, int], None]
"""Called with a phase, what is done and the total (0 if unknown)."""

progress_listener: ContextVar[ProgressListener | None] = ContextVar(
    "progress_listener", default=None
)
"""Who watches the run from this process, such as the progress bars of ``heaters process``."""

_logger = logging.getLogger(__name__)


class StageRun:
    """One asset at work on one video: its timing and its progress.

    Attributes:
        context: Of the run in Dagster; None where work is only planned.
        seconds: Seconds by phase.
        input_version: Version of the input at work; what is rejected if it proves invalid.
    """

    def __init__(
        self,
        workspace: Workspace,
        stage: str,
        video_id: str,
        context: dg.AssetExecutionContext | None = None,
    ) -> None:
        self.context = context
        self.workspace = workspace
        self.stage = stage
        self.video_id = video_id
        self.seconds: dict[str, float] = {}
        self.input_version: str | None = None
        self._started = time.perf_counter()
        self._requests_before = workspace.store.requests.total()
        self._logged_at = self._started

    def of_stage(self, stage: str) -> "StageRun":
        """The same for another stage of the video, whose work is done within this one."""
        return StageRun(self.workspace, stage, self.video_id, self.context)

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

    def work(self, *, inputs: Mapping[str, Any], has_objects: bool = True) -> "StageWork":
        """Find out what is there, by the manifest and at most one LIST.

        Args:
            inputs: Everything that decides the result.
            has_objects: False for a stage whose manifest is all of its result.
        """
        with self.phase("look"):
            current = self.workspace.manifest(self.stage, self.video_id)
            stored = self.objects() if has_objects else {}
        return StageWork(self, dict(inputs), current, stored)

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
        self.context.instance.add_run_tags(self.context.run.run_id, tags)

    def clips_per_minute(self, count: int) -> dict[str, float]:
        """The clips made over the time since the asset started; nothing if none was made.

        A 0 for each run that had nothing to do would hide how fast the others were.
        """
        minutes = (time.perf_counter() - self._started) / 60
        return {"clips_per_minute": round(count / minutes, 1)} if count else {}

    def metadata(self) -> dict[str, Any]:
        """What every materialization records."""
        total = time.perf_counter() - self._started
        phases = {f"seconds/{name}": round(value, 3) for name, value in self.seconds.items()}
        return {
            **phases,
            "seconds/total": round(total, 3),
            "peak_memory_mb": round(_peak_memory_bytes() / 1e6, 1),
            "store_requests": self.workspace.store.requests.total() - self._requests_before,
        }


class StageWork:
    """What a stage wants against what the store holds.

    ``done`` is known at once. If there is something to do, ``plan`` takes the wanted units, each
    missing one is given to ``add``, ``reuse`` or ``fail``, and ``finish`` publishes.

    Attributes:
        fingerprint: Of the inputs; the manifest has it when the stage is done.
        current: The stage's manifest as it was found, or None.
        done: There is nothing to do, not even a manifest to write.
        items: The valid objects by key.
    """

    def __init__(
        self,
        run: StageRun,
        inputs: dict[str, Any],
        current: Manifest | None,
        stored: Mapping[str, ObjectInfo],
    ) -> None:
        self.run = run
        self.fingerprint = fingerprint_of(inputs)
        self.current = current
        self.items: dict[str, ManifestItem] = {}
        self._inputs = inputs
        self._stored = stored
        self._units: tuple[Unit, ...] = ()
        self._made: set[str] = set()
        self._failed: dict[str, HeatersError] = {}
        recorded = current.items if current else ()
        self._valid = {item.key: item for item in recorded if self._is_stored(item)}
        self._damaged = {item.key for item in recorded} - self._valid.keys()
        self.done = (
            current is not None
            and current.fingerprint == self.fingerprint
            and len(self._valid) == len(recorded)
        )
        if self.done:
            self.items = {key: _as_reused(item, {}) for key, item in self._valid.items()}

    def plan(self, units: Iterable[Unit]) -> None:
        """Say what the stage should consist of, in order; what is recorded and stored is reused."""
        self._units = tuple(units)
        for unit in self._units:
            items = [self._valid[key] for key in unit.keys if key in self._valid]
            if len(items) == len(unit.keys):
                self.reuse(unit, items)

    def outdated(self) -> None:
        """Say that the manifest has to be written although its fingerprint is the wanted one."""
        self.done = False

    @property
    def ordered_items(self) -> list[ManifestItem]:
        """The valid items in the order of the manifest."""
        if self.done and self.current is not None:
            return [self.items[item.key] for item in self.current.items]
        wanted = (key for unit in self._units for key in unit.keys)
        return [self.items[key] for key in wanted if key in self.items]

    @property
    def made_count(self) -> int:
        """Units made so far by this run."""
        return len(self._made)

    @property
    def missing(self) -> list[Unit]:
        """The units that are still to be made, in order."""
        return [
            unit
            for unit in self._units
            if unit.identifier not in self._failed
            and not all(key in self.items for key in unit.keys)
        ]

    @property
    def unrecorded(self) -> list[Unit]:
        """The missing units whose objects do exist, from a run that was cut off or other settings.

        Only their names are known, so they have to be opened before they can be reused. Objects
        that have another size than was recorded are damaged, and not among them.
        """
        unknown = self._stored.keys() - self._damaged
        return [unit for unit in self.missing if all(key in unknown for key in unit.keys)]

    @property
    def damaged(self) -> list[Unit]:
        """The missing units of which a recorded object is gone or of another size."""
        return [unit for unit in self.missing if not self._damaged.isdisjoint(unit.keys)]

    @property
    def stale(self) -> list[ObjectInfo]:
        """What the store holds of the stage although nothing wants it, once work is planned."""
        units = self._units
        wanted = self.items.keys() if self.done else {key for unit in units for key in unit.keys}
        return [found for key, found in self._stored.items() if key not in wanted]

    def stored(self, key: str) -> ObjectInfo:
        """The facts of an object that was there when the stage looked."""
        return self._stored[key]

    def reuse(self, unit: Unit, items: Iterable[ManifestItem]) -> None:
        """Take a unit that exists, all of its objects."""
        for item in items:
            self.items[item.key] = _as_reused(item, unit.details)

    def add(self, unit: Unit, items: Iterable[ManifestItem]) -> None:
        """Record a unit that was just made and stored, all of its objects."""
        for item in items:
            details = {**item.details, **unit.details, "skipped": False, "reason": None}
            self.items[item.key] = replace(item, reused=False, details=details)
        self._made.add(unit.identifier)
        _logger.info("%s: made %s", self.run.stage, unit.identifier)

    def fail(self, unit: Unit, error: HeatersError) -> None:
        """Record that a unit could not be made; the others go on."""
        self._failed[unit.identifier] = error
        _logger.error("%s: %s failed: %s", self.run.stage, unit.identifier, error)

    def require_complete(self) -> None:
        """Stop here if units failed.

        Raises:
            dagster.Failure: Says which and why. What was made stays and is reused next time.
        """
        if self._failed:
            raise self._failure()

    def finish(
        self, summary: Mapping[str, Any], metadata: Mapping[str, Any]
    ) -> dg.MaterializeResult[Any]:
        """Publish the manifest unless nothing changed, and report.

        Args:
            summary: What the manifest says besides its items. For a stage without objects, its
                ``units`` are how many results it has.
            metadata: What people see besides the counts.
        Raises:
            dagster.Failure: Units failed. What was made stays and is reused next time.
        """
        self.require_complete()
        full: dict[str, Any] = {"units": len(self._units), **summary}
        if self.done and self.current is not None:
            full = self.current.summary
        else:
            with self.run.phase("publish"):
                self.run.workspace.publish(self._manifest(full))
        made = 0 if self.done else len(self._made) if self._units else int(full["units"])
        outcome: dict[str, Any] = {
            "made": made,
            "reused": int(full["units"]) - made,
            "failed": 0,
            "skipped": self.done,
        }
        if self.done:
            outcome["reason"] = SKIP_REASON
        _logger.info("%s: %s %s", self.run.stage, self.run.video_id, outcome)
        return dg.MaterializeResult(
            metadata={**metadata, **outcome, **self.run.metadata()},
            data_version=dg.DataVersion(self.fingerprint),
        )

    def _is_stored(self, item: ManifestItem) -> bool:
        found = self._stored.get(item.key)
        return found is not None and found.size_bytes == item.size_bytes

    def _manifest(self, summary: dict[str, Any]) -> Manifest:
        return Manifest(
            stage=self.run.stage,
            video_id=self.run.video_id,
            fingerprint=self.fingerprint,
            inputs=self._inputs,
            producer=producer_versions(),
            summary=summary,
            items=tuple(self.ordered_items),
        )

    def _failure(self) -> dg.Failure:
        shown = list(self._failed.items())[:FAILURES_SHOWN]
        lines = "; ".join(f"{identifier}: {error}" for identifier, error in shown)
        more = len(self._failed) - len(shown)
        kept = len(self._units) - len(self._failed)
        return dg.Failure(
            description=(
                f"{len(self._failed)} of {len(self._units)} {self.run.stage} failed, {kept} are "
                f"kept and will be reused: {lines}" + (f"; and {more} more" if more else "")
            ),
            metadata={
                "made": len(self._made),
                "reused": kept - len(self._made),
                "failed": len(self._failed),
                **self.run.metadata(),
            },
            allow_retries=any(error.transient for error in self._failed.values()),
        )


@contextmanager
def lasting_errors_fail(metadata: Callable[[], dict[str, Any]] = dict) -> Iterator[None]:
    """Turn errors into Dagster failures, of which only those that may pass are retried.

    Raises:
        dagster.Failure: With the message that a person needs.
    """
    try:
        yield
    except HeatersError as error:
        facts = metadata()
        if isinstance(error, InvalidVideoError):
            facts["reason"] = error.reason
        raise dg.Failure(
            description=str(error), metadata=facts, allow_retries=error.transient
        ) from error
    except dg.DagsterExecutionInterruptedError as error:
        # The retry policy would try again what a person has just ended.
        raise dg.Failure(
            description=INTERRUPTED, metadata=metadata(), allow_retries=False
        ) from error


@contextmanager
def stage_run(
    context: dg.AssetExecutionContext, workspace: Workspace, stage: str
) -> Iterator[StageRun]:
    """Run an asset's work on one video.

    A video that cannot be processed is recorded as rejected, so that no sensor tries it again
    until it changes.

    Raises:
        dagster.Failure: With the message that a person needs.
    """
    run = StageRun(workspace, stage, context.partition_key, context)
    with lasting_errors_fail(run.metadata):
        try:
            yield run
        except InvalidVideoError as error:
            if run.input_version is not None:
                write_rejection(workspace.store, run.video_id, run.input_version, error)
            raise
        except ManifestError:
            # What a person mends in the manifests must not be hidden by a copy of them.
            workspace.disown(run.video_id)
            raise


def _as_reused(item: ManifestItem, details: Mapping[str, Json]) -> ManifestItem:
    merged = {**item.details, **details, "skipped": True, "reason": SKIP_REASON}
    return replace(item, reused=True, details=merged)


def _peak_memory_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
