"""Records of what a stage of a video consists of: canonical JSON, fingerprints, versions.

``video_manifests`` keeps those of a video's stages in one object. One alone in a file is that of a
comparison of methods, or was written by an older version. ``docs/formats.md`` describes the fields.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from heaters_pipeline.errors import NewerRecordError, ObjectNotFoundError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.json_records import (
    LARGE_BYTES,
    damaged,
    parse_json,
    read_limited,
)
from heaters_pipeline.storage.records.manifest_upgrades import FORMAT_VERSION, upgraded

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
        start_seconds: Exact time of ``start_frame``, from the video's first frame.
        end_seconds: Exact time of ``end_frame``.
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
    """

    stage: str
    video_id: str
    fingerprint: str
    inputs: dict[str, Any]
    producer: dict[str, str]
    summary: dict[str, Any]
    items: tuple[ManifestItem, ...]

    def to_json(self) -> dict[str, Json]:
        """What is recorded of the stage; which stage and video it is of stands around it."""
        return {
            "fingerprint": self.fingerprint,
            "inputs": self.inputs,
            "producer": dict(self.producer),
            "summary": self.summary,
            "items": [item.to_json() for item in self.items],
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any], stage: str, video_id: str) -> "Manifest":
        """The reverse.

        Raises:
            KeyError: It lacks a field. For one of another kind also the others that Python has.
        """
        return cls(
            stage=stage,
            video_id=video_id,
            fingerprint=content["fingerprint"],
            inputs=content["inputs"],
            producer=content["producer"],
            summary=content["summary"],
            items=tuple(_item(row) for row in content["items"]),
        )

    def to_bytes(self) -> bytes:
        """A file of its own: canonical JSON with a final newline."""
        content: dict[str, Json] = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "stage": self.stage,
            "video_id": self.video_id,
            **self.to_json(),
        }
        return canonical_json(content) + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes, key: str) -> "Manifest":
        """Read a file of its own.

        Raises:
            ManifestError: Damaged, or of a version that this program does not know.
        """
        content = parse_record(data, key, FORMAT, FORMAT_VERSION)
        try:
            content = upgraded(content)
            return cls.from_json(content, content["stage"], content["video_id"])
        except (KeyError, TypeError, ValueError, ZeroDivisionError, AttributeError) as error:
            raise damaged(key, f"{type(error).__name__}: {error}") from error


def parse_record(
    data: bytes, key: str, expected_format: str, newest_version: int, *, oldest_version: int = 1
) -> dict[str, Any]:
    """A JSON record of the store, checked for its format and version.

    Raises:
        ManifestError: Not JSON, or another format.
        NewerRecordError: Newer than this program.
    """
    content = parse_json(data, key)
    if not isinstance(content, dict) or content.get("format") != expected_format:
        raise damaged(key, f"it is not a {expected_format}")
    version = content.get("format_version")
    if not isinstance(version, int) or version < oldest_version:
        raise damaged(key, "it has no format version")
    if version > newest_version:
        raise NewerRecordError(
            f"{key} has format version {version}, this program reads up to {newest_version}; "
            "update heaters_pipeline"
        )
    return content


def read_manifest(store: ObjectStore, stage: str, video_id: str) -> Manifest | None:
    """The manifest that a stage has to itself, or None if there is none.

    Raises:
        ManifestError: It cannot be read, or is that of another stage or video.
    """
    key = keys.manifest_key(stage, video_id)
    try:
        data = read_limited(store, key, max_bytes=LARGE_BYTES)
    except ObjectNotFoundError:
        return None
    manifest = Manifest.from_bytes(data, key)
    if (manifest.stage, manifest.video_id) != (stage, video_id):
        raise damaged(key, f"it is that of {manifest.stage} of {manifest.video_id}")
    return manifest


def write_manifest(store: ObjectStore, manifest: Manifest) -> None:
    """Publish a manifest that its stage has to itself."""
    key = keys.manifest_key(manifest.stage, manifest.video_id)
    store.write_bytes(key, manifest.to_bytes(), content_type=JSON_CONTENT_TYPE)


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
