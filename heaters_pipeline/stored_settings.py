"""The settings of a store: one file at its root, which every way in uses."""

import json
import time
from pathlib import Path

from heaters_pipeline.errors import ObjectNotFoundError, SettingsError
from heaters_pipeline.settings_files import SettingsFile, parse_settings
from heaters_pipeline.storage.digests import bytes_sha256
from heaters_pipeline.storage.keys import SETTINGS
from heaters_pipeline.storage.local_files import (
    make_folder,
    os_errors_explained,
    publish,
    temporary_file,
)
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore

CONTENT_TYPE = "application/yaml"
REMEMBERED_SECONDS = 30
"""How long what one process of this machine read serves the others. As long as between two ticks
of a sensor: shorter than a run takes to start that somebody asks for after a change."""


class StoredSettings:
    """The settings of one store, as processes of this machine see them.

    Asking a bucket costs a request, and thousands of runs of a backfill would each send one. What
    ``heaters settings`` changes on this machine counts here at once.

    Args:
        store: Where the file is.
        folder: What was read last lies there, by store.
    """

    def __init__(self, store: ObjectStore, folder: Path) -> None:
        self._store = store
        name = bytes_sha256(store.url.encode())[:16]
        # A folder is asked for nothing.
        self._copy = None if store.url.startswith("file:") else folder / f"{name}.json"

    def current(self, *, fresh: bool = False) -> SettingsFile:
        """What the file says; nothing if there is none.

        Args:
            fresh: Do not take what was read before.
        Raises:
            SettingsError: It is broken, so that no run may begin.
        """
        remembered = None if fresh else self._remembered()
        text = remembered[0] if remembered else read_stored_text(self._store)
        if not remembered:
            self.remember(text)
        return parse_stored_settings(text)

    def read(self) -> tuple[str | None, ObjectInfo | None]:
        """The file as it is, and the version of it that ``write`` is to replace."""
        seen = self._store.head(SETTINGS)
        return (None if seen is None else read_stored_text(self._store)), seen

    def write(self, text: str, seen: ObjectInfo | None) -> SettingsFile:
        """Replace the file as it was seen.

        Raises:
            SettingsError: Something in the text is wrong; nothing was written.
            ObjectChangedError: Another changed the file meanwhile.
        """
        file = parse_stored_settings(text)
        self._store.replace_bytes(SETTINGS, text.encode(), content_type=CONTENT_TYPE, expected=seen)
        self.remember(text)
        return file

    def remember(self, text: str | None) -> None:
        """Let other processes of this machine know what the file is now."""
        if self._copy is None:
            return
        content = json.dumps({"text": text, "read_at": time.time()}).encode()
        with os_errors_explained(f"cannot write {self._copy}"):
            make_folder(self._copy.parent)
            with temporary_file(self._copy.parent) as file:
                file.write(content)
                publish(file, self._copy)

    def _remembered(self) -> tuple[str | None] | None:
        if self._copy is None:
            return None
        try:
            content = json.loads(self._copy.read_bytes())
            age = abs(time.time() - content["read_at"])
            return (content["text"],) if age < REMEMBERED_SECONDS else None
        except (OSError, ValueError, KeyError, TypeError):
            # It is a copy: what cannot be read is asked for.
            return None


def read_stored_text(store: ObjectStore) -> str | None:
    """The file as it is, or None if there is none.

    Raises:
        SettingsError: It is no text.
    """
    try:
        return store.read_bytes(SETTINGS).decode()
    except ObjectNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{SETTINGS} is not YAML: it is no text in UTF-8") from error


def parse_stored_settings(text: str | None) -> SettingsFile:
    """What a text would say as the file of a store; an empty one says nothing.

    Raises:
        SettingsError: Something in it is wrong. It names the line.
    """
    if text is None or not text.strip():
        return SettingsFile(SETTINGS)
    return parse_settings(text, SETTINGS, version=bytes_sha256(text.encode())[:16])
