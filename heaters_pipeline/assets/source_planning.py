"""Which source a run would work with: found in the store, or still to be brought in. Only looks."""

from dataclasses import dataclass
from typing import Any

from heaters_pipeline.assets.bringing import downloaded_before, known_to, submitted
from heaters_pipeline.assets.records import Source
from heaters_pipeline.assets.source_videos import (
    Registered,
    described,
    header_facts,
    locate_source,
    recorded_source,
    registered_as,
    source_work,
)
from heaters_pipeline.assets.stage import StageRun
from heaters_pipeline.config import SourceConfig
from heaters_pipeline.intake.bring import find_brought, read_in_place
from heaters_pipeline.intake.sources import HttpLink, LocalFile, S3Link, classify
from heaters_pipeline.isolation.probing import probed
from heaters_pipeline.names import VIDEO_STAGES
from heaters_pipeline.storage.digests import file_sha256
from heaters_pipeline.storage.object_store import ObjectInfo

LATER_STAGES = VIDEO_STAGES[1:]


@dataclass(frozen=True, slots=True)
class ExpectedSource:
    """The source that a run would work with.

    Attributes:
        key: The key that it has or gets.
        version: Of the object; empty if it is still to be brought in.
        sha256: Of its content; None if that was never read, and nothing could be reused by it.
        size_bytes: Length of its content; None before a link was downloaded.
        info: The facts of its header as manifests keep them; empty where they are not known.
        stored: Whether the object is there.
        registered: Whether the record says all of this.
        lost: It is recorded, but the object is gone.
    """

    key: str
    version: str
    sha256: str | None
    size_bytes: int | None
    info: dict[str, Any]
    stored: bool
    registered: bool = False
    lost: bool = False

    @property
    def identity(self) -> Source | None:
        """The source as later stages know it; None as long as its content was not read."""
        if self.sha256 is None:
            return None
        return Source(self.key, self.version, self.sha256, self.info["codec"])


def expected_source(run: StageRun, config: SourceConfig) -> ExpectedSource:
    """Look for a video as the asset ``source_videos`` does, without bringing it in.

    What was never read is read only if results of the video are there that it may belong to;
    nothing of it stays on this machine.

    Args:
        run: Of the stage ``source_videos``, without Dagster.
        config: As the asset gets it.
    Raises:
        InvalidVideoError: It is no video.
        ObjectNotFoundError: There is no such video, and none was submitted.
        ManifestError: Its submission is damaged.
    """
    given = run.workspace.given_links.get(config.source_key or "")
    wanted = given or (classify(config.origin) if config.origin else None)
    if isinstance(wanted, LocalFile):
        return _file(run, wanted, config)
    if isinstance(wanted, HttpLink | S3Link):
        key = config.source_key or wanted.source_key
        if not downloaded_before(run.workspace, wanted, key):
            return _link(run, key)
    found = locate_source(run, config.source_key)
    if found is None:
        return _link(run, submitted(run).source_key)
    recorded = recorded_source(run)
    if recorded is not None and recorded.version == found.version:
        return _registered(run, described(run, recorded, config))
    return _unread(run, found, recorded.origin if recorded else None)


def results_exist(run: StageRun) -> bool:
    """Whether anything was ever made of the run's video."""
    return any(
        run.workspace.manifest(stage, run.video_id) or run.of_stage(stage).objects()
        for stage in LATER_STAGES
    )


def _file(run: StageRun, file: LocalFile, config: SourceConfig) -> ExpectedSource:
    store, key = run.workspace.store, config.source_key or file.source_key
    path = file.path.resolve()
    info = probed(path)
    there = find_brought(
        store,
        path,
        source_key=key,
        known=lambda source_key: known_to(run.workspace, source_key),
        head=run.workspace.head,
    )
    if there is not None:
        registered = registered_as(there.object, there.sha256, file.origin, info)
        return _registered(run, described(run, registered, config))
    return ExpectedSource(
        key=key,
        version="",
        sha256=file_sha256(path) if results_exist(run) else None,
        size_bytes=info.size_bytes,
        info=header_facts(info),
        stored=False,
        lost=_is_lost(run, key),
    )


def _link(run: StageRun, key: str) -> ExpectedSource:
    return ExpectedSource(
        key=key,
        version="",
        sha256=None,
        size_bytes=None,
        info={},
        stored=False,
        lost=_is_lost(run, key),
    )


def _is_lost(run: StageRun, key: str) -> bool:
    return recorded_source(run) is not None and run.workspace.store.head(key) is None


def _registered(run: StageRun, source: Registered) -> ExpectedSource:
    return ExpectedSource(
        key=source.source_key,
        version=source.version,
        sha256=source.sha256,
        size_bytes=source.size_bytes,
        info=source.info,
        stored=True,
        registered=source_work(run, source).done,
    )


def _unread(run: StageRun, found: ObjectInfo, origin: str | None) -> ExpectedSource:
    """An object of which nothing is recorded, or that was replaced."""
    store = run.workspace.store
    wanted = results_exist(run)
    if not wanted and store.local_path(found.key) is None:
        # Its size tells enough; fetching it would cost what the run costs.
        return ExpectedSource(found.key, found.version, None, found.size_bytes, {}, stored=True)
    with read_in_place(store, found.key) as path:
        info = probed(path)
        if wanted:
            return _registered(run, registered_as(found, file_sha256(path), origin, info))
    facts = header_facts(info)
    return ExpectedSource(found.key, found.version, None, found.size_bytes, facts, stored=True)
