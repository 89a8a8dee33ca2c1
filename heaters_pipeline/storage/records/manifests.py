"""Records of what a stage of a video consists of: canonical JSON, fingerprints, versions.

A manifest is written last and whole, and is what everything downstream reads. ``docs/formats.md``
describes the fields.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from heaters_pipeline.errors import ManifestError, ObjectNotFoundError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.manifest_upgrades import FORMAT_VERSION, upgraded
from heaters_pipeline.storage.records.notices import FINISHED_STAGES, changing

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

FORMAT = "heaters_pipeline/manifest"
JSON_CONTENT_TYPE = "application/json"


def canonical_json(value: Json | Mapping[str, Json]) -> bytes:
    """The one spelling of a value: sorted keys, no spaces, ASCII; equal values give equal bytes."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def fingerprint_of(inputs: Mapping[str, Json]) -> str:
    """The SHA-256, in hex, of everything that decides a result."""
    return hashlib.sha256(canonical_json(dict(inputs))).hexdigest()


def exact_seconds(seconds: Fraction) -> str:
    """Seconds as manifests keep them: ``numerator/denominator``."""
    return f"{seconds.numerator}/{seconds.denominator}"


@dataclass(frozen=True, slots=True)
class ManifestItem:
    """One object of a stage.

    Attributes:
        key: The object's key.
        size_bytes: Its length.
        start_frame: First frame of the video that it shows.
        end_frame: First frame that it no longer shows.
        start_seconds: Exact instant of ``start_frame``, from the video's first frame.
        end_seconds: Exact instant of ``end_frame``.
        reused: It existed before the run that wrote the manifest.
        details: What else is known of it, by stage.
    """

    key: str
    size_bytes: int
    start_frame: int
    end_frame: int
    start_seconds: Fraction
    end_seconds: Fraction
    reused: bool
    details: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """As it stands in the file."""
        return {
            "key": self.key,
            "size_bytes": self.size_bytes,
            "start_frame": self.start_frame,
            "end_frame": self.end_frame,
            "start_seconds": exact_seconds(self.start_seconds),
            "end_seconds": exact_seconds(self.end_seconds),
            "reused": self.reused,
            "details": self.details,
        }


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one stage of one video consists of.

    Attributes:
        stage: The asset, such as ``clips``.
        video_id: The partition.
        fingerprint: Of ``inputs``; the asset's data version.
        inputs: Everything that decides the result, source and settings among it.
        producer: Versions of the software that made it, for people; they decide nothing.
        summary: What the next stage and people need besides the items.
        items: One row an object.
        format_version: Of the file that it was read from; it is always written in the current one.
    """

    stage: str
    video_id: str
    fingerprint: str
    inputs: dict[str, Any]
    producer: dict[str, str]
    summary: dict[str, Any]
    items: tuple[ManifestItem, ...]
    format_version: int = FORMAT_VERSION

    def to_bytes(self) -> bytes:
        """The file: canonical JSON with a final newline."""
        content: dict[str, Json] = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "stage": self.stage,
            "video_id": self.video_id,
            "fingerprint": self.fingerprint,
            "inputs": self.inputs,
            "producer": dict(self.producer),
            "summary": self.summary,
            "items": [item.to_json() for item in self.items],
        }
        return canonical_json(content) + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes, key: str) -> "Manifest":
        """Read a file.

        Raises:
            ManifestError: Damaged, or of a version that this program does not know.
        """
        content = parse_record(data, key, FORMAT, FORMAT_VERSION)
        format_version = content["format_version"]
        try:
            content = upgraded(content)
            return cls(
                stage=content["stage"],
                video_id=content["video_id"],
                fingerprint=content["fingerprint"],
                inputs=content["inputs"],
                producer=content["producer"],
                summary=content["summary"],
                items=tuple(_item(row) for row in content["items"]),
                format_version=format_version,
            )
        except (KeyError, TypeError, ValueError, ZeroDivisionError, AttributeError) as error:
            raise _damaged(key, f"{type(error).__name__}: {error}") from error


def parse_record(
    data: bytes, key: str, expected_format: str, newest_version: int
) -> dict[str, Any]:
    """A JSON record of the store, checked for its format and version.

    Raises:
        ManifestError: Not JSON, another format, or newer than this program.
    """
    try:
        content = json.loads(data)
    except ValueError as error:
        raise _damaged(key, str(error)) from error
    if not isinstance(content, dict) or content.get("format") != expected_format:
        raise _damaged(key, f"it is not a {expected_format}")
    version = content.get("format_version")
    if not isinstance(version, int) or version < 1:
        raise _damaged(key, "it has no format version")
    if version > newest_version:
        raise ManifestError(
            f"{key} has format version {version}, this program reads up to {newest_version}; "
            "update heaters_pipeline"
        )
    return content


def read_manifest(store: ObjectStore, stage: str, video_id: str) -> Manifest | None:
    """The current manifest of a stage, or None if the stage was never finished.

    Raises:
        ManifestError: It cannot be read.
    """
    key = keys.manifest_key(stage, video_id)
    try:
        data = store.read_bytes(key)
    except ObjectNotFoundError:
        return None
    return Manifest.from_bytes(data, key)


def write_manifest(store: ObjectStore, manifest: Manifest) -> ObjectInfo:
    """Publish a manifest; its objects must exist already.

    The combined record of the video, which would contradict it, is removed.
    """
    key = keys.manifest_key(manifest.stage, manifest.video_id)
    with ExitStack() as stack:
        if manifest.stage in FINISHED_STAGES:
            stack.enter_context(changing(store, manifest.video_id))
        return store.write_bytes(key, manifest.to_bytes(), content_type=JSON_CONTENT_TYPE)


def _item(row: dict[str, Json]) -> ManifestItem:
    return ManifestItem(
        key=str(row["key"]),
        size_bytes=_integer(row["size_bytes"]),
        start_frame=_integer(row["start_frame"]),
        end_frame=_integer(row["end_frame"]),
        start_seconds=Fraction(str(row["start_seconds"])),
        end_seconds=Fraction(str(row["end_seconds"])),
        reused=bool(row["reused"]),
        details=dict(row["details"]) if isinstance(row["details"], dict) else {},
    )


def _integer(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is not a whole number")
    return value


def _damaged(key: str, why: str) -> ManifestError:
    copy = ""
    if key.startswith(keys.MANIFEST_PREFIX):
        video_id = key.rpartition("/")[2].removesuffix(".json")
        # Else the copy would stand for it, and it would not be written again.
        copy = f" and {keys.finished_key(video_id)}"
    return ManifestError(f"{key} is damaged ({why}); delete it{copy} and run the video again")
