"""Exports that lie in the store: written if they are not there, and recorded, so that they stay."""

import hashlib
import logging
from dataclasses import dataclass
from fractions import Fraction

from heaters_pipeline.assets.export_lists import edit_list_of
from heaters_pipeline.assets.producer import producer_versions
from heaters_pipeline.exchange.edit_list import EditList
from heaters_pipeline.exchange.formats import (
    FORMATS,
    ExportedFile,
    ExportSettings,
    exported_files,
)
from heaters_pipeline.names import EXPORTS
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.records.manifests import (
    Json,
    Manifest,
    ManifestItem,
    fingerprint_of,
)
from heaters_pipeline.workspace import Workspace

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Exports:
    """The exports of a video that were asked for, against what the store holds.

    Attributes:
        edits: What they are written from.
        files: One each, by its row in the manifest.
        missing: The keys of those that are not stored.
        recorded: All rows of the manifest as it is.
    """

    edits: EditList
    files: list[tuple[ManifestItem, ExportedFile]]
    missing: set[str]
    recorded: tuple[ManifestItem, ...]

    @property
    def rows(self) -> tuple[ManifestItem, ...]:
        """All rows of the manifest as it should be: of each format the latest export."""
        rows = {item.details["format"]: item for item in self.recorded}
        rows |= {file.format: item for item, file in self.files}
        return tuple(rows[name] for name in sorted(rows))


def export_video(workspace: Workspace, video_id: str, settings: ExportSettings) -> Exports:
    """Write the exports of a video into the store.

    Returns:
        What was found missing, and is there now.
    Raises:
        ManifestError: Its scenes were not decided yet.
        SettingsError: Nothing is left to export, or there is no such timecode.
    """
    found = _look(workspace, video_id, settings)
    if not found.missing and found.rows == found.recorded:
        return found
    workspace.claim(video_id, lambda whom: _logger.info("%s: waits for %s", video_id, whom))
    # Another may have worked on it meanwhile.
    found = _look(workspace, video_id, settings)
    for item, file in found.files:
        if item.key in found.missing:
            workspace.write_bytes(item.key, file.data, FORMATS[file.format].content_type)
    workspace.publish(_manifest(video_id, found.rows))
    return found


def _look(workspace: Workspace, video_id: str, settings: ExportSettings) -> Exports:
    edits = edit_list_of(workspace.store, workspace.video(video_id), settings)
    files = [(_row(edits, file), file) for file in exported_files(edits, settings.formats)]
    stored = workspace.objects(keys.objects_prefix(EXPORTS, video_id))
    recorded = workspace.manifest(EXPORTS, video_id)
    return Exports(
        edits,
        files,
        {
            item.key
            for item, _ in files
            if item.key not in stored or stored[item.key].size_bytes != item.size_bytes
        },
        recorded.items if recorded else (),
    )


def _row(edits: EditList, file: ExportedFile) -> ManifestItem:
    return ManifestItem(
        key=keys.export_key(edits.name, file.digest, file.extension),
        size_bytes=len(file.data),
        start_frame=0,
        end_frame=edits.frames,
        start_seconds=Fraction(0),
        end_seconds=edits.duration_seconds,
        reused=False,
        details={
            "format": file.format,
            "sha256": hashlib.sha256(file.data).hexdigest(),
            "scenes": len(edits.scenes),
            "left_out": edits.left_out,
        },
    )


def _manifest(video_id: str, rows: tuple[ManifestItem, ...]) -> Manifest:
    inputs: dict[str, Json] = {"stage": EXPORTS, "keys": [item.key for item in rows]}
    return Manifest(
        stage=EXPORTS,
        video_id=video_id,
        fingerprint=fingerprint_of(inputs),
        inputs=inputs,
        producer=producer_versions(),
        summary={"units": len(rows)},
        items=rows,
    )
