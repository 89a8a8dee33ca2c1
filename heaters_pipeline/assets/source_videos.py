"""``source_videos``: bring a video into the store if it is not there, and register what it is."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from typing import Any

import dagster as dg

from heaters_pipeline.assets.bringing import BroughtVideo, bring_in, bring_submitted, give_submitted
from heaters_pipeline.assets.links import link
from heaters_pipeline.assets.policy import INTAKE_GROUP, RETRY_POLICY, STORE_KIND
from heaters_pipeline.assets.stage import StageRun, stage_run
from heaters_pipeline.assets.stage_checks import StageEvent, stage_checks
from heaters_pipeline.assets.stage_work import StageWork, claimed_work, look
from heaters_pipeline.config import SourceConfig
from heaters_pipeline.intake.sidecars import sidecar_rows
from heaters_pipeline.intake.submissions import forget_link
from heaters_pipeline.isolation.probing import probed
from heaters_pipeline.names import SOURCE_KEY_TAG, WORK_TAG
from heaters_pipeline.partitions import source_videos_partitions
from heaters_pipeline.source_keys import noted_source_keys
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.digests import file_sha256
from heaters_pipeline.storage.object_store import ObjectInfo
from heaters_pipeline.storage.records.manifests import Json, canonical_json, exact_seconds
from heaters_pipeline.storage.records.video_manifests import FORMAT_VERSION
from heaters_pipeline.video.media.probe import VideoInfo
from heaters_pipeline.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Registered:
    """What the source manifest says, or will say.

    Attributes:
        source_key: Key of the object.
        version: Of the object.
        sha256: Of its content, in hex.
        size_bytes: Length of its content.
        origin: Where it comes from, None if it was uploaded.
        info: The facts of its header, as ``VideoInfo`` has them.
        title: What people call it, None if nobody said.
        tags: What people sort it by.
        sidecars: A row for each subtitle file beside it.
    """

    source_key: str
    version: str
    sha256: str
    size_bytes: int
    origin: str | None
    info: dict[str, Json]
    title: str | None = None
    tags: list[str] = field(default_factory=list)
    sidecars: list[dict[str, Any]] = field(default_factory=list)


@dg.asset(
    partitions_def=source_videos_partitions,
    group_name=INTAKE_GROUP,
    kinds={"ffmpeg", STORE_KIND},
    tags={WORK_TAG: "transfer"},
    code_version=str(FORMAT_VERSION),
    retry_policy=RETRY_POLICY,
)
def source_videos(
    context: dg.AssetExecutionContext,
    config: SourceConfig,
    workspace: dg.ResourceParam[Workspace],
) -> Iterator[StageEvent]:
    """A video in the store, with its identity: the SHA-256 of its bytes, taken once.

    Brings it in if it was submitted and is not there yet. An unchanged object is neither fetched
    nor read again.
    """
    with stage_run(context, workspace, "source_videos") as run:
        if not workspace.takes_config_as_it_is:
            # All stages', before anything is brought in, decoded or made.
            give_submitted(run)
            run.sound_settings(config.source_key)
        brought = bring_in(run, config.origin, config.source_key) if config.origin else None
        found = brought.found if brought else locate_source(run, config.source_key)
        if found is None:
            brought = bring_submitted(run)
            found = brought.found
        run.input_version = found.version
        registered = described(run, _registered(run, found, brought), config)
        work = claimed_work(run, lambda: source_work(run, registered))
        if run.is_submission or not work.done:
            # Also where a run was killed before it did so, or another one brought the video.
            forget_link(run.workspace.store, run.video_id)
        info = registered.info
        yield work.finish(
            {"units": 1, **asdict(registered)},
            metadata={
                "source_key": registered.source_key,
                "source": link(workspace.store, registered.source_key),
                "sha256": registered.sha256,
                "size_bytes": registered.size_bytes,
                **shown_facts(info),
                "origin": registered.origin or "uploaded",
                **({"title": registered.title} if registered.title else {}),
                **({"tags": registered.tags} if registered.tags else {}),
                **_shown_sidecars(registered),
            },
        )
        yield from stage_checks(run)


def _registered(run: StageRun, found: ObjectInfo, brought: BroughtVideo | None) -> Registered:
    if brought is not None:
        return registered_as(found, brought.sha256, brought.origin, brought.info)
    recorded = recorded_source(run)
    if recorded is None or recorded.version != found.version:
        run.claim()
        # Another may have read it meanwhile.
        recorded = recorded_source(run)
    if recorded is not None and recorded.version == found.version:
        return recorded
    return _read(run, found, recorded.origin if recorded else None)


def described(run: StageRun, registered: Registered, config: SourceConfig) -> Registered:
    """A source with what people say of it, now or earlier, and with what lies beside it."""
    recorded = recorded_source(run) or registered
    listed = run.workspace.beside(registered.source_key)
    return replace(
        registered,
        title=(recorded.title if config.title is None else config.title) or None,
        tags=recorded.tags if config.tags is None else config.tags,
        sidecars=sidecar_rows(
            run.workspace.store, registered.source_key, listed, recorded.sidecars
        ),
    )


def _shown_sidecars(registered: Registered) -> dict[str, Any]:
    keys_shown = [row["key"] for row in registered.sidecars]
    return {"sidecars": keys_shown} if keys_shown else {}


def source_work(run: StageRun, registered: Registered) -> StageWork:
    """What is to be done to register a source; nothing if the record says the same."""
    work = look(
        run,
        inputs={"source_sha256": registered.sha256, "stage": "source_videos"},
        has_objects=False,
    )
    if registered != recorded_source(run):
        work.outdated()
    return work


def locate_source(run: StageRun, source_key: str | None) -> ObjectInfo | None:
    """The source object of the run's video, or None."""
    store = run.workspace.store
    recorded = recorded_source(run)
    known = source_key or (recorded.source_key if recorded else None)
    key = known or keys.guess_source_key(run.video_id)
    if key is not None:
        run.workspace.prefetch_source(key)
        return run.workspace.head(key)
    # Names that are not clean cannot be told from the partition.
    told = _told_key(run.context, run.video_id) if run.context else ""
    if told.startswith(keys.SOURCE_PREFIX) and keys.video_id_of(told) == run.video_id:
        found_there = run.workspace.head(told)
        if found_there is not None:
            return found_there
    return next(
        (
            found
            for found in store.list(keys.SOURCE_PREFIX)
            if keys.is_video_upload(found.key) and keys.video_id_of(found.key) == run.video_id
        ),
        None,
    )


