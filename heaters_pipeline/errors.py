"""The errors that users of the pipeline meet.

Every error says what was wrong, where, and what to do. ``transient`` alone decides whether
trying the same thing again can help: the assets turn a lasting error into a Dagster failure
that is not retried.
"""

import errno
import re
from typing import ClassVar

# Python has no classes of its own for these.
_SHORTAGE_WORDS = ("can't start new thread", "failed to map segment from shared object")


def printable(text: str) -> str:
    """A text that others wrote, for a terminal and for records: control characters are escaped.

    Names of files, and what servers say, may hold what moves the cursor, hides a line or turns
    the direction of writing round.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


class HeatersError(Exception):
    """Base of all errors that the pipeline raises on purpose.

    Its message is one line, in which ``printable`` stands for what servers and names brought in.
    """

    transient: ClassVar[bool] = False

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))

    @property
    def kind(self) -> str:
        """One machine word to count errors by, such as ``store_unavailable``."""
        words = re.findall("[A-Z][a-z]+", type(self).__name__.removesuffix("Error"))
        return "_".join(words).lower()


class InvalidVideoError(HeatersError):
    """The input is no video that can be processed; the same bytes will fail again.

    Attributes:
        reason: One machine word, such as ``not_video``, ``no_video`` or ``truncated``.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type["InvalidVideoError"], tuple[str, str]]:
        return type(self), (self.reason, str(self))

    @property
    def kind(self) -> str:
        """The reason, which says more than that the video is invalid."""
        return self.reason


class SourceChangedError(HeatersError):
    """The source was replaced or edited while it was being read."""

    transient = True


class ClipError(HeatersError):
    """A clip could not be made, or does not hold exactly the frames that it should."""


class SettingsError(HeatersError):
    """A setting or an argument is outside what it may be."""


class DownloadError(HeatersError):
    """A link cannot be downloaded, now or later."""


class DownloadInterruptedError(DownloadError):
    """A download broke off in a way that may pass."""

    transient = True


class StoreError(HeatersError):
    """The store refused something that will be refused again (credentials, bucket, rights)."""


class ObjectNotFoundError(StoreError):
    """There is no object with this key."""


class ObjectTooLargeError(StoreError):
    """An object is larger than what it is read as may be."""


class ObjectChangedError(StoreError):
    """Another wrote an object meanwhile, whose version was not to be lost."""


class StoreUnavailableError(StoreError):
    """The store or the network failed in a way that may pass."""

    transient = True


class ClaimLostError(HeatersError):
    """Another run took over the video, since this one gave no sign of life for too long."""

    transient = True


class ManifestError(HeatersError):
    """A stored record cannot be read: damaged, or written by a newer version."""


class NewerRecordError(ManifestError):
    """A stored record was written by a newer version, which can read it."""


def shortage(error: Exception) -> str | None:
    """What to tell where memory ran out, or no more threads could be started; None for others."""
    if isinstance(error, OSError):
        lacking = error.errno in (errno.EAGAIN, errno.ENOMEM)
    elif isinstance(error, RuntimeError | ImportError):
        lacking = str(error).endswith(_SHORTAGE_WORDS)
    else:
        lacking = isinstance(error, MemoryError)
    if not lacking:
        return None
    said = f" ({error})" if str(error) else ""
    return (
        f"this machine, or the limit of this process, has too little memory{said}: run fewer "
        "videos at a time, choose a faster preset, or give it more"
    )
