"""The plain text of subtitles; what they say of fonts, colours and places is left out."""

import html
import re
from collections.abc import Callable, Mapping

_ASS_FIELDS_BEFORE_TEXT = 8
_ASS_DRAWING = re.compile(r"\{[^}]*\\p[1-9]")
_ASS_OVERRIDES = re.compile(r"\{[^}]*\}")
_ASS_ESCAPES = {r"\N": "\n", r"\n": "\n", r"\h": "\N{NO-BREAK SPACE}"}
_TAGS = re.compile(r"</?(?:[ibus]|font|c|v|lang|ruby|rt|\d[\d:.]*)(?:[ .][^<>]*)?>", re.IGNORECASE)
# Players of SubRip take these over from ASS; other braces are text.
_SUBRIP_OVERRIDES = re.compile(r"\{\\[^}]*\}")
_UTF_16_MARKS = (b"\xfe\xff", b"\xff\xfe")


def plain_text(codec: str, content: bytes) -> str:
    """What a packet shows, with its line breaks.

    Args:
        codec: One of ``TEXT_CODECS``.
        content: Of the packet.
    """
    return _READERS[codec](content).replace("\r\n", "\n").strip("\r\n\0 ")


def _utf8(content: bytes) -> str:
    return content.decode(errors="replace")


def _subrip(content: bytes) -> str:
    return _TAGS.sub("", _SUBRIP_OVERRIDES.sub("", _utf8(content)))


def _webvtt(content: bytes) -> str:
    return html.unescape(_TAGS.sub("", _utf8(content)))


def _ass(content: bytes) -> str:
    fields = _utf8(content).split(",", _ASS_FIELDS_BEFORE_TEXT)
    if len(fields) <= _ASS_FIELDS_BEFORE_TEXT or _ASS_DRAWING.search(fields[-1]):
        return ""
    text = _ASS_OVERRIDES.sub("", fields[-1])
    for escape, meaning in _ASS_ESCAPES.items():
        text = text.replace(escape, meaning)
    return text


def _mov_text(content: bytes) -> str:
    # Boxes with styles follow the text.
    text = content[2 : 2 + int.from_bytes(content[:2], "big")]
    if text.startswith(_UTF_16_MARKS):
        return text.decode("utf-16", errors="replace")
    return _utf8(text)


_READERS: Mapping[str, Callable[[bytes], str]] = {
    "ass": _ass,
    "mov_text": _mov_text,
    "ssa": _ass,
    "subrip": _subrip,
    "text": _utf8,
    "webvtt": _webvtt,
}
TEXT_CODECS = frozenset(_READERS)
"""FFmpeg's names of the kinds of subtitles that are text."""
