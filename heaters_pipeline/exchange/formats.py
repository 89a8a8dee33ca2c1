"""The formats of exported files: what each is called, and what writes it. Pure."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.exchange.chapters import ffmetadata, matroska_chapters, webvtt
from heaters_pipeline.exchange.csv_table import csv_table
from heaters_pipeline.exchange.edit_list import EditList
from heaters_pipeline.exchange.edl import edl
from heaters_pipeline.exchange.fcp7_xml import fcp7_xml
from heaters_pipeline.exchange.fcpxml import fcpxml
from heaters_pipeline.exchange.otio_file import otio

_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Format:
    """A format.

    Attributes:
        extension: Of its files, without the dot.
        content_type: Its MIME type.
        write: Gives the bytes of a file; the same for the same list.
    """

    extension: str
    content_type: str
    write: Callable[[EditList], bytes]


FORMATS: Mapping[str, Format] = {
    "edl": Format("edl", "text/plain; charset=utf-8", edl),
    "otio": Format("otio", "application/json", otio),
    "fcpxml": Format("fcpxml", "application/xml", fcpxml),
    "fcp7": Format("xml", "application/xml", fcp7_xml),
    "csv": Format("csv", "text/csv; charset=utf-8", csv_table),
    "chapters-ffmetadata": Format("ffmeta", "text/plain; charset=utf-8", ffmetadata),
    "chapters-webvtt": Format("vtt", "text/vtt; charset=utf-8", webvtt),
    "chapters-matroska": Format("chapters.xml", "application/xml", matroska_chapters),
}


WITH_SOURCE = "chapters-mkv"
"""A copy of the source with chapters: not written from an edit list alone."""


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """What is exported of a video.

    Attributes:
        formats: Names of formats, at least one, of ``FORMATS`` or ``WITH_SOURCE``.
        with_rejected: Also clips that a person rejected.
        start_timecode: Of the first frame, in place of the one that the source says.
    """

    formats: tuple[str, ...] = ("edl",)
    with_rejected: bool = False
    start_timecode: str | None = None

    def __post_init__(self) -> None:
        known = *FORMATS, WITH_SOURCE
        unknown = [name for name in self.formats if name not in known]
        if unknown or not self.formats:
            named = f"there is no format {unknown[0]!r}" if unknown else "a format is missing"
            raise SettingsError(f"{named}; choose of {', '.join(known)}")


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file of an edit list.

    Attributes:
        format: The name of its format.
        data: Its content.
    """

    format: str
    data: bytes

    @property
    def digest(self) -> str:
        """What names it: of its content."""
        return name_digest(self.data)

    @property
    def extension(self) -> str:
        """Of its name, without the dot."""
        return FORMATS[self.format].extension


def name_digest(content: bytes) -> str:
    """What stands for a content in the name of a file."""
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


def exported_files(edits: EditList, formats: tuple[str, ...]) -> list[ExportedFile]:
    """Write an edit list in those of the formats that need no source, each once."""
    wanted = [name for name in dict.fromkeys(formats) if name in FORMATS]
    return [ExportedFile(name, FORMATS[name].write(edits)) for name in wanted]
