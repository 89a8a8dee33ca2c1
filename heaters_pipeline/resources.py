"""What the assets work with: the store, local copies, and the records of the current run."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from contextvars import ContextVar
from pathlib import Path

import dagster as dg
from pydantic import Field

from heaters_pipeline import home
from heaters_pipeline.errors import InvalidVideoError, ManifestError, StoreError
from heaters_pipeline.report.metrics.model import MetricsTotals, open_totals
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.cache import LocalCache
from heaters_pipeline.storage.file_locks import held_folder, remove_abandoned_folders
from heaters_pipeline.storage.local_files import os_errors_explained
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.open_store import open_store
from heaters_pipeline.storage.records.claims import Claims, OnWait
from heaters_pipeline.storage.records.finished import FinishedVideo, read_finished, write_finished
from heaters_pipeline.storage.records.manifests import Manifest, read_manifest, write_manifest
from heaters_pipeline.storage.records.notices import FINISHED_STAGES, remove_notices
from heaters_pipeline.video.media.probe import shown_name

given_workspace: ContextVar["Workspace | None"] = ContextVar("given_workspace", default=None)
"""What a run in this process is to work with, if who starts it has already looked at the video."""

_logger = logging.getLogger(__name__)


class Workspace:
    """The store with what one run knows of it.

    A run works through the steps of one video in one process, so each manifest is read once.
    """

    def __init__(
        self,
        store: ObjectStore,
        cache: LocalCache,
        scratch_folder: Path,
        metrics: MetricsTotals | None = None,
    ) -> None:
        self.store = store
        self.cache = cache
        self.metrics = metrics
        self._scratch_folder = scratch_folder
        self._tidied = False
        self._claims = Claims(store, scratch_folder.parent / "claims")
        self._open_claims = ExitStack()
        self._claimed: set[str] = set()
        self._manifests: dict[tuple[str, str], Manifest | None] = {}
        self._finished: dict[str, FinishedVideo | None] = {}
        self._listings: dict[str, dict[str, ObjectInfo]] = {}
        self._assumed: dict[str, dict[str, ObjectInfo]] = {}
        self._pictures: dict[str, bytes] = {}
        self._heads: dict[str, ObjectInfo | None] = {}

    def afresh(self) -> "Workspace":
        """The same store for another run, which has to look for itself."""
        return Workspace(self.store, self.cache, self._scratch_folder, self.metrics)

    def manifest(self, stage: str, video_id: str) -> Manifest | None:
        """The current manifest of a stage, or None if it was never finished."""
        known = (stage, video_id)
        if known not in self._manifests:
            record = self.finished(video_id) if stage in FINISHED_STAGES else None
            self._manifests[known] = (
                record.manifests[stage] if record else read_manifest(self.store, stage, video_id)
            )
        return self._manifests[known]

    def finished(self, video_id: str) -> FinishedVideo | None:
        """The combined record of a video as this run found it; None if none counts."""
        if video_id not in self._finished:
            record = read_finished(self.store, video_id)
            if record is not None:
                prefix = keys.objects_prefix("clips", video_id)
                self._listings.pop(prefix, None)
                if self._list(prefix):
                    # A manifest changes just now, or its writer was killed.
                    record = None
            if record is not None:
                self._pictures |= record.pictures
            self._finished[video_id] = record
        return self._finished[video_id]

    def require_manifest(self, stage: str, video_id: str) -> Manifest:
        """The current manifest of a stage that has to be there.

        Raises:
            ManifestError: The stage has not run for this video.
        """
        manifest = self.manifest(stage, video_id)
        if manifest is None:
            raise ManifestError(
                f"{video_id} has no {stage} yet; materialize {stage} first, or run process_videos"
            )
        return manifest

    def publish(self, manifest: Manifest) -> None:
        """Write a manifest, after all of its objects."""
        write_manifest(self.store, manifest)
        self._manifests[(manifest.stage, manifest.video_id)] = manifest
        if manifest.stage in FINISHED_STAGES:
            self._finished[manifest.video_id] = None
            self.doubt()

    def finish(self, video: FinishedVideo) -> None:
        """Write the combined record of a video, after all of its manifests.

        If the store fails that costs no more than requests, so that it is only logged.
        """
        self._finished[video.video_id] = None
        try:
            write_finished(self.store, video)
        except StoreError as error:
            _logger.warning(
                "%s is finished and stored; its combined record is not, so that the next run reads "
                "each manifest: %s",
                video.video_id,
                error,
            )

    def disown(self, video_id: str) -> None:
        """Remove the combined record of which this run found that it cannot be right."""
        if self._finished.pop(video_id, None) is None:
            return
        try:
            self.store.delete(keys.finished_key(video_id))
        except StoreError as error:
            _logger.warning("%s stays: %s", keys.finished_key(video_id), error)

    def objects(self, prefix: str) -> dict[str, ObjectInfo]:
        """What lies under a prefix, by one LIST; asked again only after something was stored."""
        if prefix in self._assumed:
            return self._assumed[prefix]
        if prefix not in self._listings:
            self._list(prefix)
        return self._listings[prefix]

    def assume(self, prefix: str, objects: Iterable[ObjectInfo]) -> None:
        """Take for granted what lies under a prefix, without asking."""
        self._assumed[prefix] = {found.key: found for found in objects}

    def doubt(self) -> None:
        """Take nothing for granted any more."""
        self._assumed.clear()

    def is_assumed(self, prefix: str) -> bool:
        """Whether what lies under a prefix is taken for granted."""
        return prefix in self._assumed

    def picture(self, key: str) -> bytes:
        """A small picture, which the combined record may hold. Its key says what it shows."""
        if key not in self._pictures:
            self._pictures[key] = self.store.read_bytes(key)
        return self._pictures[key]

    def look_ahead(self, key: str) -> ObjectInfo | None:
        """The facts of an object, which ``head`` then gives once without asking again."""
        if key not in self._heads:
            self._heads[key] = self.store.head(key)
        return self._heads[key]

    def head(self, key: str) -> ObjectInfo | None:
        """The facts of an object as ``look_ahead`` has just seen them, or else as they are."""
        return self._heads.pop(key) if key in self._heads else self.store.head(key)

    def _list(self, prefix: str) -> list[ObjectInfo]:
        """List a prefix and return the notices that lie there, which are no objects of a stage."""
        listed = list(self.store.list(prefix))
        self._listings[prefix] = {
            found.key: found for found in listed if not keys.is_notice(found.key)
        }
        return [found for found in listed if keys.is_notice(found.key)]

    def write_bytes(self, key: str, data: bytes, content_type: str) -> ObjectInfo:
        """Store an object."""
        stored = self.store.write_bytes(key, data, content_type=content_type)
        self._forget(key)
        return stored

    def put_file(
        self, key: str, path: Path, content_type: str, *, keep_local: bool = False
    ) -> ObjectInfo:
        """Store a file that was just made.

        Args:
            key: Its key.
            path: The file; the caller removes it.
            content_type: Its MIME type.
            keep_local: Later steps read it, so that it need not be fetched again.
        """
        stored = self.store.put_file(key, path, content_type=content_type)
        self._forget(key)
        if keep_local:
            self.cache.add(self.store, key, stored.version, path)
        return stored

    def _forget(self, key: str) -> None:
        self._pictures.pop(key, None)
        self._heads.pop(key, None)
        for prefix in [listed for listed in list(self._listings) if key.startswith(listed)]:
            self._listings.pop(prefix, None)

    @contextmanager
    def local_copy(self, key: str, version: str) -> Iterator[Path]:
        """A file with an object's content, for reading only.

        Raises:
            InvalidVideoError: What the caller finds wrong with the file, told of its object.
        """
        with self.cache.local_copy(self.store, key, version=version) as path:
            try:
                yield path
            except InvalidVideoError as error:
                # People know the key; the copy is named by a digest.
                message = str(error).replace(shown_name(path), key)
                raise InvalidVideoError(error.reason, message) from error

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A temporary folder, removed at the end."""
        with held_folder(self._scratch_folder) as folder:
            yield folder

    def tidy(self) -> None:
        """Remove what killed processes left, once: half-made files, copies and uploads."""
        if self._tidied:
            return
        self._tidied = True
        try:
            with os_errors_explained(f"cannot tidy up {self._scratch_folder}"):
                remove_abandoned_folders(self._scratch_folder)
            self.cache.tidy()
            self.store.tidy()
            self._claims.tidy()
        except StoreError as error:
            # Whoever writes there next is told by what fails then.
            _logger.warning("what killed processes left stays for now: %s", error)

    def claim(self, video_id: str, on_wait: OnWait) -> None:
        """Be the only run that makes something for a video, until ``close``.

        What was seen of the video so far is forgotten, since another may have worked on it.

        Args:
            video_id: The partition.
            on_wait: Told who is waited for.
        """
        if video_id in self._claimed:
            return
        self._open_claims.enter_context(self._claims.held(video_id, on_wait))
        self._claimed.add(video_id)
        self._manifests = {
            key: value for key, value in self._manifests.items() if key[1] != video_id
        }
        self._finished.pop(video_id, None)
        self._listings.clear()
        self._heads.clear()
        remove_notices(self.store, video_id)

    def close(self) -> None:
        """Let others work on what this run worked on."""
        self._claimed.clear()
        self._open_claims.close()


def open_workspace(location: str | None = None) -> Workspace:
    """The workspace of this environment; sends no request.

    Raises:
        SettingsError: ``HEATERS_STORE`` or another setting is unusable.
    """
    folder = home.cache_folder()
    store = open_store(
        location or home.store_location(),
        base_folder=home.home_folder(),
        uploads_folder=folder / "uploads",
    )
    cache = LocalCache(folder / "objects", max_bytes=home.cache_max_bytes())
    totals = home.metrics_file()
    metrics = open_totals(totals, home.metrics_gateway()) if totals else None
    return Workspace(store, cache, folder / "scratch", metrics)


class WorkspaceResource(dg.ConfigurableResource[Workspace]):
    """The store with its local copies."""

    location: str | None = Field(
        default=None,
        description="A folder or s3://bucket/prefix. Default: HEATERS_STORE, else ./data.",
    )

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Workspace]:
        """Give a run, or the tick of a sensor, its workspace."""
        with closing(given_workspace.get() or open_workspace(self.location)) as workspace:
            yield workspace
