"""``storyboards``: small pictures of the whole video for the seek bars of players."""

import logging
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from heaters_pipeline.assets.derived import make_missing
from heaters_pipeline.assets.links import links
from heaters_pipeline.assets.pictures import require_picture, shown_picture, small_picture
from heaters_pipeline.assets.policy import CLIPS_GROUP, RETRY_POLICY, STORE_KIND
from heaters_pipeline.assets.records import (
    Source,
    settings_json,
    source_inputs,
    source_of,
    track_of,
)
from heaters_pipeline.assets.source_pictures import source_pictures
from heaters_pipeline.assets.stage import StageRun, stage_run
from heaters_pipeline.assets.stage_checks import StageEvent, stage_checks
from heaters_pipeline.assets.stage_work import StageWork, claimed_work, look
from heaters_pipeline.assets.units import Scene, Unit
from heaters_pipeline.config import StoryboardConfig
from heaters_pipeline.errors import ClipError, ObjectNotFoundError, StoreUnavailableError
from heaters_pipeline.names import WORK_TAG
from heaters_pipeline.partitions import source_videos_partitions
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.digests import bytes_sha256
from heaters_pipeline.storage.records.manifests import (
    JSON_CONTENT_TYPE,
    Json,
    ManifestItem,
    fingerprint_of,
)
from heaters_pipeline.storage.records.video_manifests import lost_source
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline.video.stills.bif_file import is_whole_bif
from heaters_pipeline.video.stills.picture_files import CONTENT_TYPES, picture_size_px
from heaters_pipeline.video.stills.picture_shelf import WantedPicture
from heaters_pipeline.video.stills.scan_pictures import storyboard_picture
from heaters_pipeline.video.stills.settings import StoryboardSettings
from heaters_pipeline.video.stills.sprite_layout import SpriteLayout
from heaters_pipeline.video.stills.storyboard_layout import plan_storyboard
from heaters_pipeline.video.stills.storyboards import (
    FORMAT_VERSION,
    Storyboard,
    write_storyboard,
)
from heaters_pipeline.workspace import Workspace

_logger = logging.getLogger(__name__)

_CONTENT_TYPES = {
    **CONTENT_TYPES,
    "bif": "application/octet-stream",
    "m3u8": "application/vnd.apple.mpegurl",
    "json": JSON_CONTENT_TYPE,
    "vtt": "text/vtt",
}


@dg.asset(
    partitions_def=source_videos_partitions,
    # It follows from the track alone; the decode that it shares with later steps is that of scenes.
    deps=["frame_scores", "scenes"],
    group_name=CLIPS_GROUP,
    kinds={"opencv", STORE_KIND},
    tags={WORK_TAG: "decode"},
    code_version=str(FORMAT_VERSION),
    retry_policy=RETRY_POLICY,
    # Before the clips, so that a run that is killed leaves no finished video without it.
    op_tags={"dagster/priority": "1"},
    output_required=False,
)
def storyboards(
    context: dg.AssetExecutionContext,
    config: StoryboardConfig,
    workspace: dg.ResourceParam[Workspace],
) -> Iterator[StageEvent]:
    """Small pictures of the whole video, as players show them while a person seeks.

    Sheets of tiles at an even interval, and WebVTT, JSON, an HLS playlist of images and Roku's BIF.
    """
    with stage_run(context, workspace, "storyboards") as run:
        source = source_of(run)
        settings = run.chosen(config).settings()
        if run.stage in workspace.left_out:
            return
        work = claimed_work(run, lambda: storyboard_work(run, source, settings))
        summary = work.current.summary if work.current else {}
        if not work.done:
            layout = _make_missing(run, work, source, settings)
            work.require_complete()
            sheet, *_ = work.ordered_items
            summary = {
                "interval_seconds": int(layout.interval_seconds),
                "tiles": layout.tile_count,
                "sheets": layout.page_count,
                "picture": small_picture(work, sheet),
            }
        yield work.finish(
            summary,
            metadata={
                "picture": shown_picture(run, summary["picture"], "the first sheet"),
                "links": links(workspace.store, work.ordered_items),
                **{name: summary[name] for name in ("sheets", "tiles", "interval_seconds")},
            },
        )
        yield from stage_checks(run)


def storyboard_work(run: StageRun, source: Source, settings: StoryboardSettings) -> StageWork:
    """What is to be done for the storyboard of a video; nothing if it is there."""
    work = look(run, inputs={**_inputs(source, settings), "stage": "storyboards"})
    require_picture(work, "picture")
    return work


