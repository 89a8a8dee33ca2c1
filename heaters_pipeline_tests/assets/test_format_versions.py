"""Stores of older versions are upgraded without making anything; those of newer ones are left."""

import json
from typing import Any

import pytest

from heaters_pipeline.assets.planning import plan_video
from heaters_pipeline.assets.run_settings import RunSettings
from heaters_pipeline.config import SourceConfig
from heaters_pipeline.errors import StoreUnavailableError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectInfo
from heaters_pipeline.storage.records.manifest_upgrades import FORMAT_VERSION as STAGE_VERSION
from heaters_pipeline.storage.records.video_manifests import FORMAT_VERSION, read_video
from heaters_pipeline_tests.pipeline import STAGES, Pipeline

PRODUCTS = (*(f"{stage}/" for stage in STAGES if stage != "scenes"), "reports/")
KEY = keys.video_manifest_key("film")


def write(pipeline: Pipeline, key: str, content: dict[str, Any]) -> None:
    pipeline.store.write_bytes(key, json.dumps(content).encode(), content_type="application/json")


def become_version(pipeline: Pipeline, version: int) -> None:
    """Make the store what an older version left: a manifest for each stage, the first without
    digests, and beside those of the second a copy of all, which counts for nothing."""
    for stage in STAGES:
        content = json.loads(pipeline.manifest(stage).to_bytes()) | {"format_version": version}
        if version == 1:
            content["summary"].pop("excluded", None)
            for row in content["items"]:
                row["details"].pop("sha256", None)
        write(pipeline, keys.manifest_key(stage, "film"), content)
    if version == 2:
        write(pipeline, keys.manifest_key("finished", "film"), {"format": "of no use"})
    pipeline.store.delete(KEY)


def products(pipeline: Pipeline) -> dict[str, str]:
    return {
        key: version for prefix in PRODUCTS for key, version in pipeline.versions(prefix).items()
    }


@pytest.mark.parametrize("version", [1, 2])
def test_manifests_of_an_older_version_are_upgraded_and_nothing_is_made(
    processed: Pipeline, version: int
) -> None:
    assert processed.process().success
    recorded = read_video(processed.store, "film")
    become_version(processed, version)
    before = products(processed)
    upgraded = processed.process()
    assert upgraded.success, upgraded.error
    assert not upgraded.failed_checks
    assert products(processed) == before
    assert upgraded.count("made") == dict.fromkeys(STAGES, 0)
    assert upgraded.count("skipped") == dict.fromkeys(STAGES, True)
    assert list(processed.versions(keys.MANIFEST_PREFIX)) == [KEY]
    content = json.loads(processed.store.read_bytes(KEY))
    assert content["format_version"] == FORMAT_VERSION
    now = read_video(processed.store, "film")
    assert now.pictures == recorded.pictures
    assert {stage: one.fingerprint for stage, one in now.stages.items()} == {
        stage: one.fingerprint for stage, one in recorded.stages.items()
    }
    again = processed.process()
    assert set(again.count("skipped").values()) == {True}
    assert again.requests.total() == 9


def test_a_single_stage_upgrades_all_of_them(processed: Pipeline) -> None:
    assert processed.process().success
    become_version(processed, 2)
    for key in list(processed.versions("reports/")):
        processed.store.delete(key)
    assert processed.materialize("keyframes").success
    assert list(processed.versions(keys.MANIFEST_PREFIX)) == [KEY]
    # Pictures that could not be read were left out, and are drawn again by who shows them.
    again = processed.process()
    assert again.success, again.error
    assert len(processed.versions("reports/")) == 6
    assert again.metadata["clips"]["made"] == 0
    assert processed.process().requests.total() == 9


def test_a_plan_says_of_an_older_store_what_a_run_does(processed: Pipeline) -> None:
    assert processed.process().success
    become_version(processed, 2)
    before = processed.versions()
    plan = plan_video(processed.workspace(), "film", SourceConfig(), RunSettings.of({}))
    assert processed.versions() == before
    run = processed.process()
    assert {one.stage: one.done for one in plan.stages} == run.count("skipped")
    assert {one.stage: one.made for one in plan.stages} == run.count("made")


@pytest.mark.parametrize("lost", ["frame_scores/", "source_videos/"])
def test_a_stage_of_an_older_store_that_is_done_needs_nothing_else(
    processed: Pipeline, lost: str
) -> None:
    assert processed.process().success
    become_version(processed, 2)
    for key in processed.versions(lost):
        processed.store.delete(key)
    before = products(processed)
    outcome = processed.materialize("scenes")
    assert outcome.success, outcome.error
    assert outcome.metadata["scenes"]["made"] == 0
    assert products(processed) == before
    assert list(processed.versions(keys.MANIFEST_PREFIX)) == [KEY]


def test_an_upgrade_that_fails_is_tried_again(
    processed: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert processed.process().success
    become_version(processed, 2)
    write_whole = DirectoryObjectStore.write_bytes

    def fail_once(store: DirectoryObjectStore, key: str, data: bytes, **facts: str) -> ObjectInfo:
        if key != KEY:
            return write_whole(store, key, data, **facts)
        monkeypatch.setattr(DirectoryObjectStore, "write_bytes", write_whole)
        raise StoreUnavailableError("one bad reply")

    monkeypatch.setattr(DirectoryObjectStore, "write_bytes", fail_once)
    outcome = processed.process()
    assert outcome.events["STEP_UP_FOR_RETRY"] == 1
    assert outcome.count("made") == dict.fromkeys(STAGES, 0)
    assert list(processed.versions(keys.MANIFEST_PREFIX)) == [KEY]


def test_once_there_is_one_manifest_those_of_older_versions_are_not_read(
    processed: Pipeline,
) -> None:
    assert processed.process().success
    for stage in STAGES:
        write(processed, keys.manifest_key(stage, "film"), {"format": "of no use"})
    before = processed.versions()
    again = processed.process()
    assert set(again.count("skipped").values()) == {True}
    assert again.requests.total() == 9
    assert processed.versions() == before


@pytest.mark.parametrize("stage", ["videos", *STAGES])
def test_a_newer_manifest_is_refused_and_left_as_it_is(processed: Pipeline, stage: str) -> None:
    newest = FORMAT_VERSION if stage == "videos" else STAGE_VERSION
    if stage != "videos":
        become_version(processed, 2)
    key = keys.manifest_key(stage, "film")
    content = json.loads(processed.store.read_bytes(key)) | {"format_version": newest + 1}
    write(processed, key, content)
    before = processed.versions()
    refused = processed.process()
    assert not refused.success
    assert refused.error is not None
    assert f"{key} has format version {newest + 1}" in refused.error
    assert "update heaters_pipeline" in refused.error
    assert processed.versions() == before
