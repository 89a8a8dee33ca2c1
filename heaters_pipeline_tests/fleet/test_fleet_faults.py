"""A fleet whose parts go away while it works: everything is done once in the end, nothing twice."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

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

SCENES = (20,) * 12
VIDEOS = 20
_MINUTES = 60


def _upload(fleet: Fleet, folder: Path, number: int) -> dict[str, int]:
    """Drop so many videos into the bucket; gives how many scenes each has."""
    video = make_video(folder / "video.mp4", SCENES)
    names = [f"video{each:02}" for each in range(number)]
    for name in names:
        fleet.upload(video, f"{name}.mp4")
    return dict.fromkeys(names, len(SCENES))


def _wait_for_all(fleet: Fleet, videos: dict[str, int], minutes: float) -> None:
    fleet.wait_for(
        "all videos",
        lambda: done_videos(fleet) == set(videos) and is_at_rest(fleet),
        seconds=minutes * _MINUTES,
    )


def _wait_for_done(fleet: Fleet, least: int) -> None:
    fleet.wait_for(
        f"{least} videos", lambda: len(done_videos(fleet)) >= least, seconds=15 * _MINUTES
    )


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    """Two workers."""
    with running_fleet() as running:
        running.s3_server.use(monkeypatch)
        yield running


@pytest.mark.slow
def test_a_worker_that_never_comes_back_loses_its_runs_to_the_other(
    fleet: Fleet, tmp_path: Path
) -> None:
    videos = _upload(fleet, tmp_path, VIDEOS)
    _wait_for_done(fleet, 4)
    fleet.wait_for(
        "a run of worker0", lambda: list((fleet.cache(0) / "runs").glob("*.lock")), seconds=60
    )
    fleet.workers[0].kill()
    clips = [Finished.at(path) for path in clip_files(fleet)]
    dead = [run for _, status, run in fleet.runs() if status == "STARTED"]
    fleet.wait_for(
        "its run tried again",
        lambda: fleet.query("SELECT 1 FROM run_tags WHERE key = 'dagster/parent_run_id'"),
        seconds=15 * _MINUTES,
    )
    assert dead
    _wait_for_all(fleet, videos, 30)
    assert_each_video_is_done_once(fleet, videos)
    assert made_again(clips) == []


@pytest.mark.slow
def test_broker_database_and_store_are_away_for_a_while(fleet: Fleet, tmp_path: Path) -> None:
    videos = _upload(fleet, tmp_path, VIDEOS)
    _wait_for_done(fleet, 2)
    fleet.redis.stop()
    time.sleep(5)
    fleet.redis.start()
    _wait_for_done(fleet, 5)
    fleet.postgres.stop()
    fleet.postgres.start()
    _wait_for_done(fleet, 8)
    fleet.s3.kill()
    time.sleep(60)
    fleet.s3.start()
    _wait_for_all(fleet, videos, 30)
    assert fleet.daemon.is_running
    assert fleet.webserver.is_running
    assert_each_video_is_done_once(fleet, videos)
    assert files_left(fleet) == []


def test_without_any_worker_runs_fail_with_a_message_and_free_their_slots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"start_timeout_seconds": 5, "poll_interval_seconds": 2, "max_retries": 0}
    with running_fleet(workers=0, runs_at_once=1, settings=settings) as fleet:
        fleet.s3_server.use(monkeypatch)
        _upload(fleet, tmp_path, 2)
        # The second can only begin once the first gave its place back.
        fleet.wait_for(
            "both failed",
            lambda: [status for _, status, _ in fleet.runs()] == ["FAILURE", "FAILURE"],
            seconds=2 * _MINUTES,
        )
        messages = fleet.query(
            "SELECT event FROM event_logs WHERE dagster_event_type = %s", "PIPELINE_FAILURE"
        )
    assert all("taking longer than 5 seconds to start" in event for (event,) in messages)
