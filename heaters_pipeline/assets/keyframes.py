"""``keyframes``: representative pictures of each clip."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from heaters_pipeline.assets.derived import clips_of, local_clip, make_missing
from heaters_pipeline.assets.links import links
from heaters_pipeline.assets.pictures import gallery, require_picture, shown_picture
from heaters_pipeline.assets.policy import CLIPS_GROUP, RETRY_POLICY, STORE_KIND
from heaters_pipeline.assets.records import settings_json, source_of, track_of
from heaters_pipeline.assets.source_pictures import source_pictures
from heaters_pipeline.assets.stage import StageRun, stage_run
from heaters_pipeline.assets.stage_work import StageWork, claimed_work, look
from heaters_pipeline.assets.units import Scene, Unit
from heaters_pipeline.config import KeyframeConfig
from heaters_pipeline.errors import ClipError
from heaters_pipeline.names import WORK_TAG
from heaters_pipeline.partitions import source_videos_partitions
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.digests import bytes_sha256, file_sha256
from heaters_pipeline.storage.records.manifests import Json, ManifestItem, fingerprint_of
from heaters_pipeline.video.stills.keyframes import (
    FORMAT_VERSION,
    keyframe_frame,
    keyframe_positions,
    write_keyframes,
)
from heaters_pipeline.video.stills.picture_files import CONTENT_TYPES, picture_size_px
from heaters_pipeline.video.stills.picture_shelf import MadePicture, WantedPicture
from heaters_pipeline.video.stills.settings import KeyframeSettings
from heaters_pipeline.workspace import Workspace

_logger = logging.getLogger(__name__)

PICTURES_SHOWN = 12


@dg.asset(
    partitions_def=source_videos_partitions,
    deps=["clips"],
    group_name=CLIPS_GROUP,
    kinds={"python", "opencv", STORE_KIND},
    tags={WORK_TAG: "decode"},
    code_version=str(FORMAT_VERSION),
    retry_policy=RETRY_POLICY,
)
def keyframes(
    context: dg.AssetExecutionContext,
    config: KeyframeConfig,
    workspace: dg.ResourceParam[Workspace],
) -> dg.MaterializeResult[Any]:
    """Pictures that stand for each clip: its middle, or its quarters. No I-frames of a codec."""
    with stage_run(context, workspace, "keyframes") as run:
        source_of(run)
        settings = run.chosen(config).settings()
        work = claimed_work(run, lambda: keyframe_work(run, clips_of(run), settings))
        clips = clips_of(run)
        summary = work.current.summary if work.current else {}
        if not work.done:
            _make_missing(run, work, clips, settings)
            work.require_complete()
        pictures = work.ordered_items
        if not work.done:
            picture = gallery(work, pictures, most=PICTURES_SHOWN, columns=6, tile_side_px=160)
            summary = {"pictures": len(pictures), "picture": picture}
        return work.finish(
            summary,
            metadata={
                "picture": shown_picture(run, summary["picture"], "key frames"),
                "links": links(workspace.store, pictures),
                "clips": len(clips),
                "pictures": len(pictures),
                "strategy": settings.strategy,
                **run.clips_per_minute(work.made_count),
            },
        )


def keyframe_work(
    run: StageRun, clips: Sequence[ManifestItem], settings: KeyframeSettings
) -> StageWork:
    """What is to be done for the key frames of these clips; nothing if they are there."""
    work = look(
        run,
        inputs={
            "clips": [clip.key for clip in clips],
            "format_version": FORMAT_VERSION,
            "settings": settings_json(settings),
            "stage": "keyframes",
        },
    )
    require_picture(work, "picture")
    return work


def keyframe_units(
    video_id: str, clips: Sequence[ManifestItem], settings: KeyframeSettings
) -> list[Unit]:
    """The key frames that a video should have, a unit a clip."""
    return [_unit(video_id, clip, settings) for clip in clips]


def _make_missing(
    run: StageRun, work: StageWork, clips: Sequence[ManifestItem], settings: KeyframeSettings
) -> None:
    units = keyframe_units(run.video_id, clips, settings)
    work.plan(units)
    percents = keyframe_positions(settings)
    _adopt(work, percents)
    wanted = [one for unit in work.missing for one in wanted_keyframes(unit, settings).values()]
    with run.phase("pictures"):
        shelf = source_pictures(run, source_of(run), lambda: track_of(run).timeline, wanted)
    clip_of = {unit.identifier: clip for unit, clip in zip(units, clips, strict=True)}

    def make(unit: Unit, folder: Path) -> list[ManifestItem]:
        key_of = dict(zip(percents, unit.keys, strict=True))
        if shelf is not None:
            return [
                _stored(unit, folder, key_of[percent], percent, shelf.picture(one))
                for percent, one in wanted_keyframes(unit, settings).items()
            ]
        paths = {percent: folder / f"{percent}.{settings.format}" for percent in percents}
        item = clip_of[unit.identifier]
        doing = f"key frames of {item.key} were written"
        with local_clip(run, item) as clip:
            frames = len(unit.scene.span)
            pictures = run.children.call(
                doing, write_keyframes, clip, frames, settings, paths.__getitem__
            )
        items = []
        for picture in pictures:
            key = key_of[picture.percent]
            size_px = (picture.width_px, picture.height_px)
            sha256 = file_sha256(picture.path)
            stored = run.workspace.put_file(key, picture.path, CONTENT_TYPES[settings.format])
            items.append(_item(unit, key, stored.size_bytes, picture.percent, size_px, sha256))
        return items

    def _stored(
        unit: Unit, folder: Path, key: str, percent: int, made: MadePicture
    ) -> ManifestItem:
        path = folder / f"{percent}.{settings.format}"
        path.write_bytes(made.data)
        stored = run.workspace.put_file(key, path, CONTENT_TYPES[settings.format])
        size_px = (made.width_px, made.height_px)
        return _item(unit, key, stored.size_bytes, percent, size_px, bytes_sha256(made.data))

    make_missing(work, make)


def wanted_keyframes(unit: Unit, settings: KeyframeSettings) -> dict[int, WantedPicture]:
    """The pictures of the source that the key frames of a clip are, by their position."""
    span = unit.scene.span
    return {
        percent: WantedPicture(
            span.start + keyframe_frame(len(span), percent),
            settings.max_side_px,
            settings.coding,
        )
        for percent in keyframe_positions(settings)
    }


def _adopt(work: StageWork, percents: Sequence[int]) -> None:
    """Adopt pictures that exist without a record, if they open."""
    for unit in work.unrecorded:
        items = []
        for key, percent in zip(unit.keys, percents, strict=True):
            try:
                data = work.run.workspace.store.read_bytes(key)
                size_px = picture_size_px(data)
            except ClipError as error:
                # No picture; it is made again under the same key.
                _logger.warning("%s is made again: %s", key, error)
                break
            items.append(_item(unit, key, len(data), percent, size_px, bytes_sha256(data)))
        else:
            work.reuse(unit, items)


def _item(
    unit: Unit, key: str, size_bytes: int, percent: int, size_px: tuple[int, int], sha256: str
) -> ManifestItem:
    span = unit.scene.span
    details: dict[str, Json] = {
        "percent": percent,
        "frame": span.start + keyframe_frame(len(span), percent),
        "width_px": size_px[0],
        "height_px": size_px[1],
        "sha256": sha256,
    }
    return unit.scene.item(key, size_bytes, details)


def _unit(video_id: str, clip: ManifestItem, settings: KeyframeSettings) -> Unit:
    digest = fingerprint_of(
        {
            "clip": clip.key,
            "format_version": FORMAT_VERSION,
            "settings": settings_json(settings),
        }
    )
    scene = Scene.of(clip)
    identifier = str(clip.details["clip_identifier"])
    return Unit(
        identifier,
        tuple(
            keys.keyframe_key(
                video_id, scene.span.start, scene.span.end, digest, percent, settings.format
            )
            for percent in keyframe_positions(settings)
        ),
        scene,
        {"clip_identifier": identifier},
    )
