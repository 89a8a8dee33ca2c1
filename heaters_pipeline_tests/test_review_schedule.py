"""Pages in a bucket are made anew before their links expire, and no other run is started."""

from collections.abc import Sequence
from datetime import timedelta
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
import pytest

from heaters_pipeline import review_schedule
from heaters_pipeline.names import SOURCE_VIDEOS
from heaters_pipeline.review_schedule import renew_review_pages
from heaters_pipeline_tests.assets.test_review_pages import in_bucket, made
from heaters_pipeline_tests.pipeline import VIDEO_ID, Pipeline

__all__ = ["in_bucket"]


def asked(pipeline: Pipeline, known: Sequence[str] = (VIDEO_ID,)) -> list[Any]:
    """The videos for which a tick starts a run."""
    resources = {"workspace": pipeline.workspace()}
    with (
        TemporaryDirectory() as folder,
        dg.DagsterInstance.local_temp(folder) as instance,
        dg.build_schedule_context(instance=instance, resources=resources) as context,
    ):
        instance.add_dynamic_partitions(SOURCE_VIDEOS, known)
        requests: Any = renew_review_pages(context)
        return [request.partition_key for request in requests]


def make_all_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review_schedule, "RENEWED_BEFORE", timedelta(days=8))


def test_a_page_is_renewed_once_its_links_end_soon(
    in_bucket: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(in_bucket)
    assert asked(in_bucket) == []
    make_all_old(monkeypatch)
    assert asked(in_bucket) == [VIDEO_ID]
    assert asked(in_bucket, ["another"]) == []


def test_pages_in_a_folder_are_left_alone(
    processed: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(processed)
    make_all_old(monkeypatch)
    assert asked(processed) == []
