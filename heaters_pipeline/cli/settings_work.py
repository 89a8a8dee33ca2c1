"""What ``heaters settings`` does, and what it says."""

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any

import click
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from heaters_pipeline.assets.video_settings import video_layers
from heaters_pipeline.cli.settings_editing import Name, with_apply, with_values, without
from heaters_pipeline.cli.terminal import table_lines
from heaters_pipeline.cli.wanted_runs import named
from heaters_pipeline.errors import ObjectChangedError, SettingsError
from heaters_pipeline.resources import open_workspace
from heaters_pipeline.settings import SETTINGS
from heaters_pipeline.settings_files import checked_value
from heaters_pipeline.settings_layers import Layers
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.keys import SETTINGS as FILE
from heaters_pipeline.stored_settings import parse_stored_settings
from heaters_pipeline.workspace import Workspace

_ATTEMPTS = 5


def all_lines() -> list[str]:
    """The file, for people."""
    workspace = open_workspace()
    text, _ = workspace.stored_settings.read()
    where = f"{workspace.store.url}/{FILE}"
    if text is None:
        return [f"# There is no {where}: the defaults count, which heaters config prints."]
    parse_stored_settings(text)
    return [f"# {where}", text.rstrip()]


def video_document(video: str | None) -> dict[str, Any]:
    """All settings that count for a video, or for all videos if it is None, with their origins."""
    workspace = open_workspace(settings=open_workspace().stored_settings.current(fresh=True))
    video_id, source_key = _named(video) if video is not None else ("", None)
    layers = video_layers(workspace, video_id, source_key=source_key)
    sound = layers.sound_values()
    rows = []
    for asset, known in SETTINGS.items():
        for one in known:
            value, origin = layers.value(asset, one.field), _origin(layers, asset, one.field)
            if (counts := sound.get(asset, {}).get(one.field, value)) != value:
                value, origin = counts, "as scenes.method needs it"
            rows.append({"name": f"{asset}.{one.field}", "value": value, "from": origin})
    return {"video_id": video_id or None, "apply": workspace.settings().apply, "settings": rows}


def _origin(layers: Layers, asset: str, name: str) -> str:
    """Where a value comes from, in few words: its place without its own name."""
    place, line = layers.place(asset, name)
    place = place.removeprefix(f"{asset}.{name}, ")
    file, _, path = place.partition(f"ops.{asset}.config.{name}")[0].partition(": ")
    return " ".join(filter(None, (file, path.removesuffix("."), f"(line {line})" * bool(line))))


def video_lines(document: Mapping[str, Any]) -> list[str]:
    """The same for people."""
    rows: list[tuple[str, ...]] = [
        (one["name"], _shown(one["value"]), one["from"]) for one in document["settings"]
    ]
    return table_lines(("setting", "value", "from"), rows)


def set_in_store(values: Sequence[str], video: str | None, match: str | None) -> list[str]:
    """Set values; gives what to tell.

    Args:
        values: Each ``NAME=VALUE``.
        video: The video that they are for, as it was typed.
        match: The pattern of the videos that they are for.
    Raises:
        SettingsError: A name is none, or the file would be unsound with the values.
    """
    apply, chosen = _assignments(values)
    if apply is not None and (video or match):
        raise SettingsError("apply counts for all videos; set it without --video and --match")
    workspace = open_workspace()
    video_id, key = _named(video) if video is not None else ("", None)
    rule = match if video is None else _own_rule(video_id, key)

    def change(text: str | None) -> str:
        if apply is not None:
            text = with_apply(text, apply)
        return with_values(text, chosen, rule) if chosen else str(text)

    _change(workspace, change)
    whom = f"for {rule}" if rule else "for all videos"
    said = [f"{asset}.{name} = {_shown(value)} {whom}" for (asset, name), value in chosen.items()]
    if apply is not None:
        said.append(f"apply = {apply}")
    # What was set last counts, also over what was typed for a run before.
    return said + (_forget_given(workspace, video_id, chosen.keys()) if video is not None else [])


def unset_in_store(names: Sequence[str], video: str | None, match: str | None) -> list[str]:
    """Take values out; gives what to tell."""
    chosen = [_name(text) for text in names]
    workspace = open_workspace()
    video_id, key = _named(video) if video is not None else ("", None)
    matches = None
    if video is not None:
        matches = _own_rules(video_id, [key] if key else [])
    elif match is not None:
        matches = [match]
    changed = _change(workspace, lambda text: text and without(text, chosen, matches))
    said = [f"{FILE} is changed"] if changed else [f"{FILE} says nothing of it"]
    if video is not None:
        said += _forget_given(workspace, video_id, chosen or None)
    return said


