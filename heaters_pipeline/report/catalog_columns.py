"""The columns of the catalog's tables: their names, their types and what they mean."""

from dataclasses import dataclass

import pyarrow as pa

CATALOG_VERSION = 7
"""2 brought ``title``, ``tags`` and ``source_deleted``; 3 ``copied_frames``, ``hidden_frames``;
4 ``thumbnail_filepaths``, ``storyboard_filepaths``; 5 ``source_version``, ``sidecars``;
6 ``review`` and ``tags`` of clips; 7 what a clip's file is and what its pictures and its sound are
like, transitions, and of videos what is known of the source besides its header."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its name, its type and what it means."""

    name: str
    type: pa.DataType
    description: str


_OLDER = "; empty where the record is older"
_SILENT = "; empty without any, and where the record is older"
_NONE_THERE = (
    ": cut, dissolve, fade and so on; empty at an end of the video, and where settings ended "
    "the clip without a change of scene"
)
_RATE = "Frames a second, those of the video's constant rate or else its frames by its length"

_SPAN = (
    Column("start_frame", pa.int64(), "First frame, counted from 0 in presentation order"),
    Column("end_frame", pa.int64(), "First frame that no longer belongs to it"),
    Column("start_time_seconds", pa.float64(), "Start, from the video's first frame"),
    Column("end_time_seconds", pa.float64(), "End, from the video's first frame"),
    Column("duration_seconds", pa.float64(), "Length"),
)

QUALITY_COLUMNS = (
    Column("brightness", pa.float64(), "Mean luma of its pictures, 0 black to 1 white"),
    Column(
        "contrast", pa.float64(), "Standard deviation of luma in a picture, their mean, 0 to 0.5"
    ),
    Column("sharpness", pa.float64(), "Steps of luma from pixel to pixel, in levels of 255"),
    Column("motion", pa.float64(), "Change of luma at a point of the picture, a second"),
    Column("black_share", pa.float64(), "Share of the time in which the picture is black"),
    Column("frozen_share", pa.float64(), "Share of the time in which the picture stands still"),
    Column("letterbox_share", pa.float64(), "Share of the picture that is black bars"),
)
"""What pictures are like; docs/quality.md has the definitions. Empty where it is not known."""

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
    Column(
        "is_variable_frame_rate",
        pa.bool_(),
        "Its frames keep to no constant rate; empty where the record is older",
    ),
    Column(
        "source_duration_seconds",
        pa.float64(),
        "Length of the source video, from its first frame to the end of its last",
    ),
    Column("origin", pa.string(), "Where it came from, without secrets; empty of an upload"),
    Column("detection_settings", pa.string(), "The settings that its scenes were found with: JSON"),
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
    Column("uri", pa.string(), "Absolute address of the clip: s3://bucket/key or file:///path"),
    Column("sha256", pa.string(), "SHA-256 of the clip's bytes; may be empty"),
    *_SPAN,
    Column("start_transition", pa.string(), f"Kind of transition at its start{_NONE_THERE}"),
    Column("end_transition", pa.string(), f"Kind of transition at its end{_NONE_THERE}"),
    Column("frames", pa.int64(), "Frames that it shows"),
    Column("frame_rate_numerator", pa.int64(), f"{_RATE}, as a fraction: its numerator"),
    Column("frame_rate_denominator", pa.int64(), "The denominator of that"),
    Column("width", pa.int64(), f"Pixels across the stored picture{_OLDER}"),
    Column("height", pa.int64(), f"Pixels down the stored picture{_OLDER}"),
    Column("codec", pa.string(), f"FFmpeg's name of the video codec{_OLDER}"),
    Column("audio_codec", pa.string(), f"The same of its first track of sound{_SILENT}"),
    Column("audio_channels", pa.int64(), f"Channels of that{_SILENT}"),
    Column("audio_sample_rate", pa.int64(), f"Samples a second of each channel{_SILENT}"),
    Column("method", pa.string(), "auto, copy, or reencode"),
    Column(
        "copied_frames",
        pa.list_(pa.list_(pa.int64())),
        "Frames of the video that are copied bit for bit, as [first, first not copied]; the others "
        "are encoded. Empty where the record is older",
    ),
    Column("hidden_frames", pa.int64(), "Frames that it holds and does not show; may be empty"),
    Column("size_bytes", pa.int64(), "Size of the clip"),
    Column("made_at", pa.timestamp("us", tz="UTC"), f"When it was stored{_OLDER}"),
    *QUALITY_COLUMNS,
    Column("loudness_lufs", pa.float64(), "Integrated loudness of its first track of sound"),
    Column("silence_share", pa.float64(), "Share of the time in which that is silent"),
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
