"""The plain text of subtitles; what they say of fonts, colours and places is left out.

Text in, text out; times and tracks are ``subtitles``'.
"""

import html
import re
from collections.abc import Callable, Mapping

_ASS_FIELDS_BEFORE_TEXT = 8
_ASS_OVERRIDES = re.compile(r"(\{[^}]*\})")
_ASS_DRAWING_SCALE = re.compile(r"\\p([0-9]+)")
_ASS_ESCAPES = {r"\N": "\n", r"\n": "\n", r"\h": "\N{NO-BREAK SPACE}"}
_SUBRIP_TAGS = re.compile(r"</?(?:[ibus]|font)(?: [^<>]*)?>", re.IGNORECASE)
_SUBRIP_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
# Here a < that is no tag is written as &lt;, while in SubRip <3 is text.
_WEBVTT_TAGS = re.compile(r"</?(?:[ibu]|c|v|lang|ruby|rt|\d[\d:]*)(?:[ .][^<>]*)?>")
# Players of SubRip take these over from ASS; other braces are text.
_SUBRIP_OVERRIDES = re.compile(r"\{\\[^}]*\}")
# No character has so high a number, and Python refuses to read very long ones.
_WEBVTT_NO_CHARACTER = re.compile(r"&(?=#[0-9]{20})")
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
    closed, rest = _at_last_brace(_utf8(content))
    text = _SUBRIP_OVERRIDES.sub("", closed) + rest
    return _SUBRIP_TAGS.sub("", _SUBRIP_BREAK.sub("\n", text))


def _webvtt(content: bytes) -> str:
    text = _WEBVTT_TAGS.sub("", _utf8(content))
    return html.unescape(_WEBVTT_NO_CHARACTER.sub("&amp;", text))


def _ass(content: bytes) -> str:
    fields = _utf8(content).split(",", _ASS_FIELDS_BEFORE_TEXT)
    if len(fields) <= _ASS_FIELDS_BEFORE_TEXT:
        return ""
    text = _without_drawings(fields[-1])
    for escape, meaning in _ASS_ESCAPES.items():
        text = text.replace(escape, meaning)
    return text


def _without_drawings(text: str) -> str:
    """The text between overrides; a drawing is what stands where they set its scale above 0."""
    closed, rest = _at_last_brace(text)
    parts = _ASS_OVERRIDES.split(closed)
    parts[-1] += rest
    kept, is_drawing = parts[:1], False
    for override, part in zip(parts[1::2], parts[2::2], strict=True):
        if scales := _ASS_DRAWING_SCALE.findall(override):
            is_drawing = scales[-1].strip("0") != ""
        if not is_drawing:
            kept.append(part)
    return "".join(kept)


def _at_last_brace(text: str) -> tuple[str, str]:
    """The text up to the last closing brace, where every override ends, and the rest.

    In the rest each opening brace would be followed to the end in vain, which takes the square of
    its length.
    """
    end = text.rfind("}") + 1
    return text[:end], text[end:]


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
