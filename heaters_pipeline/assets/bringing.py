"""Bring a video into the store: a file of this machine, or a link. Nothing that is no video."""

import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from heaters_pipeline.assets.stage import StageRun
from heaters_pipeline.errors import (
    DownloadError,
    HeatersError,
    ManifestError,
    ObjectNotFoundError,
    SourceChangedError,
)
from heaters_pipeline.intake.bring import KnownSource, bring_file
from heaters_pipeline.intake.sidecars import is_stored, local_sidecars
from heaters_pipeline.intake.sources import (
    HttpLink,
    LocalFile,
    S3Link,
    StoreKey,
    classify,
    content_type_of,
    shown_url,
)
from heaters_pipeline.intake.submissions import (
    Submission,
    forget_link,
    read_submission,
    whole_link,
)
from heaters_pipeline.isolation.probing import probed
from heaters_pipeline.names import SUBMISSION_TAG
from heaters_pipeline.settings_files import require_settings
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.digests import file_sha256
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.manifests import Manifest
from heaters_pipeline.storage.records.video_keys import source_objects
from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline.video.media.probe import VideoInfo
from heaters_pipeline.workspace import Workspace


@dataclass(frozen=True, slots=True)
class BroughtVideo:
    """A video that was brought in, or found to be there.

    Attributes:
        found: The object.
        sha256: Of its content, in hex.
        origin: Where it comes from, without credentials.
        info: From its header.
    """

    found: ObjectInfo
    sha256: str
    origin: str
    info: VideoInfo


def known_source(store: ObjectStore, source_key: str) -> KnownSource | None:
    """What is recorded of a source object."""
    video = read_video(store, keys.video_id_of(source_key))
    return _known(video.stages.get("source_videos"))


def known_to(workspace: Workspace, source_key: str) -> KnownSource | None:
    """The same as a run knows it, which reads each record once."""
    return _known(workspace.manifest("source_videos", keys.video_id_of(source_key)))


def _known(manifest: Manifest | None) -> KnownSource | None:
    if manifest is None:
        return None
    summary = manifest.summary
    return KnownSource(summary["sha256"], summary["version"], summary["origin"])


def bring_in(run: StageRun, origin: str, source_key: str | None) -> BroughtVideo | None:
    """Bring a video in from where it is; None if it is a key, which lies in the store already.

    Raises:
        InvalidVideoError: It is no video; nothing was stored.
        DownloadError: The link cannot be downloaded.
    """
    given = run.workspace.given_links.get(source_key or "")
    wanted = given or classify(origin)
    if isinstance(wanted, StoreKey):
        return None
    key = source_key or wanted.source_key
    if isinstance(wanted, LocalFile):
        return _bring_file(run, wanted, key)
    return _bring_link(run, wanted, key, by_hand=given is not None)


def bring_submitted(run: StageRun) -> BroughtVideo:
    """Bring a video in by its submission.

    Raises:
        ObjectNotFoundError: It was not submitted either.
    """
    submission = submitted(run)
    try:
        brought = _bring_link(run, _link_of(run, submission), submission.source_key)
    except HeatersError as error:
        if not error.transient:
            forget_link(run.workspace.store, run.video_id, submission)
        raise
    if brought is None:
        raise _nowhere(run.workspace.store, run.video_id)
    forget_link(run.workspace.store, run.video_id, submission)
    return brought


def submitted(run: StageRun) -> Submission:
    """The submission of a link by which the run's video is to be brought in.

    Raises:
        ObjectNotFoundError: It was not submitted, or without a link.
        ManifestError: The submission is damaged.
    """
    store = run.workspace.store
    request = store.head(keys.submission_key(run.video_id))
    if request is None:
        raise _nowhere(run.workspace.store, run.video_id)
    # What cannot be downloaded is refused until it is submitted again.
    run.input_version = request.version
    submission = read_submission(store, run.video_id)
    if submission.url is None:
        raise _nowhere(run.workspace.store, run.video_id)
    return submission


def _link_of(run: StageRun, submission: Submission) -> HttpLink | S3Link:
    link = classify(whole_link(run.workspace.store, submission))
    if not isinstance(link, HttpLink | S3Link):
        # Who can write to the store must not be able to read this machine's files.
        shown = shown_url(submission.url or "")
        raise DownloadError(
            f"the submission of {run.video_id} names {shown!r}, which is no link; "
            "submit an http, https or s3 link, or upload the file"
        )
    return link


def give_submitted(run: StageRun) -> None:
    """Let a video have the settings that it was submitted with.

    Only if nothing is recorded of it, or its submission started the run: what it was given later
    counts, and a finished video asks the store for nothing more.

    Raises:
        SettingsError: They are none.
    """
    workspace, video_id = run.workspace, run.video_id
    is_asked_for = run.context is not None and SUBMISSION_TAG in run.context.run.tags
    if workspace.video(video_id).stages and not is_asked_for:
        return
    try:
        submission = read_submission(workspace.store, video_id)
    except (ObjectNotFoundError, ManifestError):
        # What is damaged is said where the link is needed.
        return
    require_settings(submission.settings, keys.submission_key(video_id))
    workspace.give(video_id, submission.settings)


