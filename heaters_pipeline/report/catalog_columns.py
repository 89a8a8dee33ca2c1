"""The columns of the catalog's tables: their names, their types and what they mean."""

from dataclasses import dataclass

import pyarrow as pa

CATALOG_VERSION = 6
"""2 brought ``title``, ``tags`` and ``source_deleted``; 3 ``copied_frames``, ``hidden_frames``;
4 ``thumbnail_filepaths``, ``storyboard_filepaths``; 5 ``source_version``, ``sidecars``;
6 ``review`` and ``tags`` of clips."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its name, its type and what it means."""

    name: str
    type: pa.DataType
    description: str


_SPAN = (
    Column("start_frame", pa.int64(), "First frame, counted from 0 in presentation order"),
    Column("end_frame", pa.int64(), "First frame that no longer belongs to it"),
    Column("start_time_seconds", pa.float64(), "Start, from the video's first frame"),
    Column("end_time_seconds", pa.float64(), "End, from the video's first frame"),
    Column("duration_seconds", pa.float64(), "Length"),
)

VIDEO_COLUMNS = (
    Column("video_id", pa.string(), "Partition key"),
    Column("source_key", pa.string(), "Key of the source video"),
    Column("source_sha256", pa.string(), "SHA-256 of the source video's bytes"),
    Column("source_version", pa.string(), "Version of the source object that it was made of"),
    Column(
        "sidecars",
        pa.list_(pa.struct([("key", pa.string()), ("version", pa.string())])),
        "Subtitle files beside the source, as they were then",
    ),
    Column("size_bytes", pa.int64(), "Size of the source video"),
    Column("container", pa.string(), "FFmpeg's name of the container"),
    Column("codec", pa.string(), "FFmpeg's name of the video codec"),
    Column("width_px", pa.int64(), "Width of the stored picture"),
    Column("height_px", pa.int64(), "Height of the stored picture"),
    Column("frame_rate", pa.float64(), "Average frames a second of the header; may be empty"),
    Column("frames", pa.int64(), "Frames that its clips hold"),
    Column("duration_seconds", pa.float64(), "Length of its clips"),
    Column("clips", pa.int64(), "Number of clips"),
    Column("title", pa.string(), "What people call it; may be empty"),
    Column("tags", pa.list_(pa.string()), "What people sort it by"),
    Column(
        "storyboard_filepaths",
        pa.list_(pa.string()),
        "Keys of its storyboard: sheets, BIF, HLS playlist, JSON, WebVTT; none before it is made",
    ),
    Column("source_deleted", pa.bool_(), "Somebody deleted the source video; its clips are here"),
    Column(
        "record_version", pa.string(), "Changes when the video's manifest does, or its source goes"
    ),
)

CLIP_COLUMNS = (
    Column("video_id", pa.string(), "Partition key of the source video"),
    Column("clip_identifier", pa.string(), "<video_id>_clip_001 onwards"),
    Column("scene_index", pa.int64(), "Position in the video, from 0"),
    Column("clip_filepath", pa.string(), "Key of the clip"),
    *_SPAN,
    Column("method", pa.string(), "auto, copy, or reencode"),
    Column(
        "copied_frames",
        pa.list_(pa.list_(pa.int64())),
        "Frames of the video that are copied bit for bit, as [first, first not copied]; the others "
        "are encoded. Empty where the record is older",
    ),
    Column("hidden_frames", pa.int64(), "Frames that it holds and does not show; may be empty"),
    Column("size_bytes", pa.int64(), "Size of the clip"),
    Column("review", pa.string(), "approved, rejected, or waiting for somebody to decide"),
    Column("tags", pa.list_(pa.string()), "What people sort it by"),
    Column("sprite_index_filepath", pa.string(), "Key of the JSON beside the sprite sheets"),
    Column("sprite_sheet_filepaths", pa.list_(pa.string()), "Keys of the sprite sheets"),
    Column("keyframe_filepaths", pa.list_(pa.string()), "Keys of the key frames"),
    Column(
        "thumbnail_filepaths",
        pa.list_(pa.string()),
        "Keys of the small pictures beside the key frames; none where the record is older",
    ),
)

VIDEO_SCHEMA = pa.schema([(column.name, column.type) for column in VIDEO_COLUMNS])
CLIP_SCHEMA = pa.schema([(column.name, column.type) for column in CLIP_COLUMNS])
