"""``heaters export``: the scenes of videos as files for other programs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from heaters_pipeline import home
from heaters_pipeline.assets.export_lists import edit_list_of
from heaters_pipeline.cli.exporting_copies import write_copy
from heaters_pipeline.datasets.selecting import selected_clips
from heaters_pipeline.errors import HeatersError, SettingsError, printable
from heaters_pipeline.exchange.edit_list import EditList
from heaters_pipeline.exchange.formats import (
    WITH_SOURCE,
    ExportedFile,
    ExportSettings,
    exported_files,
)
from heaters_pipeline.storage.local_files import publish, temporary_file
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.open_store import open_store
from heaters_pipeline.storage.records.video_manifests import VideoManifest, read_video


def export_videos(
    wanted: Sequence[Sequence[str]],
    settings: ExportSettings,
    folder: Path,
    where: str | None,
    on_video: Callable[[Mapping[str, Any]], None],
) -> list[dict[str, Any]]:
    """Write the files of videos into a folder.

    Args:
        wanted: For each video the ids that it may have, likeliest first.
        settings: What is written.
        folder: Where.
        where: A condition in SQL that the clips meet; None for all.
        on_video: Given the document of each video.
    Returns:
        A document for each video, with its ``error`` or None.
    Raises:
        SettingsError: The folder cannot be written to, or the condition is wrong.
    """
    store = open_store(home.store_location(), base_folder=home.home_folder())
    chosen = None if where is None else _clips_that_meet(store, where)
    documents = []
    for candidates in wanted:
        try:
            video = _recorded(store, candidates)
            edits = edit_list_of(store, video, settings, chosen)
        except HeatersError as error:
            document: dict[str, Any] = {"video_id": candidates[0], "error": str(error)}
        else:
            document = _document(edits, _write(edits, settings.formats, folder))
            if WITH_SOURCE in settings.formats:
                with _folder_explained(folder):
                    _add_copy(document, store, video, edits, folder)
        documents.append(document)
        on_video(document)
    return documents


def _clips_that_meet(store: ObjectStore, where: str) -> frozenset[str]:
    """The names of the clips that meet a condition."""
    with (
        TemporaryDirectory(prefix="heaters-export-") as folder,
        selected_clips(store, Path(folder), where=where, with_rejected=True) as clips,
    ):
        return frozenset(clips.table["clip_identifier"].to_pylist())


def _recorded(store: ObjectStore, candidates: Sequence[str]) -> VideoManifest:
    for video_id in dict.fromkeys(candidates):
        video = read_video(store, video_id)
        if video.stages:
            return video
    raise SettingsError(f"there is no video {candidates[0]}; heaters status lists all")


def _write(edits: EditList, formats: tuple[str, ...], folder: Path) -> list[dict[str, Any]]:
    rows = []
    for file in exported_files(edits, formats):
        path = folder / f"{edits.name}-{file.digest}.{file.extension}"
        with _folder_explained(folder):
            written = _keep(path, file)
        facts = {"path": str(path), "size_bytes": len(file.data), "written": written}
        rows.append({"format": file.format, **facts})
    return rows


@contextmanager
def _folder_explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SettingsError(
            f"cannot write into {folder}: {error.strerror}; name another folder with --output"
        ) from error


def _keep(path: Path, file: ExportedFile) -> bool:
    """Write a file unless it is there already, as it should be."""
    if path.is_file() and path.read_bytes() == file.data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_file(path.parent) as target:
        target.write(file.data)
        publish(target, path)
    return True


def _add_copy(
    document: dict[str, Any],
    store: ObjectStore,
    video: VideoManifest,
    edits: EditList,
    folder: Path,
) -> None:
    try:
        file, notes = write_copy(store, video, edits, folder)
    except HeatersError as error:
        document["error"] = str(error)
        return
    document["files"].append(file)
    document["notes"] += notes


def _document(edits: EditList, files: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "video_id": edits.name,
        "error": None,
        "scenes": len(edits.scenes),
        "left_out": edits.left_out,
        "frame_rate": edits.rate_said,
        "is_constant_rate": edits.is_constant,
        "start_timecode": edits.timecode(0),
        "notes": list(edits.notes()),
        "files": files,
    }


def video_lines(document: Mapping[str, Any]) -> list[str]:
    """What a person reads of a video."""
    name = printable(document["video_id"])
    if document["error"] is not None:
        return [f"{name}: {document['error']}"]
    left_out = f", {document['left_out']} rejected ones left out" if document["left_out"] else ""
    said = f"{document['frame_rate']} frames a second from {document['start_timecode']}"
    return [
        f"{name}: {document['scenes']} scenes{left_out}, {said}",
        *(f"  note: {note}" for note in document["notes"]),
        *(
            f"  {printable(file['path'])}{'' if file['written'] else ' (was there already)'}"
            for file in document["files"]
        ),
    ]