def storyboard_unit(
    video_id: str, source: Source, track: ScoreTrack, settings: StoryboardSettings
) -> tuple[Unit, SpriteLayout]:
    """The storyboard that a video should have: sheets, BIF, HLS playlist, JSON and WebVTT."""
    timeline = track.timeline
    kept = track.tile_frames.tolist()
    layout = plan_storyboard(timeline, settings, kept)
    digest = fingerprint_of(_inputs(source, settings))
    names = [
        *(f"-{sheet:03d}.{settings.format}" for sheet in range(layout.page_count)),
        # What refers to others comes after them, here and in the store.
        *(".bif", ".m3u8", ".json", ".vtt"),
    ]
    span = Span(0, timeline.frames)
    scene = Scene(span, timeline.seconds_at(0), timeline.seconds_at(timeline.frames))
    unit = Unit(
        video_id, tuple(keys.storyboard_key(video_id, digest, name) for name in names), scene
    )
    return unit, layout


def wanted_pictures(layout: SpriteLayout, settings: StoryboardSettings) -> list[WantedPicture]:
    """The pictures of the source that become tiles, in order."""
    return [storyboard_picture(frame, settings) for frame in layout.shown_frames]


def _inputs(source: Source, settings: StoryboardSettings) -> dict[str, Json]:
    return {
        "format_version": FORMAT_VERSION,
        "settings": settings_json(settings),
        **source_inputs(source),
    }


def _make_missing(
    run: StageRun, work: StageWork, source: Source, settings: StoryboardSettings
) -> SpriteLayout:
    track = track_of(run)
    unit, layout = storyboard_unit(run.video_id, source, track, settings)
    work.plan([unit])
    if work.unrecorded:
        _adopt(work, unit, layout)
    if not work.missing:
        return layout
    wanted = wanted_pictures(layout, settings)
    with run.phase("pictures"):
        shelf = source_pictures(run, source, lambda: track.timeline, wanted)
    if shelf is None:
        if run.workspace.store.head(source.key) is not None:
            raise StoreUnavailableError(
                f"{source.key} was replaced after it had been registered: try again"
            )
        raise ObjectNotFoundError(
            f"{source.key} is missing, and a storyboard is made of it: {lost_source(run.video_id)}"
        )

    def make(unit: Unit, folder: Path) -> list[ManifestItem]:
        paths = {key: folder / key.rpartition("/")[2] for key in unit.keys}
        *sheets, bif, playlist, index, vtt = paths.values()
        pictures = (shelf.pixels(one) for one in wanted)
        storyboard = write_storyboard(pictures, layout, sheets, bif)
        playlist.write_bytes(storyboard.images_playlist())
        index.write_bytes(storyboard.json())
        vtt.write_bytes(storyboard.webvtt())
        contents = {key: path.read_bytes() for key, path in paths.items()}
        for key, path in paths.items():
            run.workspace.put_file(key, path, _CONTENT_TYPES[key.rpartition(".")[2]])
        return _items(unit, storyboard, contents)

    make_missing(work, make)
    return layout


def _adopt(work: StageWork, unit: Unit, layout: SpriteLayout) -> None:
    """Adopt a storyboard that exists without a record, if its files are what they should be."""
    contents = {key: work.run.workspace.store.read_bytes(key) for key in unit.keys}
    *sheets, bif, playlist, index, vtt = contents.values()
    sheet_keys = unit.keys[: len(sheets)]
    try:
        sizes_px = [picture_size_px(data) for data in sheets]
    except ClipError as error:
        _logger.warning("the storyboard of %s is made again: %s", unit.identifier, error)
        return
    width_px, height_px = sizes_px[0]
    first = layout.pages[0]
    tile_size_px = width_px // first.columns, height_px // first.rows
    storyboard = Storyboard(layout, tile_size_px, tuple(_name(key) for key in sheet_keys))
    are_whole = (
        sizes_px == [_sheet_size_px(storyboard, sheet) for sheet in range(len(sheets))]
        and is_whole_bif(bif, layout.tile_count, storyboard.interval_ms)
        and (playlist, index, vtt)
        == (storyboard.images_playlist(), storyboard.json(), storyboard.webvtt())
    )
    if are_whole:
        work.reuse(unit, _items(unit, storyboard, contents))


def _items(unit: Unit, storyboard: Storyboard, contents: dict[str, bytes]) -> list[ManifestItem]:
    pages = storyboard.layout.pages
    items = []
    for number, (key, data) in enumerate(contents.items()):
        details: dict[str, Json] = {"sha256": bytes_sha256(data)}
        if number < len(pages):
            width_px, height_px = _sheet_size_px(storyboard, number)
            details |= {
                "page": number,
                "tile_count": pages[number].tile_count,
                "columns": pages[number].columns,
                "rows": pages[number].rows,
                "width_px": width_px,
                "height_px": height_px,
            }
        items.append(unit.scene.item(key, len(data), details))
    return items


def _sheet_size_px(storyboard: Storyboard, sheet: int) -> tuple[int, int]:
    width_px, height_px = storyboard.tile_size_px
    page = storyboard.layout.pages[sheet]
    return page.columns * width_px, page.rows * height_px


def _name(key: str) -> str:
    return key.rpartition("/")[2]
