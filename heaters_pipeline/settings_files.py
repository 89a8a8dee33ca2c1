"""A file of settings: what it holds for all videos and for some, and where something is wrong.

The same file serves the store, ``--config`` of the command and, but for ``apply`` and ``videos``,
the launchpad. Imports nothing heavy before a file is read.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal, cast, get_args

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.settings import SETTINGS, setting
from heaters_pipeline.video.clips.settings import ClipSettings
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.stills.settings import (
    KeyframeSettings,
    SpriteSettings,
    StoryboardSettings,
)

Values = Mapping[str, Mapping[str, Any]]
"""Values by asset, then by field."""
Apply = Literal["new", "all"]
Place = Callable[[str, str], tuple[str, int | None]]
"""Says where the value of an asset's field was given, and in which line if it was in a file."""

MOST_BYTES = 256_000
_TWICE = re.compile(r'found duplicate key "(.*?)" with value')
_WILDCARDS = "*?["


@dataclass(frozen=True, slots=True)
class Rule:
    """Settings of some videos.

    Attributes:
        match: The id of a video, its path under ``source_videos/``, or a pattern of either. ``*``
            stands for anything, ``/`` included; a pattern that ends in ``/`` is a folder.
        values: For those videos.
    """

    match: str
    values: Values

    def fits(self, video_id: str, path: str | None) -> bool:
        """Whether a video is meant; its path is None as long as it is not known."""
        pattern = f"{self.match}*" if self.match.endswith("/") else self.match
        names = (video_id,) if path is None else (video_id, path)
        # A name may hold brackets itself.
        return any(name == pattern or fnmatchcase(name, pattern) for name in names)

    @property
    def is_single(self) -> bool:
        """Whether it names one video, and so wins over patterns."""
        return not (self.match.endswith("/") or any(each in self.match for each in _WILDCARDS))


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """What a file says; all else has its default.

    Attributes:
        name: What messages call it.
        values: For all videos.
        rules: For some, in order: the later wins, and one that names a single video over patterns.
        apply: Whether finished videos are made again when the file changes.
        version: What the store calls its content; empty if it is not from a store, or not there.
        lines: Of each value, from 1, by its place, such as ``ops.clips.config.mode``.
    """

    name: str
    values: Values = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    apply: Apply = "new"
    version: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)

    def rules_for(self, video_id: str, path: str | None) -> list[Rule]:
        """The rules that a video falls under; the last wins."""
        fitting = [rule for rule in self.rules if rule.fits(video_id, path)]
        return sorted(fitting, key=lambda rule: rule.is_single)

    def place(self, asset: str, name: str, rule: Rule | None = None) -> tuple[str, int | None]:
        """Where it says something, as messages name it, and the line."""
        path = f"ops.{asset}.config.{name}"
        if rule is not None:
            path = f"videos[{self.rules.index(rule)}].{path}"
        return f"{self.name}: {path}", self.lines.get(path)


def merged(layers: Iterable[Values]) -> dict[str, dict[str, Any]]:
    """Values of several layers as one; the later wins."""
    result: dict[str, dict[str, Any]] = {}
    for layer in layers:
        for asset, values in layer.items():
            result.setdefault(asset, {}).update(values)
    return result


def require_sound(values: Values, place: Place) -> None:
    """Refuse what no run could work with.

    Raises:
        SettingsError: A value is out of bounds, or two contradict each other. It begins with where
            they were given.
    """
    # What does the work takes a moment to import.
    from heaters_pipeline.video.scoring.method_scores import scan_settings

    made_of: dict[str, Callable[..., Any]] = {
        "frame_scores": scan_settings,
        "scenes": DetectionSettings,
        "clips": ClipSettings,
        "sprite_sheets": SpriteSettings,
        "keyframes": KeyframeSettings,
        "storyboards": StoryboardSettings,
    }
    for asset, chosen in values.items():
        try:
            # How closely clips are checked changes none of them, and is no setting of theirs.
            made_of[asset](**{name: chosen[name] for name in chosen if name != "verify"})
        except SettingsError as error:
            about = [name for name in chosen if re.search(rf"\b{name}\b", str(error))]
            places = [place(asset, name) for name in about or chosen]
            said = _places(text for text, _ in places)
            lines = _line(*(line for _, line in places))
            raise SettingsError(f"{said}: {error}{lines}") from error


def parse_settings(text: str, name: str, *, version: str = "", alone: bool = True) -> SettingsFile:
    """Read a file of settings.

    Args:
        text: In YAML.
        name: What messages call it.
        version: Of the object of a store.
        alone: Its values have to make sense by themselves; else others may win over them.
    Raises:
        SettingsError: It is no YAML, or something in it is no setting, is of the wrong type or out
            of bounds, or contradicts another value. It names the line.
    """
    content = _Content(name, _mapping(text, name))
    ops = content.values(content.root, "")
    rules = tuple(content.rules())
    file = SettingsFile(name, ops, rules, content.apply(), version, content.lines)
    if alone:
        _require_sound_file(file)
    return file


def _require_sound_file(file: SettingsFile) -> None:
    ops = file.values
    require_sound(ops, file.place)
    for rule in file.rules:
        places = {(asset, one) for asset, values in rule.values.items() for one in values}

        def place(
            asset: str, one: str, rule: Rule = rule, own: Any = places
        ) -> tuple[str, int | None]:
            return file.place(asset, one, rule if (asset, one) in own else None)

        require_sound(merged([ops, rule.values]), place)


