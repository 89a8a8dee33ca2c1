"""The track of what a user names: scored from a file, or read from the store without decoding."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from heaters_pipeline import home
from heaters_pipeline.cli.terminal import Watcher
from heaters_pipeline.errors import ManifestError, SettingsError
from heaters_pipeline.intake.sources import LocalFile, StoreKey, classify, video_names
from heaters_pipeline.isolation.calls import isolated
from heaters_pipeline.isolation.probing import probed
from heaters_pipeline.storage.cache import LocalCache
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.open_store import open_store
from heaters_pipeline.storage.records.manifests import Manifest
from heaters_pipeline.storage.records.video_manifests import VideoManifest, read_video
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.media.probe import shown_name
from heaters_pipeline.video.scoring.method_scores import score_for, suffices

Variants = Collection[DetectionSettings]


@dataclass(frozen=True, slots=True)
class ScoredVideo:
    """A video with its track.

    Attributes:
        name: How people call it: the name of the file, or the id.
        names: What it may be called in a labels file, likeliest first.
        track: Its scores.
        decoded: Whether it had to be decoded for that.
    """

    name: str
    names: tuple[str, ...]
    track: ScoreTrack
    decoded: bool


def scored_video(video: str, variants: Variants, watcher: Watcher) -> ScoredVideo:
    """Score a file, or read the track of a video that was processed.

    Args:
        video: A file, a key under ``source_videos/``, or a video's id.
        variants: What the track is for.
        watcher: Shown the progress.
    Raises:
        SettingsError: It is neither, or was not processed yet.
        InvalidVideoError: It cannot be decoded.
    """
    wanted = classify(video)
    if isinstance(wanted, LocalFile):
        name = wanted.path.name
        return ScoredVideo(name, (name,), _score(wanted.path, name, variants, watcher), True)
    if isinstance(wanted, StoreKey):
        return _stored(wanted, variants, watcher)
    raise SettingsError(
        f"{wanted.origin} is a link; bring it in with heaters process, then name its key or id"
    )


def _stored(wanted: StoreKey, variants: Variants, watcher: Watcher) -> ScoredVideo:
    store = open_store(home.store_location(), base_folder=home.home_folder())
    video_id = wanted.video_id
    recorded = read_video(store, video_id)
    source = recorded.stages.get("source_videos")
    if source is None:
        raise SettingsError(
            f"{video_id} is neither a file here nor a processed video in {store.url}; "
            "check the name, or run heaters process first"
        )
    track = _stored_track(store, recorded)
    decoded = track is None or not suffices(track, variants)
    if track is None or decoded:
        with _local_source(store, source) as path:
            track = _score(path, video_id, variants, watcher)
    summary = source.summary
    names = video_names(summary["source_key"], summary["origin"], video_id)
    return ScoredVideo(video_id, names, track, decoded)


def _stored_track(store: ObjectStore, recorded: VideoManifest) -> ScoreTrack | None:
    """The track, unless there is none, or another version of the program wrote it."""
    manifest = recorded.stages.get("frame_scores")
    if manifest is None or not manifest.items:
        return None
    try:
        return ScoreTrack.from_bytes(store.read_bytes(manifest.items[0].key))
    except ManifestError:
        return None


@contextmanager
def _local_source(store: ObjectStore, source: Manifest) -> Iterator[Path]:
    cache = LocalCache(home.cache_folder() / "objects", max_bytes=home.cache_max_bytes())
    key, version = source.summary["source_key"], source.summary["version"]
    with cache.local_copy(store, key, version) as path:
        yield path


def _score(path: Path, name: str, variants: Variants, watcher: Watcher) -> ScoreTrack:
    info = probed(path)
    frames = info.frames_promised or 0
    watcher.start(name)
    return isolated(
        f"the frames of {shown_name(path)} were scored",
        score_for,
        path,
        info,
        variants,
        on_progress=lambda done: watcher.step("decode", done, frames),
    )
