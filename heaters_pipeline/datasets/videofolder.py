"""VideoFolder of Hugging Face: a file a clip, and a table that says what the catalog says of it."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from heaters_pipeline.datasets.clip_files import ClipFiles
from heaters_pipeline.datasets.parts import Part, extension_of
from heaters_pipeline.datasets.selecting import SelectedClips

FOLDER = "data/"
_DIGITS = 32
_PIECE_ROWS = 4096


def planned_files(clips: SelectedClips) -> Iterator[Part]:
    """The files of some clips; none is written."""
    for at, row in _numbered(clips):
        yield Part(_file_name(row), row["size_bytes"], [at])


def made_files(
    parts: Iterable[Part], clips: SelectedClips, files: ClipFiles
) -> Iterator[tuple[Part, Path]]:
    """The files of clips, one after the other; each is there until the next is asked for."""
    waiting = list(parts)
    rows = (clips.rows(part.rows)[0] for part in waiting)
    for part, (_, path) in zip(waiting, files.of(rows), strict=True):
        yield part, path


def _file_name(row: Mapping[str, Any]) -> str:
    """A name without words, since ``datasets`` takes a file of ``train`` or ``test`` for a split.

    It depends on all that tells a clip from others, so that another content is another file.
    """
    said = [row["video_id"], row["clip_filepath"], row["size_bytes"], row.get("sha256")]
    digest = hashlib.sha256("\0".join(map(str, said)).encode()).hexdigest()[:_DIGITS]
    return f"{FOLDER}{digest[:2]}/{digest}.{extension_of(row)}"


def _numbered(clips: SelectedClips) -> Iterator[tuple[int, dict[str, Any]]]:
    at = 0
    for batch in clips.table.to_batches(max_chunksize=_PIECE_ROWS):
        for row in batch.to_pylist():
            yield at, row
            at += 1
