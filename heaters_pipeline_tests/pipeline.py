"""The whole pipeline on a store of a test's own, run by Dagster in this process."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg

from heaters_pipeline.definitions import defs
from heaters_pipeline.errors import SettingsError, StoreError
from heaters_pipeline.latest_runs import run_error
from heaters_pipeline.names import (
    CATALOG_JOB,
    COMPARE_JOB,
    DOWNLOAD_JOB,
    PARTITION_TAG,
    PROCESS_JOB,
    REVIEW_INDEX_JOB,
    REVIEW_JOB,
    SOURCE_VIDEOS,
    SUBMISSION_TAG,
    VIDEO_STAGES,
)
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.cache import LocalCache
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.manifests import Manifest, read_manifest
from heaters_pipeline.storage.records.video_manifests import read_video, write_video
from heaters_pipeline.stored_settings import parse_stored_settings, read_stored_text
from heaters_pipeline.workspace import Workspace
from heaters_pipeline_tests.web_server import LOOPBACK_LINKS

VIDEO_ID = "film"
SOURCE_KEY = "source_videos/film.mp4"
SPANS = [(0, 20), (20, 45), (45, 75), (75, 95)]
STAGES = VIDEO_STAGES

_CACHE_BYTES = 10**8
_ALL_JOB = "all"
_CHECK_JOB = "check"
_ONE_ASSET_JOB = "only_"
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run recorded.

    Attributes:
        run_id: Of the run.
        success: Whether all of its steps went well.
        error: What a person reads, None after success.
        metadata: What each materialized asset recorded: plain values by name, by asset.
        data_versions: The data version of each materialized asset.
        code_versions: The code version of each materialized asset.
        failed_checks: Why, by the name of each check that is red.
        passed_checks: The names of the checks that are green.
        events: The types of all events, with how often they came.
        requests: What the store was asked, by operation.
    """

    run_id: str
    success: bool
    error: str | None
    metadata: dict[str, dict[str, Any]]
    data_versions: dict[str, str]
    code_versions: dict[str, str]
    failed_checks: dict[str, str]
    passed_checks: frozenset[str]
    events: Counter[str]
    requests: Counter[str]

    def count(self, name: str) -> dict[str, Any]:
        """One value of each asset's metadata."""
        return {asset: facts[name] for asset, facts in self.metadata.items()}


