"""What people decided of videos, read once a run: corrections, and cuts in place of detection."""

from dataclasses import dataclass
from pathlib import Path

from heaters_pipeline.errors import ObjectTooLargeError, SettingsError
from heaters_pipeline.exchange.reading.cut_files import MOST_BYTES
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.digests import bytes_sha256
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.corrections import Corrections, read_corrections

CUTS_CONTENT_TYPES = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "edl": "text/plain",
    "llc": "application/json",
    "otio": "application/json",
}
"""By extension: the kinds of files in which cuts are given."""
MOST_CUTS_BYTES = max(MOST_BYTES.values())


@dataclass(frozen=True, slots=True)
class CutsFile:
    """A file that says where a video is cut.

    Attributes:
        name: Its key.
        data: Its content.
    """

    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        """Of its content."""
        return bytes_sha256(self.data)


class ByHand:
    """What lies in a store that people decided, as it was when this was first asked.

    Args:
        store: Where it lies.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._found: dict[str, ObjectInfo | None] = {}
        self._corrections: dict[str, Corrections] = {}
        self._cuts: dict[str, CutsFile | None] = {}

    def corrections(self, video_id: str) -> Corrections:
        """The corrections of a video, by a LIST, and a GET if there are any.

        Raises:
            ManifestError: They cannot be read.
        """
        if video_id not in self._corrections:
            key = keys.correction_key(video_id)
            found = next((one for one in self._store.list(key) if one.key == key), None)
            self._found[video_id] = found
            self._corrections[video_id] = (
                read_corrections(self._store, video_id) if found else Corrections(video_id)
            )
        return self._corrections[video_id]

    def found(self, video_id: str) -> ObjectInfo | None:
        """The object of the corrections of a video; None if there is none."""
        self.corrections(video_id)
        return self._found[video_id]

    def cuts(self, video_id: str) -> CutsFile | None:
        """Where a video is cut, by a LIST, and a GET if that is given; None if it is detected.

        Raises:
            SettingsError: Two files say so, or the file is no such file.
        """
        if video_id not in self._cuts:
            self._cuts[video_id] = _cuts(self._store, video_id)
        return self._cuts[video_id]

    def suppose_cuts(self, video_id: str, file: CutsFile | None) -> None:
        """Answer as if a video were cut where a file says, or where detection finds it."""
        if file is not None:
            key = keys.cuts_key(video_id, _require_kind(file.name))
            file = CutsFile(key, file.data)
        self._cuts[video_id] = file

    def forget(self, video_id: str) -> None:
        """Ask again."""
        self._corrections.pop(video_id, None)
        self._cuts.pop(video_id, None)


def read_cuts_file(path: Path) -> CutsFile:
    """A file of this machine that says where a video is to be cut.

    Raises:
        SettingsError: It cannot be read, or is of no kind in which cuts are given.
    """
    _require_kind(path.name)
    try:
        with path.open("rb") as file:
            data = file.read(MOST_CUTS_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"cannot read the cuts {path}: {error.strerror}") from error
    if len(data) > MOST_CUTS_BYTES:
        raise _too_large(path.name)
    return CutsFile(path.name, data)


def give_cuts(store: ObjectStore, video_id: str, file: CutsFile) -> None:
    """Let a file say where a video is cut, from now on; the same one is not written again."""
    extension = _require_kind(file.name)
    key = keys.cuts_key(video_id, extension)
    there = _cuts_keys(store, video_id)
    for other in set(there) - {key}:
        store.delete(other)
    if key not in there or store.read_bytes(key) != file.data:
        store.write_bytes(key, file.data, content_type=CUTS_CONTENT_TYPES[extension])


def drop_cuts(store: ObjectStore, video_id: str) -> bool:
    """Let a video be cut where detection finds that; whether anything else was said."""
    found = _cuts_keys(store, video_id)
    for key in found:
        store.delete(key)
    return bool(found)


def _cuts(store: ObjectStore, video_id: str) -> CutsFile | None:
    found = _cuts_keys(store, video_id)
    if not found:
        return None
    if len(found) > 1:
        raise SettingsError(f"{' and '.join(found)} both say where to cut {video_id}; remove one")
    (key,) = found
    _require_kind(key)
    try:
        return CutsFile(key, store.read_bytes(key, max_bytes=MOST_CUTS_BYTES))
    except ObjectTooLargeError as error:
        raise _too_large(key) from error


def _cuts_keys(store: ObjectStore, video_id: str) -> list[str]:
    prefix = keys.cuts_prefix(video_id)
    return [one.key for one in store.list(prefix) if keys.is_cuts_of(one.key, video_id)]


def _require_kind(name: str) -> str:
    extension = name.rpartition(".")[2].lower()
    if extension not in CUTS_CONTENT_TYPES:
        kinds = ", ".join(f".{each}" for each in CUTS_CONTENT_TYPES)
        raise SettingsError(f"the cuts {name} are of no kind that is read: {kinds}")
    return extension


def _too_large(name: str) -> SettingsError:
    return SettingsError(f"the cuts {name} have more than {MOST_CUTS_BYTES} bytes")
