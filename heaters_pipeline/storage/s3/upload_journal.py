"""Which multipart uploads this machine has begun, so that those of killed processes are ended.

A server keeps the parts of an upload that was neither completed nor aborted, unseen and paid for,
until somebody aborts it. Each upload has a file here while it lasts, locked by who uploads.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heaters_pipeline.storage.file_locks import abandoned_files, lock_file, unlock_file
from heaters_pipeline.storage.local_files import os_errors_explained


@dataclass(frozen=True, slots=True)
class BegunUpload:
    """A multipart upload that was begun.

    Attributes:
        place: Of the bucket, endpoint included.
        key: In the bucket.
        upload_id: The server's name for it, None if it was cut off before the server's answer.
    """

    place: str
    key: str
    upload_id: str | None


class UploadNote:
    """The file of an upload that lasts."""

    def __init__(self, descriptor: int, place: str, key: str) -> None:
        self._descriptor = descriptor
        self._facts: dict[str, str | None] = {"place": place, "key": key, "upload_id": None}
        self._write()

    def begun(self, upload_id: str) -> None:
        """Write down the server's name for it."""
        self._facts["upload_id"] = upload_id
        self._write()

    def _write(self) -> None:
        # In one piece, and never shorter than before: a kill leaves the old or the new.
        os.pwrite(self._descriptor, json.dumps(self._facts).encode(), 0)


class UploadJournal:
    """The uploads of this machine, of all stores and processes.

    Args:
        folder: Where the files lie, on a local disk; created when needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def note(self, place: str, key: str) -> Iterator[UploadNote]:
        """Keep a file while an upload is made, and remove it when it is over, either way."""
        path = self._folder / f"{secrets.token_hex(8)}.json"
        with os_errors_explained(f"cannot write {path}"):
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor = lock_file(path, os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX)
        try:
            with os_errors_explained(f"cannot write {path}"):
                note = UploadNote(descriptor, place, key)
            yield note
        finally:
            path.unlink(missing_ok=True)
            unlock_file(descriptor)

    def is_empty(self) -> bool:
        """Whether no upload is noted, neither one that lasts nor an abandoned one."""
        return not any(self._folder.glob("*.json"))

    def take_abandoned(self, place: str) -> Iterator[BegunUpload]:
        """The uploads to a place whose processes ended; each is forgotten when the next is asked.

        An upload whose end the caller cannot reach stays: it raises, or stops asking.
        """
        with os_errors_explained(f"cannot read {self._folder}"):
            for path in abandoned_files(self._folder, "*.json"):
                upload = _parse(path.read_bytes())
                if upload is not None and upload.place != place:
                    continue
                if upload is not None:
                    yield upload
                path.unlink(missing_ok=True)


def _parse(content: bytes) -> BegunUpload | None:
    """None for what was cut off before it named anything: nothing was begun then."""
    try:
        facts: dict[str, Any] = json.loads(content)
    except ValueError:
        return None
    return BegunUpload(**facts)
