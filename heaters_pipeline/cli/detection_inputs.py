"""The track of what a user names: scored from a file, or read from the store without decoding."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from heaters_pipeline import home
from heaters_pipeline.cli.terminal import Watcher
from heaters_pipeline.errors import ManifestError, SettingsError
from heaters_pipeline.intake.sources import LocalFile, StoreKey, classify, video_names
from heaters_pipeline.isolation.calls import isolated
from heaters_pipeline.isolation.probing import probed
from heaters_pipeline.report.review import review_of, true_labels
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.cache import LocalCache
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.open_store import open_store
from heaters_pipeline.storage.records.corrections import read_corrections
from heaters_pipeline.storage.records.manifests import Manifest
from heaters_pipeline.storage.records.video_manifests import VideoManifest, read_video
from heaters_pipeline.video.detection.labels import Labels, labels_for
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
        recorded: What the store has of it; None for a file.
    """

    name: str
    names: tuple[str, ...]
    track: ScoreTrack
    decoded: bool
    recorded: VideoManifest | None = None


def scored_video(
    video: str, variants: Variants, watcher: Watcher, *, reviewed: bool = False
) -> ScoredVideo:
    """Score a file, or read the track of a video that was processed.

    Args:
        video: A file, a key under ``source_videos/``, or a video's id.
        variants: What the track is for.
        watcher: Shown the progress.
        reviewed: Whether people must have reviewed it, which is asked before it is decoded.
    Raises:
        SettingsError: It is neither, was not processed yet, or not reviewed.
        InvalidVideoError: It cannot be decoded.
    """
    wanted = classify(video)
    if isinstance(wanted, LocalFile):
        name = wanted.path.name
        if reviewed:
            _require_reviewed(name, None)
        return ScoredVideo(name, (name,), _score(wanted.path, name, variants, watcher), True)
    if isinstance(wanted, StoreKey):
        return _stored(wanted, variants, watcher, reviewed)
    raise SettingsError(
        f"{wanted.origin} is a link; bring it in with heaters process, then name its key or id"
    )


def _stored(wanted: StoreKey, variants: Variants, watcher: Watcher, reviewed: bool) -> ScoredVideo:
    store = _store()
    video_id = wanted.video_id
    recorded = read_video(store, video_id)
    source = recorded.stages.get("source_videos")
    if source is None:
        raise SettingsError(
            f"{video_id} is neither a file here nor a processed video in {store.url}; "
            "check the name, or run heaters process first"
        )
    if reviewed:
        _require_reviewed(video_id, recorded)
    track = _stored_track(store, recorded)
    decoded = track is None or not suffices(track, variants)
    if track is None or decoded:
        with _local_source(store, source) as path:
            track = _score(path, video_id, variants, watcher)
    summary = source.summary
    names = video_names(summary["source_key"], summary["origin"], video_id)
    return ScoredVideo(video_id, names, track, decoded, recorded)


def truth_of(
    videos: Sequence[ScoredVideo],
    known: Mapping[str, Labels],
    labels: Path | None,
    *,
    reviewed: bool,
) -> list[Labels | None]:
    """What is true of videos: what a file says, or what people reviewed; None without either.

    Args:
        videos: In question.
        known: What the file says.
        labels: The file, None without one.
        reviewed: Whether to take what people reviewed.
    Raises:
        SettingsError: One of them is not labelled, or not reviewed.
    """
    if reviewed:
        return [
            true_labels(
                _require_reviewed(one.name, one.recorded).stages["scenes"], one.track.frames
            )
            for one in videos
        ]
    if labels is None:
        return [None] * len(videos)
    return [labels_for(known, one.names, one.track.frames, labels) for one in videos]


def reviewed_videos() -> list[str]:
    """The videos of the store that people have reviewed, by id.

    Raises:
        SettingsError: There is none.
    """
    store = _store()
    found = [
        video_id
        for one in store.list(keys.CORRECTION_PREFIX)
        if (video_id := keys.corrected_video(one.key)) and _is_reviewed(store, video_id)
    ]
    if not found:
        raise SettingsError(
            f"no video in {store.url} is reviewed yet: none has decisions and no clip that waits; "
            "heaters review list shows what waits"
        )
    return found


def _is_reviewed(store: ObjectStore, video_id: str) -> bool:
    video = read_video(store, video_id)
    return video.is_finished and (
        review_of(video, read_corrections(store, video_id)).state == "reviewed"
    )


def _require_reviewed(name: str, recorded: VideoManifest | None) -> VideoManifest:
    if recorded is None or not recorded.is_finished:
        raise SettingsError(f"{name} is no processed video of the store: nobody reviewed it")
    review = review_of(recorded, read_corrections(_store(), recorded.video_id))
    if not review.is_applied:
        raise SettingsError(
            f"{name} has corrections that no run took in yet; run heaters process "
            f"{recorded.video_id}"
        )
    if review.state != "reviewed":
        raise SettingsError(
            f"{name} is not reviewed yet: {review.counts['waiting']} of {len(review.clips)} "
            f"clips wait; heaters review show {recorded.video_id} says more"
        )
    return recorded


def _store() -> ObjectStore:
    return open_store(home.store_location(), base_folder=home.home_folder())


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
