"""Which clips a data set is made of, with what the catalog says of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from heaters_pipeline.datasets.filtering import matching_clips
from heaters_pipeline.errors import SettingsError
from heaters_pipeline.report.catalog import Catalog, build_catalog, record_versions
from heaters_pipeline.report.catalog_columns import CLIP_COLUMNS
from heaters_pipeline.storage.object_store import ObjectStore

SAMPLE_COLUMNS = tuple(each for each in CLIP_COLUMNS if each.name not in ("uri", "made_at"))
"""What a data set says of a clip. Where its store lies and when it got there is none of that: the
same clips of a store that was copied are the same data set, and paths stay in the house."""
SAMPLE_SCHEMA = pa.schema([(each.name, each.type) for each in SAMPLE_COLUMNS])
_PIECE_ROWS = 65_536
_REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class SelectedClips:
    """The clips that were asked for, by video and position.

    Attributes:
        table: Their rows, with ``SAMPLE_COLUMNS``, of which memory holds only what is looked at.
        asked: How many clips the videos have that were asked for.
        rejected: Clips that would be among them, had nobody rejected them.
        unfinished: How many videos of the store are left out until they are finished.
        unreadable: Videos of which the records cannot be read, with the reason.
    """

    table: pa.Table
    asked: int
    rejected: int
    unfinished: int
    unreadable: dict[str, str]

    def rows(self, which: Sequence[int]) -> list[dict[str, Any]]:
        """Some of the rows as Python values, in the given order."""
        found: list[dict[str, Any]] = []
        # Slices, since Arrow's take would go through the whole table for each shard.
        breaks = np.flatnonzero(np.diff(which) != 1) + 1
        for run in np.split(np.asarray(which, np.int64), breaks):
            if run.size:
                found += self.table.slice(run[0], run.size).to_pylist()
        return found


@contextmanager
def selected_clips(
    store: ObjectStore,
    folder: Path,
    *,
    wanted: Sequence[Sequence[str]] = (),
    where: str | None = None,
    with_rejected: bool = False,
) -> Iterator[SelectedClips]:
    """Choose clips as they are recorded now, whether the stored catalog is up to date or not.

    Args:
        store: Where they lie.
        folder: An empty one, for files that are needed meanwhile.
        wanted: For each video the ids that it may have, likeliest first; none for all videos.
        where: A condition in SQL that they meet.
        with_rejected: Also those that a person rejected.
    Raises:
        SettingsError: A video is not there or not finished, or the condition is wrong.
    """
    catalog = build_catalog(store, record_versions(store), folder)
    video_ids = _video_ids(catalog, wanted) if wanted else None
    met = matching_clips(catalog.clips, catalog.videos, where) if where is not None else None
    path = folder / "selected.arrow"
    at = asked = rejected = 0
    with pq.ParquetFile(catalog.clips) as clips, pa.ipc.new_file(path, SAMPLE_SCHEMA) as chosen:
        for batch in clips.iter_batches(batch_size=_PIECE_ROWS, columns=SAMPLE_SCHEMA.names):
            kept = np.ones(batch.num_rows, np.bool_)
            if video_ids is not None:
                kept &= pc.is_in(batch["video_id"], video_ids).to_numpy(zero_copy_only=False)
            asked += int(kept.sum())
            if met is not None:
                kept &= met[at : at + batch.num_rows]
            at += batch.num_rows
            if not with_rejected:
                refused = pc.equal(batch["review"], _REJECTED).fill_null(False)
                refused = refused.to_numpy(zero_copy_only=False)
                rejected += int((kept & refused).sum())
                kept &= ~refused
            chosen.write_batch(batch.filter(pa.array(kept)))
    with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
        # Who names videos is told of those alone.
        unfinished, unreadable = (
            (0, {}) if wanted else (len(catalog.left_out), dict(catalog.unreadable))
        )
        yield SelectedClips(reader.read_all(), asked, rejected, unfinished, unreadable)


def _video_ids(catalog: Catalog, wanted: Sequence[Sequence[str]]) -> pa.Array:
    finished = set(pq.read_table(catalog.videos, columns=["video_id"])["video_id"].to_pylist())
    chosen = []
    for candidates in wanted:
        found = next((each for each in candidates if each in finished), None)
        if found is None:
            said = [catalog.unreadable[each] for each in candidates if each in catalog.unreadable]
            raise SettingsError(
                said[0]
                if said
                else f"there is no video {candidates[0]} whose clips are finished; heaters status "
                "lists all videos"
            )
        chosen.append(found)
    return pa.array(chosen, pa.string())
