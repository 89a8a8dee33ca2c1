"""The review page of a video as one HTML file, which lets nothing run or load but its own."""

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from heaters_pipeline.storage.records.manifests import Json

DECODER_NAME = "mediabunny-1.61.0.min.js"
"""Decodes single frames in the browser; MPL-2.0, its licence lies beside it."""
_PACKAGE = "heaters_pipeline.report.review_page"
_SCRIPTS = (
    "data",
    "times",
    "decisions",
    "journal",
    "frames",
    "player",
    "timeline",
    "blocks",
    "grid",
    "keys",
    "main",
)


def page_html(
    data: Mapping[str, Json], decoder_link: str, *, index_link: str | None = None
) -> bytes:
    """The page: self-contained but for pictures, clips and the decoder, which it loads when needed.

    A policy in it lets the browser run nothing but its own script, and load from nowhere but
    where ``decoder_link`` leads.

    Args:
        data: Of ``page_data``, with what the page is to know besides; or a title, and the address
            of all that as ``data_link``, which the page then fetches.
        decoder_link: The address of the decoder, relative or absolute.
        index_link: The address of the page of all videos, if there is one.
    """
    decoder: dict[str, Json] = {"url": decoder_link, "integrity": decoder_integrity()}
    content: dict[str, Json] = {**data, "decoder": decoder}
    script, style = page_script(), page_style()
    return render(
        "page.html",
        policy=content_policy(script, style, decoder_link),
        title=data["title"],
        data=script_json(content),
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        index_link=index_link,
    )


def render(template: str, **values: Any) -> bytes:
    """A template filled in; texts are escaped."""
    return _environment().get_template(template).render(**values).encode()


def page_script() -> str:
    """All of the page's script, in a scope of its own."""
    parts = "\n".join(read_text(f"page/{name}.js") for name in _SCRIPTS)
    return f'"use strict";\n(async () => {{\n{parts}}})();\n'


def page_style() -> str:
    """All of the page's style."""
    return read_text("page/page.css")


def page_digest() -> str:
    """Of all that a page consists of besides its data, so that a changed page is made again."""
    parts = (page_script(), page_style(), read_text("page/page.html"), decoder_integrity())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def content_policy(script: str, style: str, link: str) -> str:
    """The Content Security Policy: nothing inline but this script and style, no other servers.

    Args:
        script: The text of the script, which may load the decoder.
        style: The text of the style.
        link: The address of something that the page loads.
    """
    place = urlsplit(link)
    origin = f"{place.scheme}://{place.netloc}" if place.netloc else "'self' file:"
    rules = {
        "default-src": "'none'",
        "script-src": f"'sha256-{_digest(script)}' 'strict-dynamic'",
        "style-src": f"'sha256-{_digest(style)}'",
        "img-src": f"{origin} blob: data:",
        "media-src": origin,
        "connect-src": origin,
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def script_json(value: Json | Mapping[str, Json]) -> Markup:
    """JSON as the content of a script element, which no text in it can end."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704


@cache
def decoder_bytes() -> bytes:
    """The script that decodes frames."""
    return files(_PACKAGE).joinpath("vendor", DECODER_NAME).read_bytes()


@cache
def decoder_integrity() -> str:
    """Its digest, as browsers compare it."""
    return f"sha384-{base64.b64encode(hashlib.sha384(decoder_bytes()).digest()).decode()}"


@cache
def read_text(name: str) -> str:
    """A file of the page."""
    return files(_PACKAGE).joinpath(*name.split("/")).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(_PACKAGE, "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
