"""The words by which failures are counted."""

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
