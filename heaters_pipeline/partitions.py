"""The partitions of the pipeline: one for each source video.

Clips are no partitions: Dagster handles about 100,000 partitions of an asset well, and one clip
each would soon pass that. Which clips are done is decided inside the asset, from the store.
"""

from collections.abc import Sequence

import dagster as dg

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.names import SOURCE_VIDEOS
from heaters_pipeline.storage.keys import version_digest
from heaters_pipeline.storage.object_store import ObjectInfo

source_videos_partitions = dg.DynamicPartitionsDefinition(name=SOURCE_VIDEOS)

MOST_IN_SQLITE = 32_000
"""A statement of SQLite takes 32,766 values, unless it was built to take more, and Dagster writes
all partitions into one: with more of them it fails with "too many SQL variables"."""
_ADDED_AT_ONCE = 5000


def source_version_tag(video_id: str, version: str) -> str:
    """The value of ``SOURCE_VERSION_TAG``: ``<video_id>@<digest of the version>``."""
    return f"{video_id}@{version_digest(version)}"


def corrections_tag(video_id: str, found: ObjectInfo) -> str:
    """The value of ``CORRECTIONS_TAG``: the same content, written again, is another version."""
    return source_version_tag(video_id, f"{found.version} {found.modified.isoformat()}")


def require_room(instance: dg.DagsterInstance, partitions: int) -> None:
    """Refuse more partitions than Dagster's database can handle, before they are there.

    Args:
        instance: Where they are to be.
        partitions: How many there would be then.
    Raises:
        SettingsError: They are too many for SQLite.
    """
    # Nothing public tells the kind of a database.
    is_sqlite = "Sqlite" in type(instance.event_log_storage).__name__
    if is_sqlite and partitions > MOST_IN_SQLITE:
        raise SettingsError(
            f"Dagster keeps its records in SQLite, which takes no more than {MOST_IN_SQLITE:,} "
            f"videos, and there would be {partitions:,}: give it PostgreSQL, as "
            "deploy/dagster.yaml does; what was made of the videos stays as it is"
        )


def add_partitions(instance: dg.DagsterInstance, video_ids: Sequence[str]) -> list[str]:
    """Add partitions, thousands at a time.

    Args:
        instance: Where they are added.
        video_ids: The partitions; those that are there already stay as they are.
    Returns:
        Those that were added.
    Raises:
        SettingsError: They are too many for Dagster's database; none is added.
    """
    existing = set(instance.get_dynamic_partitions(SOURCE_VIDEOS))
    added = [video_id for video_id in dict.fromkeys(video_ids) if video_id not in existing]
    require_room(instance, len(existing) + len(added))
    for first in range(0, len(added), _ADDED_AT_ONCE):
        instance.add_dynamic_partitions(SOURCE_VIDEOS, added[first : first + _ADDED_AT_ONCE])
    return added
