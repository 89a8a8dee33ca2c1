"""Scenes as manifests keep them, and the units of work that are made of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from heaters_pipeline.storage.records.manifests import Json, ManifestItem, exact_seconds
from heaters_pipeline.video.media.timing import Span


def clip_identifier(video_id: str, position: int) -> str:
    """How people call a clip: ``<video_id>_clip_001`` onwards; ``position`` counts from 0."""
    return f"{video_id}_clip_{position + 1:03d}"


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene with its exact times, counted from the video's first frame."""

    span: Span
    start_seconds: Fraction
    end_seconds: Fraction

    @classmethod
    def from_json(cls, row: Mapping[str, Json]) -> "Scene":
        """From a manifest's row.

        Raises:
            ValueError: A frame is not a whole number.
        """
        start, end = row["start_frame"], row["end_frame"]
        if not isinstance(start, int) or not isinstance(end, int):
            raise ValueError(f"a scene needs whole frames, got {start!r} and {end!r}")
        return cls(
            Span(start, end),
            Fraction(str(row["start_seconds"])),
            Fraction(str(row["end_seconds"])),
        )

    @classmethod
    def of(cls, item: ManifestItem) -> "Scene":
        """The scene that an object was made of."""
        return cls(Span(item.start_frame, item.end_frame), item.start_seconds, item.end_seconds)

    def to_json(self) -> dict[str, Json]:
        """The manifest's row."""
        return {
            "start_frame": self.span.start,
            "end_frame": self.span.end,
            "start_seconds": exact_seconds(self.start_seconds),
            "end_seconds": exact_seconds(self.end_seconds),
        }

    def cells(self) -> dict[str, int | float]:
        """What tables and JSON documents show; times are rounded to milliseconds there only."""
        return {
            "start_frame": self.span.start,
            "end_frame": self.span.end,
            "start_time_seconds": round(float(self.start_seconds), 3),
            "end_time_seconds": round(float(self.end_seconds), 3),
            "duration_seconds": round(float(self.end_seconds - self.start_seconds), 3),
        }

    def item(
        self, key: str, size_bytes: int, details: Mapping[str, Json], *, reused: bool = False
    ) -> ManifestItem:
        """The manifest's row for an object made of this scene."""
        return ManifestItem(
            key=key,
            size_bytes=size_bytes,
            start_frame=self.span.start,
            end_frame=self.span.end,
            start_seconds=self.start_seconds,
            end_seconds=self.end_seconds,
            reused=reused,
            details=dict(details),
        )


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of work that is done whole or not at all: a clip, or a clip's sheets.

    Attributes:
        identifier: How people call it: the clip identifier, or the video's.
        keys: The objects that it consists of, known before it is made; at least one.
        scene: What of the video it shows.
        details: What is known before it is made, and may change while the objects stay: the
            position among the clips. It overrides what a reused item recorded.
        adoptable: Whether its objects tell all that is recorded of them, so that they can be
            reused without a record.
    """

    identifier: str
    keys: tuple[str, ...]
    scene: Scene
    details: dict[str, Json] = field(default_factory=dict)
    adoptable: bool = True