def downloaded_before(workspace: Workspace, link: HttpLink | S3Link, key: str) -> bool:
    """Whether what lies under a key came from this link."""
    known = known_to(workspace, key)
    # A link's key holds its digest, so what lies there came from it.
    return workspace.prefetch_source(key) is not None and (
        # Older records show a part of the query.
        known is None or shown_url(known.origin or "") == shown_url(link.origin)
    )


def require_stored(workspace: Workspace, wanted: StoreKey) -> None:
    """Make sure that there is a video before a run is started for it.

    Raises:
        ObjectNotFoundError: The store has none, and none was submitted.
    """
    store, video_id = workspace.store, wanted.video_id
    recorded = workspace.manifest("source_videos", video_id)
    key = wanted.source_key or (recorded and str(recorded.summary["source_key"]))
    if key:
        found = workspace.prefetch_source(key) is not None
    else:
        # A digest in the id hides the name.
        found = any(source_objects(store, video_id))
    if not found and store.head(keys.submission_key(video_id)) is None:
        raise _nowhere(store, video_id)


def _nowhere(store: ObjectStore, video_id: str) -> ObjectNotFoundError:
    return ObjectNotFoundError(
        f"{video_id} is neither in {store.url} under {keys.SOURCE_PREFIX} nor "
        "submitted; upload the video, or submit its link with heaters submit"
    )


def _bring_file(run: StageRun, file: LocalFile, key: str) -> BroughtVideo:
    store = run.workspace.store
    path = file.path.resolve()
    info = probed(path, children=run.children)
    done_bytes = 0

    def on_progress(count: int) -> None:
        nonlocal done_bytes
        done_bytes += count
        run.progress("copy", done_bytes, info.size_bytes)

    if run.workspace.prefetch_source(key) is None:
        # Before the phase, which would otherwise count the wait for another run as its own.
        run.claim()
    with run.phase("copy"):
        _bring_sidecars(run, path, key)
        brought = bring_file(
            store,
            path,
            source_key=key,
            known=lambda source_key: known_to(run.workspace, source_key),
            head=run.workspace.head,
            on_progress=on_progress,
        )
        if brought.copied:
            run.workspace.noticed_change(key)
        if brought.copied and store.local_path(key) is None:
            _keep_local(run, path, brought.object, brought.sha256)
    return BroughtVideo(brought.object, brought.sha256, file.origin, info)


def _bring_sidecars(run: StageRun, path: Path, key: str) -> None:
    """Copy the subtitles beside a file before it, so that they are there when it is seen."""
    manifest = run.workspace.manifest("source_videos", run.video_id)
    known = manifest.summary.get("sidecars", []) if manifest else []
    for sidecar in local_sidecars(path, key):
        listed = run.workspace.beside(key)
        if not is_stored(run.workspace.store, sidecar, listed, known):
            run.claim()
            run.workspace.put_file(sidecar.key, sidecar.path, sidecar.content_type)


def _keep_local(run: StageRun, path: Path, stored: ObjectInfo, sha256: str) -> None:
    """Spare the next steps the download of what was just uploaded."""
    with run.workspace.scratch() as folder:
        # A copy of our own, since its owner may write to the file at any time.
        copy = folder / "source"
        shutil.copyfile(path, copy)
        if file_sha256(copy) != sha256:
            raise SourceChangedError(f"{path} was written to while it was read; try again")
        run.workspace.cache.add(run.workspace.store, stored.key, stored.version, copy)


def _bring_link(
    run: StageRun, link: HttpLink | S3Link, key: str, *, by_hand: bool = False
) -> BroughtVideo | None:
    if downloaded_before(run.workspace, link, key):
        return None
    run.claim()
    if downloaded_before(run.workspace, link, key):
        return None
    if isinstance(link, HttpLink) and link.is_shortened:
        raise DownloadError(
            f"of {link.url} the query is not kept; give the whole link to heaters process or submit"
        )
    # It imports boto3 and requests, of which files and folders need neither.
    from heaters_pipeline.intake.download import fetch_link

    with run.workspace.scratch() as folder:
        # Messages name the file.
        path = folder / PurePosixPath(key).name
        arrived_bytes = 0

        def on_progress(count: int) -> None:
            nonlocal arrived_bytes
            arrived_bytes += count
            run.progress("download", arrived_bytes, 0)

        with run.phase("download"):
            fetch_link(
                link,
                path,
                allowed=run.workspace.allowed_links,
                by_hand=by_hand,
                on_progress=on_progress,
            )
        info = probed(path, children=run.children)
        sha256 = file_sha256(path)
        with run.phase("upload"):
            stored = run.workspace.put_file(key, path, content_type_of(key), keep_local=True)
    return BroughtVideo(stored, sha256, link.origin, info)