def _told_key(context: dg.AssetExecutionContext, video_id: str) -> str:
    """What the sensor or an import said of where the video lies, empty if neither did."""
    tag = context.run.tags.get(SOURCE_KEY_TAG)
    return tag or noted_source_keys(context.instance, [video_id]).get(video_id, "")


def _read(run: StageRun, found: ObjectInfo, origin: str | None) -> Registered:
    """Read an object that somebody uploaded, once."""
    with run.phase("read"), run.workspace.local_copy(found.key, found.version) as path:
        info = probed(path, children=run.children)
        return registered_as(found, file_sha256(path), origin, info)


def registered_as(
    found: ObjectInfo, sha256: str, origin: str | None, info: VideoInfo
) -> Registered:
    """What is registered of an object with this content."""
    facts = header_facts(info)
    return Registered(found.key, found.version, sha256, found.size_bytes, origin, facts)


def header_facts(info: VideoInfo) -> dict[str, Any]:
    """The facts of a header as the manifest keeps them."""
    facts: dict[str, Json] = {
        name: exact_seconds(value) if isinstance(value, Fraction) else value
        for name, value in asdict(info).items()
    }
    # Records of files that say nothing stay as they were before it was read.
    if info.start_timecode is None:
        del facts["start_timecode"]
    # As the manifest gives them back: else what was just read would never equal what is recorded.
    content: dict[str, Any] = json.loads(canonical_json(facts))
    return content


def shown_facts(info: Mapping[str, Any]) -> dict[str, Json]:
    """What people see of a header, as the manifest has it; what it does not say is left out."""
    audio = (
        f"{each['codec']} {each['sample_rate_hz']} Hz, {each['channels']} channels"
        + (f", {each['language']}" if each["language"] else "")
        for each in info["audio"]
    )
    rate, frames = info["frame_rate"], info["frames_promised"]
    duration = info["duration_promised_seconds"]
    if duration is None and rate and frames:
        duration = frames / Fraction(rate)
    numbers = {"duration_seconds": duration, "frames_per_second": rate}
    return {
        "container": info["container"],
        "picture": f"{info['width_px']}x{info['height_px']} {info['codec']}, "
        f"{info['pixel_format']}",
        "audio": "; ".join(audio) or "none",
        **({"start_timecode": info["start_timecode"]} if "start_timecode" in info else {}),
        **{
            name: round(float(Fraction(value)), 3)
            for name, value in numbers.items()
            if value is not None
        },
    }


def recorded_source(run: StageRun) -> Registered | None:
    """What is recorded of the source of the run's video, or None."""
    manifest = run.workspace.manifest("source_videos", run.video_id)
    if manifest is None:
        return None
    fields = Registered.__dataclass_fields__.keys()
    # Those of older versions have no titles, tags and sidecars.
    return Registered(**{name: manifest.summary[name] for name in fields & manifest.summary.keys()})
