"""The record beside the tables of the catalog: what they were made of, in one small object."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from heaters_pipeline.errors import ManifestError, ObjectNotFoundError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.catalog_changes import ChangeNote, change_notes
from heaters_pipeline.storage.records.manifests import (
    JSON_CONTENT_TYPE,
    Json,
    canonical_json,
    parse_record,
)

FORMAT = "heaters_pipeline/catalog"
FORMAT_VERSION = 2
"""1 was made without notes of changes, so that all manifests are looked at once."""


@dataclass(frozen=True, slots=True)
class StoredCatalog:
    """What is known of the catalog in the store.

    Attributes:
        fingerprint: What decided it.
        videos: Rows of the table of videos.
        clips: Rows of the table of clips.
        unreadable: The videos whose manifests cannot be read, with the reason.
    """

    fingerprint: str
    videos: int
    clips: int
    unreadable: Mapping[str, str]


def write_catalog_record(
    store: ObjectStore, catalog: StoredCatalog, tables: Mapping[str, str]
) -> None:
    """Say what the tables were made of, after they were written.

    Args:
        store: Where they lie.
        catalog: What is said.
        tables: The version of each table by its key.
    """
    content: dict[str, Json] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "fingerprint": catalog.fingerprint,
        "videos": catalog.videos,
        "clips": catalog.clips,
        "unreadable": dict(catalog.unreadable),
        "tables": dict(tables),
        "url": store.url,
    }
    data = canonical_json(content) + b"\n"
    store.write_bytes(keys.CATALOG_RECORD, data, content_type=JSON_CONTENT_TYPE)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What lies under ``catalog/``.

    Attributes:
        catalog: None unless the tables are those of the record, and of this version.
        made: When the record was written, in UTC; None without a catalog.
        changes: The notes of videos that it has still to follow.
    """

    catalog: StoredCatalog | None
    made: datetime | None
    changes: Sequence[ChangeNote]


def look_at_catalog(store: ObjectStore) -> Sighting:
    """The stored catalog and what changed since, by one GET and one LIST."""
    found, tables = _recorded(store)
    listed = {each.key: each for each in store.list(keys.CATALOG_PREFIX)}
    changes = change_notes(listed.values())
    versions = {key: listed[key].version for key in tables if key in listed}
    if found is None or versions != tables or keys.CATALOG_RECORD not in listed:
        return Sighting(None, None, changes)
    return Sighting(found, listed[keys.CATALOG_RECORD].modified, changes)


def _recorded(store: ObjectStore) -> tuple[StoredCatalog | None, dict[str, str]]:
    """What the record says of the catalog, and the version of each table."""
    try:
        content = parse_record(
            store.read_bytes(keys.CATALOG_RECORD),
            keys.CATALOG_RECORD,
            FORMAT,
            FORMAT_VERSION,
            oldest_version=FORMAT_VERSION,
        )
        found = StoredCatalog(
            content["fingerprint"], content["videos"], content["clips"], content["unreadable"]
        )
        # Of a store that was copied, the addresses in the tables are those of the old one.
        return (found, dict(content["tables"])) if content["url"] == store.url else (None, {})
    except (ObjectNotFoundError, ManifestError, KeyError, TypeError, ValueError):
        # It is made of the manifests alone, so nothing is lost by making it again.
        return None, {}
