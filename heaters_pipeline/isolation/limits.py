"""Whether files are decoded in child processes, and what those may use, as the environment says."""

import math
import os
from dataclasses import dataclass

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.media.limits import positive_number

_MEMORY, _CPU, _TIME = "HEATERS_MAX_MEMORY_MB", "HEATERS_MAX_CPU_SECONDS", "HEATERS_MAX_SECONDS"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call in a child process may use; infinite where nothing is said.

    Attributes:
        memory_bytes: Addresses beyond those that the process has once it is started:
            ``HEATERS_MAX_MEMORY_MB``. Linux alone enforces it.
        cpu_seconds: Of all threads together: ``HEATERS_MAX_CPU_SECONDS``.
        seconds: By the clock: ``HEATERS_MAX_SECONDS``.
    """

    memory_bytes: float
    cpu_seconds: float
    seconds: float


def isolation_limits() -> Limits | None:
    """The limits if ``HEATERS_ISOLATION`` is ``process``; None without isolation.

    Raises:
        SettingsError: One of the variables is unusable, or sets a limit that nothing would keep.
    """
    isolation = os.environ.get("HEATERS_ISOLATION") or "none"
    if isolation == "process":
        return Limits(
            positive_number(_MEMORY, math.inf) * 1e6,
            positive_number(_CPU, math.inf),
            positive_number(_TIME, math.inf),
        )
    if isolation != "none":
        raise SettingsError(f"HEATERS_ISOLATION is {isolation!r}; give process or none")
    for name in (_MEMORY, _CPU, _TIME):
        if os.environ.get(name):
            raise SettingsError(
                f"{name} limits child processes, but there are none; set HEATERS_ISOLATION=process "
                "as well, or remove it"
            )
    return None
