"""The files of the catalog's tables: read and written in pieces, so that memory does not grow.

A new table is the last one without the rows of some videos, merged with new rows. Both are sorted
by video, and pass through Arrow a piece at a time; no row becomes a Python object.
"""

import json
import logging
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from heaters_pipeline.errors import ObjectNotFoundError
from heaters_pipeline.report.catalog_columns import CLIP_SCHEMA, VIDEO_SCHEMA
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.manifests import canonical_json

GROUP_ROWS = 32_768
"""Rows of a row group, and of a piece: some 30 MB of clips."""
_FINGERPRINT = b"heaters_fingerprint"
_LEFT_OUT = b"heaters_left_out"
_UNREADABLE = b"heaters_unreadable"

_logger = logging.getLogger(__name__)


class DamagedTableError(Exception):
    """A stored table cannot be read to its end."""


@dataclass(frozen=True, slots=True)
class Notes:
    """What is noted in both tables of how they were made.

    Attributes:
        fingerprint: Of the manifests that they were made of.
        left_out: The versions of the videos that are not finished, by ``video_id``.
        unreadable: The versions of the videos whose manifests cannot be read.
    """

    fingerprint: str
    left_out: Mapping[str, str]
    unreadable: Mapping[str, str]

    def to_metadata(self) -> dict[bytes, bytes]:
        """As they stand in a file."""
        return {
            _FINGERPRINT: self.fingerprint.encode(),
            _LEFT_OUT: canonical_json(dict(self.left_out)),
            _UNREADABLE: canonical_json(dict(self.unreadable)),
        }

    @classmethod
    def from_metadata(cls, metadata: Mapping[bytes, bytes]) -> "Notes":
        """The reverse; the fingerprint is empty where there is none."""
        return cls(
            metadata.get(_FINGERPRINT, b"").decode(),
            json.loads(metadata.get(_LEFT_OUT, b"{}")),
            json.loads(metadata.get(_UNREADABLE, b"{}")),
        )


@dataclass(frozen=True, slots=True)
class LastTables:
    """The tables of the stored catalog, opened.

    Attributes:
        videos: That of the videos.
        clips: That of their clips.
        versions: The version of the record that each row of ``videos`` was made of.
        notes: How they were made.
    """

    videos: pq.ParquetFile
    clips: pq.ParquetFile
    versions: Mapping[str, str]
    notes: Notes


@contextmanager
def last_tables(store: ObjectStore, folder: Path) -> Iterator[LastTables | None]:
    """Open both tables of the stored catalog; None unless they are whole and of one making.

    Args:
        store: Where they lie.
        folder: For copies of them.
    """
    with ExitStack() as stack:
        videos = _opened(store, keys.CATALOG_VIDEOS, VIDEO_SCHEMA, folder, stack)
        clips = _opened(store, keys.CATALOG_CLIPS, CLIP_SCHEMA, folder, stack)
        last = None
        if videos is not None and clips is not None:
            notes, others = (
                Notes.from_metadata(each.metadata.metadata) for each in (videos, clips)
            )
            if notes == others and notes.fingerprint:
                try:
                    last = LastTables(videos, clips, _versions(videos), notes)
                except DamagedTableError as error:
                    _logger.warning("%s", error)
        yield last


