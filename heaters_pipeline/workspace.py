"""What a run works with: the store, local copies, and what it knows of the video at work."""

import logging
from collections.abc import Container, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from heaters_pipeline.errors import (
    InvalidVideoError,
    ManifestError,
    ObjectNotFoundError,
    StoreError,
)
from heaters_pipeline.intake.allowed_links import AllowedLinks
from heaters_pipeline.intake.by_hand import ByHand
from heaters_pipeline.intake.sources import HttpLink, S3Link
from heaters_pipeline.names import VIDEO_STAGES
from heaters_pipeline.report.metrics.model import MetricsTotals
from heaters_pipeline.settings_files import SettingsFile, Values, merged
from heaters_pipeline.storage.cache import LocalCache
from heaters_pipeline.storage.file_locks import held_folder, remove_abandoned_folders
from heaters_pipeline.storage.keys import beside_prefix
from heaters_pipeline.storage.local_files import os_errors_explained
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.claims import Claims, HeldClaim, OnWait
from heaters_pipeline.storage.records.manifests import Manifest, read_manifest, write_manifest
from heaters_pipeline.storage.records.video_manifests import VideoManifest, read_video, write_video
from heaters_pipeline.stored_settings import StoredSettings
from heaters_pipeline.video.media.probe import shown_name
from heaters_pipeline.video.stills.picture_shelf import PictureShelf

_logger = logging.getLogger(__name__)


