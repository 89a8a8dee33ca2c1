"""``heaters export --format chapters-mkv``: a copy of the source with its scenes as chapters."""

from pathlib import Path
from typing import Any

from heaters_pipeline import home
from heaters_pipeline.exchange.chapters import ffmetadata
from heaters_pipeline.exchange.edit_list import EditList
from heaters_pipeline.exchange.formats import WITH_SOURCE, name_digest
from heaters_pipeline.storage.cache import LocalCache
from heaters_pipeline.storage.local_files import publish, temporary_file
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.video_manifests import VideoManifest
from heaters_pipeline.video.media.chaptered_copy import ChapterOfFrames, write_with_chapters


def write_copy(
    store: ObjectStore, video: VideoManifest, edits: EditList, folder: Path
) -> tuple[dict[str, Any], list[str]]:
    """Copy the source of a video into a folder, unless it is there.

    Its name stands for the source and the chapters, and it appears whole.

    Returns:
        Its row for ``--json``, and what it lacks; nothing of one that was there.
    Raises:
        ClipError: Matroska cannot hold it.
        ObjectNotFoundError, StoreUnavailableError: The source is gone, or another one by now.
        OSError: The folder cannot be written to.
    """
    source = video.stages["source_videos"].summary
    made_of = name_digest(str(source["sha256"]).encode() + ffmetadata(edits))
    path = folder / f"{edits.name}-{made_of}.mkv"
    notes: list[str] = []
    is_new = not path.is_file()
    if is_new:
        folder.mkdir(parents=True, exist_ok=True)
        cache = LocalCache(home.cache_folder() / "objects", max_bytes=home.cache_max_bytes())
        key, version = str(source["source_key"]), str(source["version"])
        with (
            cache.local_copy(store, key, version) as original,
            temporary_file(folder) as target,
        ):
            chapters = [
                ChapterOfFrames(one.span.start, one.start_seconds, one.end_seconds, one.name)
                for one in edits.scenes
            ]
            index = int(source["info"]["stream_index"])
            notes = write_with_chapters(original, Path(target.name), index, chapters)
            publish(target, path)
    size_bytes = path.stat().st_size
    row = {
        "format": WITH_SOURCE, "path": str(path), "size_bytes": size_bytes, "written": is_new,
    }  # fmt: skip
    return row, notes
