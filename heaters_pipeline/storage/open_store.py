"""From the place that a user names to the store that is there."""

import re
from pathlib import Path
from urllib.parse import unquote

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectStore

_ACCEPTED = "name a folder (./data, /srv/videos, file:///srv/videos) or s3://bucket/prefix"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_SLASHES_FORGOTTEN = re.compile(r"(s3|file|https?):", re.IGNORECASE)
# Wider than what AWS takes for new buckets: older ones and other servers know more names.
_BUCKET = re.compile(r"[A-Za-z0-9](?!.*\.\.)[A-Za-z0-9._-]{1,61}[A-Za-z0-9]")


def open_store(location: str, *, base_folder: Path) -> ObjectStore:
    """The store at a location; nothing is asked or created before it is used.

    Args:
        location: ``s3://bucket``, ``s3://bucket/prefix``, or a folder: absolute, relative, under
            ``~``, or as ``file:///folder``.
        base_folder: What a relative folder is relative to.
    Raises:
        SettingsError: The location is none of these.
    """
    place = location.strip()
    if not place or "\0" in place:
        raise _no_store(location, "that is no place")
    scheme = _SCHEME.fullmatch(place)
    if scheme is None:
        if _SLASHES_FORGOTTEN.match(place):
            raise _no_store(location, "after the colon there must be //")
        return _folder_store(location, base_folder, place)
    match scheme.group(1).lower():
        case "s3":
            return _s3_store(location, scheme.group(2))
        case "file":
            return _file_store(location, base_folder, scheme.group(2))
        case other:
            raise _no_store(location, f"{other}:// is not supported")


def _folder_store(location: str, base_folder: Path, folder: str) -> ObjectStore:
    try:
        path = Path(folder).expanduser()
    except RuntimeError as error:
        raise _no_store(location, "there is no such user") from error
    return DirectoryObjectStore(base_folder / path)


def _file_store(location: str, base_folder: Path, rest: str) -> ObjectStore:
    host, slash, path = rest.partition("/")
    if host not in ("", "localhost") or not slash:
        raise _no_store(location, "after file:// there must be an absolute path")
    return DirectoryObjectStore(base_folder / f"/{unquote(path, errors='surrogateescape')}")


def _s3_store(location: str, rest: str) -> ObjectStore:
    bucket, _, prefix = rest.partition("/")
    if not bucket:
        raise _no_store(location, "the bucket is missing")
    if not _BUCKET.fullmatch(bucket):
        raise _no_store(location, f"{bucket.rpartition('@')[2]!r} is no name of a bucket")
    prefix = prefix.strip("/")
    if prefix and any(part in ("", ".", "..") for part in prefix.split("/")):
        raise _no_store(location, "the prefix has an empty, '.' or '..' part")
    # boto3 takes a sixth of a second to import, and folders need none of it.
    from heaters_pipeline.storage.s3.store import S3ObjectStore

    return S3ObjectStore(bucket, prefix)


def _no_store(location: str, reason: str) -> SettingsError:
    # Some write their keys into it.
    shown = re.sub(r"//[^/]*@", "//", location)
    return SettingsError(f"{shown!r} cannot be a store: {reason}; {_ACCEPTED}")
