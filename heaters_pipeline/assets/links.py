"""Links from the Dagster UI to what was made: presigned for a bucket, paths for a folder."""

from collections.abc import Sequence
from itertools import islice

import dagster as dg

from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.manifests import ManifestItem

LINKS_SHOWN = 100
"""Events lie in Dagster's database; the manifest names all objects."""


def link(store: ObjectStore, key: str) -> dg.UrlMetadataValue | dg.PathMetadataValue:
    """One object. A browser opens no file from a web page: that of a folder is a path to copy."""
    path = store.local_path(key)
    return dg.MetadataValue.url(store.link(key)) if path is None else dg.MetadataValue.path(path)


def links(store: ObjectStore, items: Sequence[ManifestItem]) -> dg.MarkdownMetadataValue:
    """A line for each object: its clip, when that is, and the link."""
    lines = [f"- {_named(store, item)}" for item in islice(items, LINKS_SHOWN)]
    if len(items) > LINKS_SHOWN:
        lines.append(f"- and {len(items) - LINKS_SHOWN} more, which the manifest names")
    return dg.MetadataValue.md("\n".join(lines) or "nothing, since there are no clips")


def _named(store: ObjectStore, item: ManifestItem) -> str:
    name = item.details.get("clip_identifier", item.key.rpartition("/")[2])
    about = f"{name} at {float(item.start_seconds):.1f} s"
    path = store.local_path(item.key)
    return f"[{about}]({store.link(item.key)})" if path is None else f"{about}: `{path}`"