class Workspace:
    """The store with what one run knows of it.

    A run works through the steps of one video in one process, so its manifest is read once.

    Attributes:
        failures: Why stages of the run failed, by stage.
        by_hand: What people decided of the videos.
        takes_config_as_it_is: Nothing but the config of the run decides, and none of it stays with
            the video: what is repaired becomes what it was.
        left_out: Stages of which the run makes nothing, since a repair found none of them.
    """

    def __init__(
        self,
        store: ObjectStore,
        cache: LocalCache,
        scratch_folder: Path,
        metrics: MetricsTotals | None = None,
        allowed_links: AllowedLinks | None = None,
        settings: SettingsFile | None = None,
    ) -> None:
        self.store = store
        self.cache = cache
        self.metrics = metrics
        self.by_hand = ByHand(store)
        self.failures: dict[str, str] = {}
        self.allowed_links = allowed_links or AllowedLinks()
        self.given_links: dict[str, HttpLink | S3Link] = {}
        """By source key: what a person gave to this process, and nothing records as it is."""
        self._scratch_folder = scratch_folder
        self._tidied = False
        self.claims = Claims(store, scratch_folder.parent / "claims")
        self._open_claims: dict[str, ExitStack] = {}
        self._claimed: dict[str, HeldClaim] = {}
        self._worked_on: set[str] = set()
        self._reported: dict[str, dict[str, str]] = {}
        self._videos: dict[str, VideoManifest] = {}
        self._listings: dict[str, dict[str, ObjectInfo]] = {}
        self._pictures: dict[str, bytes] = {}
        self._heads: dict[str, ObjectInfo | None] = {}
        self._settings = settings
        self._given: dict[str, Values] = {}
        self._shelves: dict[str, PictureShelf] = {}
        self._open_shelves = ExitStack()
        self.takes_config_as_it_is = False
        self.left_out: frozenset[str] = frozenset()

    def afresh(self) -> "Workspace":
        """The same store for another run, which has to look for itself."""
        return self.with_settings(None)

    def with_settings(self, settings: SettingsFile | None) -> "Workspace":
        """The same store for who has just read its settings."""
        return Workspace(
            self.store,
            self.cache,
            self._scratch_folder,
            self.metrics,
            self.allowed_links,
            settings,
        )

    @property
    def stored_settings(self) -> StoredSettings:
        """The settings of the store, for those who change them or must not see older ones."""
        return StoredSettings(self.store, self._scratch_folder.parent / "settings")

    def settings(self) -> SettingsFile:
        """The settings of the store, looked up once.

        Raises:
            SettingsError: They are broken.
        """
        if self._settings is None:
            self._settings = self.stored_settings.current()
        return self._settings

    def give(self, video_id: str, values: Values) -> None:
        """Let settings stay with a video that this run was given by hand."""
        self._given[video_id] = merged([self._given.get(video_id, {}), values])

    def given(self, video_id: str) -> Values:
        """The settings that stay with a video, those of this run among them."""
        return merged([self.video(video_id).given, self._given.get(video_id, {})])

    def video(self, video_id: str) -> VideoManifest:
        """The manifest of a video as this run found it, or wrote it."""
        if video_id not in self._videos:
            self._videos[video_id] = read_video(self.store, video_id)
            self._pictures |= self._videos[video_id].pictures
        return self._videos[video_id]

    def manifest(self, stage: str, video_id: str) -> Manifest | None:
        """What is recorded of a stage, or None if it was never finished."""
        if stage not in VIDEO_STAGES:
            return read_manifest(self.store, stage, video_id)
        return self.video(video_id).stages.get(stage)

    def require_manifest(self, stage: str, video_id: str) -> Manifest:
        """What is recorded of a stage that has to be there.

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
        """Write what is recorded of a stage, after all of its objects.

        Raises:
            ClaimLostError: Another run works on the video by now.
        """
        self.require_claims()
        if manifest.stage not in VIDEO_STAGES:
            write_manifest(self.store, manifest)
        else:
            self._write_video(self.video(manifest.video_id).with_stage(manifest))

    def forget_given(self, video_id: str, names: Container[tuple[str, str]] | None) -> Values:
        """Let settings that were given by hand count no longer; the claim on the video is held.

        Args:
            video_id: The partition.
            names: Assets and fields; None for all.
        Returns:
            What counted until now.
        """
        video = self.video(video_id)
        kept: dict[str, dict[str, Any]] = {}
        dropped: dict[str, dict[str, Any]] = {}
        for asset, values in video.given.items():
            for name, value in values.items():
                goes = names is None or (asset, name) in names
                (dropped if goes else kept).setdefault(asset, {})[name] = value
        if dropped:
            self._write_video(replace(video, given=kept))
        return dropped

    def is_outdated(self, video_id: str) -> bool:
        """Whether the manifest is to be written although nothing may be to be made."""
        video = self.video(video_id)
        return video.is_older or self.given(video_id) != video.given

    def upgrade(self, video_id: str) -> None:
        """Write what was read from manifests of an older version, or given by hand."""
        video = self.video(video_id)
        # Before its first stage a video has no manifest, and the stage writes one.
        if video.stages and self.is_outdated(video_id):
            self.require_claims()
            self._write_video(video)

    def _write_video(self, video: VideoManifest) -> None:
        for key in video.picture_keys:
            # One that was removed is drawn again by the stage that names it.
            with suppress(ObjectNotFoundError):
                self.picture(key)
        held = self._pictures.keys() & video.picture_keys
        given = merged([video.given, self._given.get(video.video_id, {})])
        pictures = {key: self._pictures[key] for key in held}
        video = replace(video, pictures=pictures, given=given)
        write_video(self.store, video, self.video(video.video_id))
        self._videos[video.video_id] = replace(video, is_older=False)

    def report(self, stage: str, video_id: str, fingerprint: str) -> None:
        """Remember what this run told people that a stage is."""
        self._reported.setdefault(video_id, {})[stage] = fingerprint

    def changed_since_reported(self, video_id: str, stages: Iterable[str]) -> list[str]:
        """Those of the stages that are recorded by now with another fingerprint, by name."""
        recorded, reported = self.video(video_id).stages, self._reported.get(video_id, {})
        known = recorded.keys() & reported.keys() & set(stages)
        return sorted(name for name in known if recorded[name].fingerprint != reported[name])

    def objects(self, prefix: str) -> dict[str, ObjectInfo]:
        """What lies under a prefix, by one LIST; asked again only after something was stored."""
        if prefix not in self._listings:
            self._listings[prefix] = {found.key: found for found in self.store.list(prefix)}
        return self._listings[prefix]

    def picture(self, key: str) -> bytes:
        """A small picture, which the manifest of its video may hold. Its key says what it shows."""
        if key not in self._pictures:
            self._pictures[key] = self.store.read_bytes(key)
        return self._pictures[key]

    def keep_picture(self, key: str, data: bytes, content_type: str) -> None:
        """Store a small picture that was just drawn."""
        self.write_bytes(key, data, content_type)
        self._pictures[key] = data

    def beside(self, source_key: str) -> dict[str, ObjectInfo]:
        """A source and what lies beside it under the same stem, by one LIST."""
        prefix = beside_prefix(source_key)
        return {} if prefix is None else self.objects(prefix)

    def prefetch_source(self, source_key: str) -> ObjectInfo | None:
        """The facts of a source, which ``head`` then gives once without asking again.

        The LIST that takes the place of a HEAD shows the sidecars, too.
        """
        if source_key not in self._heads:
            listed = beside_prefix(source_key) is not None
            found = self.beside(source_key).get(source_key)
            self._heads[source_key] = found if listed else self.store.head(source_key)
        return self._heads[source_key]

    def head(self, key: str) -> ObjectInfo | None:
        """The facts of an object as they were just prefetched, or else as they are."""
        return self._heads.pop(key) if key in self._heads else self.store.head(key)

    def write_bytes(self, key: str, data: bytes, content_type: str) -> ObjectInfo:
        """Store an object."""
        self.require_claims()
        stored = self.store.write_bytes(key, data, content_type=content_type)
        self.noticed_change(key)
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
        self.require_claims()
        stored = self.store.put_file(key, path, content_type=content_type)
        self.noticed_change(key)
        if keep_local:
            self.cache.add(self.store, key, stored.version, path)
        return stored

    def noticed_change(self, key: str) -> None:
        """Look again for an object that was just stored."""
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

    def shelf(self, name: str) -> PictureShelf:
        """Pictures of a source that a step of this run makes for later ones, until ``close``.

        Args:
            name: Says which source, and which stream of it.
        """
        if name not in self._shelves:
            folder = self._open_shelves.enter_context(self.scratch())
            shelf = PictureShelf(folder / "pictures")
            self._open_shelves.callback(shelf.close)
            self._shelves[name] = shelf
        return self._shelves[name]

    def tidy(self) -> None:
        """Remove what killed processes left, once: half-made files, copies and claims."""
        if self._tidied:
            return
        self._tidied = True
        try:
            with os_errors_explained(f"cannot tidy up {self._scratch_folder}"):
                remove_abandoned_folders(self._scratch_folder)
            self.cache.tidy()
            self.store.tidy()
            self.claims.tidy()
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
        if self.has_claimed(video_id):
            return
        # One that was lost is given back before another is asked for.
        self._open_claims.pop(video_id, ExitStack()).close()
        with ExitStack() as stack:
            self._claimed[video_id] = stack.enter_context(self.claims.held(video_id, on_wait))
            self._open_claims[video_id] = stack.pop_all()
        self.expect_work(video_id)
        self._videos.pop(video_id, None)
        self.by_hand.forget(video_id)
        self._listings.clear()
        self._heads.clear()

    def expect_work(self, video_id: str) -> None:
        """Know that this run makes something for a video, or would, so that it looks closer."""
        self._worked_on.add(video_id)

    def expects_work(self, video_id: str) -> bool:
        """Whether anything was found to be made for a video."""
        return video_id in self._worked_on

    def has_claimed(self, video_id: str) -> bool:
        """Whether this run is the only one that makes something for a video."""
        return video_id in self._claimed and not self._claimed[video_id].lost

    def require_claims(self) -> None:
        """Make sure, before something is written, that what was claimed still is.

        Raises:
            ClaimLostError: Another run works on it by now.
        """
        for claim in self._claimed.values():
            claim.require()

    def close(self) -> None:
        """Let others work on what this run worked on."""
        self._claimed.clear()
        self._shelves.clear()
        with ExitStack() as stack:
            stack.push(self._open_shelves.pop_all())
            for claim in self._open_claims.values():
                stack.push(claim)
            self._open_claims.clear()
