"""``heaters process`` and ``heaters status``: one document, whatever folder they are typed in."""

import shutil
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest

from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline_tests.cli.heaters_command import Heaters
from heaters_pipeline_tests.pipeline import SPANS
from heaters_pipeline_tests.videos import make_video

SKIPPED = {"skipped": True, "reason": "already_exists_in_s3"}
MADE = {"skipped": False, "reason": None}


@pytest.fixture
def used_home(home: Path, processed_folder: Path) -> Path:
    """A home in whose store the film was processed by another; its database is empty."""
    shutil.copytree(processed_folder, home / "data")
    return home


def test_the_document_has_the_promised_fields(home: Path, film: Path, heaters: Heaters) -> None:
    ended = heaters("process", film, "--json")
    assert ended.code == 0, ended.err
    (video,) = ended.videos
    assert video["video_id"] == "film"
    assert (video["state"], video["error"]) == ("spliced", None)
    assert video["source"]["key"] == "source_videos/film.mp4"
    assert video["source"]["origin"] == str(film)
    assert video["source"]["size_bytes"] == film.stat().st_size
    assert (video["source"]["width_px"], video["source"]["frame_rate"]) == (128, 25.0)
    assert video["scenes"][1] == {
        "start_frame": 20,
        "end_frame": 45,
        "start_time_seconds": 0.8,
        "end_time_seconds": 1.8,
        "duration_seconds": 1.0,
    }
    assert [(scene["start_frame"], scene["end_frame"]) for scene in video["scenes"]] == SPANS
    clip = video["clips"][2]
    assert clip["clip_identifier"] == "film_clip_003"
    assert (clip["start_frame"], clip["end_frame"]) == SPANS[2]
    assert (clip["start_time_seconds"], clip["end_time_seconds"]) == (1.8, 3.0)
    promised = {"duration_seconds": 1.2, "scene_index": 2, **MADE}
    assert {name: clip["metadata"][name] for name in promised} == promised
    assert video["counts"] == {"made": 14, "reused": 0, "failed": 0}
    assert list(video["seconds"]) == [
        "source_videos",
        "frame_scores",
        "scenes",
        "storyboards",
        "clips",
        "sprite_sheets",
        "keyframes",
    ]
    store = DirectoryObjectStore(home / "data")
    paths = [clip["clip_filepath"] for clip in video["clips"]]
    for sheet in video["sprite_sheets"]:
        paths += [sheet["index_filepath"], *sheet["sprite_sheet_filepaths"]]
    paths += [picture["keyframe_filepath"] for picture in video["keyframes"]]
    assert len(paths) == len(set(paths)) == 4 * len(SPANS)
    assert all(store.head(path) for path in paths)
    assert store.head(keys.CATALOG_VIDEOS)
    # Progress is for people, on standard error.
    assert "film.mp4: cutting clips" in ended.err
    assert "film: done, 4 scenes, 4 clips; made 14, reused 0" in ended.err


def test_a_second_time_everything_is_skipped_with_the_reason(
    used_home: Path, film: Path, heaters: Heaters
) -> None:
    before = stored_clips(used_home)
    ended = heaters("process", film, "--json")
    assert ended.code == 0, ended.err
    (video,) = ended.videos
    assert video["counts"] == {"made": 0, "reused": 14, "failed": 0}
    for kind in ("clips", "sprite_sheets", "keyframes"):
        for item in video[kind]:
            assert {name: item["metadata"][name] for name in SKIPPED} == SKIPPED
    assert stored_clips(used_home) == before


def test_times_are_rounded_to_milliseconds_and_frames_are_exact(
    home: Path, tmp_path: Path, heaters: Heaters
) -> None:
    ntsc = make_video(tmp_path / "ntsc.mp4", (20, 25), frame_rate=Fraction(30000, 1001))
    (video,) = heaters("process", ntsc, "--json").videos
    second = video["clips"][1]
    assert (second["start_frame"], second["end_frame"]) == (20, 45)
    assert second["start_time_seconds"] == 0.667
    assert second["end_time_seconds"] == 1.502
    assert second["metadata"]["duration_seconds"] == 0.834
    assert video["source"]["frame_rate"] == 29.97


