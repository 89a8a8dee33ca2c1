"""Which clips of the catalog meet a condition in SQL. Only reads, and nothing but the catalog."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.report.catalog_columns import CLIP_SCHEMA, VIDEO_SCHEMA

if TYPE_CHECKING:
    import duckdb

VIDEO_PREFIX = "video_"
"""What the columns of the video of a clip begin with, beside those of the clip."""
_KEY = "video_id"
_VIDEO_NAMES = [name for name in VIDEO_SCHEMA.names if name != _KEY]
_ROW = "file_row_number"
"""DuckDB's name for the position of a row in its file."""


def filter_columns() -> list[str]:
    """All columns that a condition may name: those of the clip, then those of its video."""
    return [*CLIP_SCHEMA.names, *(f"{VIDEO_PREFIX}{name}" for name in _VIDEO_NAMES)]


def matching_clips(clips: Path, videos: Path, where: str) -> NDArray[np.bool_]:
    """Which rows of a table of clips meet a condition.

    Args:
        clips: The catalog's table of clips, as Parquet.
        videos: That of its videos.
        where: An expression in DuckDB's SQL; a clip for which it is unknown does not meet it.
    Returns:
        Whether each clip does, in their order.
    Raises:
        SettingsError: DuckDB is not installed, or does not understand it.
    """
    try:
        import duckdb
    except ImportError as error:
        raise SettingsError(
            "a condition needs DuckDB: pip install 'heaters-pipeline[datasets]'"
        ) from error
    try:
        with duckdb.connect(":memory:", config={"python_enable_replacements": "false"}) as database:
            _shut_in(database, (clips, videos))
            of_clips = database.read_parquet(str(clips), file_row_number=True)
            of_videos = database.read_parquet(str(videos)).project(
                ", ".join([_KEY, *(f"{name} AS {VIDEO_PREFIX}{name}" for name in _VIDEO_NAMES)])
            )
            joined = of_clips.join(of_videos, _KEY)
            found = joined.filter(where).select(_ROW).fetchnumpy()[_ROW]
    except duckdb.Error as error:
        reason = str(error).partition("\n\n")[0].partition("\nLINE")[0].replace("\n", " ")
        raise SettingsError(
            f"{where!r} is no condition for clips: {reason}; the columns are "
            f"{', '.join(filter_columns())}"
        ) from error
    mask = np.zeros(pq.read_metadata(clips).num_rows, dtype=np.bool_)
    mask[found] = True
    return mask


def _shut_in(database: "duckdb.DuckDBPyConnection", files: Iterable[Path]) -> None:
    """Let SQL read these files, and neither others, nor the network, nor extensions."""
    allowed = ", ".join("'{}'".format(str(file).replace("'", "''")) for file in files)
    settings: dict[str, Any] = {
        "allowed_paths": f"[{allowed}]",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
        "enable_external_access": "false",
        # Last: none of these can be changed after it.
        "lock_configuration": "true",
    }
    for name, value in settings.items():
        database.execute(f"SET {name} = {value}")
