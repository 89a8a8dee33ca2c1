"""The record beside the tables of the catalog: what they were made of, in one small object."""

from collections.abc import Mapping
from dataclasses import dataclass

from heaters_pipeline.errors import ManifestError, ObjectNotFoundError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.manifests import (
    JSON_CONTENT_TYPE,
    Json,
    canonical_json,
    parse_record,
)

FORMAT = "heaters_pipeline/catalog"
FORMAT_VERSION = 1


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
    }
    data = canonical_json(content) + b"\n"
    store.write_bytes(keys.CATALOG_RECORD, data, content_type=JSON_CONTENT_TYPE)


def stored_catalog(store: ObjectStore) -> StoredCatalog | None:
    """The catalog that lies in the store; None unless its tables are those of the record."""
    try:
        data = store.read_bytes(keys.CATALOG_RECORD)
        content = parse_record(data, keys.CATALOG_RECORD, FORMAT, FORMAT_VERSION)
        found = StoredCatalog(
            content["fingerprint"], content["videos"], content["clips"], content["unreadable"]
        )
        tables = dict(content["tables"])
    except (ObjectNotFoundError, ManifestError, KeyError, TypeError, ValueError):
        # It is made of the manifests alone, so nothing is lost by making it again.
        return None
    folder = keys.CATALOG_RECORD.rpartition("/")[0] + "/"
    listed = {each.key: each.version for each in store.list(folder)}
    return found if all(listed.get(key) == version for key, version in tables.items()) else None