def test_options_are_the_settings_of_the_assets(
    used_home: Path, film: Path, heaters: Heaters
) -> None:
    options = ["--method", "correl", "--threshold", "-1", "--keyframes", "multi"]
    (video,) = heaters("process", film, "--json", *options).videos
    assert [(scene["start_frame"], scene["end_frame"]) for scene in video["scenes"]] == [(0, 95)]
    assert [picture["position_percent"] for picture in video["keyframes"]] == [25, 50, 75]
    assert video["clips"][0]["metadata"]["method"] == "auto"
    assert video["clips"][0]["metadata"]["copied"] == [[0, 95]]
    assert video["clips"][0]["metadata"]["hidden_frames"] == 0
    assert video["clips"][0]["metadata"]["container"] == "mp4"
    # What was typed before stays with the video.
    changed = ["--method", "adaptive", "--threshold", "4.3", "--min-duration", "0.9"]
    (video,) = heaters("process", film, "--json", *changed).videos
    assert len(video["keyframes"]) == 3 * len(video["clips"])
    assert [(scene["start_frame"], scene["end_frame"]) for scene in video["scenes"]] == [
        (0, 45),
        (45, 95),
    ]
    (video,) = heaters("process", "film", "--json", "--clips", "reencode").videos
    assert {clip["metadata"]["method"] for clip in video["clips"]} == {"reencode"}


def test_options_of_clips_decide_on_the_files(
    used_home: Path, film: Path, heaters: Heaters
) -> None:
    options = ["--clips", "reencode", "--crf", "40", "--preset", "ultrafast", "--codec", "hevc"]
    options += ["--bit-depth", "source", "--interlaced", "deinterlace", "--audio-bitrate", "64"]
    (video,) = heaters("process", film, "--json", *options).videos
    store = DirectoryObjectStore(used_home / "data")
    assert read_video(store, "film").stages["clips"].inputs["settings"] == {
        "mode": "reencode",
        "crf": 40,
        "preset": "ultrafast",
        "codec": "hevc",
        "bit_depth": "source",
        "interlaced": "deinterlace",
        "audio_bitrate_kbps": 64,
    }
    clip = used_home / "data" / video["clips"][0]["clip_filepath"]
    assert probe(clip).codec == "hevc"


def test_masters_become_mov_or_mp4_as_is_asked_for(
    home: Path, tmp_path: Path, heaters: Heaters
) -> None:
    size_px, pixel_format = (128, 72), "yuv422p10le"
    master = make_video(
        tmp_path / "a.mov", [20], size_px=size_px, codec="prores_ks", pixel_format=pixel_format
    )
    (video,) = heaters("process", master, "--json").videos
    (clip,) = video["clips"]
    assert clip["clip_filepath"].endswith(".mov")
    assert (clip["metadata"]["container"], clip["metadata"]["copied"]) == ("mov", [[0, 20]])
    planned = heaters("plan", master, "--container", "mp4", "--json")
    assert planned.code == 0
    (video,) = heaters("process", master, "--container", "mp4", "--json").videos
    (clip,) = video["clips"]
    assert clip["clip_filepath"].endswith(".mp4")
    assert (clip["metadata"]["container"], clip["metadata"]["copied"]) == ("mp4", [])


def test_options_of_detection_are_those_of_detect(
    used_home: Path, film: Path, heaters: Heaters
) -> None:
    options = ["--short-scenes", "drop", "--min-duration", "0.3", "--gradual", "before"]
    options += ["--max-duration", "1", "--long-scenes", "split", "--start", "0.6", "--end", "3"]
    (video,) = heaters("process", film, "--json", *options).videos
    found = heaters("detect", film, "--json", *options).document
    for name, expected in (
        ("scenes", [(20, 45), (45, 60), (60, 75)]),
        ("dropped", [(15, 20)]),
        ("excluded", [(0, 15), (75, 95)]),
    ):
        assert [(row["start_frame"], row["end_frame"]) for row in video[name]] == expected
        assert video[name] == found[name]
    assert len(video["clips"]) == 3


