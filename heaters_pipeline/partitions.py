"""The partitions of the pipeline: one for each source video.

Clips are no partitions: Dagster handles about 100,000 partitions of an asset well, and one clip
each would soon pass that. Which clips are done is decided inside the asset, from the store.
"""

import dagster as dg

from heaters_pipeline.names import SOURCE_VIDEOS
from heaters_pipeline.storage.keys import version_digest

source_videos_partitions = dg.DynamicPartitionsDefinition(name=SOURCE_VIDEOS)


def source_version_tag(video_id: str, version: str) -> str:
    """The value of ``SOURCE_VERSION_TAG``: ``<video_id>@<digest of the version>``."""
    return f"{video_id}@{version_digest(version)}"
