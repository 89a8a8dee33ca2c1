"""Bad input gets a line that says what and what to do, code 1, and leaves nothing behind."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterRunStatus

from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline_tests.cli.heaters_command import Heaters, heaters_program
from heaters_pipeline_tests.pipeline import SPANS
from heaters_pipeline_tests.servers import S3Server
from heaters_pipeline_tests.videos import make_video

# What is processed, in this order, and what its message has to say.
MESSAGES = {
    "missing.mp4": "No such file or directory; check the path",
    "empty.mp4": "is empty",
    "letter.mp4": "letter.mp4",
    "film.mp4": None,
    "song.mp4": "no video",
    "truncated.mp4": "truncated.mp4",
}


@dataclass(frozen=True)
class Session:
    """A home in which all of them were processed by one command.

    Attributes:
        home: The folder.
        code: Its exit code.
        videos: Of its document, by the name of the file.
        err: What it said to people.
    """

    home: Path
    code: int
    videos: dict[str, dict[str, Any]]
    err: str


def make_inputs(folder: Path, film: Path) -> list[Path]:
    """Write all files but the missing one."""
    (folder / "empty.mp4").touch()
    (folder / "letter.mp4").write_text("Dear Sir or Madam,\nthis is a letter.\n" * 50)
    (folder / "film.mp4").write_bytes(film.read_bytes())
    with_sound = make_video(folder / "with_sound.mp4", (5,), audio="aac")
    make_audio_only(with_sound, folder / "song.mp4")
    whole = make_video(
        folder / "whole.mp4", (60, 60), container_options={"movflags": "faststart"}
    ).read_bytes()
    (folder / "truncated.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    return [folder / name for name in MESSAGES]


STORED = ("film.mp4", "truncated.mp4")
"""Of the inputs, those whose header is that of a video; the others are refused beforehand."""


def make_audio_only(source: Path, target: Path) -> None:
    """Copy the sound of a video into a file of its own."""
    import av

    with av.open(str(source)) as given, av.open(str(target), "w") as written:
        stream = written.add_stream_from_template(given.streams.audio[0])
        for packet in given.demux(given.streams.audio[0]):
            if packet.size:
                packet.stream = stream
                written.mux(packet)


@pytest.fixture
def session(home: Path, film: Path, tmp_path: Path) -> Session:
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    paths = make_inputs(inputs, film)
    program = heaters_program("process", *paths, "--json", folder=tmp_path)
    out, err = program.communicate()
    videos = json.loads(out)["videos"]
    assert len(videos) == len(MESSAGES), err
    return Session(home, program.returncode, dict(zip(MESSAGES, videos, strict=True)), err)


def test_bad_files_among_good_ones(
    session: Session, heaters: Heaters, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One session serves all of this, since it takes seconds to start.
    assert session.code == 1
    assert_messages(session)
    assert_good_one_is_whole(session)
    assert_nothing_is_left(session)
    assert_only_what_was_stored_has_a_run(session, monkeypatch)
    assert_status_shows_it(session, heaters)


def assert_messages(session: Session) -> None:
    lines = session.err.splitlines()
    for name, message in MESSAGES.items():
        video = session.videos[name]
        if message is None:
            continue
        assert message in video["error"], (name, video["error"])
        assert name in video["error"]
        assert "\n" not in video["error"]
        assert video["clips"] == video["scenes"] == []
        told = [line for line in lines if video["error"] in line]
        assert told == [f"{video['video_id']}: failed: {video['error']}"]
    assert "Traceback" not in session.err


def assert_good_one_is_whole(session: Session) -> None:
    film = session.videos["film.mp4"]
    assert (film["state"], film["error"]) == ("spliced", None)
    assert len(film["clips"]) == len(SPANS)


def assert_nothing_is_left(session: Session) -> None:
    store = DirectoryObjectStore(session.home / "data")
    found = [found.key for found in store.list("")]
    # Only decoding shows that frames are missing, so this one was stored before it was refused.
    refused = "source_videos/truncated.mp4"
    (rejection,) = [key for key in found if key.startswith("rejections/truncated/")]
    assert read_video(store, "truncated").stages.keys() == {"source_videos"}
    ours = ("film", "catalog/", refused, rejection, "manifests/videos/truncated.json")
    assert [key for key in found if not any(part in key for part in ours)] == []
    assert len([key for key in found if key.startswith("clips/")]) == len(SPANS)


def assert_only_what_was_stored_has_a_run(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(session.home)
    with dg.DagsterInstance.get() as instance:
        runs = {run.tags.get("dagster/partition"): run for run in instance.get_runs()}
        assert len(instance.get_runs()) == len(STORED) + 1  # The catalog's.
        assert set(instance.get_dynamic_partitions("source_videos")) == {
            session.videos[name]["video_id"] for name in STORED
        }
        for name in STORED:
            run = runs[session.videos[name]["video_id"]]
            failed = MESSAGES[name] is not None
            assert run.status is (DagsterRunStatus.FAILURE if failed else DagsterRunStatus.SUCCESS)
            events = Counter(
                record.dagster_event.event_type_value
                for record in instance.all_logs(run.run_id)
                if record.dagster_event
            )
            assert events["STEP_UP_FOR_RETRY"] == 0
            assert events["STEP_FAILURE"] == int(failed)


def assert_status_shows_it(session: Session, heaters: Heaters) -> None:
    shown = {video["video_id"]: video for video in heaters("status", "--json").videos}
    assert len(shown) == len(STORED)
    for video in (session.videos[name] for name in STORED):
        told = shown[video["video_id"]]
        assert (told["state"], told["error"]) == (video["state"], video["error"])
        assert told["retries"] == 0
    assert shown["film"]["clips"] == len(SPANS)


@pytest.mark.parametrize("trouble", ["bucket", "secret"])
def test_a_store_that_refuses(
    home: Path,
    film: Path,
    heaters: Heaters,
    rclone_s3: S3Server,
    monkeypatch: pytest.MonkeyPatch,
    trouble: str,
) -> None:
    rclone_s3.use(monkeypatch)
    bucket = "no-such-bucket" if trouble == "bucket" else rclone_s3.new_bucket()
    monkeypatch.setenv("HEATERS_STORE", f"s3://{bucket}/videos")
    if trouble == "secret":
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    ended = heaters("process", film, "--json")
    assert ended.code == 1
    (video,) = ended.videos
    assert video["state"] == "download_failed"
    assert bucket in video["error"]
    assert "\n" not in video["error"]
    assert ended.err.count(video["error"]) == 1
    assert "Traceback" not in ended.err
    monkeypatch.chdir(home)
    with dg.DagsterInstance.get() as instance:
        (run,) = instance.get_runs()
        assert run.status is DagsterRunStatus.FAILURE
        types = {
            record.dagster_event.event_type_value
            for record in instance.all_logs(run.run_id)
            if record.dagster_event
        }
        assert "STEP_UP_FOR_RETRY" not in types
    status = heaters("status")
    assert (status.code, status.out) == (1, "")
    assert status.err.startswith("Error: ")
    assert bucket in status.err
    assert status.err.count("\n") == 1
