"""The state of a video follows from what lies in the store and from its latest run."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterRun, DagsterRunStatus

from heaters_pipeline import latest_runs as latest_runs_module
from heaters_pipeline.assets.policy import RETRY_POLICY
from heaters_pipeline.errors import ClipError, StoreUnavailableError
from heaters_pipeline.intake.submissions import submit
from heaters_pipeline.names import CATALOG_JOB, DOWNLOAD_JOB, PROCESS_JOB
from heaters_pipeline.status import VideoStatus, video_statuses
from heaters_pipeline.workspace import Workspace
from heaters_pipeline_tests.pipeline import SOURCE_KEY, SPANS, VIDEO_ID, Pipeline
from heaters_pipeline_tests.videos import make_video

LINK = "https://example.com/film.mp4"
TEXT = b"this is a letter, and nothing that moves"
RUNNING = [
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]


def status_of(pipeline: Pipeline, video_id: str = VIDEO_ID) -> VideoStatus:
    (found,) = video_statuses(pipeline.store, pipeline.instance, [video_id])
    return found


def add_run(
    pipeline: Pipeline,
    status: DagsterRunStatus,
    *,
    job: str = PROCESS_JOB,
    video_id: str | None = VIDEO_ID,
    retry_number: int = 0,
) -> None:
    """A run as the daemon leaves it."""
    tags = {"dagster/partition": video_id} if video_id else {}
    if retry_number:
        tags["dagster/retry_number"] = str(retry_number)
    pipeline.instance.add_run(DagsterRun(job_name=job, status=status, tags=tags))


def upload(pipeline: Pipeline, content: bytes) -> None:
    pipeline.store.write_bytes(SOURCE_KEY, content, content_type="video/mp4")


def test_what_was_submitted_is_new(pipeline: Pipeline) -> None:
    submission = submit(pipeline.store, SOURCE_KEY, LINK)
    found = status_of(pipeline)
    assert (found.state, found.scenes, found.clips) == ("new", None, None)
    assert (found.error, found.retries) == (None, 0)
    assert found.updated is not None
    assert abs(found.updated - submission.submitted_at) < timedelta(minutes=1)


@pytest.mark.parametrize("run_status", RUNNING)
def test_while_its_download_runs_it_is_downloading(
    pipeline: Pipeline, run_status: DagsterRunStatus
) -> None:
    submit(pipeline.store, SOURCE_KEY, LINK)
    add_run(pipeline, run_status, job=DOWNLOAD_JOB)
    assert status_of(pipeline).state == "downloading"


def test_while_processing_has_still_to_bring_it_in_it_is_downloading(pipeline: Pipeline) -> None:
    add_run(pipeline, DagsterRunStatus.STARTED)
    assert status_of(pipeline).state == "downloading"


def test_what_lies_in_the_store_is_downloaded(pipeline: Pipeline) -> None:
    upload(pipeline, TEXT)
    assert status_of(pipeline).state == "downloaded"
    add_run(pipeline, DagsterRunStatus.SUCCESS, job=DOWNLOAD_JOB)
    assert status_of(pipeline).state == "downloaded"


@pytest.mark.parametrize("run_status", RUNNING)
def test_while_it_is_processed_it_is_splicing(
    pipeline: Pipeline, run_status: DagsterRunStatus
) -> None:
    upload(pipeline, TEXT)
    add_run(pipeline, run_status)
    assert status_of(pipeline).state == "splicing"


def test_a_finished_video_is_spliced_also_with_the_database_lost(
    pipeline: Pipeline, film: Path
) -> None:
    pipeline.process(source_videos={"origin": str(film)})
    found = status_of(pipeline)
    assert (found.state, found.error, found.retries) == ("spliced", None, 0)
    assert found.scenes == found.clips == len(SPANS)
    assert found.updated is not None
    assert abs(datetime.now(UTC) - found.updated) < timedelta(minutes=10)
    pipeline.lose_database()
    assert status_of(pipeline).state == "spliced"
    pipeline.forget("keyframes")
    assert status_of(pipeline).state == "downloaded"


def test_a_finished_video_that_is_processed_again_is_splicing_until_then(
    processed: Pipeline,
) -> None:
    add_run(processed, DagsterRunStatus.STARTED)
    assert status_of(processed).state == "splicing"


def test_a_source_that_was_replaced_is_downloaded_and_no_longer_spliced(
    pipeline: Pipeline, film: Path, tmp_path: Path
) -> None:
    pipeline.process(source_videos={"origin": str(film)})
    other = make_video(tmp_path / "other.mp4", (25, 20))
    pipeline.store.put_file(SOURCE_KEY, other, content_type="video/mp4")
    found = status_of(pipeline)
    assert (found.state, found.clips) == ("downloaded", len(SPANS))
    pipeline.process()
    assert (status_of(pipeline).state, status_of(pipeline).clips) == ("spliced", 2)


def test_a_new_source_whose_clips_are_not_made_yet_is_not_spliced(
    pipeline: Pipeline, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.process(source_videos={"origin": str(film)})
    other = make_video(tmp_path / "other.mp4", (25, 20))
    pipeline.store.put_file(SOURCE_KEY, other, content_type="video/mp4")
    with monkeypatch.context() as patch:
        patch.setattr("heaters_pipeline.assets.clips.make_clips", _fail)
        pipeline.process()
    assert status_of(pipeline).state == "splicing_failed"
    # Its source is registered, its scenes are known, its clips are those of the old one.
    pipeline.lose_database()
    assert status_of(pipeline).state == "downloaded"


def test_what_cannot_be_brought_in_is_download_failed_with_the_message(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    letter = tmp_path / "letter.mp4"
    letter.write_bytes(TEXT)
    outcome = pipeline.process(source_videos={"origin": str(letter)})
    assert not outcome.success
    found = status_of(pipeline)
    assert found.state == "download_failed"
    assert found.error is not None
    assert "letter.mp4" in found.error
    assert found.error == outcome.error
    assert found.retries == 0


def test_an_upload_that_is_no_video_is_splicing_failed_also_with_the_database_lost(
    pipeline: Pipeline,
) -> None:
    upload(pipeline, TEXT)
    outcome = pipeline.process()
    assert not outcome.success
    assert outcome.events["STEP_UP_FOR_RETRY"] == 0
    found = status_of(pipeline)
    assert (found.state, found.error) == ("splicing_failed", outcome.error)
    pipeline.lose_database()
    assert status_of(pipeline).state == "splicing_failed"
    assert status_of(pipeline).error == found.error
    upload(pipeline, TEXT + TEXT)
    assert (status_of(pipeline).state, status_of(pipeline).error) == ("downloaded", None)


@pytest.mark.parametrize("message", [None, "its process died"])
def test_a_run_whose_process_died_says_what_was_seen_of_it(
    pipeline: Pipeline, message: str | None
) -> None:
    upload(pipeline, TEXT)
    add_run(pipeline, DagsterRunStatus.STARTED)
    (run,) = pipeline.instance.get_runs()
    seen = "Run execution process was terminated by signal 9 (SIGKILL)."
    # As the code server does that had started it, which then gives no message of its own.
    pipeline.instance.report_engine_event(seen, run)
    pipeline.instance.report_run_failed(run, message)
    found = status_of(pipeline)
    assert found.error == (message or seen)


def test_a_canceled_run_says_so(pipeline: Pipeline) -> None:
    upload(pipeline, TEXT)
    add_run(pipeline, DagsterRunStatus.CANCELED)
    found = status_of(pipeline)
    assert found.state == "splicing_failed"
    assert found.error is not None
    assert found.error.endswith("was canceled")


@pytest.mark.parametrize("status", [DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED])
def test_a_finished_video_stays_finished_and_the_last_runs_failure_stands_beside_it(
    processed: Pipeline, status: DagsterRunStatus
) -> None:
    processed.process()
    add_run(processed, status)
    found = status_of(processed)
    assert found.state == "spliced"
    assert found.error is not None
    assert found.cells()[1] == "done"
    assert found.cells()[-1] == found.error
    add_run(processed, DagsterRunStatus.SUCCESS)
    found = status_of(processed)
    assert (found.state, found.error) == ("spliced", None)


def test_a_failed_run_of_a_video_of_which_something_is_lost_shows_it_failed(
    processed: Pipeline,
) -> None:
    processed.process()
    processed.forget("keyframes")
    add_run(processed, DagsterRunStatus.FAILURE)
    assert status_of(processed).state == "splicing_failed"


def test_runs_of_the_catalog_and_of_others_say_nothing_of_a_video(processed: Pipeline) -> None:
    processed.process()
    add_run(processed, DagsterRunStatus.FAILURE, job=CATALOG_JOB, video_id=None)
    add_run(processed, DagsterRunStatus.FAILURE, video_id="other")
    assert status_of(processed).state == "spliced"


def test_retries_of_steps_and_of_runs_are_counted(
    processed: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [StoreUnavailableError("the store is restarting") for _ in range(2)]
    manifest = Workspace.manifest

    def flaky(workspace: Workspace, stage: str, video_id: str) -> object:
        if stage == "keyframes" and failures:
            raise failures.pop()
        return manifest(workspace, stage, video_id)

    monkeypatch.setattr(Workspace, "manifest", flaky)
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    assert processed.process().success
    assert status_of(processed).retries == 2
    add_run(processed, DagsterRunStatus.FAILURE, retry_number=1)
    assert status_of(processed).retries == 1


def test_a_fault_that_does_not_pass_is_given_up_after_some_retries(
    processed: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> object:
        raise StoreUnavailableError("the store is down")

    monkeypatch.setattr("heaters_pipeline.assets.keyframes.clips_of", down)
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    assert not processed.process().success
    found = status_of(processed)
    # An earlier run finished it.
    assert (found.state, found.error) == ("spliced", "the store is down")
    assert found.retries == RETRY_POLICY.max_retries


def test_all_videos_are_listed_in_order_whatever_is_known_of_them(processed: Pipeline) -> None:
    submit(processed.store, "source_videos/walk.mp4", LINK)
    add_run(processed, DagsterRunStatus.FAILURE, video_id="lost")
    processed.store.write_bytes("source_videos/.hidden.mp4", TEXT, content_type="video/mp4")
    processed.store.write_bytes("source_videos/a.part", TEXT, content_type="video/mp4")
    found = video_statuses(processed.store, processed.instance)
    assert [(one.video_id, one.state) for one in found] == [
        ("film", "downloaded"),  # A copy, so that its version is not the one that was recorded.
        ("lost", "download_failed"),
        ("walk", "new"),
    ]
    assert not video_statuses(processed.store, processed.instance, ["unknown"])


def test_runs_are_read_page_by_page(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latest_runs_module, "RUNS_PER_QUERY", 2)
    for number in range(5):
        add_run(pipeline, DagsterRunStatus.FAILURE, video_id=f"film{number}")
    add_run(pipeline, DagsterRunStatus.STARTED, video_id="film0")
    found = video_statuses(pipeline.store, pipeline.instance)
    assert [one.video_id for one in found] == [f"film{number}" for number in range(5)]
    assert [one.state for one in found] == ["downloading", *["download_failed"] * 4]
    assert status_of(pipeline, "film3").state == "download_failed"


def test_people_and_programs_are_told_the_same() -> None:
    found = VideoStatus(
        video_id="film",
        state="splicing_failed",
        scenes=4,
        clips=None,
        error="two lines\n  become one",
        retries=2,
        updated=datetime(2026, 3, 1, 12, 30, 15, 999, tzinfo=UTC),
    )
    assert found.to_json() == {
        "video_id": "film",
        "state": "splicing_failed",
        "scenes": 4,
        "clips": None,
        "error": "two lines\n  become one",
        "retries": 2,
        "updated": "2026-03-01T12:30:15+00:00",
        "title": None,
        "tags": [],
    }
    video_id, state, scenes, clips, retries, when, error = found.cells()
    assert (video_id, state, scenes, clips, retries) == ("film", "failed", "4", "-", "2")
    assert datetime.fromisoformat(when).astimezone(UTC) == datetime(
        2026, 3, 1, 12, 30, 15, tzinfo=UTC
    )
    assert error == "two lines become one"
    never = VideoStatus("film", "new", None, None, None, 0, None)
    assert never.cells() == ("film", "new", "-", "-", "0", "-", "")
    assert never.to_json()["updated"] is None


def _fail(*_: object, **__: object) -> None:
    raise ClipError("no clip today")


def test_what_is_no_video_by_name_is_not_shown(pipeline: Pipeline) -> None:
    for name in ("notes.txt", "clip.srt", "clip.mp4"):
        pipeline.store.write_bytes(f"source_videos/{name}", b"x", content_type="x")
    found = video_statuses(pipeline.store, pipeline.instance)
    assert [one.video_id for one in found] == ["clip"]
