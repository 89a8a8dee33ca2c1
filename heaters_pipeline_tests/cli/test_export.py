"""``heaters export``: files named by content, exact, written once, without what is rejected."""

import csv
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import opentimelineio as otio
import pytest

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.exchange.formats import FORMATS
from heaters_pipeline.export_job import ExportConfig
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records.video_manifests import read_video, write_video
from heaters_pipeline_tests.cli.heaters_command import Heaters
from heaters_pipeline_tests.corrections import decision, document
from heaters_pipeline_tests.pipeline import SPANS
from heaters_pipeline_tests.videos import make_video


@pytest.fixture
def store(home: Path, processed_folder: Path) -> DirectoryObjectStore:
    """The commands' store, in which the film was processed; a link, so nobody may write to it."""
    (home / "data").symlink_to(processed_folder)
    return DirectoryObjectStore(home / "data")


def all_formats() -> list[str]:
    return [part for name in FORMATS for part in ("--format", name)]


def test_each_format_is_a_file_named_by_the_video_and_its_content(
    store: DirectoryObjectStore, heaters: Heaters, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "exports"
    ended = heaters("export", "film", *all_formats(), "--output", folder)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("film: 4 scenes, 25 frames a second from 00:00:00:00\n")
    written = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert len(written) == len(FORMATS)
    assert all(path.name.startswith("film-") for path in written)
    (edl,) = folder.glob("*.edl")
    timeline = otio.adapters.read_from_file(str(edl), rate=25)
    found = []
    for clip in timeline.tracks[0]:
        first = int(clip.source_range.start_time.value)
        found.append((first, first + int(clip.source_range.duration.value)))
    assert found == SPANS
    (timeline_file,) = folder.glob("*.otio")
    (first, *_) = otio.adapters.read_from_file(str(timeline_file)).find_clips()
    source = store.local_path("source_videos/film.mp4")
    assert source is not None
    assert first.media_reference.target_url == source.as_uri()
    # Once more: nothing is written, and that is said.
    again = heaters("export", "film", *all_formats(), "--output", folder)
    assert again.out.count(" (was there already)\n") == len(FORMATS)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == written


def test_a_file_that_was_damaged_is_written_again(
    store: DirectoryObjectStore, heaters: Heaters, tmp_path: Path
) -> None:
    (file,) = heaters("export", "film", "--output", tmp_path, "--json").videos[0]["files"]
    path = Path(file["path"])
    content = path.read_bytes()
    path.write_bytes(content[:100])
    (again,) = heaters("export", "film", "--output", tmp_path, "--json").videos[0]["files"]
    assert again == file
    assert path.read_bytes() == content


def test_a_copy_with_chapters_is_made_once_and_by_the_command_alone(
    store: DirectoryObjectStore, heaters: Heaters, tmp_path: Path
) -> None:
    asked = ("export", "film", "--format", "chapters-mkv", "--output", tmp_path / "copies")
    (made,) = heaters(*asked, "--json").videos[0]["files"]
    path = Path(made["path"])
    assert (made["format"], made["written"], path.suffix) == ("chapters-mkv", True, ".mkv")
    with av.open(str(path)) as copy:
        starts = [chapter["start"] * chapter["time_base"] for chapter in copy.chapters()]
        # The sound begins earlier.
        assert [start - starts[0] for start in starts] == [Fraction(at, 25) for at, _ in SPANS]
        assert sum(1 for packet in copy.demux(video=0) if packet.size) == SPANS[-1][1]
    written = path.stat().st_mtime_ns
    assert heaters(*asked).out.endswith(f"{path} (was there already)\n")
    assert [each.stat().st_mtime_ns for each in (tmp_path / "copies").iterdir()] == [written]
    with pytest.raises(SettingsError, match="heaters export writes"):
        ExportConfig(formats=["chapters-mkv"]).settings()


def test_a_copy_of_a_source_that_is_gone_is_refused_and_the_rest_is_written(
    own_store: DirectoryObjectStore, heaters: Heaters, tmp_path: Path
) -> None:
    formats = ("--format", "edl", "--format", "chapters-mkv")
    ended = heaters("export", "film", *formats, "--output", tmp_path / "copies", "--json")
    assert ended.code == 1
    (document,) = ended.videos
    assert "source_videos/film.mp4" in document["error"]
    assert [file["format"] for file in document["files"]] == ["edl"]
    assert [each.suffix for each in (tmp_path / "copies").iterdir()] == [".edl"]


@pytest.fixture
def own_store(home: Path, processed_folder: Path) -> DirectoryObjectStore:
    """The commands' store, in which the film was processed; a copy of what exports need."""
    shared = DirectoryObjectStore(processed_folder)
    store = DirectoryObjectStore(home / "data")
    for found in (*shared.list("frame_scores/"), *shared.list("manifests/")):
        store.write_bytes(found.key, shared.read_bytes(found.key), content_type="")
    return store


def test_rejected_clips_are_left_out_unless_they_are_asked_for(
    own_store: DirectoryObjectStore, heaters: Heaters, tmp_path: Path
) -> None:
    """What people decided counts at once: no run has to mark the clips first."""
    sha256 = read_video(own_store, "film").stages["source_videos"].summary["sha256"]

    def review(*kinds: str) -> None:
        rows = [
            decision(10 * number + at, kind, *span, source=sha256, **more)
            for at, span in enumerate(SPANS)
            for number, (kind, more) in enumerate([(kinds[at], {}), ("tag", {"tags": ["goal"]})])
            if kind
        ]
        key = keys.correction_key("film")
        own_store.write_bytes(key, document("film", *rows), content_type="application/json")

    review("approve", "reject", "", "reject")
    command = ("export", "film", "--format", "csv", "--output", tmp_path)
    (exported,) = heaters(*command, "--json").videos
    assert (exported["scenes"], exported["left_out"], exported["notes"]) == (2, 2, [])
    with Path(exported["files"][0]["path"]).open() as file:
        rows = list(csv.DictReader(file))
    assert [row["clip_identifier"] for row in rows] == ["film_clip_001", "film_clip_003"]
    assert [(row["review"], row["tags"]) for row in rows] == [("approved", "goal"), ("", "goal")]
    assert "film: 2 scenes, 2 rejected ones left out" in heaters(*command).out
    assert heaters(*command, "--with-rejected", "--json").videos[0]["scenes"] == 4
    review(*["reject"] * 4)
    ended = heaters(*command)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        "film: all clips of film are rejected; --with-rejected exports them as well\n"
    )


