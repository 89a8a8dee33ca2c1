"""Shards of WebDataset: tar files in which each clip stands beside what the catalog says of it."""

import hashlib
import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from heaters_pipeline.datasets.clip_files import ClipFiles
from heaters_pipeline.datasets.parts import Part, extension_of, row_json, sample_key
from heaters_pipeline.datasets.selecting import SelectedClips
from heaters_pipeline.datasets.sharding import shards_of

SHARD_PREFIX = "clips-"
_FORMAT_VERSION = b"1\n"
"""Counts up whenever the same clips become other bytes."""
_DIGITS = 16


def planned_shards(clips: SelectedClips, max_bytes: int) -> Iterator[Part]:
    """The shards that hold some clips; none is written."""
    table = clips.table
    shards = shards_of(
        table["video_id"].to_pylist(),
        table["clip_filepath"].to_pylist(),
        table["size_bytes"].to_numpy(),
        max_bytes,
    )
    for shard in shards:
        positions = shard.tolist()
        digest = hashlib.sha256(_FORMAT_VERSION)
        size_bytes = 0
        for row in clips.rows(positions):
            for member, data in _members(row):
                # Names and JSON have no zero byte, and the JSON tells the clip by its key and size.
                digest.update(b"\0".join([member.name.encode(), data or b"", b""]))
                size_bytes += _size_in_tar(member)
        name = f"{SHARD_PREFIX}{digest.hexdigest()[:_DIGITS]}.tar"
        whole_bytes = _padded(size_bytes + 2 * tarfile.BLOCKSIZE, tarfile.RECORDSIZE)
        yield Part(name, whole_bytes, positions)


def made_shards(
    parts: Iterable[Part], clips: SelectedClips, files: ClipFiles, scratch: Path
) -> Iterator[tuple[Part, Path]]:
    """Write shards, one after the other; each file is there until the next is asked for."""
    path = scratch / "shard.tar"
    for part in parts:
        with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
            for row, file in files.of(clips.rows(part.rows)):
                for member, data in _members(row):
                    with io.BytesIO(data) if data is not None else file.open("rb") as content:
                        archive.addfile(member, content)
        yield part, path
        path.unlink()


def _members(row: Mapping[str, Any]) -> Iterator[tuple[tarfile.TarInfo, bytes | None]]:
    """The two files of a sample, of which the clip's content lies in the store."""
    key, described = sample_key(row), row_json(row)
    yield _member(f"{key}.{extension_of(row)}", row["size_bytes"]), None
    yield _member(f"{key}.json", len(described)), described


def _member(name: str, size_bytes: int) -> tarfile.TarInfo:
    """A file whose entry tells nothing of who wrote it, and when."""
    member = tarfile.TarInfo(name)
    member.size = size_bytes
    member.mode = 0o644
    return member


def _size_in_tar(member: tarfile.TarInfo) -> int:
    headers = member.tobuf(tarfile.PAX_FORMAT, tarfile.ENCODING, "surrogateescape")
    return len(headers) + _padded(member.size, tarfile.BLOCKSIZE)


def _padded(size_bytes: int, unit: int) -> int:
    return -(-size_bytes // unit) * unit
