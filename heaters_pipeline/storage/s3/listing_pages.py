"""The objects of a listing's page, read by themselves: botocore's reader of XML takes long."""

from datetime import datetime
from typing import Any
from xml.etree import ElementTree

from botocore.utils import parse_timestamp


def time_of(text: str) -> datetime:
    """A time of a reply; of 1,000 that a page of a listing has, botocore's own takes 40 ms."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        # Headers have it in words.
        return parse_timestamp(text)


def take_objects(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
) -> None:
    """Take the objects out of a page before botocore reads it, for whom it has none then.

    A handler of ``before-parse.*.ListObjectsV2``. A page that is not as S3 has it is left to
    botocore, objects and all.

    Args:
        response_dict: The reply; its body becomes the rest of the page.
        customized_response_dict: What is added to that once it is read.
        **_: What else botocore tells its handlers.
    """
    if response_dict["status_code"] != 200:
        return
    try:
        # The parser that botocore reads it by.
        page = ElementTree.fromstring(response_dict["body"])  # noqa: S314
        space = page.tag.removesuffix("ListBucketResult")
        entries = page.findall(f"{space}Contents")
        objects = [_object(entry, space) for entry in entries]
    except (ElementTree.ParseError, KeyError, ValueError):
        return
    if objects:
        page[:] = [part for part in page if part.tag != f"{space}Contents"]
        response_dict["body"] = ElementTree.tostring(page)
        customized_response_dict["Contents"] = objects


def _object(entry: ElementTree.Element, space: str) -> dict[str, Any]:
    facts = {part.tag: part.text or "" for part in entry}
    return {
        "Key": facts[f"{space}Key"],
        "LastModified": time_of(facts[f"{space}LastModified"]),
        "ETag": facts[f"{space}ETag"],
        "Size": int(facts[f"{space}Size"]),
    }
