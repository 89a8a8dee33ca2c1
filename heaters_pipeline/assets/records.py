"""What later assets need of earlier ones, read from their manifests."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from heaters_pipeline.assets.stage import StageRun
from heaters_pipeline.assets.units import Scene
from heaters_pipeline.intake.sources import video_names
from heaters_pipeline.isolation.probing import probed
from heaters_pipeline.storage.records.manifests import Json, Manifest, exact_seconds
from heaters_pipeline.video.clips.settings import ClipSettings
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.media.probe import VideoInfo
from heaters_pipeline.video.media.timing import Span

_NAMELESS_DEFAULTS: dict[str, Any] = {"audio_languages": (), "format": "jpg"}
"""Settings that came later, by what was done before: results of that keep their names."""


@dataclass(frozen=True, slots=True)
class Source:
    """The source object of a video.

    Attributes:
        key: Its key under ``source_videos/``.
        version: What stands for its content until the object is replaced.
        sha256: The video's identity.
        codec: FFmpeg's name of the codec of its largest video stream.
        video_stream: Which video stream of it was chosen, by the recorded track; None for the
            largest.
    """

    key: str
    version: str
    sha256: str
    codec: str
    video_stream: int | None = None

    @property
    def pictures_name(self) -> str:
        """What stands for the pictures of it that a run keeps for later steps."""
        return f"{self.sha256}/{self.video_stream}"


def source_of(run: StageRun) -> Source:
    """The registered source of the run's video; what is found invalid later is this version."""
    summary = run.workspace.require_manifest("source_videos", run.video_id).summary
    source = Source(
        key=str(summary["source_key"]),
        version=str(summary["version"]),
        sha256=str(summary["sha256"]),
        codec=str(summary["info"]["codec"]),
        video_stream=_chosen_stream(run),
    )
    run.input_version = source.version
    return source


def source_names(run: StageRun) -> tuple[str, ...]:
    """What the run's video may be called in a labels file, likeliest first, each once."""
    summary = run.workspace.require_manifest("source_videos", run.video_id).summary
    return video_names(summary["source_key"], summary["origin"], run.video_id)


@contextmanager
def local_source(run: StageRun, source: Source) -> Iterator[tuple[Path, VideoInfo]]:
    """A local file with the source's content, and its header's facts."""
    with ExitStack() as stack:
        with run.phase("fetch"):
            path = stack.enter_context(run.workspace.local_copy(source.key, source.version))
        yield path, probed(path, source.video_stream, children=run.children)


def _chosen_stream(run: StageRun) -> int | None:
    track = run.workspace.manifest("frame_scores", run.video_id)
    return track.inputs["settings"].get("video_stream") if track else None


def recorded_track(run: StageRun) -> Manifest:
    """What is recorded of the track of the run's video."""
    return run.workspace.require_manifest("frame_scores", run.video_id)


def track_of(run: StageRun) -> ScoreTrack:
    """The stored similarity track of the run's video."""
    item = recorded_track(run).items[0]
    with run.phase("fetch"):
        return ScoreTrack.from_bytes(run.workspace.store.read_bytes(item.key))


def scenes_of(run: StageRun) -> list[Scene]:
    """The scenes of the run's video, in order."""
    manifest = run.workspace.require_manifest("scenes", run.video_id)
    return [Scene.from_json(row) for row in manifest.summary["scenes"]]


def for_stream(settings: ClipSettings, video_stream: int | None) -> ClipSettings:
    """The settings of a video's clips: MP4 where another stream than the largest was chosen.

    What the clips are stored in depends on the codec, which is recorded of the largest alone.

    Args:
        settings: Of the clips.
        video_stream: Which one was chosen, None for the largest.
    """
    return settings if video_stream is None else replace(settings, container="mp4")


def clip_settings_json(settings: ClipSettings, codec: str) -> dict[str, Json]:
    """The settings of a video's clips as manifests keep them and digests count them.

    What decides nothing is left out, so that clips that were made before it existed keep their
    names.

    Args:
        settings: Of the clips.
        codec: FFmpeg's name of the video's codec.
    """
    values = settings_json(settings)
    if settings.mode != "auto":
        del values["min_psnr_db"]
    if settings.clip_container(codec) == "mp4":
        del values["container"]
    return values


def source_inputs(source: Source) -> dict[str, Json]:
    """Of what results are made; those that are made without a choice keep their names."""
    chosen: dict[str, Json] = (
        {} if source.video_stream is None else {"video_stream": source.video_stream}
    )
    return {"source_sha256": source.sha256, **chosen}


def gradual_of(run: StageRun) -> list[Span]:
    """The frames of the video's gradual transitions, in order."""
    rows = run.workspace.require_manifest("scenes", run.video_id).summary["transitions"]
    return [Span(row["start_frame"], row["end_frame"]) for row in rows if row["kind"] != "cut"]


def settings_json(settings: Any) -> dict[str, Json]:
    """A settings dataclass as manifests keep it; fractions are written exactly."""
    values = asdict(settings)
    for name, default in _NAMELESS_DEFAULTS.items():
        if values.get(name) == default:
            del values[name]
    return {
        name: exact_seconds(value)
        if isinstance(value, Fraction)
        else list(value)
        if isinstance(value, tuple)
        else value
        for name, value in values.items()
    }