@pytest.mark.parametrize("named", ["film", "source_videos/film.mp4"])
def test_a_video_in_the_store_is_named_by_its_id_or_its_key(
    used_home: Path, named: str, heaters: Heaters
) -> None:
    (video,) = heaters("process", named, "--json").videos
    assert (video["video_id"], video["state"]) == ("film", "spliced")
    assert video["counts"]["made"] == 0


def test_a_relative_path_and_the_store_mean_the_same_from_every_folder(
    home: Path, film: Path, tmp_path: Path, heaters: Heaters, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere" / "videos"
    elsewhere.mkdir(parents=True)
    shutil.copy(film, elsewhere / "film.mp4")
    monkeypatch.chdir(elsewhere)
    (video,) = heaters("process", "film.mp4", "--json").videos
    assert video["source"]["origin"] == str(elsewhere / "film.mp4")
    monkeypatch.chdir(elsewhere.parent)
    (video,) = heaters("process", "videos/../videos/film.mp4", "--json").videos
    assert video["counts"]["made"] == 0
    assert len(stored_clips(home)) == len(SPANS)
    assert (home / ".dagster").is_dir()
    assert {path.name for path in elsewhere.iterdir()} == {"film.mp4"}
    assert {path.name for path in elsewhere.parent.iterdir()} == {"videos"}
    assert Path.cwd() == elsewhere.parent
    for named in ("film", "videos/film.mp4", "source_videos/film.mp4"):
        (status,) = heaters("status", named, "--json").videos
        assert (status["video_id"], status["state"]) == ("film", "spliced")


def test_files_of_the_same_name_do_not_overwrite_each_other(
    home: Path, tmp_path: Path, heaters: Heaters
) -> None:
    paths = []
    for number, name in enumerate(("north", "south")):
        (tmp_path / name).mkdir()
        paths.append(make_video(tmp_path / name / "day.mp4", (20, 25 + number)))
    first, second = heaters("process", *paths, "--json").videos
    assert first["video_id"] == "day"
    assert second["video_id"] != "day"
    assert second["video_id"].startswith("day-")
    assert (first["scenes"][-1]["end_frame"], second["scenes"][-1]["end_frame"]) == (45, 46)
    again = heaters("process", *reversed(paths), "--json").videos
    assert [video["video_id"] for video in again] == [second["video_id"], "day"]
    assert [video["counts"]["made"] for video in again] == [0, 0]
    (status,) = heaters("status", paths[0], "--json").videos[:1]
    assert status["video_id"] == "day"


def test_status_shows_a_line_a_video(used_home: Path, heaters: Heaters) -> None:
    heaters("process", "film")
    ended = heaters("status", "--csv", used_home / "status.csv")
    table = pd.read_csv(used_home / "status.csv")
    assert ended.code == 0
    header, line = ended.out.splitlines()
    assert header.split() == [
        "video",
        "state",
        "scenes",
        "clips",
        "retries",
        "when",
        "last",
        "error",
    ]
    assert line.split()[:5] == ["film", "done", "4", "4", "0"]
    (video,) = heaters("status", "--json").videos
    assert list(video) == [
        "video_id",
        "state",
        "scenes",
        "clips",
        "error",
        "retries",
        "updated",
        "title",
        "tags",
    ]
    assert (video["scenes"], video["clips"], video["error"]) == (4, 4, None)
    (row,) = table.astype(object).where(table.notna(), None).to_dict("records")
    # Lists stand in the document alone.
    assert row == {name: value for name, value in video.items() if name != "tags"}


def test_status_of_an_unknown_video_is_an_error_and_of_none_a_header(
    home: Path, heaters: Heaters
) -> None:
    ended = heaters("status", "nothing", "--json")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "Error: there is no video nothing; heaters status lists all\n"
    assert heaters("status", "--json").document == {"videos": []}
    assert len(heaters("status").out.splitlines()) == 1


def stored_clips(home: Path) -> dict[str, str]:
    """The clips in the home's store by version."""
    store = DirectoryObjectStore(home / "data")
    return {found.key: found.version for found in store.list("clips/")}
