"""Pictures for the Dagster UI, kept in the store so that a skipped run shows them, too."""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import dagster as dg

from heaters_pipeline.assets.derived import made_of_clip
from heaters_pipeline.assets.records import source_of, track_of
from heaters_pipeline.assets.source_pictures import source_pictures
from heaters_pipeline.assets.stage import StageRun
from heaters_pipeline.assets.stage_work import StageWork
from heaters_pipeline.names import VIDEO_STAGES
from heaters_pipeline.report.plots.contact_sheet import contact_sheet_jpeg, evenly, markdown_image
from heaters_pipeline.report.plots.scaled_pictures import scaled_to_fit
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.records.manifests import ManifestItem
from heaters_pipeline.video.stills.keyframes import keyframe_frame, middle_picture
from heaters_pipeline.video.stills.picture_files import decoded_picture, encoded_picture
from heaters_pipeline.video.stills.picture_shelf import WantedPicture
from heaters_pipeline.video.stills.settings import PictureCoding

CONTACT_SHEET_CLIPS = 24
CONTACT_SHEET_COLUMNS = 6
TILE_SIDE_PX = 160
GALLERY_BYTES = 20_000
"""The manifest holds these pictures, and each later look at the video reads it."""

SMALL_SIDES_PX = (640, 480, 320, 160)
SMALL_QUALITIES = (80, 60, 40)
READERS = 8

_CONTENT_TYPES = {"png": "image/png", "jpg": "image/jpeg"}


def keep_picture(work: StageWork, extension: str, draw: Callable[[], bytes]) -> str:
    """Draw and store the picture of a stage's result, unless it is there, and return its key."""
    run = work.run
    key = keys.report_key(run.video_id, run.stage, work.fingerprint, extension)
    return _keep(run, key, draw, run.workspace.keep_picture)


def keep_full_picture(work: StageWork, extension: str, draw: Callable[[], bytes]) -> str:
    """The same for the large picture, which events link to."""
    run = work.run
    key = keys.full_report_key(run.video_id, run.stage, work.fingerprint, extension)
    return _keep(run, key, draw, run.workspace.write_bytes)


def require_picture(work: StageWork, name: str) -> None:
    """Let a stage that is done be made again if the picture it names is gone.

    As long as a run makes nothing of a video, its pictures are not looked for: the manifest holds
    those that are shown. A manifest that names no such picture was written before there were any.
    """
    if work.current is None:
        return
    summary = work.current.summary
    key = summary.get(name)
    if name not in summary or (key is not None and not _is_there(work.run, key)):
        work.outdated()


def contact_sheet(work: StageWork) -> str | None:
    """Store a picture of the clips, evenly chosen where they are many, and return its key.

    None if there are no clips, since all scenes were dropped.
    """
    if not work.ordered_items:
        return None
    return keep_picture(work, "jpg", lambda: _contact_sheet(work))


def contact_sheet_pictures(clips: Sequence[ManifestItem]) -> list[WantedPicture]:
    """The pictures of the source on the contact sheet of these clips, in order."""
    return [
        WantedPicture(
            clip.start_frame + keyframe_frame(clip.end_frame - clip.start_frame, 50), TILE_SIDE_PX
        )
        for clip in _on_contact_sheet(clips)
    ]


def _on_contact_sheet(clips: Sequence[ManifestItem]) -> list[ManifestItem]:
    return [clips[at] for at in evenly(len(clips), min(len(clips), CONTACT_SHEET_CLIPS))]


def gallery(
    work: StageWork, items: Sequence[ManifestItem], *, most: int, columns: int, tile_side_px: int
) -> str | None:
    """Store a picture of stored pictures, evenly chosen where they are many, and return its key.

    Args:
        work: Of the stage, whose items are all there.
        items: The pictures, each of a scene.
        most: How many are shown at most.
        columns: In a row.
        tile_side_px: Most width and height of each.
    Returns:
        The key; None if there are no clips, since all scenes were dropped.
    """
    if not items:
        return None
    chosen = [items[at] for at in evenly(len(items), min(len(items), most))]

    def draw() -> bytes:
        with ThreadPoolExecutor(READERS) as pool:
            contents = list(pool.map(work.run.workspace.store.read_bytes, [i.key for i in chosen]))
        # Full size, all of them together would be the most that a run ever holds.
        tiles = [
            (_caption(item), scaled_to_fit(decoded_picture(content), tile_side_px, tile_side_px))
            for item, content in zip(chosen, contents, strict=True)
        ]
        return contact_sheet_jpeg(
            tiles,
            columns=columns,
            tile_width_px=tile_side_px,
            max_bytes=GALLERY_BYTES,
            total=len(items),
        )

    return keep_picture(work, "jpg", draw)


def small_picture(work: StageWork, item: ManifestItem) -> str:
    """Store a smaller picture of a stored one, and return its key.

    Args:
        work: Of the stage.
        item: The picture.
    """

    def draw() -> bytes:
        picture = decoded_picture(work.run.workspace.store.read_bytes(item.key))
        data = b""
        for side_px, quality in product(SMALL_SIDES_PX, SMALL_QUALITIES):
            data = encoded_picture(
                scaled_to_fit(picture, side_px, side_px), PictureCoding(quality), item.key
            )
            if len(data) <= GALLERY_BYTES:
                break
        return data

    return keep_picture(work, "jpg", draw)


def shown_picture(run: StageRun, key: str | None, alt: str) -> dg.MarkdownMetadataValue:
    """A stored picture, embedded where the UI shows it."""
    if key is None:
        return dg.MetadataValue.md("no picture, since there are no clips")
    extension = key.rpartition(".")[2]
    data = run.workspace.picture(key)
    return dg.MetadataValue.md(markdown_image(data, _CONTENT_TYPES[extension], alt))


def _keep(
    run: StageRun,
    key: str,
    draw: Callable[[], bytes],
    write: Callable[[str, bytes, str], object],
) -> str:
    if key not in _stored_pictures(run):
        with run.phase("pictures"):
            write(key, draw(), _CONTENT_TYPES[key.rpartition(".")[2]])
    return key


def _is_there(run: StageRun, key: str) -> bool:
    workspace, video_id = run.workspace, run.video_id
    if run.stage in VIDEO_STAGES and not workspace.expects_work(video_id):
        video = workspace.video(video_id)
        if video.picture_keys == video.pictures.keys():
            return True
    return key in _stored_pictures(run)


def _contact_sheet(work: StageWork) -> bytes:
    items, run = work.ordered_items, work.run
    wanted = contact_sheet_pictures(items)
    shelf = source_pictures(run, source_of(run), lambda: track_of(run).timeline, wanted)
    tiles = []
    for item, one in zip(_on_contact_sheet(items), wanted, strict=True):
        if shelf is not None:
            picture = shelf.pixels(one)
        else:
            frames = item.end_frame - item.start_frame
            picture = made_of_clip(run, item, "pictures", middle_picture, frames, TILE_SIDE_PX)
        tiles.append((_caption(item), picture))
    return contact_sheet_jpeg(tiles, columns=CONTACT_SHEET_COLUMNS, total=len(items))


def _stored_pictures(run: StageRun) -> Collection[str]:
    return run.workspace.objects(keys.objects_prefix("reports", run.video_id))


def _caption(item: ManifestItem) -> str:
    number = str(item.details["clip_identifier"]).rpartition("_")[2]
    minutes, seconds = divmod(float(item.start_seconds), 60)
    return f"{number} {int(minutes):02d}:{seconds:04.1f}"
