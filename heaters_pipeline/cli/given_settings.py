"""The settings that a person gave: in a file, which the launchpad takes as well, and by options."""

import re
import textwrap
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.settings import SETTINGS, setting
from heaters_pipeline.video.clips.settings import ClipSettings
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.stills.settings import KeyframeSettings, SpriteSettings

if TYPE_CHECKING:
    import yaml

Config = dict[str, dict[str, Any]]
"""Values by asset, then by field."""

_COMMENT = "      # "
_MOST_COLUMNS = 98


@dataclass(frozen=True, slots=True)
class GivenSettings:
    """What was given; all else has its default.

    Attributes:
        typed: By options, which win over the file.
        file: The file, None without one.
        in_file: What stands there.
    """

    typed: Config
    file: Path | None
    in_file: Config

    @classmethod
    def of(cls, typed: Config, file: Path | None) -> "GivenSettings":
        """Read the file, if there is one.

        Raises:
            SettingsError: It holds something else than settings.
        """
        return cls(typed, file, read_settings(file) if file else {})

    def config(self, assets: Collection[str] = tuple(SETTINGS)) -> Config:
        """The given values of some assets; the first scan is full if the method needs that.

        Raises:
            SettingsError: A value is out of bounds.
        """
        # What does the work takes a moment to import.
        from heaters_pipeline.video.detection.transitions import full_scan_reason
        from heaters_pipeline.video.scoring.method_scores import scan_settings

        made_of: dict[str, Callable[..., Any]] = {
            "frame_scores": scan_settings,
            "scenes": DetectionSettings,
            "clips": ClipSettings,
            "sprite_sheets": SpriteSettings,
            "keyframes": KeyframeSettings,
        }
        config = {
            asset: {**self.in_file.get(asset, {}), **self.typed.get(asset, {})} for asset in assets
        }
        for asset, values in config.items():
            with self._named(asset, values):
                # How closely clips are checked changes none of them, and is no setting of theirs.
                made_of[asset](**{name: values[name] for name in values if name != "verify"})
        if full_scan_reason(DetectionSettings(**config["scenes"])):
            config["frame_scores"]["scan"] = "full"
        return config

    @contextmanager
    def _named(self, asset: str, values: Collection[str]) -> Iterator[None]:
        """Begin a refusal with where the values stand that it is about."""
        try:
            yield
        except SettingsError as error:
            about = [name for name in values if re.search(rf"\b{name}\b", str(error))]
            names, typed = about or values, self.typed.get(asset, {})
            in_file = [_place(asset, name) for name in names if name not in typed]
            places = [f"{self.file}: {', '.join(in_file)}"] if in_file else []
            places += [setting(asset, name).option for name in names if name in typed]
            raise SettingsError(f"{', '.join(places)}: {error}") from error


def read_settings(path: Path) -> Config:
    """Read a file of settings: the run config of ``process_videos``, in YAML.

    Raises:
        SettingsError: It cannot be read, or something in it is no setting.
    """
    import yaml

    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _once_each())  # noqa: S506
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not YAML: it is no text in UTF-8") from error
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise SettingsError(f"{path} is not YAML: {line}{error.problem}") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if content is None:
        raise SettingsError(f"{path} is empty; heaters config prints one to start from")
    ops = _entries(f"{path}", content, ["ops"]).get("ops", {})
    config = {}
    for asset, op in _entries(f"{path}: ops", ops, SETTINGS).items():
        values = _entries(f"{path}: ops.{asset}", op, ["config"]).get("config", {})
        fields = [one.field for one in SETTINGS[asset]]
        config[asset] = {
            name: _value(path, asset, name, value)
            for name, value in _entries(f"{path}: ops.{asset}.config", values, fields).items()
        }
    return config


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


def _entries(place: str, value: Any, known: Collection[str]) -> dict[str, Any]:
    names = ", ".join(known)
    if not isinstance(value, dict):
        got = "nothing" if value is None else f"{value!r:.80}"
        raise SettingsError(f"{place} must hold {names}, got {got}")
    for name in value:
        if name not in known:
            raise SettingsError(f"{place} has no {name!r:.80}; it takes {names}")
    return value


def _once_each() -> "type[yaml.SafeLoader]":
    """PyYAML's safe loader, but a name that stands twice is refused: it would take the last."""
    import yaml

    class OnceEach(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types.
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            names: set[str] = set()
            # What is no plain name is refused by the loader itself.
            for name in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
                if name.value in names:
                    raise yaml.constructor.ConstructorError(
                        problem=f"{name.value} stands there twice", problem_mark=name.start_mark
                    )
                names.add(name.value)
            return dict(super().construct_mapping(node, deep))

    return OnceEach


def _value(path: Path, asset: str, field: str, value: Any) -> Any:
    """A value of the right kind, as strictly as the launchpad takes it."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(setting(asset, field).kind).validate_python(value, strict=True)
    except ValidationError as error:
        wrong = error.errors()[0]["msg"].removeprefix("Input ")
        raise SettingsError(f"{path}: {_place(asset, field)}: it {wrong}, got {value!r}") from error


def _place(asset: str, field: str) -> str:
    return f"ops.{asset}.config.{field}"
