"""Manifests that change while a sensor looks, or that the store refuses: the others go on."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from heaters_pipeline import uploads_sensor
from heaters_pipeline.errors import StoreError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.video_manifests import records_among
from heaters_pipeline.uploads_sensor import process_uploads
from heaters_pipeline_tests.pipeline import Pipeline

JSON = "application/json"


def tick(pipeline: Pipeline) -> Any:
    resources = {"workspace": pipeline.workspace()}
    with dg.build_sensor_context(instance=pipeline.instance, resources=resources) as context:
        return process_uploads(context)


def test_a_run_that_ends_during_a_tick_gets_no_other(
    pipeline: Pipeline, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.store.put_file("source_videos/film.mp4", film, content_type="video/mp4")

    def listed_before(store: ObjectStore, video_ids: Iterable[str]) -> dict[str, ObjectInfo]:
        listed = records_among(store, video_ids)
        assert pipeline.process().success
        return listed

    with monkeypatch.context() as m:
        m.setattr(uploads_sensor, "records_among", listed_before)
        assert not tick(pipeline).run_requests


def refuse_bent(monkeypatch: pytest.MonkeyPatch) -> None:
    read = DirectoryObjectStore.read_bytes

    def refused(self: DirectoryObjectStore, key: str, **options: Any) -> bytes:
        if key == keys.video_manifest_key("bent"):
            raise StoreError(f"{key}: access denied")
        return read(self, key, **options)

    monkeypatch.setattr(DirectoryObjectStore, "read_bytes", refused)


def test_a_refused_manifest_does_not_hold_up_the_other_uploads(
    pipeline: Pipeline, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.store.put_file("source_videos/film.mp4", film, content_type="video/mp4")
    pipeline.store.put_file("source_videos/bent.mp4", film, content_type="video/mp4")
    pipeline.store.write_bytes(
        keys.video_manifest_key("bent"), b"{", content_type="application/json"
    )
    refuse_bent(monkeypatch)
    assert "film" in [r.partition_key for r in tick(pipeline).run_requests]


def test_a_refused_manifest_does_not_fail_the_catalog(
    processed: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    processed.store.write_bytes(
        keys.video_manifest_key("bent"), b"{", content_type="application/json"
    )
    refuse_bent(monkeypatch)
    outcome = processed.build_catalog()
    assert outcome.success, outcome.error


def test_a_wrong_type_in_a_summary_does_not_fail_the_catalog(processed: Pipeline) -> None:
    data = processed.store.read_bytes(keys.video_manifest_key("film")).replace(b"film", b"bent")
    content = json.loads(data)
    content["stages"]["source_videos"]["summary"]["info"]["width_px"] = "wide"
    processed.store.write_bytes(
        keys.video_manifest_key("bent"),
        json.dumps(content).encode(),
        content_type="application/json",
    )
    outcome = processed.build_catalog()
    assert outcome.success, outcome.error
