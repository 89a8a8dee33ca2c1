"""Where the project's files are: the folder of ``dagster.yaml``, the store, the local cache.

Read when it is needed, never at import, so that a test or a worker can set its own environment.
"""

import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.intake.allowed_links import DEFAULT, SETTING, AllowedLinks
from heaters_pipeline.storage.local_files import (
    make_folder,
    os_errors_explained,
    publish,
    temporary_file,
)
from heaters_pipeline.video.media.limits import positive_number

DEFAULT_STORE = "./data"
DEFAULT_CACHE_GIGABYTES = 20.0
DEFAULT_CATALOG_MINUTES = 5.0
_INSTANCE_FILE = "dagster.yaml"
_METRICS_SUFFIX = ".prom"


def home_folder() -> Path:
    """The folder of ``dagster.yaml``.

    ``DAGSTER_HOME`` if it is set, else the nearest folder upwards from here that has the file,
    else the checkout that this package is installed from, else a folder for the user's data.
    """
    configured = os.environ.get("DAGSTER_HOME")
    if configured:
        return Path(configured).expanduser().resolve()
    here = Path.cwd()
    checkout = Path(__file__).resolve().parent.parent
    for folder in (here, *here.parents, checkout):
        if (folder / _INSTANCE_FILE).is_file():
            return folder
    return _user_folder()


def make_user_folder(folder: Path) -> bool:
    """Put the default ``dagster.yaml`` into the folder for the user's data.

    Args:
        folder: The home folder; nothing is done if it is another one, or has the file.
    Returns:
        Whether the file was written.
    Raises:
        StoreError: The folder cannot be written to.
    """
    path = folder / _INSTANCE_FILE
    if folder != _user_folder() or path.exists():
        return False
    with os_errors_explained(f"cannot write {path}"):
        make_folder(folder)
        with temporary_file(folder) as file:
            file.write(Path(__file__).with_name("default_dagster.yaml").read_bytes())
            publish(file, path)
    return True


def _user_folder() -> Path:
    return platformdirs.user_data_path("heaters_pipeline", appauthor=False).resolve()


def store_location() -> str:
    """Where objects are kept: ``HEATERS_STORE``, a folder by default."""
    return os.environ.get("HEATERS_STORE") or DEFAULT_STORE


def cache_folder() -> Path:
    """Where local copies of objects are kept: ``HEATERS_CACHE``, else the user's cache folder."""
    configured = os.environ.get("HEATERS_CACHE")
    if configured:
        return Path(configured).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().resolve() / "heaters_pipeline"


def cache_max_bytes() -> int:
    """How large the local copies may grow: ``HEATERS_CACHE_GB``.

    Raises:
        SettingsError: It is not a number above 0.
    """
    return int(positive_number("HEATERS_CACHE_GB", DEFAULT_CACHE_GIGABYTES) * 1e9)


def catalog_pause() -> timedelta:
    """From one catalog to the next, while videos finish: ``HEATERS_CATALOG_MINUTES``.

    Raises:
        SettingsError: It is not a number above 0.
    """
    return timedelta(minutes=positive_number("HEATERS_CATALOG_MINUTES", DEFAULT_CATALOG_MINUTES))


def allowed_links() -> AllowedLinks:
    """Where links may lead: ``HEATERS_ALLOWED_LINKS``, any public address by default.

    Raises:
        SettingsError: A part of it is nothing that can be allowed.
    """
    return AllowedLinks.parse(os.environ.get(SETTING) or DEFAULT)


def events_queue() -> str | None:
    """The queue of SQS that tells of uploads to the bucket: ``HEATERS_EVENTS_QUEUE``."""
    return os.environ.get("HEATERS_EVENTS_QUEUE") or None


def metrics_file() -> Path | None:
    """Where the totals of all runs are kept for Prometheus; None if no setting asks for them.

    ``HEATERS_METRICS_FILE``, or a file beside the local copies if there is only a Pushgateway.

    Raises:
        SettingsError: Its name is not one that Prometheus's node_exporter reads.
    """
    configured = os.environ.get("HEATERS_METRICS_FILE")
    if not configured:
        return cache_folder() / f"metrics{_METRICS_SUFFIX}" if metrics_gateway() else None
    path = Path(configured).expanduser()
    if path.suffix != _METRICS_SUFFIX:
        raise SettingsError(
            f"HEATERS_METRICS_FILE is {configured!r}; give a file whose name ends in "
            f"{_METRICS_SUFFIX}, such as heaters{_METRICS_SUFFIX}"
        )
    return (path if path.is_absolute() else home_folder() / path).resolve()


def metrics_gateway() -> str | None:
    """The Pushgateway that metrics are sent to: ``HEATERS_METRICS_PUSHGATEWAY``.

    Raises:
        SettingsError: It is no address, or holds a password, which is not sent.
    """
    address = os.environ.get("HEATERS_METRICS_PUSHGATEWAY")
    if not address:
        return None
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        is_address = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    # The address is shown in messages, so that one with a password is not repeated here.
    if not is_address or parts.scheme not in ("http", "https") or "@" in address:
        raise SettingsError(
            "HEATERS_METRICS_PUSHGATEWAY is no address of a Pushgateway; give host:port or "
            "https://host:port, without a user or password"
        )
    return address
