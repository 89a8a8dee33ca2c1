"""``sprite_sheets``: grids of small pictures of each clip, with a JSON that says where each is."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import dagster as dg

from heaters_pipeline.assets.derived import clips_of, made_of_clip, make_missing
from heaters_pipeline.assets.links import links
from heaters_pipeline.assets.pictures import gallery, require_picture, shown_picture
from heaters_pipeline.assets.policy import CLIPS_GROUP, RETRY_POLICY, STORE_KIND
from heaters_pipeline.assets.records import settings_json, source_of, track_of
from heaters_pipeline.assets.source_pictures import source_pictures
from heaters_pipeline.assets.stage import StageRun, stage_run
from heaters_pipeline.assets.stage_checks import StageEvent, stage_checks
from heaters_pipeline.assets.stage_work import StageWork, claimed_work, look
from heaters_pipeline.assets.units import Scene, Unit
from heaters_pipeline.config import SpriteConfig
from heaters_pipeline.errors import ClipError, ManifestError
from heaters_pipeline.names import WORK_TAG
from heaters_pipeline.partitions import source_videos_partitions
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.digests import bytes_sha256, file_sha256
from heaters_pipeline.storage.records.json_records import parse_json
from heaters_pipeline.storage.records.manifests import (
    JSON_CONTENT_TYPE,
    ManifestItem,
    canonical_json,
    fingerprint_of,
)
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.stills.picture_files import CONTENT_TYPES, picture_size_px
from heaters_pipeline.video.stills.picture_shelf import WantedPicture
from heaters_pipeline.video.stills.scan_pictures import tile_picture
from heaters_pipeline.video.stills.settings import SpriteSettings
from heaters_pipeline.video.stills.sprite_layout import SpriteLayout, plan_sprites
from heaters_pipeline.video.stills.sprites import (
    INDEX_FORMAT_VERSION,
    tile_pictures,
    write_pages,
    write_sprites,
)
from heaters_pipeline.workspace import Workspace

_logger = logging.getLogger(__name__)

PAGES_SHOWN = 4
PAGE_SIDE_PX = 320


@dg.asset(
    partitions_def=source_videos_partitions,
    deps=["clips", "frame_scores"],
    group_name=CLIPS_GROUP,
    kinds={"opencv", STORE_KIND},
    tags={WORK_TAG: "decode"},
    code_version=str(INDEX_FORMAT_VERSION),
    retry_policy=RETRY_POLICY,
)
def sprite_sheets(
    context: dg.AssetExecutionContext,
    config: SpriteConfig,
    workspace: dg.ResourceParam[Workspace],
) -> Iterator[StageEvent]:
    """Small pictures of each clip on grid pages, and a JSON with the time of each tile."""
    with stage_run(context, workspace, "sprite_sheets") as run:
        source_of(run)
        settings = run.chosen(config).settings()
        work = claimed_work(run, lambda: sprite_work(run, clips_of(run), settings))
        clips = clips_of(run)
        summary = work.current.summary if work.current else {}
        if not work.done:
            _make_missing(run, work, clips, settings)
            work.require_complete()
        pages = [item for item in work.ordered_items if "page" in item.details]
        if not work.done:
            picture = gallery(work, pages, most=PAGES_SHOWN, columns=2, tile_side_px=PAGE_SIDE_PX)
            summary = {"pages": len(pages), "picture": picture}
        yield work.finish(
            summary,
            metadata={
                "picture": shown_picture(run, summary["picture"], "sprite sheets"),
                "links": links(workspace.store, pages),
                "clips": len(clips),
                "pages": len(pages),
                "tiles": sum(item.details["tile_count"] for item in pages),
                **run.clips_per_minute(work.made_count),
            },
        )
        yield from stage_checks(run)


def sprite_work(
    run: StageRun, clips: Sequence[ManifestItem], settings: SpriteSettings
) -> StageWork:
    """What is to be done for the sheets of these clips; nothing if they are there."""
    work = look(
        run,
        inputs={
            "clips": [clip.key for clip in clips],
            "format_version": INDEX_FORMAT_VERSION,
            "settings": settings_json(settings),
            "stage": "sprite_sheets",
        },
    )
    require_picture(work, "picture")
    return work


def sprite_units(
    video_id: str, clips: Sequence[ManifestItem], track: ScoreTrack, settings: SpriteSettings
) -> list[tuple[Unit, SpriteLayout]]:
    """The sheets that a video should have, a unit a clip."""
    planned = []
    kept = track.tile_frames.tolist()
    for clip in clips:
        scene = Scene.of(clip)
        layout = plan_sprites(track.timeline, scene.span, settings, kept)
        planned.append((_unit(video_id, clip, scene, layout, settings), layout))
    return planned


def _make_missing(
    run: StageRun, work: StageWork, clips: Sequence[ManifestItem], settings: SpriteSettings
) -> None:
    track = track_of(run)
    planned = sprite_units(run.video_id, clips, track, settings)
    layouts = {unit.identifier: layout for unit, layout in planned}
    clip_of = {unit.identifier: clip for (unit, _), clip in zip(planned, clips, strict=True)}
    work.plan(unit for unit, _ in planned)
    _adopt(work)
    wanted = {
        unit.identifier: wanted_tiles(unit, layouts[unit.identifier]) for unit in work.missing
    }
    with run.phase("pictures"):
        all_wanted = chain.from_iterable(wanted.values())
        shelf = source_pictures(run, source_of(run), lambda: track.timeline, all_wanted)

    def make(unit: Unit, folder: Path) -> list[ManifestItem]:
        layout = layouts[unit.identifier]
        paths = [folder / f"{page}.{settings.format}" for page in range(layout.page_count)]
        *page_keys, index_key = unit.keys
        if shelf is not None:
            pictures = (shelf.pixels(one) for one in wanted[unit.identifier])
            sprites = write_pages(tile_pictures(pictures, layout), layout, paths)
        else:
            item = clip_of[unit.identifier]
            sprites = made_of_clip(run, item, "sprite sheets", write_sprites, layout, paths)
        digests = {}
        for key, path in zip(page_keys, paths, strict=True):
            digests[key] = file_sha256(path)
            run.workspace.put_file(key, path, CONTENT_TYPES[settings.format])
        index = sprites.index(page_keys)
        data = canonical_json(index)
        stored = run.workspace.write_bytes(index_key, data, JSON_CONTENT_TYPE)
        digests[index_key] = bytes_sha256(data)
        return _items(unit, index, stored.size_bytes, digests)

    make_missing(work, make)


def wanted_tiles(unit: Unit, layout: SpriteLayout) -> list[WantedPicture]:
    """The pictures of the source that become tiles of a clip, in order."""
    start = unit.scene.span.start
    return [tile_picture(start + frame, layout.settings) for frame in layout.shown_frames]


def _unit(
    video_id: str,
    clip: ManifestItem,
    scene: Scene,
    layout: SpriteLayout,
    settings: SpriteSettings,
) -> Unit:
    digest = fingerprint_of(
        {
            "clip": clip.key,
            "format_version": INDEX_FORMAT_VERSION,
            "settings": settings_json(settings),
        }
    )
    start, end = scene.span.start, scene.span.end
    pages = (
        keys.sprite_sheet_key(video_id, start, end, digest, page, settings.format)
        for page in range(layout.page_count)
    )
    # The index comes last, here and in the store: where it is, the pages are.
    index = keys.sprite_index_key(video_id, start, end, digest)
    identifier = str(clip.details["clip_identifier"])
    return Unit(identifier, (*pages, index), scene, {"clip_identifier": identifier})


def _adopt(work: StageWork) -> None:
    """Adopt sheets that exist without a record, if they are what their index says."""
    store = work.run.workspace.store
    for unit in work.unrecorded:
        index_key = unit.keys[-1]
        data = {key: store.read_bytes(key) for key in unit.keys}
        digests = {key: bytes_sha256(content) for key, content in data.items()}
        try:
            index = parse_json(data[index_key], index_key)
            items = _items(unit, index, len(data[index_key]), digests)
            whole = all(_is_whole(item, data[item.key]) for item in items)
        except (ManifestError, ValueError, KeyError, TypeError, ClipError) as error:
            # No index or no picture; the sheets are made again under the same keys.
            _logger.warning("%s is made again: %r", index_key, error)
            continue
        if whole:
            work.reuse(unit, items)


def _is_whole(item: ManifestItem, data: bytes) -> bool:
    if len(data) != item.size_bytes:
        return False
    details = item.details
    size_px = (details.get("width_px"), details.get("height_px"))
    return "page" not in details or picture_size_px(data) == size_px


def _items(
    unit: Unit, index: dict[str, Any], index_bytes: int, digests: Mapping[str, str]
) -> list[ManifestItem]:
    pages = [
        unit.scene.item(
            page["key"],
            page["size_bytes"],
            {
                "page": number,
                "tile_count": page["tile_count"],
                "columns": page["columns"],
                "rows": page["rows"],
                "width_px": page["width_px"],
                "height_px": page["height_px"],
                "sha256": digests[page["key"]],
            },
        )
        for number, page in enumerate(index["pages"])
    ]
    facts = {
        name: index[name]
        for name in ("columns", "rows", "tile_width_px", "tile_height_px", "fps", "tile_count")
    }
    facts["sha256"] = digests[unit.keys[-1]]
    return [*pages, unit.scene.item(unit.keys[-1], index_bytes, facts)]
