"""From where each setting of a video comes: the store's file, its rules, what was given by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from heaters_pipeline.settings import setting
from heaters_pipeline.settings_files import (
    Place,
    SettingsFile,
    Values,
    merged,
    require_sound,
)
from heaters_pipeline.storage import keys

GIVEN_BEFORE = "given by hand before"
GIVEN_NOW = "given by hand in this run"
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Layer:
    """Values of one origin.

    Attributes:
        values: By asset, then by field.
        place: Where each was given, for messages.
    """

    values: Values
    place: Place


@dataclass(frozen=True, slots=True)
class Layers:
    """All that was said of a video; the later wins."""

    parts: Sequence[Layer]

    @property
    def values(self) -> dict[str, dict[str, Any]]:
        """What counts, apart from defaults."""
        return merged(part.values for part in self.parts)

    def place(self, asset: str, name: str) -> tuple[str, int | None]:
        """Where the value that counts was given, and in which line of a file."""
        for part in reversed(self.parts):
            if name in part.values.get(asset, {}):
                return part.place(asset, name)
        return DEFAULT, None

    def value(self, asset: str, name: str) -> Any:
        """What counts, also if it is the default."""
        return self.values.get(asset, {}).get(name, setting(asset, name).default)

    def sound_values(self) -> dict[str, dict[str, Any]]:
        """What counts, apart from defaults; the first scan is full if the method needs that.

        Raises:
            SettingsError: A value is out of bounds, or two contradict each other.
        """
        # What does the work takes a moment to import.
        from heaters_pipeline.video.detection.settings import DetectionSettings
        from heaters_pipeline.video.detection.transitions import full_scan_reason

        values = self.values
        require_sound(values, self.place)
        if full_scan_reason(DetectionSettings(**values.get("scenes", {}))):
            values.setdefault("frame_scores", {})["scan"] = "full"
        return values


def given_layer(values: Values, origin: str) -> Layer:
    """What a person gave a video in a run."""
    return Layer(values, lambda asset, name: (f"{asset}.{name}, {origin}", None))


def file_layers(file: SettingsFile, video_id: str, source_key: str | None) -> list[Layer]:
    """What a file says of a video.

    Args:
        file: Of the store, or of a command.
        video_id: The partition.
        source_key: Of its source, if that is known.
    """
    path = None if source_key is None else source_key.removeprefix(keys.SOURCE_PREFIX)
    rules = [
        Layer(rule.values, partial(file.place, rule=rule))
        for rule in file.rules_for(video_id, path)
    ]
    return [Layer(file.values, file.place), *rules]
