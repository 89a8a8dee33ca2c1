"""``source_videos``: bring a video into the store if it is not there, and register what it is."""

import hashlib
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import dagster as dg

from heaters_pipeline.assets.bringing import bring_in
from heaters_pipeline.assets.policy import INTAKE_GROUP, RETRY_POLICY
from heaters_pipeline.assets.stage import StageRun, stage_run
from heaters_pipeline.config import SourceConfig
from heaters_pipeline.errors import ObjectNotFoundError
from heaters_pipeline.partitions import source_videos_partitions
from heaters_pipeline.resources import Workspace
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.manifests import Json, exact_seconds
from heaters_pipeline.storage.object_store import ObjectInfo
from heaters_pipeline.video.probe import VideoInfo, probe


@dataclass(frozen=True, slots=True)
class _Registered:
    """What the source manifest says, or will say."""

    source_key: str
    version: str
    sha256: str
    size_bytes: int
    origin: str | None
    info: dict[str, Json]


@dg.asset(
    partitions_def=source_videos_partitions,
    group_name=INTAKE_GROUP,
    kinds={"python", "ffmpeg", "s3"},
    retry_policy=RETRY_POLICY,
)
def source_videos(
    context: dg.AssetExecutionContext,
    config: SourceConfig,
    workspace: dg.ResourceParam[Workspace],
) -> dg.MaterializeResult[Any]:
    """A video in the store, with its identity: the SHA-256 of its bytes, taken once.

    Brings it in if it was submitted and is not there yet. An unchanged object is neither fetched
    nor read again.
    """
    with stage_run(context, workspace, "source_videos") as run:
        origin = bring_in(run, config)
        found = _locate(run, config.source_key)
        run.input_version = found.version
        recorded = _recorded(run)
        if recorded is not None and recorded.version == found.version:
            registered = recorded
        else:
            registered = _register(run, found, origin or (recorded.origin if recorded else None))
        work = run.work(
            inputs={"source_sha256": registered.sha256, "stage": "source_videos"},
            has_objects=False,
        )
        if registered != recorded:
            work.outdated()
        info = registered.info
        return work.finish(
            {"units": 1, **asdict(registered)},
            metadata={
                "source_key": registered.source_key,
                "sha256": registered.sha256,
                "size_bytes": registered.size_bytes,
                "picture": f"{info['width_px']}x{info['height_px']} {info['codec']}",
                "container": info["container"],
                "origin": registered.origin or "uploaded",
            },
        )


def _locate(run: StageRun, source_key: str | None) -> ObjectInfo:
    """The source object of the run's video.

    Raises:
        ObjectNotFoundError: There is none.
    """
    store = run.workspace.store
    recorded = _recorded(run)
    known = source_key or (recorded.source_key if recorded else None)
    key = known or keys.guess_source_key(run.video_id)
    found = store.head(key) if key else None
    if found is None and known is None:
        # Names that are not clean cannot be told from the partition; look through all.
        found = next(
            (
                listed
                for listed in store.list(keys.SOURCE_PREFIX)
                if keys.is_video_upload(listed.key)
                and keys.video_id_of(listed.key) == run.video_id
            ),
            None,
        )
    if found is None:
        raise ObjectNotFoundError(
            f"there is no object for {run.video_id} under {keys.SOURCE_PREFIX} in {store.url} and "
            "it was not submitted; upload the video, or submit its link with heaters submit"
        )
    return found


def _register(run: StageRun, found: ObjectInfo, origin: str | None) -> _Registered:
    with run.phase("fetch"), run.workspace.local_copy(found.key, found.version) as path:
        info = probe(path)
        with run.phase("hash"), path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return _Registered(
        source_key=found.key,
        version=found.version,
        sha256=sha256,
        size_bytes=found.size_bytes,
        origin=origin,
        info=_info_json(info),
    )


def _recorded(run: StageRun) -> _Registered | None:
    manifest = run.workspace.manifest("source_videos", run.video_id)
    if manifest is None:
        return None
    fields = _Registered.__dataclass_fields__
    return _Registered(**{name: manifest.summary[name] for name in fields})


def _info_json(info: VideoInfo) -> dict[str, Json]:
    return {
        name: exact_seconds(value) if isinstance(value, Fraction) else value
        for name, value in asdict(info).items()
    }
