"""JSON that others wrote, also with the freedoms that JSON5 allows, within bounds.

Of JSON5: keys without quotes, text in single quotes, comments, and commas behind the last element.
"""

import json
import re
from typing import Any

from heaters_pipeline.exchange.reading.positions import Positions

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)
    |(?P<double>"(?:[^"\\\n]|\\.)*")
    |(?P<single>'(?:[^'\\\n]|\\.)*')
    |(?P<mark>[\[\]{}:,])
    |(?P<word>[^\s\[\]{}:,"'/]+)""",
    re.VERBOSE,
)
_NAMES = ("true", "false", "null")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


def parsed(text: str, positions: Positions, *, is_json5: bool = False) -> Any:
    """The value that a text is.

    Raises:
        SettingsError: It is none, or is nested too deeply.
    """
    try:
        return json.loads(_as_json(text, positions) if is_json5 else text)
    except json.JSONDecodeError as error:
        raise positions.refusal(
            f"line {error.lineno}", f"is no JSON ({error.msg}); save it again where it was made"
        ) from error
    except (RecursionError, ValueError) as error:
        raise positions.refusal(
            "its content", "is no list of cuts; save it again where it was made"
        ) from error


def _as_json(text: str, positions: Positions) -> str:
    """The same as JSON, line for line."""
    tokens: list[str] = []
    last_comma: int | None = None
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            line = text.count("\n", 0, at) + 1
            raise positions.refusal(f"line {line}", "is no JSON5; save it again where it was made")
        at = found.end()
        token, kind = found.group(), found.lastgroup
        if kind == "space":
            tokens.append("\n" * token.count("\n"))
            continue
        if token in ("]", "}") and last_comma is not None:
            tokens[last_comma] = ""
        last_comma = len(tokens) if found["mark"] == "," else None
        tokens.append(_token(token, kind))
    return " ".join(tokens)


def _token(token: str, kind: str | None) -> str:
    if kind == "single":
        inner = token[1:-1].replace("\\'", "'")
        return '"' + re.sub(r'(\\.)|"', lambda found: found[1] or '\\"', inner) + '"'
    if kind == "word" and token not in _NAMES and not _NUMBER.fullmatch(token):
        return json.dumps(token)
    return token
