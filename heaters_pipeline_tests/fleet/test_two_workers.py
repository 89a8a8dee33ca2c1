"""A fleet of two workers, one of which is killed in the middle of a video.

One fleet serves all tests; they look at what is left when everything is done.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests

from heaters_pipeline_tests.fleet.machines import Fleet, running_fleet
from heaters_pipeline_tests.fleet.outcome import (
    Finished,
    assert_each_video_is_done_once,
    clip_files,
    done_videos,
    files_left,
    is_at_rest,
    made_again,
)
from heaters_pipeline_tests.videos import make_video

LONG_SCENES, SHORT_SCENES = (20,) * 100, (20, 25)
_SECONDS = 300
_TERMINATE = """mutation ($run: String!) {
  terminateRun(runId: $run) { __typename ... on PythonError { message } }
}"""


@dataclass(frozen=True, slots=True)
class Story:
    """What happened.

    Attributes:
        fleet: At rest.
        killed_run: The run that was at work in the worker when it was killed.
        clips: The clips of its video that lay in the bucket then.
        unwanted_run: The run that a person terminated.
    """

    fleet: Fleet
    killed_run: str
    clips: list[Finished]
    unwanted_run: str


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Two videos of many scenes at once; one is terminated, the worker of the other killed."""
    folder = tmp_path_factory.mktemp("videos")
    long = make_video(folder / "long.mp4", LONG_SCENES)
    short = make_video(folder / "short.mp4", SHORT_SCENES)
    with pytest.MonkeyPatch.context() as monkeypatch, running_fleet() as fleet:
        fleet.s3_server.use(monkeypatch)
        fleet.wait_for("the UI", fleet.ui_answers, seconds=_SECONDS)
        for name in ("unwanted.mp4", "long.mp4"):
            fleet.upload(long, name)
        killed = _run_at_clips(fleet, "long", 8)
        (worker,) = [each for each in range(2) if _works_on(fleet, each, killed)]
        fleet.workers[worker].kill()
        clips = [Finished.at(path) for path in clip_files(fleet, "long")]
        unwanted = _run_at_clips(fleet, "unwanted", 2)
        assert _terminate(fleet, unwanted) == "TerminateRunSuccess"
        # Its supervisor starts it again.
        fleet.workers[worker].start()
        for number in range(3):
            fleet.upload(short, f"short{number}.mp4")
        wanted = {"long", *(f"short{number}" for number in range(3))}
        fleet.wait_for(
            "all videos",
            lambda: done_videos(fleet) == wanted and is_at_rest(fleet),
            seconds=_SECONDS,
        )
        yield Story(fleet, killed, clips, unwanted)


def _run_at_clips(fleet: Fleet, video_id: str, least: int) -> str:
    fleet.wait_for(
        f"{least} clips of {video_id}",
        lambda: len(clip_files(fleet, video_id)) >= least,
        seconds=_SECONDS,
    )
    return next(run for partition, _, run in fleet.runs() if partition == video_id)


def _works_on(fleet: Fleet, worker: int, run_id: str) -> bool:
    locks = [path.stem for path in (fleet.cache(worker) / "runs").glob("*.lock")]
    tags = fleet.query("SELECT value FROM run_tags WHERE run_id = %s", run_id)
    return any((lock,) in tags for lock in locks)


def _terminate(fleet: Fleet, run_id: str) -> str:
    answer = requests.post(
        f"http://127.0.0.1:{fleet.ui_port}/graphql",
        json={"query": _TERMINATE, "variables": {"run": run_id}},
        timeout=60,
    )
    return str(answer.json()["data"]["terminateRun"]["__typename"])


def test_each_video_is_processed_once(story: Story) -> None:
    scenes = {"long": len(LONG_SCENES)}
    scenes |= {f"short{number}": len(SHORT_SCENES) for number in range(3)}
    assert_each_video_is_done_once(story.fleet, scenes)


def test_both_workers_work(story: Story) -> None:
    assert all("Task execute_job" in worker.output for worker in story.fleet.workers)


def test_the_run_of_a_killed_worker_fails_with_a_message_and_is_tried_again(story: Story) -> None:
    runs = [(status, run) for partition, status, run in story.fleet.runs() if partition == "long"]
    assert runs[0] == ("FAILURE", story.killed_run)
    assert [status for status, _ in runs] == ["FAILURE", "SUCCESS"]
    (message,) = story.fleet.query(
        "SELECT event FROM event_logs WHERE run_id = %s AND dagster_event_type = %s",
        story.killed_run,
        "PIPELINE_FAILURE",
    )
    assert "it was killed, or its machine went down" in message[0]


def test_no_finished_clip_is_made_again(story: Story) -> None:
    assert len(story.clips) >= 8
    assert made_again(story.clips) == []


def test_a_run_that_a_person_terminates_is_canceled_and_not_tried_again(story: Story) -> None:
    runs = [(status, run) for video, status, run in story.fleet.runs() if video == "unwanted"]
    assert runs == [("CANCELED", story.unwanted_run)]


def test_no_file_is_left(story: Story) -> None:
    assert files_left(story.fleet) == []


def test_each_process_has_its_own_folders_only(story: Story) -> None:
    for worker in range(2):
        assert list(story.fleet.cache(worker).glob("objects/copies/*"))