class Pipeline:
    """The pipeline on one store, with an instance of Dagster that can be thrown away.

    Attributes:
        store: The store, for tests to look at and to damage.
        instance: Where runs are recorded.
        folder: Where the local copies of objects lie.
        config_is_all: Each run works with its config alone, and none of it stays with its video.
    """

    config_is_all = False

    def __init__(self, new_store: Callable[[], ObjectStore], folder: Path) -> None:
        self._new_store = new_store
        self.store = new_store()
        self.folder = folder
        self.instance = dg.DagsterInstance.ephemeral()

    def lose_database(self) -> None:
        """Begin with an instance that knows nothing."""
        self.instance.dispose()
        self.instance = dg.DagsterInstance.ephemeral()

    def workspace(self) -> Workspace:
        """What one run works with."""
        cache = LocalCache(self.folder / "objects", max_bytes=_CACHE_BYTES)
        settings = None
        # As a run finds them that begins soon after another one; it meets what is wrong itself.
        with suppress(SettingsError, StoreError):
            settings = parse_stored_settings(read_stored_text(self.store))
        created = Workspace(
            self._new_store(),
            cache,
            self.folder / "scratch",
            allowed_links=LOOPBACK_LINKS,
            settings=settings,
        )
        created.takes_config_as_it_is = self.config_is_all
        return created

    def process(
        self,
        video_id: str = VIDEO_ID,
        workspace: Workspace | None = None,
        tags: Mapping[str, str] | None = None,
        **config: Mapping[str, Any],
    ) -> Outcome:
        """Run the processing job for a video.

        Args:
            video_id: The partition; added if it is new.
            workspace: What the run works with; a new one by default.
            tags: Of the run, besides its partition.
            config: Config by asset.
        """
        self.instance.add_dynamic_partitions(SOURCE_VIDEOS, [video_id])
        return self._run(PROCESS_JOB, config, {PARTITION_TAG: video_id, **(tags or {})}, workspace)

    def download(self, video_id: str, *, submission: bool = False) -> Outcome:
        """Run the download job for a video that was submitted; as the sensor does if that is so."""
        self.instance.add_dynamic_partitions(SOURCE_VIDEOS, [video_id])
        tags = {SUBMISSION_TAG: "a version"} if submission else {}
        return self._run(DOWNLOAD_JOB, {}, {PARTITION_TAG: video_id, **tags})

    def materialize(
        self, asset: str, video_id: str = VIDEO_ID, **config: Mapping[str, Any]
    ) -> Outcome:
        """Run one asset for a video, as people do from its page."""
        self.instance.add_dynamic_partitions(SOURCE_VIDEOS, [video_id])
        return self._run(_ONE_ASSET_JOB + asset, config, {PARTITION_TAG: video_id})

    def compare(self, video_id: str = VIDEO_ID, **config: Any) -> Outcome:
        """Run the job that compares methods on a video."""
        self.instance.add_dynamic_partitions(SOURCE_VIDEOS, [video_id])
        return self._run(COMPARE_JOB, {"method_comparison": config}, {PARTITION_TAG: video_id})

    def review(self, video_id: str = VIDEO_ID) -> Outcome:
        """Run the job that makes the page of a video."""
        self.instance.add_dynamic_partitions(SOURCE_VIDEOS, [video_id])
        return self._run(REVIEW_JOB, {}, {PARTITION_TAG: video_id})

    def list_pages(self) -> Outcome:
        """Run the job that writes the page of all videos."""
        return self._run(REVIEW_INDEX_JOB, {}, {})

    def process_and_compare(self, video_id: str = VIDEO_ID) -> Outcome:
        """Materialize all assets of a video in one run, as people do from the lineage."""
        return self._run(_ALL_JOB, {}, {PARTITION_TAG: video_id})

    def build_catalog(self, *, all_videos: bool = True) -> Outcome:
        """Run the catalog's job, as people do, or as the sensor does that sees noted changes."""
        return self._run(CATALOG_JOB, {} if all_videos else {"catalog": {"all_videos": False}}, {})

    def check(self, video_id: str | None = VIDEO_ID) -> Outcome:
        """Run the checks alone, on what is stored of a video; of none as Dagster's UI does it."""
        if video_id is None:
            return self._run(_CHECK_JOB, {}, {})
        self.instance.add_dynamic_partitions(SOURCE_VIDEOS, [video_id])
        return self._run(_CHECK_JOB, {}, {PARTITION_TAG: video_id})

    def launch(self, job_name: str, op: str, **config: Any) -> dg.ExecuteInProcessResult:
        """Run a job of one op for the video, as a person does in the UI."""
        self.instance.add_dynamic_partitions(SOURCE_VIDEOS, [VIDEO_ID])
        with closing(self.workspace()) as workspace:
            return defs.resolve_job_def(job_name).execute_in_process(
                run_config={**_QUIET, "ops": {op: {"config": config}}},
                partition_key=VIDEO_ID,
                instance=self.instance,
                resources={"workspace": workspace},
                raise_on_error=False,
            )

    def manifest(self, stage: str, video_id: str = VIDEO_ID) -> Manifest:
        """What is recorded of a stage, which has to be there."""
        if stage in VIDEO_STAGES:
            manifest = read_video(self.store, video_id).stages.get(stage)
        else:
            manifest = read_manifest(self.store, stage, video_id)
        assert manifest is not None, f"{video_id} has no {stage}"
        return manifest

    def record(self, manifest: Manifest) -> None:
        """Let something else be recorded of a stage, and nothing else be changed."""
        write_video(self.store, read_video(self.store, manifest.video_id).with_stage(manifest))

    def forget(self, stage: str, video_id: str = VIDEO_ID) -> None:
        """Let nothing be recorded of a stage, as if it had never been finished."""
        video = read_video(self.store, video_id)
        others = {name: one for name, one in video.stages.items() if name != stage}
        write_video(self.store, replace(video, stages=others))

    def versions(self, prefix: str = "") -> dict[str, str]:
        """The version of each object, which changes when it is written, also with the same.

        But for the notes of what the next catalog looks at: there is a new one for each change.
        """
        return {
            found.key: found.version
            for found in self.store.list(prefix)
            if not found.key.startswith(keys.CATALOG_CHANGE_PREFIX)
        }

    def _run(
        self,
        job_name: str,
        config: Mapping[str, Mapping[str, Any]],
        tags: Mapping[str, str],
        workspace: Workspace | None = None,
    ) -> Outcome:
        workspace = workspace or self.workspace()
        ops = {asset: {"config": dict(values)} for asset, values in config.items()}
        with closing(workspace):
            result = (
                _definitions()
                .resolve_job_def(job_name)
                .execute_in_process(
                    run_config={**_QUIET, "ops": ops},
                    instance=self.instance,
                    tags=dict(tags),
                    resources={"workspace": workspace},
                    raise_on_error=False,
                )
            )
        materializations = {
            event.materialization.asset_key.to_user_string(): event.materialization
            for event in result.get_asset_materialization_events()
        }
        checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
        return Outcome(
            run_id=result.run_id,
            success=result.success,
            error=None if result.success else run_error(self.instance, result.run_id),
            metadata={
                asset: {name: value.value for name, value in found.metadata.items()}
                for asset, found in materializations.items()
            },
            data_versions={
                asset: found.tags["dagster/data_version"]
                for asset, found in materializations.items()
                if found.tags
            },
            code_versions={
                asset: found.tags["dagster/code_version"]
                for asset, found in materializations.items()
                if found.tags
            },
            failed_checks={
                name: check.description or "" for name, check in checks.items() if not check.passed
            },
            passed_checks=frozenset(name for name, check in checks.items() if check.passed),
            events=Counter(event.event_type_value for event in result.all_events),
            requests=workspace.store.requests,
        )


def folder_pipeline(store: Path, local: Path) -> Pipeline:
    """The pipeline on a folder store."""
    return Pipeline(lambda: DirectoryObjectStore(store, settle_seconds=0), local)


def spans(manifest: Manifest, *, reused: bool | None = None) -> list[tuple[int, int]]:
    """The spans of a manifest's items, all or those of one kind."""
    return [
        (item.start_frame, item.end_frame)
        for item in manifest.items
        if reused is None or item.reused is reused
    ]


@cache
def _definitions() -> dg.Definitions:
    checks = dg.define_asset_job(
        _CHECK_JOB,
        dg.AssetSelection.checks_for_assets(*STAGES),
        executor_def=dg.in_process_executor,
    )
    everything = dg.define_asset_job(
        _ALL_JOB,
        dg.AssetSelection.assets(*STAGES, "method_comparison"),
        executor_def=dg.in_process_executor,
    )
    single = [
        dg.define_asset_job(
            _ONE_ASSET_JOB + stage,
            dg.AssetSelection.assets(stage),
            executor_def=dg.in_process_executor,
        )
        for stage in STAGES
    ]
    return dg.Definitions.merge(defs, dg.Definitions(jobs=[checks, everything, *single]))
