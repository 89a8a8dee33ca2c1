"""The stored result of the one pass over a video, from which all detection is decided.

As a file it is a Parquet table of one row a frame (zstd), readable by pandas and DuckDB:

| column | type | meaning |
|---|---|---|
| ``pts`` | int64 | instant in ticks of ``time_base`` |
| ``picture_digest`` | uint32 | CRC-32 of the decoded picture, see ``Frame.digest`` |
| ``correl``, ``chisqr``, ``intersect``, ``bhattacharyya`` | float | histogram score against the \
frame before; null for frame 0 |
| ``distance_<k>`` | float | how far the picture is from the one ``k`` frames before, 0 to 32; \
null where there is none |
| ``detail`` | float | mean squared brightness step between neighbours in the reduced picture |
| ``signature_<row>_<column>_<y, cr or cb>`` | uint8 | mean colour of a cell of the picture |

The schema's metadata holds what belongs to the whole video: ``format_version``,
``algorithm_version``, ``time_base``, ``end_pts`` and ``pts_from_stream``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from heaters_pipeline.errors import ManifestError
from heaters_pipeline.video.timing import Timeline

FORMAT_VERSION = 1

SIMILARITIES = ("correl", "chisqr", "intersect", "bhattacharyya")
SIGNATURE_ROWS = 6
SIGNATURE_COLUMNS = 8
_CHANNELS = ("y", "cr", "cb")


@dataclass(frozen=True, eq=False)
class ScoreTrack:
    """What detection needs to know of each frame.

    Attributes:
        timeline: Of the whole video.
        picture_digests: (frames,) ``Frame.digest`` of each frame.
        similarities: Histogram scores against the frame before by method, each (frames,), with
            NaN at frame 0.
        lags: How many frames back each column of ``distances`` looks, increasing.
        distances: (frames, lags) distance of a frame to the one ``lag`` frames before, 0 to 32,
            NaN where there is none.
        detail: (frames,) mean squared brightness step between neighbours in the reduced picture.
        signatures: (frames, 6, 8, 3) mean Y, Cr and Cb of each cell of the picture.
        algorithm_version: Of the code that made the track.
    """

    timeline: Timeline
    picture_digests: npt.NDArray[np.uint32]
    similarities: Mapping[str, npt.NDArray[np.float32]]
    lags: tuple[int, ...]
    distances: npt.NDArray[np.float32]
    detail: npt.NDArray[np.float32]
    signatures: npt.NDArray[np.uint8]
    algorithm_version: int

    def __post_init__(self) -> None:
        frames = self.timeline.frames
        expected = {
            "picture_digests": (frames,),
            "distances": (frames, len(self.lags)),
            "detail": (frames,),
            "signatures": (frames, SIGNATURE_ROWS, SIGNATURE_COLUMNS, len(_CHANNELS)),
        }
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

    @property
    def frame_step(self) -> int:
        """Frames that pass in about 1/25 of a second, at least 1."""
        return self.lags[1] - self.lags[0]

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
        except (pa.ArrowException, KeyError, ValueError) as error:
            raise ManifestError(
                f"the score track cannot be read ({error}); delete it, so that it is made again"
            ) from error

    def _table(self) -> pa.Table:
        columns: dict[str, pa.Array] = {
            "pts": pa.array(np.asarray(self.timeline.pts, np.int64)),
            "picture_digest": pa.array(self.picture_digests),
        }
        for name in SIMILARITIES:
            columns[name] = _nullable(self.similarities[name])
        for position, lag in enumerate(self.lags):
            columns[f"distance_{lag}"] = _nullable(self.distances[:, position])
        columns["detail"] = pa.array(self.detail)
        cells = self.signatures.reshape(self.frames, -1)
        for position, name in enumerate(_signature_columns()):
            columns[name] = pa.array(cells[:, position])
        return pa.table(columns).replace_schema_metadata(
            {
                "format_version": str(FORMAT_VERSION),
                "algorithm_version": str(self.algorithm_version),
                "time_base": str(self.timeline.time_base),
                "end_pts": str(self.timeline.end_pts),
                "pts_from_stream": str(self.timeline.from_stream).lower(),
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
        lags = tuple(
            int(name.removeprefix("distance_"))
            for name in table.column_names
            if name.startswith("distance_")
        )
        cells = np.stack([table[name].to_numpy() for name in _signature_columns()], axis=1)
        return cls(
            timeline=Timeline(
                pts=tuple(table["pts"].to_pylist()),
                end_pts=int(metadata["end_pts"]),
                time_base=Fraction(metadata["time_base"]),
                from_stream=metadata["pts_from_stream"] == "true",
            ),
            picture_digests=table["picture_digest"].to_numpy(),
            similarities={name: _with_nan(table[name]) for name in SIMILARITIES},
            lags=lags,
            distances=np.stack([_with_nan(table[f"distance_{lag}"]) for lag in lags], axis=1),
            detail=table["detail"].to_numpy(),
            signatures=cells.reshape(
                table.num_rows, SIGNATURE_ROWS, SIGNATURE_COLUMNS, len(_CHANNELS)
            ),
            algorithm_version=int(metadata["algorithm_version"]),
        )


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
    return {
        field.name: "BYTE_STREAM_SPLIT"
        if pa.types.is_floating(field.type)
        else "PLAIN"
        if field.name == "picture_digest"
        else "DELTA_BINARY_PACKED"
        for field in schema
    }


def _nullable(values: npt.NDArray[np.float32]) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))


def _with_nan(column: pa.ChunkedArray) -> npt.NDArray[np.float32]:
    values: npt.NDArray[np.float32] = column.to_numpy().astype(np.float32)
    return values
