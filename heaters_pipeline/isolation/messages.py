"""What the two processes tell each other: pickled, one message at a time."""

from dataclasses import dataclass
from logging import LogRecord
from typing import Any

from heaters_pipeline.isolation.limits import Limits


@dataclass(frozen=True, slots=True)
class Request:
    """Asks the child for a call.

    Attributes:
        limits: Of this call.
        log_level: Messages below it are not wanted.
        call: The function, its positional arguments and those by name, pickled: what they need is
            imported before the limits are set.
        told: Names of further arguments, which are functions of the parent.
    """

    limits: Limits
    log_level: int
    call: bytes
    told: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """Asks the parent to call the function that was given by a name; None answers it."""

    name: str
    args: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Logged:
    """A message for the parent's log."""

    record: LogRecord


@dataclass(frozen=True, slots=True)
class Returned:
    """The end of a call."""

    value: Any


@dataclass(frozen=True, slots=True)
class Raised:
    """The end of a call by an error.

    Attributes:
        error: The error, or one that stands for it where it cannot be pickled.
        is_limit: Whether it came of the limit of memory.
    """

    error: Exception
    is_limit: bool


Answer = Told | Logged | Returned | Raised
