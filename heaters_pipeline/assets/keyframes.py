"""``keyframes``: representative pictures of each clip."""

import logging
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import dagster as dg

from heaters_pipeline.assets.derived import clips_of, made_of_clip, make_missing
from heaters_pipeline.assets.links import links
from heaters_pipeline.assets.pictures import gallery, require_picture, shown_picture
from heaters_pipeline.assets.policy import CLIPS_GROUP, RETRY_POLICY, STORE_KIND
from heaters_pipeline.assets.records import gradual_of, settings_json, source_of, track_of
from heaters_pipeline.assets.source_pictures import source_pictures
from heaters_pipeline.assets.stage import StageRun, stage_run
from heaters_pipeline.assets.stage_checks import StageEvent, stage_checks
from heaters_pipeline.assets.stage_work import StageWork, claimed_work, look
from heaters_pipeline.assets.units import Scene, Unit
from heaters_pipeline.config import KeyframeConfig
from heaters_pipeline.errors import ClipError
from heaters_pipeline.names import WORK_TAG
from heaters_pipeline.partitions import source_videos_partitions
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.digests import bytes_sha256
from heaters_pipeline.storage.records.manifests import Json, ManifestItem, fingerprint_of
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline.video.stills.keyframes import (
    FORMAT_VERSION,
    keyframe_frame,
    keyframe_names,
    keyframe_positions,
    write_keyframes,
)
from heaters_pipeline.video.stills.picture_files import (
    CONTENT_TYPES,
    picture_size_px,
    thumbnail,
)
from heaters_pipeline.video.stills.picture_shelf import (
    MadePicture,
    SharpestPicture,
    Wanted,
    WantedPicture,
)
from heaters_pipeline.video.stills.settings import KeyframeSettings
from heaters_pipeline.video.stills.sharpest import frames_without
from heaters_pipeline.workspace import Workspace

_logger = logging.getLogger(__name__)

PICTURES_SHOWN = 12


