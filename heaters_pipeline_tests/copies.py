"""Stores of many finished videos: the records of one, under other names."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from heaters_pipeline.report.catalog import build_catalog, record_versions
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.video_manifests import VideoManifest, write_video

PARQUET = "application/vnd.apache.parquet"


def write_copies(store: ObjectStore, template: VideoManifest, names: Iterable[str]) -> None:
    """Sources of these names, under ``source_videos/``, and what is recorded of them.

    What the manifests name lies nowhere.
    """
    for name in names:
        key = keys.source_key_for_name(name)
        source = store.write_bytes(key, name.encode(), content_type="video/mp4")
        listed = next(each for each in store.list(source.key) if each.key == source.key)
        video_id = keys.video_id_of(key)
        stages = {
            stage: replace(manifest, video_id=video_id)
            for stage, manifest in template.stages.items()
        }
        summary = {
            **stages["source_videos"].summary,
            "source_key": key,
            "version": listed.version,
            "title": f"The film {name}",
            "tags": ["copied"],
        }
        stages["source_videos"] = replace(stages["source_videos"], summary=summary)
        write_video(store, replace(template, video_id=video_id, stages=stages, pictures={}))


def write_catalog(store: ObjectStore) -> None:
    """The tables of the catalog, of what is recorded now."""
    with TemporaryDirectory() as folder:
        built = build_catalog(store, record_versions(store), Path(folder))
        for key, path in ((keys.CATALOG_VIDEOS, built.videos), (keys.CATALOG_CLIPS, built.clips)):
            store.put_file(key, path, content_type=PARQUET)
