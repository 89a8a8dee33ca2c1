"""The one reader of JSON that lies in a store, where anyone may have put it: bounded."""

import json
from typing import Any

from heaters_pipeline.errors import ManifestError, ObjectTooLargeError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore

SMALL_BYTES = 64 * 1024
"""What a claim, a submission or a rejection may hold; a real one has less than 3 kB."""
LARGE_BYTES = 512 * 1024 * 1024
"""What a manifest may hold: that of 6,000 clips has about 6 MB."""
_DEEPEST = 50
"""A manifest of today is nested 8 deep, and what is read is later written and compared again."""


def read_json(store: ObjectStore, key: str, *, max_bytes: int) -> Any:
    """What an object says.

    Raises:
        ObjectNotFoundError: There is none.
        ManifestError: It is no JSON, too large or too deep.
    """
    return parse_json(read_limited(store, key, max_bytes=max_bytes), key)


def read_limited(store: ObjectStore, key: str, *, max_bytes: int) -> bytes:
    """The content of an object that is to be JSON, of which no more is held than is allowed.

    Raises:
        ObjectNotFoundError: There is none.
        ManifestError: It is too large.
    """
    try:
        return store.read_bytes(key, max_bytes=max_bytes)
    except ObjectTooLargeError as error:
        raise damaged(key, f"it has more than {max_bytes} bytes") from error


def parse_json(data: bytes, key: str) -> Any:
    """What bytes say that were read under a key.

    Raises:
        ManifestError: They are no JSON, or nested too deep.
    """
    try:
        content = json.loads(data)
    except ValueError as error:
        raise damaged(key, str(error)) from error
    except RecursionError:
        raise damaged(key, "it is nested too deep") from None
    level = [content]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    if level:
        raise damaged(key, f"it is nested more than {_DEEPEST} deep")
    return content


def damaged(key: str, why: str) -> ManifestError:
    """What is said of a record that cannot be read."""
    advice = "delete it and run the video again"
    if key.startswith(keys.MANIFEST_PREFIX):
        advice += " with its options: what is stored is adopted"
    elif key.startswith((keys.SUBMISSION_PREFIX, keys.LINK_PREFIX)):
        advice = "submit the video again"
    elif key.startswith((keys.CORRECTION_PREFIX, "/")):
        # Of people's own files, corrections alone are read here.
        advice = "mend it, or put an earlier copy in its place: people's decisions stand in it"
    return ManifestError(f"{key} is damaged ({why}); {advice}")
