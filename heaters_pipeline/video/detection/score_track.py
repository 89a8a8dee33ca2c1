"""The stored result of the one pass over a video, from which all detection is decided.

As a file it is a Parquet table of one row a frame (zstd), readable by pandas and DuckDB:

| column | type | meaning |
|---|---|---|
| ``pts`` | int64 | presentation timestamp in ticks of ``time_base`` |
| ``picture_digest`` | uint32 | CRC-32 of the decoded picture, see ``Frame.digest`` |
| ``correl``, ``chisqr``, ``intersect``, ``bhattacharyya`` | float | histogram score against the \
frame before; null for frame 0 and in a fast scan |
| ``histogram_sum`` | float | sum of the frame's histogram, whose L2 norm is 1, 1 to 28; null in a \
fast scan |
| ``change`` | float | how far an analysed frame is from the one before, 0 to 32 |
| ``across`` | float | least distance of analysed frames just before to those from here on |
| ``residual`` | float | ``change`` once a motion of the whole picture is made up for; tracks of \
earlier versions lack it, and are read as if there were none |
| ``kept`` | float | share of what was to be seen that still is, allowing for such a motion and a \
little of its parts |
| ``still`` | float | share of it that is at its very place |
| ``likeness`` | float | correlation of its structure with the analysed frame before, whatever the \
brightness, allowing for such a motion, -1 to 1; null for a small change, and in tracks of earlier \
versions |
| ``step`` | float | how far a frame is from the frame before, 0 to 32, a motion of the whole \
picture made up for, where both were decoded to tell where a cut is |
| ``detail`` | float | mean squared brightness step between neighbours in the reduced picture |
| ``tile`` | bool | whether a small picture of the frame is made while it is scanned; tracks of \
earlier versions lack it |
| ``brightness``, ``contrast``, ``black``, ``sharpness``, ``bar_top``, ``bar_bottom``, \
``bar_left``, ``bar_right``, ``difference``, ``standstill`` | float | what the picture is like \
(``docs/quality.md``); detection asks nothing of it, and tracks of earlier versions lack it |
| ``signature_<row>_<column>_<y, cr or cb>`` | uint8 | mean colour of a cell of the picture |

A fast scan decodes the analysed frames (``scoring.analysed_frames`` chooses them) and a few more;
what is not known of a frame is null. ``change`` to ``still``, ``detail``, ``difference``,
``standstill`` and the signature are kept of analysed frames alone, ``brightness`` to ``bar_right``
of about four a second. The schema's metadata holds what belongs to the whole video:
``format_version``, ``algorithm_version``, ``scan``, ``frame_step``, ``time_base``, ``end_pts``,
``pts_from_stream``, and ``faults``, a JSON list that tracks of earlier versions lack.

Decisions have no place here, nor has anything that another threshold would change.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from heaters_pipeline.errors import ManifestError
from heaters_pipeline.video.arrays import Float32Array, Int64Array, UInt8Array
from heaters_pipeline.video.media.timing import Span, Timeline

FORMAT_VERSION = 2

Scan = Literal["fast", "full"]

SIMILARITIES = ("correl", "chisqr", "intersect", "bhattacharyya")
SIGNATURE_ROWS = 6
SIGNATURE_COLUMNS = 8
QUALITIES = (
    "brightness",
    "contrast",
    "black",
    "sharpness",
    "bar_top",
    "bar_bottom",
    "bar_left",
    "bar_right",
    "difference",
    "standstill",
)
_CHANNELS = ("y", "cr", "cb")
_BLOCK = 4096


_COLUMNS = {
    "histogram_sums": "histogram_sum",
    "change": "change",
    "across": "across",
    "residual": "residual",
    "kept": "kept",
    "still": "still",
    "likeness": "likeness",
    "steps": "step",
    "detail": "detail",
}
"""Columns of floats by the attribute that they hold."""
OF_FRAMES = ("picture_digests", *_COLUMNS, "signatures")
"""Attributes of an array of all frames each, beside those by name."""


@dataclass(frozen=True, eq=False)
class ScoreTrack:
    """What detection needs to know of each frame; NaN is what is not known.

    Attributes:
        timeline: Of the whole video.
        scan: ``full`` if every frame was decoded and compared with the one before.
        frame_step: Frames that pass in about 1/25 of a second, at least 1.
        analysed_frames: Indices of the frames that ``adaptive`` looks at, increasing, from 0 on.
        picture_digests: (frames,) ``Frame.digest`` of each frame, -1 where it is not known.
        similarities: Histogram scores against the frame before by method, each (frames,).
        histogram_sums: (frames,) sum of the histogram.
        change: (frames,) distance of an analysed frame to the one before, 0 to 32.
        across: (frames,) least distance of analysed frames before to those from here on, at most
            ``change``.
        residual: (frames,) ``change`` once a motion of the whole picture is made up for, at most
            that.
        kept: (frames,) share of what was to be seen in an analysed frame or in the one before that
            is in both, allowing for such a motion and a little of its parts, 0 to 1.
        still: (frames,) share of it that is at its very place.
        likeness: (frames,) correlation of the structure of an analysed frame with the one before,
            whatever the brightness, allowing for such a motion, -1 to 1; NaN for a small change.
        steps: (frames,) distance of a frame to the frame before, 0 to 32, a motion of the whole
            picture made up for.
        detail: (frames,) mean squared brightness step in the reduced picture of an analysed frame.
        signatures: (frames, 6, 8, 3) mean Y, Cr and Cb of each cell of an analysed frame, 0 to 255;
            0 of others.
        algorithm_version: Of the code that made the track.
        faults: What is odd about the file and was made the best of, such as "is damaged: ...".
        tile_frames: (tile frames,) of which a scan makes small pictures, increasing; none of a file
            that has to be decoded from its start.
        qualities: What pictures are like, each (frames,), by ``QUALITIES``; nothing of a track of
            an earlier version.
    """

    timeline: Timeline
    scan: Scan
    frame_step: int
    analysed_frames: Int64Array
    picture_digests: Int64Array
    similarities: Mapping[str, Float32Array]
    histogram_sums: Float32Array
    change: Float32Array
    across: Float32Array
    residual: Float32Array
    kept: Float32Array
    still: Float32Array
    likeness: Float32Array
    steps: Float32Array
    detail: Float32Array
    signatures: UInt8Array
    algorithm_version: int
    faults: tuple[str, ...] = ()
    tile_frames: Int64Array = field(default_factory=lambda: np.zeros(0, np.int64))
    qualities: Mapping[str, Float32Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        frames = self.timeline.frames
        expected: dict[str, tuple[int, ...]] = dict.fromkeys(OF_FRAMES, (frames,))
        expected["signatures"] = (frames, SIGNATURE_ROWS, SIGNATURE_COLUMNS, len(_CHANNELS))
        for name, shape in expected.items():
            found = getattr(self, name).shape
            if found != shape:
                raise ValueError(f"{name} must have the shape {shape}, got {found}")
        for name in SIMILARITIES:
            if self.similarities[name].shape != (frames,):
                raise ValueError(f"similarities[{name!r}] must have one score a frame")

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.timeline.frames

    def known_digests(self) -> list[int | None]:
        """``Frame.digest`` of each frame, None where it is not known."""
        return [None if digest < 0 else digest for digest in self.picture_digests.tolist()]

    def interpolated(self, values: Float32Array | UInt8Array, span: Span) -> Float32Array:
        """Fill in the values of frames that were not analysed, evenly between their neighbours.

        Args:
            values: (frames, ...) of which those of the analysed frames count.
            span: Of which frames they are wanted.
        Returns:
            (frames of the span, ...), float32.
        """
        filled = values[span.start : span.end].astype(np.float32)
        wanted = np.arange(span.start, span.end)
        others = np.setdiff1d(wanted, self.analysed_frames, assume_unique=True)
        following = np.searchsorted(self.analysed_frames, others)
        before, after = self.analysed_frames[following - 1], self.analysed_frames[following]
        share = ((others - before) / (after - before)).astype(np.float32)
        for first in range(0, len(others), _BLOCK):
            block = slice(first, first + _BLOCK)
            weight = share[block].reshape([-1] + [1] * (values.ndim - 1))
            low, high = (values[known[block]].astype(np.float32) for known in (before, after))
            filled[others[block] - span.start] = low + weight * (high - low)
        return filled

    def to_bytes(self) -> bytes:
        """The track as a Parquet file."""
        table = self._table()
        sink = pa.BufferOutputStream()
        pq.write_table(
            table,
            sink,
            compression="zstd",
            compression_level=6,
            use_dictionary=False,
            column_encoding=_encodings(table.schema),
        )
        return bytes(sink.getvalue())

    @classmethod
    def from_bytes(cls, content: bytes) -> "ScoreTrack":
        """Read a track that ``to_bytes`` wrote.

        Raises:
            ManifestError: Damaged, no score track, or written in another format version.
        """
        try:
            return cls._from_table(pq.read_table(pa.BufferReader(content)))
        except MemoryError:
            # Arrow's is an ArrowException as well, and says nothing about the track.
            raise
        except (pa.ArrowException, KeyError, ValueError) as error:
            raise ManifestError(
                f"the score track cannot be read ({error}); delete it, so that it is made again"
            ) from error

    def _table(self) -> pa.Table:
        columns: dict[str, pa.Array] = {
            "pts": pa.array(np.asarray(self.timeline.pts, np.int64)),
            "picture_digest": pa.array(
                self.picture_digests.astype(np.uint32), mask=self.picture_digests < 0
            ),
        }
        for name in SIMILARITIES:
            columns[name] = _nullable(self.similarities[name])
        for attribute, name in _COLUMNS.items():
            columns[name] = _nullable(getattr(self, attribute))
        for name, values in self.qualities.items():
            columns[name] = _nullable(values)
        is_tile = np.zeros(self.frames, np.bool_)
        is_tile[self.tile_frames] = True
        columns["tile"] = pa.array(is_tile)
        unknown = np.ones(self.frames, np.bool_)
        unknown[self.analysed_frames] = False
        cells = self.signatures.reshape(self.frames, -1)
        for position, name in enumerate(_signature_columns()):
            columns[name] = pa.array(cells[:, position], mask=unknown)
        return pa.table(columns).replace_schema_metadata(
            {
                "format_version": str(FORMAT_VERSION),
                "algorithm_version": str(self.algorithm_version),
                "scan": self.scan,
                "frame_step": str(self.frame_step),
                "time_base": str(self.timeline.time_base),
                "end_pts": str(self.timeline.end_pts),
                "pts_from_stream": str(self.timeline.from_stream).lower(),
                "faults": json.dumps(self.faults),
            }
        )

    @classmethod
    def _from_table(cls, table: pa.Table) -> "ScoreTrack":
        stored = table.schema.metadata or {}
        metadata = {key.decode(): value.decode() for key, value in stored.items()}
        if metadata["format_version"] != str(FORMAT_VERSION):
            raise ValueError(
                f"format version {metadata['format_version']}, this program reads {FORMAT_VERSION}"
            )
        if metadata["scan"] not in get_args(Scan):
            raise ValueError(f"there is no scan {metadata['scan']!r}")
        names = _signature_columns()
        cells = np.stack([table[name].fill_null(0).to_numpy() for name in names], axis=1)
        digests = table["picture_digest"].cast(pa.int64()).fill_null(-1)
        shape = (table.num_rows, SIGNATURE_ROWS, SIGNATURE_COLUMNS, len(_CHANNELS))
        return cls(
            timeline=Timeline(
                pts=tuple(table["pts"].to_pylist()),
                end_pts=int(metadata["end_pts"]),
                time_base=Fraction(metadata["time_base"]),
                from_stream=metadata["pts_from_stream"] == "true",
            ),
            scan="full" if metadata["scan"] == "full" else "fast",
            frame_step=int(metadata["frame_step"]),
            analysed_frames=np.flatnonzero(table[names[0]].is_valid().to_numpy()),
            picture_digests=digests.to_numpy(),
            similarities={name: _with_nan(table[name]) for name in SIMILARITIES},
            **_columns(table),
            signatures=cells.reshape(shape),
            algorithm_version=int(metadata["algorithm_version"]),
            tile_frames=_tile_frames(table),
            qualities={
                name: _with_nan(table[name]) for name in QUALITIES if name in table.column_names
            },
            faults=tuple(map(str, json.loads(metadata.get("faults", "[]")))),
        )


def _columns(table: pa.Table) -> dict[str, Float32Array]:
    known = {
        attribute: _with_nan(table[name])
        for attribute, name in _COLUMNS.items()
        if name in table.column_names
    }
    # Tracks of earlier versions lack them.
    unknown = {"residual": known["change"], "likeness": np.full_like(known["change"], np.nan)}
    return {**unknown, **known}


def _tile_frames(table: pa.Table) -> Int64Array:
    if "tile" not in table.column_names:
        return np.zeros(0, np.int64)
    return np.flatnonzero(table["tile"].to_numpy())


def _signature_columns() -> list[str]:
    return [
        f"signature_{row}_{column}_{channel}"
        for row in range(SIGNATURE_ROWS)
        for column in range(SIGNATURE_COLUMNS)
        for channel in _CHANNELS
    ]


def _encodings(schema: pa.Schema) -> dict[str, str]:
    # Neighbouring rows differ little: whole numbers are stored as differences; the bytes of
    # floats are stored by significance, so that zstd finds the ones that repeat.
    encodings = {"picture_digest": "PLAIN", "tile": "RLE"}
    for name, kind in zip(schema.names, schema.types, strict=True):
        is_float = pa.types.is_floating(kind)
        encodings.setdefault(name, "BYTE_STREAM_SPLIT" if is_float else "DELTA_BINARY_PACKED")
    return encodings


def _nullable(values: Float32Array) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))


def _with_nan(column: pa.ChunkedArray) -> Float32Array:
    values: Float32Array = column.to_numpy().astype(np.float32)
    return values
