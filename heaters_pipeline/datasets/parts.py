"""The files of clips that a data set consists of, each named by what it holds. Pure."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from heaters_pipeline.errors import ManifestError

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_EXTENSIONS = ("mp4", "mov")
_PART = re.compile(r"clips-[0-9a-f]{16}\.tar|data/[0-9a-f]{2}/[0-9a-f]{32}\.(mp4|mov)")


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a data set: a shard, or a single clip.

    Attributes:
        name: Of the file in the data set; another one if its content is another.
        size_bytes: Its length.
        rows: The positions of its clips among those that were selected.
    """

    name: str
    size_bytes: int
    rows: Sequence[int]


def is_part(name: str) -> bool:
    """Whether a name is one that a part of some data set may have."""
    return _PART.fullmatch(name) is not None


def sample_key(row: Mapping[str, Any]) -> str:
    """The name of a clip without a dot, which would end the key of a sample of WebDataset.

    No identifier has a ``~``, so that different clips have different keys.

    Raises:
        ManifestError: It is no identifier that the pipeline gives.
    """
    name = str(row["clip_identifier"])
    if not _NAME.fullmatch(name):
        raise ManifestError(
            f"the manifest of {row['video_id']} calls a clip {name!r}, which no clip is called; "
            "have it made again with heaters process"
        )
    return name.replace(".", "~")


def extension_of(row: Mapping[str, Any]) -> str:
    """The extension of a clip, without the dot.

    Raises:
        ManifestError: It is none that clips have.
    """
    extension = PurePosixPath(str(row["clip_filepath"])).suffix.removeprefix(".")
    if extension not in _EXTENSIONS:
        raise ManifestError(
            f"the manifest of {row['video_id']} names {row['clip_filepath']!r} as a clip, which is "
            f"none: clips end with .{' or .'.join(_EXTENSIONS)}; have it made again with heaters "
            "process"
        )
    return extension


def row_json(row: Mapping[str, Any]) -> bytes:
    """What the data set says of a clip; the same bytes for the same row.

    JSON has no infinite numbers, which become null.
    """
    plain = {name: _plain(value) for name, value in row.items()}
    return json.dumps(plain, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
