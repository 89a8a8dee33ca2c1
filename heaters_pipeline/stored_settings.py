"""The settings of a store: one file at its root, which every way in uses."""

from heaters_pipeline.errors import ObjectNotFoundError, SettingsError
from heaters_pipeline.settings_files import SettingsFile, parse_settings
from heaters_pipeline.storage.digests import bytes_sha256
from heaters_pipeline.storage.keys import SETTINGS
from heaters_pipeline.storage.object_store import ObjectStore

CONTENT_TYPE = "application/yaml"


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


def read_stored_settings(store: ObjectStore) -> SettingsFile:
    """What the file says; nothing if there is none.

    Raises:
        SettingsError: It is broken, so that no run may begin.
    """
    return parse_stored_settings(read_stored_text(store))


def parse_stored_settings(text: str | None) -> SettingsFile:
    """What a text would say as the file of a store; an empty one says nothing.

    Raises:
        SettingsError: Something in it is wrong. It names the line.
    """
    if text is None or not text.strip():
        return SettingsFile(SETTINGS)
    return parse_settings(text, SETTINGS, version=bytes_sha256(text.encode())[:16])
