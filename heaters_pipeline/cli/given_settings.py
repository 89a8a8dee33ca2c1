"""The settings that a person gave: in a file, which the launchpad takes as well, and by options."""

import re
import textwrap
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.settings import SETTINGS, setting
from heaters_pipeline.settings_files import SettingsFile, parse_settings
from heaters_pipeline.settings_layers import Layer, Layers, file_layers

Config = dict[str, dict[str, Any]]
"""Values by asset, then by field."""

_COMMENT = "      # "
_MOST_COLUMNS = 98


@dataclass(frozen=True, slots=True)
class GivenSettings:
    """What was given; all else is as the store's settings, or the defaults, have it.

    Attributes:
        typed: By options, which win over the file.
        file: What the file of ``--config`` says; nothing without one.
    """

    typed: Config
    file: SettingsFile

    @classmethod
    def of(cls, typed: Config, path: Path | None) -> "GivenSettings":
        """Read the file, if there is one.

        Raises:
            SettingsError: It holds something else than settings.
        """
        return cls(typed, read_settings(path) if path else SettingsFile(""))

    def layers(self, video_id: str, source_key: str | None) -> list[Layer]:
        """What was given for a video.

        Args:
            video_id: The partition.
            source_key: Of its source, if it is known.
        """
        return [*file_layers(self.file, video_id, source_key), self._typed_layer()]

    def config(self, assets: Collection[str] = tuple(SETTINGS)) -> Config:
        """The given values of some assets; the first scan is full if the method needs that.

        Raises:
            SettingsError: A value is out of bounds.
        """
        layers = Layers([Layer(self.file.values, self.file.place), self._typed_layer()])
        with self.said_as_typed():
            values = layers.sound_values()
        return {asset: values.get(asset, {}) for asset in assets}

    @contextmanager
    def said_as_typed(self) -> Iterator[None]:
        """Let refusals name settings by the options that were typed."""
        try:
            yield
        except SettingsError as error:
            raise SettingsError(self._as_typed(str(error))) from error

    def _as_typed(self, message: str) -> str:
        """Name settings by their options; a setting of one word is its option's word."""
        for asset, values in self.typed.items():
            for name in values:
                if "_" in name:
                    # Not where it is a part of a place in a file.
                    option = setting(asset, name).option
                    message = re.sub(rf"(?<![\w.]){name}(?!\w)", option, message)
        places, _, said = message.partition(": ")
        # The options are then named in the sentence itself.
        named = (re.search(rf"{re.escape(one)}(?![\w-])", said) for one in places.split(", "))
        return said if all(named) else message

    def _typed_layer(self) -> Layer:
        return Layer(self.typed, lambda asset, name: (setting(asset, name).option, None))


def read_settings(path: Path) -> SettingsFile:
    """Read a file of settings: the run config of ``process_videos``, in YAML.

    Raises:
        SettingsError: It cannot be read, or something in it is no setting.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not YAML: it is no text in UTF-8") from error
    return parse_settings(text, str(path), alone=False)


def settings_yaml(config: Mapping[str, Mapping[str, Any]]) -> str:
    """All settings as a file, each with what it means; those that are left out have their defaults.

    Args:
        config: Values by asset, then by field.
    """
    import yaml

    lines = ["ops:"]
    for asset, known in SETTINGS.items():
        lines += [f"  {asset}:", "    config:"]
        for one in known:
            value = config.get(asset, {}).get(one.field, one.default)
            lines += textwrap.wrap(
                one.description,
                _MOST_COLUMNS,
                initial_indent=_COMMENT,
                subsequent_indent=_COMMENT,
            )
            lines.append(textwrap.indent(yaml.safe_dump({one.field: value}), " " * 6).rstrip())
    return "\n".join(lines)
