"""What a video may be at most: pixels, streams, hours and bytes, as the environment says.

Read when it is needed, so that daemons, commands and tests each have their own.
"""

import math
import os

from heaters_pipeline.errors import SettingsError

DEFAULT_MEGAPIXELS = 8192 * 8192 / 1e6
"""Of one picture: 8192x8192. Twice as many take 7 s and 1.8 GB to refuse by decoding."""

DEFAULT_STREAMS = 64
DEFAULT_HOURS = 48.0


def most_pixels() -> int:
    """Of one picture: ``HEATERS_MAX_MEGAPIXELS``.

    Raises:
        SettingsError: It is not a number above 0; as of the others.
    """
    return int(positive_number("HEATERS_MAX_MEGAPIXELS", DEFAULT_MEGAPIXELS) * 1e6)


def most_streams() -> int:
    """Of a file: ``HEATERS_MAX_STREAMS``."""
    return int(positive_number("HEATERS_MAX_STREAMS", DEFAULT_STREAMS))


def most_seconds() -> float:
    """From the first frame to the last: ``HEATERS_MAX_HOURS``."""
    return positive_number("HEATERS_MAX_HOURS", DEFAULT_HOURS) * 3600


def most_bytes() -> float:
    """Of a file: ``HEATERS_MAX_FILE_GB``, without a bound by default."""
    return positive_number("HEATERS_MAX_FILE_GB", math.inf) * 1e9


def positive_number(name: str, default: float) -> float:
    """What a variable of the environment says, or its default.

    Raises:
        SettingsError: It is not a number above 0.
    """
    text = os.environ.get(name)
    if not text:
        return default
    try:
        number = float(text)
    except ValueError as error:
        example = default if math.isfinite(default) else 100
        raise SettingsError(f"{name} is {text!r}; give a number such as {example:g}") from error
    if not 0 < number < math.inf:
        raise SettingsError(f"{name} is {text!r}; give a number above 0")
    return number
