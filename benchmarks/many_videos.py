"""Write a store of very many videos, as the pipeline would have left it.

    python -m benchmarks.many_videos FOLDER [--videos 50000] [--clips 20] [--objects clips ...]

A small video is processed, and its records are copied under other names: sources, manifests, and
the tables of the catalog with their record. The objects that the manifests name (clips, sprite
sheets ...) are left out, since most commands list or read records alone; ``--objects`` adds those
of the stages that it names as sparse files of the right size. Sources are sparse files, too.

With ``--s3``, FOLDER is one that ``benchmarks.listing_server`` serves, and the store lies in its
bucket ``many``, under the prefix ``store``: versions of objects are then those that the server
gives.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.listing_server import serving
from heaters_pipeline.names import VIDEO_STAGES
from heaters_pipeline.report.catalog import catalog_fingerprint, record_versions
from heaters_pipeline.report.catalog_columns import CLIP_SCHEMA, VIDEO_SCHEMA
from heaters_pipeline.report.catalog_record import StoredCatalog, write_catalog_record
from heaters_pipeline.report.catalog_tables import GroupWriter, Notes
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.open_store import open_store
from heaters_pipeline.storage.records.video_manifests import VideoManifest, read_video
from heaters_pipeline_tests.videos import make_video

TEMPLATE = "video-000000"
"""As long as all other names, so that one takes the place of another byte by byte."""
BUCKET = "many"
FRAMES_A_CLIP = 10
_DIGEST = re.compile(r"-([0-9a-f]{16})(?![0-9a-f])")
_MIXING = 0x9E3779B97F4A7C15
HEATERS = (sys.executable, "-c", "from heaters_pipeline.cli import main; main()")


@dataclass(frozen=True, slots=True)
class Template:
    """What the pipeline made of the small video.

    Attributes:
        video: Its manifest.
        source_bytes: Size of its source.
        video_row: Its row in the catalog.
        clip_rows: Those of its clips.
    """

    video: VideoManifest
    source_bytes: int
    video_row: dict[str, Any]
    clip_rows: list[dict[str, Any]]


def video_name(number: int) -> str:
    """The id of a video of the store, from 1."""
    return f"video-{number:06d}"


def make_template(clips: int) -> Template:
    """Process a video of so many clips, and read what that left."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = folder / "home"
        home.mkdir()
        (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        film = folder / f"{TEMPLATE}.mp4"
        make_video(film, [FRAMES_A_CLIP] * clips)
        places = {
            "DAGSTER_HOME": str(home),
            "HEATERS_STORE": str(folder / "store"),
            "HEATERS_CACHE": str(folder / "cache"),
        }
        subprocess.run(
            [*HEATERS, "process", str(film)],
            check=True,
            stdout=sys.stderr,
            env={**os.environ, **places},
        )
        store = DirectoryObjectStore(folder / "store")
        (row,) = pq.read_table(folder / "store" / keys.CATALOG_VIDEOS).to_pylist()
        return Template(
            read_video(store, TEMPLATE),
            film.stat().st_size,
            row,
            pq.read_table(folder / "store" / keys.CATALOG_CLIPS).to_pylist(),
        )


def fill(
    root: Path,
    opened: Callable[[], AbstractContextManager[ObjectStore]],
    template: Template,
    videos: int,
    objects: Collection[str] = (),
) -> None:
    """Write the store.

    Args:
        root: Where its objects are files.
        opened: The store over them, opened anew whenever files were added.
        template: What is copied.
        videos: How often.
        objects: Stages of which the objects are there, too.
    """
    names = [video_name(number) for number in range(1, videos + 1)]
    for name in names:
        _sparse(root / f"{keys.SOURCE_PREFIX}{name}.mp4", template.source_bytes)
    with opened() as store:
        sources = {found.key: found.version for found in store.list(keys.SOURCE_PREFIX)}
    version = template.video.stages["source_videos"].summary["version"]
    # It may hold what looks like a digest of a key.
    manifest = template.video.to_bytes().decode().replace(version, "{version}")
    items = [item for stage in objects for item in template.video.stages[stage].items]
    (root / keys.MANIFEST_PREFIX / "videos").mkdir(parents=True, exist_ok=True)
    for name in names:
        text = _renamed(manifest, name)
        text = text.replace("{version}", sources[f"{keys.SOURCE_PREFIX}{name}.mp4"])
        (root / keys.video_manifest_key(name)).write_text(text)
        for item in items:
            _sparse(root / _renamed(item.key, name), item.size_bytes)
    with opened() as store:
        versions = record_versions(store)
    fingerprint = catalog_fingerprint(versions)
    notes = Notes(fingerprint, {}, {})
    (root / keys.CATALOG_VIDEOS).parent.mkdir(parents=True, exist_ok=True)
    row = {
        **template.video_row,
        "record_version": "{record_version}",
        "source_version": "{source_version}",
    }
    for key, schema, rows in (
        (keys.CATALOG_CLIPS, CLIP_SCHEMA, template.clip_rows),
        (keys.CATALOG_VIDEOS, VIDEO_SCHEMA, [row]),
    ):
        with GroupWriter(root / key, schema) as writer:
            _write_rows(writer, schema, rows, versions, sources)
            writer.note(notes)
    with opened() as store:
        tables = {key: _head(store, key) for key in (keys.CATALOG_CLIPS, keys.CATALOG_VIDEOS)}
        count = videos * len(template.clip_rows)
        write_catalog_record(store, StoredCatalog(fingerprint, videos, count, {}), tables)


def _head(store: ObjectStore, key: str) -> str:
    found = store.head(key)
    assert found is not None, f"{key} was not written"
    return found.version


def _write_rows(
    writer: GroupWriter,
    schema: pa.Schema,
    rows: list[dict[str, Any]],
    versions: Mapping[str, str],
    sources: Mapping[str, str],
) -> None:
    """The rows once for each video."""
    for name, version in versions.items():
        source = sources[f"{keys.SOURCE_PREFIX}{name}.mp4"]
        change = partial(_row_text, name=name, version=version, source=source)
        copied = [{key: _changed(each, change) for key, each in row.items()} for row in rows]
        writer.add(pa.Table.from_pylist(copied, schema=schema))


def _row_text(text: str, *, name: str, version: str, source: str) -> str:
    renamed = _renamed(text, name).replace("{record_version}", version)
    return renamed.replace("{source_version}", source)


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    """A value with all texts in it changed."""
    if isinstance(value, list):
        return [_changed(each, change) for each in value]
    return change(value) if isinstance(value, str) else value


def _renamed(text: str, name: str) -> str:
    """What stands of the template in a text, for another video; digests in keys are others, too."""
    seed = int(name.rpartition("-")[2]) * _MIXING

    def other(found: re.Match[str]) -> str:
        return f"-{(int(found.group(1), 16) * _MIXING ^ seed) % 2**64:016x}"

    return _DIGEST.sub(other, text.replace(TEMPLATE, name))


def _sparse(path: Path, size_bytes: int) -> None:
    """A file without content; its folder is made if need be."""
    try:
        file = path.open("wb")
    except FileNotFoundError:
        path.parent.mkdir(parents=True)
        file = path.open("wb")
    with file:
        file.truncate(size_bytes)


@contextmanager
def _as_folder(folder: Path) -> Iterator[ObjectStore]:
    yield DirectoryObjectStore(folder, settle_seconds=0)


@contextmanager
def _served(folder: Path) -> Iterator[ObjectStore]:
    # The server knows what was there when it began, so each look has one of its own.
    with serving(folder, list_seconds=0, object_seconds=0) as server:
        os.environ |= server.environment
        yield open_store(f"s3://{BUCKET}/store", base_folder=Path.cwd())


def main() -> None:
    """Write one."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("folder", type=Path, help="new or empty")
    arguments.add_argument("--videos", type=int, default=50_000)
    arguments.add_argument("--clips", type=int, default=20, help="of each video")
    arguments.add_argument("--objects", nargs="*", default=[], choices=VIDEO_STAGES)
    arguments.add_argument(
        "--without-pictures", action="store_true", help="those of the UI: 120 of 180 kB a manifest"
    )
    arguments.add_argument("--s3", action="store_true", help="in a bucket")
    chosen = arguments.parse_args()
    if chosen.folder.exists() and any(chosen.folder.iterdir()):
        arguments.error(f"{chosen.folder} is not empty")
    started = time.perf_counter()
    template = make_template(chosen.clips)
    if chosen.without_pictures:
        template = replace(template, video=replace(template.video, pictures={}))
    root = chosen.folder / BUCKET / "store" if chosen.s3 else chosen.folder
    root.mkdir(parents=True, exist_ok=True)
    opened = partial(_served if chosen.s3 else _as_folder, chosen.folder)
    fill(root, opened, template, chosen.videos, chosen.objects)
    seconds = time.perf_counter() - started
    rows = chosen.videos * len(template.clip_rows)
    print(f"{root}: {chosen.videos} videos, {rows} clips, in {seconds:.0f} s")


if __name__ == "__main__":
    main()
