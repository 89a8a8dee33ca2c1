"""The job ``export_videos``: exports in the store are written once, recorded, kept and removed."""

from typing import Any

import dagster as dg
import opentimelineio as otio

from heaters_pipeline.exchange.formats import FORMATS
from heaters_pipeline.names import EXPORT_JOB, EXPORTS
from heaters_pipeline.status import video_statuses
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.records.video_keys import keys_of_video
from heaters_pipeline_tests.pipeline import SOURCE_KEY, VIDEO_ID, Pipeline


def export(pipeline: Pipeline, *formats: str, **config: Any) -> dict[str, Any]:
    """Run the job; what it shows, by name."""
    result = pipeline.launch(EXPORT_JOB, "export", formats=list(formats), **config)
    assert result.success
    (output,) = (
        event for event in result.all_events if event.event_type == dg.DagsterEventType.STEP_OUTPUT
    )
    shown = output.step_output_data.metadata
    return {name: value.value for name, value in shown.items()}


def failure(pipeline: Pipeline, **config: Any) -> str:
    result = pipeline.launch(EXPORT_JOB, "export", **config)
    assert not result.success
    return str(result.failure_data_for_node("export").user_failure_data.description)


def test_exports_are_written_once_and_recorded(processed: Pipeline) -> None:
    shown = export(processed, *FORMATS)
    assert (shown["made"], shown["reused"], shown["scenes"]) == (len(FORMATS), 0, 4)
    recorded = processed.manifest(EXPORTS)
    assert {item.details["format"] for item in recorded.items} == set(FORMATS)
    for item in recorded.items:
        assert item.key.startswith(f"exports/{VIDEO_ID}/")
        assert keys.is_product(item.key)
        assert processed.store.head(item.key).size_bytes == item.size_bytes
        # People find each one from the run.
        assert shown[item.details["format"]] == str(processed.store.local_path(item.key))
    before = processed.versions()
    again = export(processed, *FORMATS)
    assert (again["made"], again["reused"]) == (0, len(FORMATS))
    assert processed.versions() == before


def test_a_lost_export_alone_is_written_again(processed: Pipeline) -> None:
    export(processed, "edl", "otio")
    before = processed.versions()
    lost = processed.manifest(EXPORTS).items[0].key
    processed.store.delete(lost)
    assert export(processed, "edl", "otio")["made"] == 1
    after = processed.versions()
    assert {key for key in after if after[key] != before[key]} <= {
        lost,
        keys.manifest_key(EXPORTS, VIDEO_ID),
    }


def test_the_latest_export_of_each_format_stays_recorded(processed: Pipeline) -> None:
    export(processed, "csv", "edl")
    first = {item.details["format"]: item.key for item in processed.manifest(EXPORTS).items}
    export(processed, "edl", start_timecode="01:00:00:00")
    second = {item.details["format"]: item.key for item in processed.manifest(EXPORTS).items}
    assert second["csv"] == first["csv"]
    assert second["edl"] != first["edl"]
    assert processed.store.head(first["edl"]) is not None


def test_everything_of_a_video_that_is_removed_names_its_exports(processed: Pipeline) -> None:
    export(processed, "edl")
    (item,) = processed.manifest(EXPORTS).items
    found = {one.key for one in keys_of_video(processed.store, VIDEO_ID)}
    assert {item.key, keys.manifest_key(EXPORTS, VIDEO_ID)} <= found


def test_without_the_source_its_name_is_left(processed: Pipeline) -> None:
    # As with a bucket, of which no link is written.
    processed.store.delete(SOURCE_KEY)
    export(processed, "otio")
    (item,) = processed.manifest(EXPORTS).items
    (first, *_) = otio.adapters.read_from_string(
        processed.store.read_bytes(item.key).decode(), "otio_json"
    ).find_clips()
    assert first.media_reference.target_url == "film.mp4"


def test_a_failed_export_leaves_the_state_of_the_video_alone(processed: Pipeline) -> None:
    assert processed.process().success
    failure(processed, formats=["avi"])
    (status,) = video_statuses(processed.store, processed.instance)
    assert (status.state, status.error) == ("spliced", None)


def test_what_cannot_be_exported_says_why(processed: Pipeline) -> None:
    assert "there is no format 'avi'; choose of edl, otio" in failure(processed, formats=["avi"])
    assert "a format is missing" in failure(processed, formats=[])
    processed.forget("scenes")
    assert "film has no scenes yet; run process_videos for it" in failure(processed)
