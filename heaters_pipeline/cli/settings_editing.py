"""Change single values in a file of settings, whose comments and order stay as they are."""

from collections.abc import Iterable, Mapping
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

Name = tuple[str, str]
"""An asset, and the name of one of its settings."""

NEW_FILE = """\
# Settings of all runs on this store. What is not named here has its default; heaters config shows
# all. Finished videos are made again for a change of this file with "apply: all" alone.
apply: new
"""


def with_values(text: str | None, values: Mapping[Name, Any], match: str | None) -> str:
    """The file with other values.

    Args:
        text: Of a file that is sound; None for a new one.
        values: What is set.
        match: The rule that they are set for, added if there is none; None for all videos.
    """
    yaml, content = _loaded(text)
    holder = content
    if match is not None:
        rules = content.setdefault("videos", CommentedSeq())
        holder = next((rule for rule in rules if rule["match"] == match), None)
        if holder is None:
            holder = CommentedMap(match=match)
            rules.append(holder)
    ops = holder.setdefault("ops", CommentedMap())
    for (asset, name), value in values.items():
        config = ops.setdefault(asset, CommentedMap()).setdefault("config", CommentedMap())
        config[name] = value
    return _dumped(yaml, content)


def with_apply(text: str | None, value: str) -> str:
    """The file with another word on finished videos."""
    yaml, content = _loaded(text)
    content["apply"] = value
    return _dumped(yaml, content)


def without(text: str, names: Iterable[Name], matches: Iterable[str] | None) -> str:
    """The file without some values; what is left empty goes, too.

    Args:
        text: Of a file that is sound.
        names: What is taken out; empty for all.
        matches: The rules that it is taken out of; None for what counts for all videos.
    """
    yaml, content = _loaded(text)
    chosen = list(names)
    if matches is None:
        _take_out(content, chosen)
    else:
        rules, meant = content.get("videos", []), set(matches)
        for rule in [one for one in rules if one["match"] in meant]:
            _take_out(rule, chosen)
            if not rule.get("ops"):
                rules.remove(rule)
        if "videos" in content and not rules:
            del content["videos"]
    return _dumped(yaml, content)


def _take_out(holder: dict[str, Any], names: list[Name]) -> None:
    ops = holder.get("ops", {})
    for asset in list(ops):
        config = ops[asset].get("config", {})
        for name in list(config):
            if not names or (asset, name) in names:
                del config[name]
        if not config:
            del ops[asset]
    if "ops" in holder and not ops:
        del holder["ops"]


def _loaded(text: str | None) -> tuple[YAML, Any]:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml, yaml.load(text if text and text.strip() else NEW_FILE)


def _dumped(yaml: YAML, content: Any) -> str:
    stream = StringIO()
    yaml.dump(content, stream)
    return stream.getvalue()
