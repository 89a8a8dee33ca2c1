"""The job ``export_dataset``: data sets are written once, and a takedown says who holds clips."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from heaters_pipeline.datasets.in_store import datasets_that_may_hold
from heaters_pipeline.definitions import defs
from heaters_pipeline.names import DATASET_JOB
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.records.pruning import Pruner
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline_tests.datasets.stores import copy_film
from heaters_pipeline_tests.pipeline import Pipeline
from heaters_pipeline_tests.servers import S3Server

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def launch(pipeline: Pipeline, **config: Any) -> dg.ExecuteInProcessResult:
    with closing(pipeline.workspace()) as workspace:
        return defs.resolve_job_def(DATASET_JOB).execute_in_process(
            run_config={**QUIET, "ops": {"write": {"config": config}}},
            instance=pipeline.instance,
            resources={"workspace": workspace},
            raise_on_error=False,
        )


def export(pipeline: Pipeline, **config: Any) -> dict[str, Any]:
    """Run the job; what it shows, by name."""
    result = launch(pipeline, **config)
    assert result.success
    (output,) = (
        event for event in result.all_events if event.event_type == dg.DagsterEventType.STEP_OUTPUT
    )
    shown = output.step_output_data.metadata
    return {name: value.value for name, value in shown.items()}


def failure(pipeline: Pipeline, **config: Any) -> str:
    result = launch(pipeline, **config)
    assert not result.success
    return str(result.failure_data_for_node("write").user_failure_data.description)


def test_a_data_set_is_written_once(processed: Pipeline) -> None:
    copy_film(processed.store, processed.store, "trip")
    shown = export(processed, name="animals", where="start_frame > 0")
    assert (shown["clips"], shown["videos"], shown["made"], shown["reused"]) == (6, 2, 1, 0)
    prefix = "exports/_datasets/animals/"
    assert shown["dagster/uri"] == f"{processed.store.url}/{prefix}".rstrip("/")
    assert shown["metadata.parquet"] == str(processed.store.local_path(f"{prefix}metadata.parquet"))
    before = processed.versions()
    again = export(processed, name="animals", where="start_frame > 0")
    assert (again["made"], again["reused"]) == (0, 1)
    assert processed.versions() == before
    # Another name is another data set.
    assert export(processed, name="film", format="videofolder", videos=["film"])["made"] == 4
    assert before.items() <= processed.versions().items()


def test_what_cannot_be_exported_says_why(processed: Pipeline) -> None:
    assert "there is no format 'avi'" in failure(processed, format="avi")
    assert "'../x' is no name of a data set: give it one" in failure(processed, name="../x")
    assert "a shard has 1 MB or more" in failure(processed, shard_megabytes=0)
    assert "there is no video nothing" in failure(processed, videos=["nothing"])


def test_a_data_set_is_nothing_that_a_prune_removes(processed: Pipeline) -> None:
    export(processed, name="animals")
    kept = processed.versions("exports/_datasets/")
    assert kept
    with closing(processed.workspace()) as workspace:
        pruner = Pruner(processed.store, workspace.claims, timedelta(0))
        named = [found.key for removal in pruner.look() for found in removal.objects]
    assert not [key for key in named if key.startswith(keys.DATASET_PREFIX)]


def test_data_sets_that_hold_a_video_are_found(processed: Pipeline) -> None:
    store = processed.store
    copy_film(store, store, "trip")
    assert datasets_that_may_hold(store, "film") == []
    export(processed, name="all")
    export(processed, name="both", format="videofolder")
    export(processed, name="trip", videos=["trip"])
    assert datasets_that_may_hold(store, "film") == ["all", "both"]
    # What was cut off may hold whatever it will name.
    store.delete(keys.dataset_prefix("trip") + "metadata.parquet")
    assert datasets_that_may_hold(store, "film") == ["all", "both", "trip"]
    export(processed, name="trip", videos=["trip"])
    assert datasets_that_may_hold(store, "film") == ["all", "both"]
    ledger = keys.dataset_prefix("trip") + ".heaters-dataset.json"
    content = store.read_bytes(ledger).replace(
        b'"files":{', b'"files":{"clips-0123456789abcdef.tar":"",'
    )
    store.write_bytes(ledger, content, content_type="")
    assert datasets_that_may_hold(store, "film") == ["all", "both", "trip"]


def test_in_a_bucket_as_well(
    processed: Pipeline, moto_s3: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    moto_s3.use(monkeypatch)
    bucket = S3ObjectStore(moto_s3.new_bucket(), "videos")
    for each in processed.store.list(""):
        bucket.write_bytes(each.key, processed.store.read_bytes(each.key), content_type="")
    on_bucket = Pipeline(lambda: bucket, tmp_path / "on_bucket")
    shown = [
        export(on_bucket, name=name, format=format_name)
        for name, format_name in (("a", "webdataset"), ("b", "videofolder"), ("a", "webdataset"))
    ]
    assert [(each["made"], each["reused"]) for each in shown] == [(1, 0), (4, 0), (0, 1)]
    assert datasets_that_may_hold(bucket, "film") == ["a", "b"]
    on_bucket.instance.dispose()