def test_corrections_that_no_run_made_yet_are_said(
    own_store: DirectoryObjectStore, heaters: Heaters, tmp_path: Path
) -> None:
    sha256 = read_video(own_store, "film").stages["source_videos"].summary["sha256"]
    rows = document("film", decision(1, "split", 60, source=sha256), decision(2, "split", 61))
    own_store.write_bytes(keys.correction_key("film"), rows, content_type="application/json")
    (exported,) = heaters("export", "film", "--output", tmp_path, "--json").videos
    assert exported["scenes"] == 4
    (note,) = exported["notes"]
    assert "no run made that yet: heaters process film does" in note


def test_scenes_of_a_source_that_was_replaced_are_not_exported(
    own_store: DirectoryObjectStore, heaters: Heaters, tmp_path: Path
) -> None:
    """A run failed when it had scanned the new source: its clock is none of the old scenes."""
    video = read_video(own_store, "film")
    source, track = (video.stages[name] for name in ("source_videos", "frame_scores"))
    summary = {**source.summary, "sha256": "5" * 64}
    inputs = {**track.inputs, "source_sha256": "5" * 64}
    for stages in (
        [replace(source, summary=summary)],
        [replace(source, summary=summary), replace(track, inputs=inputs, fingerprint="6" * 64)],
    ):
        replaced = video
        for stage in stages:
            replaced = replaced.with_stage(stage)
        write_video(own_store, replaced)
        ended = heaters("export", "film", "--output", tmp_path / "cuts")
        assert ended.code == 1
        assert "heaters process film decides them anew" in ended.err
    assert not (tmp_path / "cuts").exists()


def test_the_timecode_of_the_source_is_kept_and_another_may_be_given(
    home: Path, heaters: Heaters, tmp_path: Path
) -> None:
    plain = make_video(tmp_path / "plain.mp4", [20, 30], frame_rate=Fraction(30_000, 1001))
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", plain, "-codec", "copy"]
    take = tmp_path / "take.mov"
    subprocess.run([*command, "-timecode", "10:59:58;20", take], check=True)
    assert heaters("process", take).code == 0
    (document,) = heaters("export", take, "--output", tmp_path, "--json").videos
    assert document["start_timecode"] == "10:59:58;20"
    assert document["frame_rate"] == "30000/1001"
    text = Path(document["files"][0]["path"]).read_text()
    assert "FCM: DROP FRAME" in text
    assert "10:59:58;20 10:59:59;10 10:59:58;20 10:59:59;10" in text
    given = ("--start-timecode", "01:00:00:00")
    (document,) = heaters("export", take, "--output", tmp_path, "--json", *given).videos
    assert document["start_timecode"] == "01:00:00:00"
    ended = heaters("export", take, "--output", tmp_path, "--start-timecode", "soon")
    assert ended.code == 1
    assert "'soon' is no timecode" in ended.err


def test_a_variable_rate_is_said(home: Path, heaters: Heaters, tmp_path: Path) -> None:
    # As a phone records: frames come when there is light enough.
    pts = [at * 33 + (at // 7) * 90 for at in range(50)]
    times = {"pts": pts, "time_base": Fraction(1, 1000), "frame_rate": Fraction(30)}
    phone = make_video(tmp_path / "phone.mkv", [20, 30], **times)
    assert heaters("process", phone).code == 0
    ended = heaters("export", phone, "--output", tmp_path)
    assert ended.code == 0
    assert "  note: phone.mkv has a variable frame rate" in ended.out
    (edl,) = tmp_path.glob("*.edl")
    assert "* COMMENT: phone.mkv has a variable frame rate" in edl.read_text()
    # The cut at frame 20, which is shown at 0.84 s.
    assert "00:00:00:00 00:00:00:25" in edl.read_text()


def test_what_is_wrong_is_said(
    store: DirectoryObjectStore, heaters: Heaters, tmp_path: Path
) -> None:
    ended = heaters("export", "film", "nothing", "--output", tmp_path)
    assert ended.code == 1
    assert ended.err == "nothing: there is no video nothing; heaters status lists all\n"
    assert len(list(tmp_path.glob("film-*.edl"))) == 1
    assert heaters("export", "film", "--format", "avi").code == 2
    occupied = tmp_path / "file"
    occupied.write_text("mine")
    ended = heaters("export", "film", "--output", occupied / "folder")
    assert ended.code == 1
    assert "name another folder with --output" in ended.err
