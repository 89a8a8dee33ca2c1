"""Folders, patterns and lists become the videos that they hold; what names none is said."""

from pathlib import Path

import pytest

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.intake.sources import has_video_name
from heaters_pipeline.intake.video_lists import read_list
from heaters_pipeline.intake.wanted import WantedVideo, each_video


@pytest.fixture
def shoot(tmp_path: Path) -> Path:
    """A folder with videos, what lies beside videos, and folders in it."""
    folder = tmp_path / "shoot"
    for name in (
        "b.MOV",
        "a.mp4",
        "a.srt",
        "notes.txt",
        ".hidden.mp4",
        "a.mp4.part",
        "day 2/c.mkv",
        ".trash/d.mp4",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"content")
    return folder


def names(wanted: list[WantedVideo]) -> list[str]:
    assert all(one.refusal is None for one in wanted), wanted
    return [Path(one.text).name for one in wanted]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.mp4", True),
        ("source_videos/trips/a.M2TS", True),
        ("clip.srt", False),
        ("notes.txt", False),
        ("holiday", False),
        (".a.mp4", False),
        ("a.mp4.crdownload", False),
        ("a.webm", True),
    ],
)
def test_what_is_a_video_by_its_name(name: str, expected: bool) -> None:
    assert has_video_name(name) is expected


def test_a_folder_is_all_videos_in_it(shoot: Path) -> None:
    assert names(each_video([WantedVideo(str(shoot))])) == ["a.mp4", "b.MOV", "c.mkv"]


def test_a_pattern_is_what_matches_it(shoot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shoot)
    found = each_video([WantedVideo("*")])
    assert names(found) == ["a.mp4", "b.MOV", "c.mkv"]
    assert found[0].text == str(shoot / "a.mp4")
    assert names(each_video([WantedVideo("**/*.mkv")])) == ["c.mkv"]
    assert names(each_video([WantedVideo("a.*"), WantedVideo("a.mp4")])) == ["a.mp4"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(shoot: Path) -> None:
    odd = shoot / "a[1].mp4"
    odd.write_bytes(b"content")
    assert names(each_video([WantedVideo(str(odd))])) == ["a[1].mp4"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("*.avi", "no file matches *.avi; check the pattern"),
        ("empty", "empty holds no video by name"),
        ("*.txt", "*.txt holds no video by name"),
        ("ftp://example.com/a.mp4", "cannot be brought in"),
        ("", "names no video"),
    ],
)
def test_what_holds_no_video_is_said(
    shoot: Path, monkeypatch: pytest.MonkeyPatch, typed: str, said: str
) -> None:
    (shoot / "empty").mkdir()
    monkeypatch.chdir(shoot)
    refused, good = each_video([WantedVideo(typed), WantedVideo("a.mp4")])
    assert said in str(refused.refusal)
    assert good.refusal is None


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("frames", "-pattern_type glob -i 'frames/*.PNG' -c:v ffv1 frames.mkv"),
        ("frames/", "-pattern_type glob -i 'frames/*.PNG' -c:v ffv1 frames.mkv"),
        ("frames/*.PNG", "-pattern_type glob -i 'frames/*.PNG' -c:v ffv1 frames.mkv"),
        ("frames/%03d.PNG", "-framerate 25 -i frames/%03d.PNG -c:v ffv1 frames.mkv"),
        ("my frames/%d.jpg", "-framerate 25 -i 'my frames/%d.jpg' -c:v ffv1 'my frames.mkv'"),
    ],
)
def test_pictures_are_refused_with_the_command_that_joins_them(
    shoot: Path, monkeypatch: pytest.MonkeyPatch, typed: str, command: str
) -> None:
    (shoot / "frames").mkdir()
    for number in range(3):
        (shoot / "frames" / f"{number:03}.PNG").write_bytes(b"content")
    (shoot / "frames" / "notes.txt").write_bytes(b"content")
    monkeypatch.chdir(shoot)
    (refused,) = each_video([WantedVideo(typed)])
    why, _, told = str(refused.refusal).partition(": ffmpeg ")
    assert why == f"{typed} holds pictures, no video; join them without loss, at their rate"
    assert told.endswith(command)


def test_ids_and_links_stay_as_they_were_typed(shoot: Path) -> None:
    typed = ["film", "source_videos/film.mp4", "https://example.com/*.mp4?x=[1]"]
    assert [one.text for one in each_video(map(WantedVideo, typed))] == typed


def test_a_list_has_a_line_a_video(shoot: Path, tmp_path: Path) -> None:
    listed = shoot / "list.txt"
    lines = ["\ufeff# of the first day", "a.mp4", "", "  day 2  ", "https://example.com/x.mp4"]
    listed.write_text("\r\n".join(lines), encoding="utf-8")
    texts = [one.text for one in each_video(read_list(listed))]
    # From another folder than that of the list.
    expected = [str(shoot / "a.mp4"), str(shoot / "day 2/c.mkv"), "https://example.com/x.mp4"]
    assert texts == expected


def test_a_table_has_titles_and_tags(shoot: Path) -> None:
    listed = shoot / "list.csv"
    listed.write_text(
        'Path,link,Title,tags,who\na.mp4,,"Harbour, at night",boats; night;boats,Ann\n'
        ",https://example.com/x.mp4,,,\n,,,,\nday 2,,,trip,\n"
    )
    assert each_video(read_list(listed)) == [
        WantedVideo(str(shoot / "a.mp4"), "Harbour, at night", ("boats", "night")),
        WantedVideo("https://example.com/x.mp4"),
        WantedVideo(str(shoot / "day 2/c.mkv"), None, ("trip",)),
    ]


def test_a_title_is_of_one_video(shoot: Path) -> None:
    (refused,) = each_video([WantedVideo(str(shoot), title="Shoot")])
    assert "holds 3 videos, which cannot share a title" in str(refused.refusal)
    (named,) = each_video([WantedVideo(str(shoot / "day 2"), title="Second day")])
    assert (named.title, named.refusal) == ("Second day", None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"film,title\na.mp4,A\n", "has no column path or link; name the columns"),
        (b"path,title\n,A\n", "line 2 of"),
        (b"path,link\na.mp4,b.mp4\n", "names more than one video"),
        (b"path\n\xff\xfe\n", "is no list of videos"),
        (b"", "is no list of videos"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(shoot: Path, content: bytes, said: str) -> None:
    listed = shoot / "list.csv"
    listed.write_bytes(content)
    with pytest.raises(SettingsError) as refused:
        read_list(listed)
    assert said in str(refused.value)