class GroupWriter:
    """Writes a table whose rows come in small pieces, in row groups of one size.

    Args:
        path: The file to write.
        schema: Of the table.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.rows = 0
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0

    def __enter__(self) -> "GroupWriter":
        return self

    def __exit__(self, *_: object) -> None:
        if self._waiting_rows:
            self._writer.write_table(pa.concat_tables(self._waiting))
        self._writer.close()

    def add(self, table: pa.Table) -> None:
        """Write the next rows."""
        self.rows += table.num_rows
        self._waiting.append(table)
        self._waiting_rows += table.num_rows
        while self._waiting_rows >= GROUP_ROWS:
            whole = pa.concat_tables(self._waiting)
            self._writer.write_table(whole.slice(0, GROUP_ROWS))
            self._waiting = [whole.slice(GROUP_ROWS)]
            self._waiting_rows -= GROUP_ROWS

    def note(self, notes: Notes) -> None:
        """Say in the file how it was made."""
        self._writer.add_key_value_metadata(notes.to_metadata())


def write_merged(
    path: Path,
    schema: pa.Schema,
    notes: Notes,
    last: pq.ParquetFile | None,
    dropped: Sequence[str],
    fresh: Path,
    store_url: str,
) -> int:
    """Write a table of what is copied and what is new.

    Args:
        path: The file to write.
        schema: Of all three.
        notes: What is noted in it.
        last: The table that is copied.
        dropped: The videos whose rows are not, in ascending order.
        fresh: A table of rows of other videos than those that are copied.
        store_url: Where the store is now, which decides the column ``uri``.
    Returns:
        Its rows.
    Raises:
        DamagedTableError: ``last`` cannot be read to its end.
    """
    with pq.ParquetFile(fresh) as added, GroupWriter(path, schema) as writer:
        kept = _without(_pieces(last), dropped) if last else iter(())
        for table in _merged(_Pieces(kept), _Pieces(_pieces(added))):
            writer.add(_placed(table, store_url))
        writer.note(notes)
    return writer.rows


def _placed(rows: pa.Table, store_url: str) -> pa.Table:
    """Rows with the addresses that objects have now, also where a store was copied or moved."""
    if "uri" not in rows.column_names:
        return rows
    # Keys of clips are of characters that stand for themselves.
    addresses = pc.binary_join_element_wise(store_url, rows["clip_filepath"], "/")
    return rows.set_column(rows.column_names.index("uri"), rows.schema.field("uri"), addresses)


def _opened(
    store: ObjectStore, key: str, schema: pa.Schema, folder: Path, stack: ExitStack
) -> pq.ParquetFile | None:
    path = store.local_path(key)
    if path is None:
        path = folder / key.rpartition("/")[2]
        try:
            store.fetch(key, path)
        except ObjectNotFoundError:
            return None
    try:
        found = pq.ParquetFile(path, pre_buffer=False)
    except MemoryError:
        # Arrow's is an ArrowException as well, and says nothing about the table.
        raise
    except (pa.ArrowException, OSError) as error:
        # It is made of the manifests alone, so nothing is lost by making it again.
        _logger.warning("%s is damaged and made again: %s", key, error)
        return None
    stack.enter_context(found)
    return found if found.schema_arrow.equals(schema, check_metadata=False) else None


def _versions(videos: pq.ParquetFile) -> dict[str, str]:
    versions: dict[str, str] = {}
    for piece in _pieces(videos, ["video_id", "record_version"]):
        versions |= zip(*(column.to_pylist() for column in piece.columns), strict=True)
    return versions


def _pieces(file: pq.ParquetFile, columns: list[str] | None = None) -> Iterator[pa.Table]:
    batches = file.iter_batches(batch_size=GROUP_ROWS, columns=columns)
    while True:
        try:
            batch = next(batches, None)
        except MemoryError:
            raise
        except (pa.ArrowException, OSError) as error:
            raise DamagedTableError(f"a table of the catalog is damaged: {error}") from error
        if batch is None:
            return
        yield pa.Table.from_batches([batch])


def _without(pieces: Iterable[pa.Table], dropped: Sequence[str]) -> Iterator[pa.Table]:
    for piece in pieces:
        if not piece.num_rows:
            continue
        first, last = piece["video_id"][0].as_py(), piece["video_id"][-1].as_py()
        at = bisect_left(dropped, first)
        if at < len(dropped) and dropped[at] <= last:
            names = pa.array(dropped, pa.string())
            piece = piece.filter(pc.invert(pc.is_in(piece["video_id"], names)))
        yield piece


class _Pieces:
    """Pieces of a sorted table, of which the rows up to some video can be taken."""

    def __init__(self, pieces: Iterator[pa.Table]) -> None:
        self._rest = (piece for piece in pieces if piece.num_rows)
        self.held: Any = next(self._rest, None)
        """The piece at hand; None at the end."""

    @property
    def last(self) -> str:
        """The last video of the piece at hand."""
        return str(self.held["video_id"][-1].as_py())

    def up_to(self, video_id: str) -> pa.Table:
        """Take the rows of the piece at hand up to those of a video."""
        count = pc.sum(pc.less_equal(self.held["video_id"], video_id)).as_py()
        taken, left = self.held.slice(0, count), self.held.slice(count)
        self.held = left if left.num_rows else next(self._rest, None)
        return taken


def _merged(one: _Pieces, other: _Pieces) -> Iterator[pa.Table]:
    """The rows of both, which have no video in common, by video."""
    while one.held is not None and other.held is not None:
        bound = min(one.last, other.last)
        both = pa.concat_tables([one.up_to(bound), other.up_to(bound)])
        # It is a stable sort, so that the clips of a video stay as they are.
        yield both.take(pc.sort_indices(both, [("video_id", "ascending")]))
    for left in (one, other):
        while left.held is not None:
            yield left.up_to(left.last)
