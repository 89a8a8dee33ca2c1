"""Where the project's files are: the folder of ``dagster.yaml``, the store, the local cache.

Read when it is needed, never at import, so that a test or a worker can set its own environment.
"""

import math
import os
from pathlib import Path

from heaters_pipeline.errors import SettingsError

DEFAULT_STORE = "./data"
DEFAULT_CACHE_GIGABYTES = 20.0


def home_folder() -> Path:
    """The folder of ``dagster.yaml``.

    ``DAGSTER_HOME`` if it is set, else the nearest folder upwards from here that has the file,
    else the checkout that this package is installed from.

    Raises:
        SettingsError: There is none.
    """
    configured = os.environ.get("DAGSTER_HOME")
    if configured:
        return Path(configured).expanduser().resolve()
    here = Path.cwd()
    checkout = Path(__file__).resolve().parent.parent
    for folder in (here, *here.parents, checkout):
        if (folder / "dagster.yaml").is_file():
            return folder
    raise SettingsError(
        f"no dagster.yaml in {here} or above it; set DAGSTER_HOME to the folder that holds it"
    )


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
    text = os.environ.get("HEATERS_CACHE_GB")
    if not text:
        return int(DEFAULT_CACHE_GIGABYTES * 1e9)
    try:
        gigabytes = float(text)
    except ValueError as error:
        raise SettingsError(f"HEATERS_CACHE_GB is {text!r}; give a number such as 20") from error
    if not 0 < gigabytes < math.inf:
        raise SettingsError(f"HEATERS_CACHE_GB is {text!r}; give a number above 0")
    return int(gigabytes * 1e9)
