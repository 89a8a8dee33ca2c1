"""What the formats say of the source: where it lies, and XML that every reader takes. Pure."""

from urllib.parse import quote
from xml.etree import ElementTree as ET

from heaters_pipeline.errors import printable
from heaters_pipeline.exchange.edit_list import EditList


def media_address(edits: EditList) -> str:
    """Where the source lies, or its name alone, by which editors ask for it."""
    return edits.media_uri or quote(printable(edits.media_name))


def xml_file(root: ET.Element, doctype: str) -> bytes:
    """An XML file, UTF-8, indented."""
    ET.indent(root)
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE {doctype}>\n{body}\n'.encode()