def forget_rules(workspace: Workspace, video_id: str, source_keys: Iterable[str]) -> None:
    """Take out what the file says of one video alone, which is removed.

    Raises:
        SettingsError: The file is broken.
    """
    matches = _own_rules(video_id, source_keys)
    _change(workspace, lambda text: text and without(text, (), matches))


def edit_in_store() -> str:
    """Let a person edit the file; gives what to tell.

    Raises:
        SettingsError: What they wrote is unsound, and they gave up.
        ObjectChangedError: Another changed the file meanwhile.
    """
    stored = open_workspace().stored_settings
    before, seen = stored.read()
    shown = before if before is not None else with_apply(None, "new")
    text = shown
    while True:
        edited = click.edit(text, extension=".yaml", require_save=False)
        if edited is None or edited == shown:
            return f"{FILE} is unchanged"
        text = edited
        try:
            stored.write(text, seen)
        except ObjectChangedError as error:
            raise SettingsError(f"{error}; your edit is kept in {_kept(text)}") from error
        except SettingsError as error:
            click.echo(f"Error: {error}", err=True)
            if not _again():
                raise SettingsError(
                    f"{FILE} is as it was; your edit is kept in {_kept(text)}"
                ) from error
        else:
            return f"{FILE} is changed"


def _again() -> bool:
    try:
        return click.confirm("Edit it again?", default=True, err=True)
    except click.Abort:
        return False


def _kept(text: str) -> str:
    descriptor, path = tempfile.mkstemp(prefix="heaters-settings-", suffix=".yaml")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def _change(workspace: Workspace, change: Callable[[str | None], str | None]) -> bool:
    """Change the file, again if another changed it meanwhile; whether it became another."""
    stored = workspace.stored_settings
    for attempt in range(_ATTEMPTS):
        before, seen = stored.read()
        # What is broken is not made worse.
        parse_stored_settings(before)
        text = change(before)
        if text is None or text == before:
            return False
        try:
            stored.write(text, seen)
        except ObjectChangedError:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return True
    raise AssertionError("the last attempt returns or raises")


def _forget_given(
    workspace: Workspace, video_id: str, names: Sequence[Name] | Any | None
) -> list[str]:
    if not workspace.video(video_id).given:
        return []
    with closing(workspace):
        workspace.claim(video_id, lambda whom: click.echo(f"waits for {whom}", err=True))
        dropped = workspace.forget_given(video_id, names)
    return [
        f"{asset}.{name} = {_shown(value)}, which {video_id} was given by hand, counts no longer"
        for asset, values in dropped.items()
        for name, value in values.items()
    ]


def _named(video: str) -> tuple[str, str | None]:
    found = named(video)
    if found is None:
        raise SettingsError(f"{video!r} names no video; heaters status lists all")
    return found


def _path(source_key: str) -> str:
    return source_key.removeprefix(keys.SOURCE_PREFIX)


def _own_rules(video_id: str, source_keys: Iterable[str]) -> list[str]:
    """All ways in which rules name one video."""
    return [video_id, *map(_path, source_keys)]


def _own_rule(video_id: str, source_key: str | None) -> str:
    """How a rule names one video: by its path, which people know, if it stands for no pattern."""
    path = video_id if source_key is None else _path(source_key)
    return video_id if any(each in path for each in "*?[") or path.endswith("/") else path


def _assignments(values: Sequence[str]) -> tuple[str | None, dict[Name, Any]]:
    apply, chosen = None, {}
    for text in values:
        name, equals, written = text.partition("=")
        if not equals:
            raise SettingsError(f"{text!r} sets nothing; write it as clips.mode=reencode")
        if name == "apply":
            apply = written
            continue
        asset, field = _name(name)
        try:
            value = YAML(typ="safe").load(written)
        except YAMLError:
            value = written
        if field in ("ignored_regions", "audio_languages") and isinstance(value, str):
            value = [value]
        chosen[asset, field] = checked_value(asset, field, value, name)
    return apply, chosen


def _name(text: str) -> Name:
    asset, _, field = text.partition(".")
    if asset not in SETTINGS:
        raise SettingsError(
            f"{text!r} is no setting; write an asset and a name of heaters config, such as "
            f"clips.mode; assets are {', '.join(SETTINGS)}"
        )
    known = [one.field for one in SETTINGS[asset]]
    if field not in known:
        raise SettingsError(f"{asset} has no {field!r}; there are {', '.join(known)}")
    return asset, field


def _shown(value: Any) -> str:
    return "null" if value is None else str(value)
