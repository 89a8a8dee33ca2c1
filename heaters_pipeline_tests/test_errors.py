"""The words by which failures are counted, and what is told where the machine lacks something."""

import errno

import av.error
import pytest

from heaters_pipeline import errors


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.ClipError("bad"), "clip"),
        (errors.StoreUnavailableError("busy"), "store_unavailable"),
        (errors.ObjectNotFoundError("gone"), "object_not_found"),
        (errors.DownloadInterruptedError("cut off"), "download_interrupted"),
        (errors.InvalidVideoError("not_video", "text"), "not_video"),
    ],
)
def test_each_error_has_a_kind(error: errors.HeatersError, kind: str) -> None:
    assert error.kind == kind


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory"),
        av.error.BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError("can't start new thread"),
        ImportError("libssl.so: failed to map segment from shared object"),
    ],
)
def test_too_little_memory_is_told_however_it_shows(error: Exception) -> None:
    assert "too little memory" in (errors.shortage(error) or "")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("dictionary changed size during iteration"),
        ImportError("No module named numpy"),
        errors.StoreError("can't start new thread"),
    ],
)
def test_other_errors_are_not_taken_for_it(error: Exception) -> None:
    assert errors.shortage(error) is None
