"""What a stage wants against what the store holds, and how the outcome is reported.

The store decides, never Dagster's database: a stage is done when its manifest has the wanted
fingerprint and one LIST shows every object of it with its size. Otherwise the video is claimed, and
only the units that are missing are made. Objects first, manifest last.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import dagster as dg

from heaters_pipeline.assets.earlier_results import shown_once
from heaters_pipeline.assets.producer import producer_versions
from heaters_pipeline.assets.stage import StageRun
from heaters_pipeline.assets.units import Unit
from heaters_pipeline.errors import HeatersError, ManifestError
from heaters_pipeline.names import VIDEO_STAGES
from heaters_pipeline.storage.object_store import ObjectInfo
from heaters_pipeline.storage.records.manifests import Json, Manifest, ManifestItem, fingerprint_of

SKIP_REASON = "already_exists_in_s3"
"""As records and documents have it, whatever the store is."""

SHOWN_SKIP_REASON = "it lies in the store already"
"""The same for people."""
FAILURES_SHOWN = 5

_logger = logging.getLogger(__name__)


def look(run: StageRun, *, inputs: Mapping[str, Any], has_objects: bool = True) -> "StageWork":
    """Find out what is there, by the manifest and at most one LIST.

    Args:
        run: Of the stage.
        inputs: Everything that decides the result.
        has_objects: False for a stage whose manifest is all of its result.
    """
    with run.phase("look"):
        current = run.workspace.manifest(run.stage, run.video_id)
        stored = run.objects() if has_objects else None
    return StageWork(run, dict(inputs), current, stored)


def claimed_work(
    run: StageRun, find: Callable[[], "StageWork"], uses: Iterable[str] = VIDEO_STAGES
) -> "StageWork":
    """The work of a stage, claimed if there is anything to do, so that done ones are never claimed.

    Args:
        run: Of the stage.
        find: Looks for the work, its inputs among it: again once the video is claimed, since
            another run may have worked on it meanwhile.
        uses: The stages that have to be as this run reported them.
    Raises:
        ManifestError: Another run had other settings, and changed what this one had reported.
    """
    workspace, video_id = run.workspace, run.video_id
    if not workspace.has_claimed(video_id):
        work = find()
        if work.done and not workspace.is_outdated(video_id):
            return work
        run.claim()
    # Also when the claim was taken before, since the step that took it may have failed here.
    if changed := workspace.changed_since_reported(video_id, uses):
        raise ManifestError(
            f"another run gave {video_id} other {', '.join(changed)} meanwhile; run it again with "
            "the settings that you want"
        )
    workspace.upgrade(video_id)
    return find()


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
        stored: Mapping[str, ObjectInfo] | None,
    ) -> None:
        self.run = run
        self.fingerprint = fingerprint_of(inputs)
        self.current = current
        self.items: dict[str, ManifestItem] = {}
        self._inputs = inputs
        self._stored = stored or {}
        self._looked = stored is not None
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
        return [
            unit
            for unit in self.missing
            if unit.adoptable and all(key in unknown for key in unit.keys)
        ]

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

    def valid(self, key: str) -> ManifestItem | None:
        """The row of an object that is recorded and stored; None for what has to be made."""
        return self._valid.get(key)

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
        self.run.counts.add(self.run.stage, "made")
        _logger.debug("%s: made %s", self.run.stage, unit.identifier)

    def fail(self, unit: Unit, error: HeatersError) -> None:
        """Record that a unit could not be made; the others go on."""
        self._failed[unit.identifier] = error
        self.run.counts.add(self.run.stage, "failed")
        self.run.counts.fail(self.run.stage, error.kind)
        _logger.debug("%s: %s failed: %s", self.run.stage, unit.identifier, error)

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
        self.run.workspace.report(self.run.stage, self.run.video_id, self.fingerprint)
        made = 0 if self.done else len(self._made) if self._units else int(full["units"])
        outcome: dict[str, Any] = {
            "made": made,
            "reused": int(full["units"]) - made,
            "failed": 0,
            "skipped": self.done,
            **self._seen(),
        }
        if self.done:
            outcome["reason"] = SHOWN_SKIP_REASON
        if not self._units:
            self.run.counts.add(self.run.stage, "made", made)
        self.run.counts.add(self.run.stage, "reused", outcome["reused"])
        _logger.info("%s: %s %s", self.run.stage, self.run.video_id, outcome)
        facts = {**metadata, **outcome, **self.run.metadata()}
        # A comparison is asked for by who wants to see it.
        if self.done and self.run.stage in VIDEO_STAGES:
            facts = shown_once(self.run, self.fingerprint, facts)
        context = self.run.context
        # What is done for another stage within this one says nothing of its own.
        if context is not None and context.asset_key == dg.AssetKey(self.run.stage):
            # Not as metadata of the result, which Dagster would record twice.
            context.add_asset_metadata(facts)
        return dg.MaterializeResult(data_version=dg.DataVersion(self.fingerprint))

    def _seen(self) -> dict[str, int]:
        """What the stage saw when it looked for its objects; nothing if it has none."""
        if not self._looked:
            return {}
        return {
            "valid": len(self._valid),
            "missing": len(self._damaged),
            "stale": len(self._stored.keys() - self.items.keys()),
        }

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
        self.run.counts.add(self.run.stage, "reused", kept - len(self._made))
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


def _as_reused(item: ManifestItem, details: Mapping[str, Json]) -> ManifestItem:
    merged = {**item.details, **details, "skipped": True, "reason": SKIP_REASON}
    return replace(item, reused=True, details=merged)
