"""Stores of older versions are taken over without making anything; those of newer ones are left."""

import json
from pathlib import Path
from typing import Any

import pytest

from heaters_pipeline.storage import keys
from heaters_pipeline.storage.records.manifest_upgrades import FORMAT_VERSION
from heaters_pipeline_tests.pipeline import STAGES, Pipeline

PRODUCTS = ("source_videos/", "frame_scores/", "clips/", "sprite_sheets/", "keyframes/", "reports/")


def rewrite(pipeline: Pipeline, key: str, **fields: Any) -> None:
    """Change fields of a record, as another version would have written it."""
    content = json.loads(pipeline.store.read_bytes(key)) | fields
    pipeline.store.write_bytes(key, json.dumps(content).encode(), content_type="application/json")


def become_version_1(pipeline: Pipeline) -> None:
    """Make the store what the first version left: no digests, and no combined record."""
    pipeline.store.delete(keys.finished_key("film"))
    for stage in STAGES:
        content = json.loads(pipeline.store.read_bytes(keys.manifest_key(stage, "film")))
        for row in content["items"]:
            row["details"].pop("sha256", None)
        content["summary"].pop("excluded", None)
        rewrite(
            pipeline,
            keys.manifest_key(stage, "film"),
            format_version=1,
            items=content["items"],
            summary=content["summary"],
        )


def products(pipeline: Pipeline) -> dict[str, str]:
    return {
        key: version for prefix in PRODUCTS for key, version in pipeline.versions(prefix).items()
    }


def versions_of_manifests(pipeline: Pipeline) -> set[int]:
    return {
        json.loads(pipeline.store.read_bytes(keys.manifest_key(stage, "film")))["format_version"]
        for stage in STAGES
    }


def test_manifests_of_an_older_version_are_upgraded_and_nothing_is_made(
    processed: Pipeline,
) -> None:
    assert processed.process().success
    become_version_1(processed)
    before = products(processed)
    upgraded = processed.process()
    assert upgraded.success, upgraded.error
    assert not upgraded.failed_checks
    assert products(processed) == before
    for stage in ("frame_scores", "clips", "sprite_sheets", "keyframes"):
        assert upgraded.metadata[stage]["made"] == 0
    assert versions_of_manifests(processed) == {FORMAT_VERSION}
    again = processed.process()
    assert set(again.count("skipped").values()) == {True}
    assert again.requests.total() == 5


@pytest.mark.parametrize("stage", STAGES)
def test_a_newer_manifest_is_refused_and_left_as_it_is(processed: Pipeline, stage: str) -> None:
    processed.store.delete(keys.finished_key("film"))
    key = keys.manifest_key(stage, "film")
    rewrite(processed, key, format_version=FORMAT_VERSION + 1)
    content = processed.store.read_bytes(key)
    before = products(processed)
    refused = processed.process()
    assert not refused.success
    assert refused.error is not None
    assert f"{key} has format version {FORMAT_VERSION + 1}" in refused.error
    assert "update heaters_pipeline" in refused.error
    assert processed.store.read_bytes(key) == content
    assert products(processed) == before


def test_a_combined_record_of_a_newer_version_is_not_relied_on(
    processed: Pipeline, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    assert processed.process().success
    rewrite(processed, keys.finished_key("film"), format_version=FORMAT_VERSION + 1)
    before = products(processed)
    assert processed.process().success
    assert "the manifests of film are read one by one" in caplog.text
    assert products(processed) == before
