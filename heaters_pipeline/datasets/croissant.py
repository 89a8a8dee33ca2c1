"""Croissant metadata of a data set (version 1.0 of MLCommons), for search engines and loaders.

The specification: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.0.html
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from heaters_pipeline.datasets.settings import DatasetSettings
from heaters_pipeline.datasets.videofolder import FOLDER
from heaters_pipeline.report.catalog_columns import Column

_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{
        name: f"cr:{name}"
        for name in (
            *("extract", "field", "fileProperty", "fileObject", "fileSet", "format", "includes"),
            *("isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet"),
            *("references", "regex", "repeated", "replace", "samplingRate", "separator", "source"),
            *("subField", "transform"),
        )
    },
    "sc": "https://schema.org/",
}
"""As the specification gives it; readers warn of any other."""
_CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
_VIDEO_TYPES = {"mp4": "video/mp4", "mov": "video/quicktime"}


@dataclass(frozen=True, slots=True)
class File:
    """A file of a data set: its name, its length and the SHA-256 of its content."""

    name: str
    size_bytes: int
    sha256: str


def croissant(
    settings: DatasetSettings,
    described: str,
    table: File,
    columns: Iterable[Column],
    shards: Sequence[File] = (),
) -> bytes:
    """The metadata of a data set.

    Args:
        settings: Of the data set.
        described: What it holds, for people.
        table: Its table of clips.
        columns: Those of the table.
        shards: The tar files that hold the clips; none if each is a file.
    """
    inside = {"containedIn": [{"@id": shard.name} for shard in shards]} if shards else {}
    patterns = {each: f"{'' if shards else f'{FOLDER}*/'}*.{each}" for each in _VIDEO_TYPES}
    document = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": _CONFORMS_TO,
        "name": settings.name,
        "description": described,
        **({"license": settings.license} if settings.license else {}),
        "distribution": [
            _file(table, "application/x-parquet"),
            *(_file(shard, "application/x-tar") for shard in shards),
            *(
                {"@type": "cr:FileSet", "@id": each, "encodingFormat": _VIDEO_TYPES[each]}
                | {"includes": pattern, **inside}
                for each, pattern in patterns.items()
            ),
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "clips",
                "field": [_field(column, table) for column in columns],
            }
        ],
    }
    return f"{json.dumps(document, indent=1, ensure_ascii=False)}\n".encode()


def _file(file: File, encoding: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": file.name,
        "name": file.name,
        "contentUrl": file.name,
        "encodingFormat": encoding,
        "contentSize": f"{file.size_bytes} B",
        "sha256": file.sha256,
    }


def _field(column: Column, table: File) -> dict[str, Any]:
    is_list = pa.types.is_list(column.type)
    return {
        "@type": "cr:Field",
        "@id": f"clips/{column.name}",
        "name": column.name,
        "description": column.description,
        "dataType": _data_type(column.type.value_type if is_list else column.type),
        **({"repeated": True} if is_list else {}),
        "source": {"fileObject": {"@id": table.name}, "extract": {"column": column.name}},
    }


def _data_type(type_: pa.DataType) -> str:
    if pa.types.is_boolean(type_):
        return "sc:Boolean"
    if pa.types.is_integer(type_) or pa.types.is_list(type_):
        return "sc:Integer"
    if pa.types.is_floating(type_):
        return "sc:Float"
    return "sc:DateTime" if pa.types.is_timestamp(type_) else "sc:Text"