@dg.asset(
    partitions_def=source_videos_partitions,
    deps=["clips", "scenes"],
    group_name=CLIPS_GROUP,
    kinds={"opencv", STORE_KIND},
    tags={WORK_TAG: "decode"},
    code_version=str(FORMAT_VERSION),
    retry_policy=RETRY_POLICY,
)
def keyframes(
    context: dg.AssetExecutionContext,
    config: KeyframeConfig,
    workspace: dg.ResourceParam[Workspace],
) -> Iterator[StageEvent]:
    """Pictures that stand for each clip: its middle, its quarters, or its sharpest frame.

    Beside each lies a thumbnail. They are no I-frames of a codec.
    """
    with stage_run(context, workspace, "keyframes") as run:
        source_of(run)
        settings = run.chosen(config).settings()
        work = claimed_work(
            run, lambda: keyframe_work(run, clips_of(run), settings, gradual_of(run))
        )
        clips = clips_of(run)
        summary = work.current.summary if work.current else {}
        if not work.done:
            _make_missing(run, work, clips, settings, gradual_of(run))
            work.require_complete()
        pictures = [item for item in work.ordered_items if "thumbnail_of" not in item.details]
        if not work.done:
            picture = gallery(work, pictures, most=PICTURES_SHOWN, columns=6, tile_side_px=160)
            summary = {"pictures": len(pictures), "picture": picture}
        yield work.finish(
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
        yield from stage_checks(run)


def keyframe_work(
    run: StageRun,
    clips: Sequence[ManifestItem],
    settings: KeyframeSettings,
    gradual: Sequence[Span],
) -> StageWork:
    """What is to be done for the key frames of these clips; nothing if they are there.

    Args:
        run: Of the stage.
        clips: In order.
        settings: Which key frames.
        gradual: Frames of the video's gradual transitions, in order.
    """
    work = look(
        run,
        inputs={
            "clips": [clip.key for clip in clips],
            "format_version": FORMAT_VERSION,
            "settings": settings_json(settings),
            "stage": "keyframes",
            **_looked_at(settings, gradual),
        },
    )
    require_picture(work, "picture")
    return work


def keyframe_units(
    video_id: str,
    clips: Sequence[ManifestItem],
    settings: KeyframeSettings,
    gradual: Sequence[Span],
) -> list[Unit]:
    """The key frames that a video should have, a unit a clip."""
    return [_unit(video_id, clip, settings, gradual) for clip in clips]


def wanted_keyframes(
    unit: Unit, settings: KeyframeSettings, gradual: Sequence[Span]
) -> Sequence[Wanted]:
    """The pictures of the source that the key frames of a clip are, in order."""
    span, side_px, coding = unit.scene.span, settings.max_side_px, settings.coding
    positions = keyframe_positions(settings)
    if not positions:
        return [SharpestPicture(frames_without(span, gradual), side_px, coding)]
    return [
        WantedPicture(span.start + keyframe_frame(len(span), percent), side_px, coding)
        for percent in positions
    ]


def _make_missing(
    run: StageRun,
    work: StageWork,
    clips: Sequence[ManifestItem],
    settings: KeyframeSettings,
    gradual: Sequence[Span],
) -> None:
    units = keyframe_units(run.video_id, clips, settings, gradual)
    work.plan(units)
    _adopt(work, settings)
    wanted = {unit.identifier: wanted_keyframes(unit, settings, gradual) for unit in work.missing}
    with run.phase("pictures"):
        all_wanted = chain.from_iterable(wanted.values())
        shelf = source_pictures(run, source_of(run), lambda: track_of(run).timeline, all_wanted)
    clip_of = {unit.identifier: clip for unit, clip in zip(units, clips, strict=True)}

    def make(unit: Unit, folder: Path) -> list[ManifestItem]:
        if shelf is not None:
            pictures = [shelf.picture(one) for one in wanted[unit.identifier]]
        else:
            spans = frames_without(unit.scene.span, gradual)
            pictures = _of_clip(run, clip_of[unit.identifier], settings, spans, folder)
        return [
            item
            for number, picture in enumerate(pictures)
            for item in _stored(work, unit, number, picture, settings)
        ]

    make_missing(work, make)


def _of_clip(
    run: StageRun,
    item: ManifestItem,
    settings: KeyframeSettings,
    spans: Sequence[Span],
    folder: Path,
) -> list[MadePicture]:
    """The key frames of a clip, made of its own file; spans are those of the video."""
    first, frames = item.start_frame, item.end_frame - item.start_frame
    of_clip = [Span(span.start - first, span.end - first) for span in spans]
    paths = [folder / name for name in keyframe_names(settings)]
    written = made_of_clip(
        run, item, "key frames", write_keyframes, frames, settings, paths, of_clip
    )
    return [
        MadePicture(first + one.frame, one.path.read_bytes(), one.width_px, one.height_px)
        for one in written
    ]


def _stored(
    work: StageWork, unit: Unit, number: int, made: MadePicture, settings: KeyframeSettings
) -> list[ManifestItem]:
    """Store a key frame and its thumbnail, or the one of both that is missing."""
    span, key = unit.scene.span, unit.keys[2 * number]
    positions = keyframe_positions(settings)
    percent = positions[number] if positions else 100 * (made.frame - span.start) // len(span)
    small, small_px = thumbnail(made.data, settings.coding, key)
    whole = made.data, (made.width_px, made.height_px)
    items = _items(unit, key, (percent, made.frame), whole, (small, small_px))
    for item, data in zip(items, (made.data, small), strict=True):
        if work.valid(item.key) is None:
            work.run.workspace.write_bytes(item.key, data, CONTENT_TYPES[settings.format])
    return [work.valid(item.key) or item for item in items]


def _adopt(work: StageWork, settings: KeyframeSettings) -> None:
    """Adopt pictures that exist without a record, if they open."""
    positions = keyframe_positions(settings)
    for unit in work.unrecorded:
        items: list[ManifestItem] = []
        span = unit.scene.span
        for key, percent in zip(unit.keys[::2], positions, strict=True):
            frame = span.start + keyframe_frame(len(span), percent)
            try:
                found = [_opened(work, each) for each in (key, keys.thumbnail_key(key))]
            except ClipError as error:
                # No picture; it is made again under the same key.
                _logger.warning("%s is made again: %s", key, error)
                break
            items += _items(unit, key, (percent, frame), *found)
        else:
            work.reuse(unit, items)


_Opened = tuple[bytes, tuple[int, int]]
"""A picture's file, and its ``(width, height)``."""


def _opened(work: StageWork, key: str) -> _Opened:
    data = work.run.workspace.store.read_bytes(key)
    return data, picture_size_px(data)


def _items(
    unit: Unit, key: str, place: tuple[int, int], keyframe: _Opened, small: _Opened
) -> list[ManifestItem]:
    """The rows of a key frame and its thumbnail; their place is in percent, and a frame."""
    (percent, frame), thumbnail_key = place, keys.thumbnail_key(key)
    own: dict[str, Json] = {"percent": percent, "thumbnail": thumbnail_key}
    return [
        _item(unit, key, frame, keyframe, own),
        _item(unit, thumbnail_key, frame, small, {"thumbnail_of": key}),
    ]


def _item(unit: Unit, key: str, frame: int, opened: _Opened, own: dict[str, Json]) -> ManifestItem:
    data, (width_px, height_px) = opened
    details: dict[str, Json] = {
        **own,
        "frame": frame,
        "width_px": width_px,
        "height_px": height_px,
        "sha256": bytes_sha256(data),
    }
    return unit.scene.item(key, len(data), details)


def _unit(
    video_id: str, clip: ManifestItem, settings: KeyframeSettings, gradual: Sequence[Span]
) -> Unit:
    scene = Scene.of(clip)
    span = scene.span
    digest = fingerprint_of(
        {
            "clip": clip.key,
            "format_version": FORMAT_VERSION,
            "settings": settings_json(settings),
            **_looked_at(settings, frames_without(span, gradual)),
        }
    )
    identifier = str(clip.details["clip_identifier"])
    pictures = [
        keys.keyframe_key(video_id, span.start, span.end, digest, name, settings.format)
        for name in keyframe_names(settings)
    ]
    return Unit(
        identifier,
        tuple(key for picture in pictures for key in (picture, keys.thumbnail_key(picture))),
        scene,
        {"clip_identifier": identifier},
        # A file does not say which frame was the sharpest.
        adoptable=bool(keyframe_positions(settings)),
    )


def _looked_at(settings: KeyframeSettings, spans: Sequence[Span]) -> dict[str, Json]:
    """What decides key frames besides their settings, where they have no fixed positions."""
    if keyframe_positions(settings):
        return {}
    return {"frames": [[span.start, span.end] for span in spans]}