def checked_value(asset: str, name: str, value: Any, place: str, line: int | None = None) -> Any:
    """A value of the right kind, as strictly as the launchpad takes it.

    Raises:
        SettingsError: It is of another kind. It begins with ``place``.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        taken = TypeAdapter(setting(asset, name).kind).validate_python(value, strict=True)
    except ValidationError as error:
        wrong = error.errors()[0]["msg"].removeprefix("Input ")
        raise SettingsError(f"{place}: it {wrong}, got {value!r:.80}{_line(line)}") from error
    # The parser's numbers know how they were written, which nobody needs to keep.
    return float(taken) if isinstance(taken, float) else taken


def require_settings(values: Values, place: str) -> None:
    """Refuse names that are no settings, and values of another kind than theirs.

    Raises:
        SettingsError: It begins with ``place``.
    """
    for asset, chosen in values.items():
        for name, value in chosen.items():
            if asset not in SETTINGS or name not in [one.field for one in SETTINGS[asset]]:
                raise SettingsError(f"{place}: there is no setting {asset}.{name}")
            checked_value(asset, name, value, f"{place}: {asset}.{name}")


def _mapping(text: str, name: str) -> Any:
    """The content of YAML, whose mappings and lists know their lines."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(text.encode()) > MOST_BYTES:
        raise SettingsError(f"{name} is larger than {MOST_BYTES} bytes, which no settings are")
    try:
        return YAML().load(text)
    except MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        twice = _TWICE.match(str(error.problem))
        said = f"{twice[1]} stands there twice" if twice else error.problem
        raise SettingsError(f"{name} is not YAML: {line}{said}") from error
    except YAMLError as error:
        raise SettingsError(f"{name} is not YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise SettingsError(f"{name} is no file of settings: it is nested too deeply") from error


class _Content:
    """The content of a file while it is looked through, with the lines of its values."""

    def __init__(self, name: str, content: Any) -> None:
        if content is None:
            raise SettingsError(f"{name} is empty; heaters config prints one to start from")
        self.name = name
        self.lines: dict[str, int] = {}
        self.root = self._entries("", content, ["ops", "videos", "apply"])

    def values(self, holder: Mapping[str, Any], above: str) -> Values:
        """The settings under ``ops``, each of the right type."""
        found: dict[str, dict[str, Any]] = {}
        ops = self._entries(f"{above}ops", holder.get("ops", {}), SETTINGS)
        for asset, op in ops.items():
            place = f"{above}ops.{asset}"
            config = self._entries(place, op, ["config"]).get("config", {})
            fields = [one.field for one in SETTINGS[asset]]
            for one, value in self._entries(f"{place}.config", config, fields).items():
                path = f"{place}.config.{one}"
                taken = checked_value(
                    asset, one, value, f"{self.name}: {path}", self.lines.get(path)
                )
                found.setdefault(asset, {})[one] = taken
        return found

    def rules(self) -> Iterable[Rule]:
        """What stands under ``videos``."""
        listed = self.root.get("videos", [])
        if not isinstance(listed, list):
            raise self._wrong("videos", f"must be a list, got {listed!r:.80}")
        for index, entry in enumerate(listed):
            place = f"videos[{index}]"
            self.lines[place] = listed.lc.item(index)[0] + 1 if hasattr(listed, "lc") else 0
            rule = self._entries(place, entry, ["match", "ops"])
            match = rule.get("match")
            if not isinstance(match, str) or not match:
                raise self._wrong(
                    f"{place}.match", "must name a video or a pattern, such as 'talks/*'"
                )
            yield Rule(match.removeprefix("source_videos/"), self.values(rule, f"{place}."))

    def apply(self) -> Apply:
        """What becomes of finished videos."""
        value = self.root.get("apply", "new")
        for known in get_args(Apply):
            if value == known:
                return cast("Apply", known)
        raise self._wrong("apply", f"must be {' or '.join(get_args(Apply))}, got {value!r:.80}")

    def _entries(self, place: str, value: Any, known: Collection[str]) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            got = "nothing" if value is None else f"{value!r:.80}"
            raise self._wrong(place, f"must hold {', '.join(known)}, got {got}")
        for name in value:
            path = f"{place}.{name}" if place else f"{name}"
            if hasattr(value, "lc"):
                self.lines[path] = value.lc.key(name)[0] + 1
            if name not in known:
                there = f"has no {name!r:.80}; it takes {', '.join(known)}"
                raise self._wrong(place, there, path)
        return value

    def _wrong(self, place: str, what: str, at: str = "") -> SettingsError:
        where = f"{self.name}: {place}" if place else self.name
        return SettingsError(f"{where} {what}{_line(self.lines.get(at or place))}")


def _places(places: Iterable[str]) -> str:
    """Places in a sentence, the name of a file said once; those in files come first."""
    files: dict[str, list[str]] = {}
    for place in places:
        name, _, path = place.rpartition(": ")
        files.setdefault(name, []).append(path)
    others = files.pop("", [])
    return ", ".join([*(f"{name}: {', '.join(paths)}" for name, paths in files.items()), *others])


def _line(*lines: int | None) -> str:
    known = list(dict.fromkeys(str(line) for line in lines if line))
    return f" (line{'s' * (len(known) > 1)} {', '.join(known)})" if known else ""
