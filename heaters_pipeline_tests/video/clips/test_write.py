"""Clips are complete or not there, and one that fails keeps none of the others from being made."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from heaters_pipeline.errors import (
    ClipError,
    InvalidVideoError,
    SettingsError,
    SourceChangedError,
    StoreUnavailableError,
)
from heaters_pipeline.video.clips import maker as clip_maker
from heaters_pipeline.video.clips.encode import encode_span as real_encode_span
from heaters_pipeline.video.clips.record import ClipNote
from heaters_pipeline.video.clips.task import ClipTask
from heaters_pipeline.video.clips.write import (
    ClipFile,
    ClipSettings,
    inspect_clip,
)
from heaters_pipeline.video.media.frame_spans import read_span as real_read_span
from heaters_pipeline.video.media.frames import FrameReader
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.video.clips.clip_sources import Known, know, write_clip, write_many
from heaters_pipeline_tests.videos import frame_number_of, make_video

AUTO = ClipSettings("auto", preset="ultrafast")
COPY = ClipSettings("copy", preset="ultrafast")
REENCODE = ClipSettings("reencode", preset="ultrafast")
SPANS = [Span(0, 7), Span(7, 30), Span(30, 31), Span(31, 60)]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    folder = tmp_path_factory.mktemp("source")
    return know(make_video(folder / "a.mp4", [60], options={"g": "20", "bf": "2"}, audio="aac"))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that holds finished clips alone, at the end of each test."""
    (tmp_path / "out").mkdir()
    yield tmp_path / "out"
    for path in (tmp_path / "out").iterdir():
        assert path.suffix == ".mp4", "something was left behind"
        inspect_clip(path)


def make_one(known: Known, target: Path, settings: ClipSettings, **more: Any) -> ClipFile:
    return write_clip(known, Span(7, 30), target, settings, **more)


def make_all(
    known: Known, folder: Path, settings: ClipSettings, digests: list[int] | None = None
) -> dict[Span, ClipFile | ClipError]:
    made: dict[Span, ClipFile | ClipError] = {}
    calling_thread = threading.get_ident()

    def on_clip(span: Span, outcome: ClipFile | ClipError) -> None:
        assert threading.get_ident() == calling_thread
        assert span not in made
        made[span] = outcome

    write_many(
        known,
        SPANS,
        lambda span: folder / f"{span.start}.mp4",
        settings,
        picture_digests=digests,
        workers=3,
        on_clip=on_clip,
    )
    return made


def numbers_in(path: Path) -> list[int]:
    info = know(path).info
    return [frame_number_of(frame.picture()) for frame in FrameReader(path, info)]


def fail_to_encode(monkeypatch: pytest.MonkeyPatch, span: Span) -> None:
    def encode_span(task: ClipTask, *arguments: Any, **options: Any) -> Any:
        if task.span == span:
            raise ClipError("the encoder was told to fail")
        return real_encode_span(task, *arguments, **options)

    monkeypatch.setattr(clip_maker, "encode_span", encode_span)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "remux"},
        {"crf": -1},
        {"crf": 52},
        {"preset": "quick"},
        {"codec": "av1"},
        {"bit_depth": 8},
        {"interlaced": "weave"},
        {"interlaced": "keep", "codec": "hevc"},
        {"audio_bitrate_kbps": 7},
        {"audio_bitrate_kbps": 513},
        {"min_psnr_db": 29},
        {"min_psnr_db": 61},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        ClipSettings(**wrong)


@pytest.mark.parametrize("settings", [AUTO, COPY, REENCODE], ids=lambda s: s.mode)
@pytest.mark.parametrize("with_digests", [True, False])
def test_all_clips_are_made(
    settings: ClipSettings, with_digests: bool, known: Known, folder: Path
) -> None:
    made = make_all(known, folder, settings, known.digests if with_digests else None)
    assert set(made) == set(SPANS)
    for span, clip in made.items():
        assert isinstance(clip, ClipFile)
        assert clip.method == settings.mode
        # In auto it also says why nothing of a clip is copied.
        assert clip.fallback_reason is None or (settings is AUTO and not clip.copied)
        assert numbers_in(folder / f"{span.start}.mp4") == list(range(span.start, span.end))


def test_a_copy_with_another_first_picture_is_encoded(known: Known, folder: Path) -> None:
    clip = make_one(known, folder / "a.mp4", COPY, first_picture_digest=known.digests[7] ^ 1)
    assert (clip.method, clip.frames) == ("reencode", 23)
    assert clip.fallback_reason == "the clip's first picture is not the source's"
    assert "first_picture" not in clip.checked
    assert inspect_clip(folder / "a.mp4").fallback_reason == clip.fallback_reason


@pytest.mark.parametrize("settings", [COPY, REENCODE], ids=lambda s: s.mode)
def test_a_clip_that_fails_leaves_what_was_there(
    settings: ClipSettings, known: Known, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_one(known, folder / "a.mp4", COPY)
    before = (folder / "a.mp4").read_bytes()
    fail_to_encode(monkeypatch, Span(7, 30))
    for name in ("a.mp4", "b.mp4"):
        with pytest.raises(ClipError, match="told to fail"):
            make_one(known, folder / name, settings, first_picture_digest=0)
    assert (folder / "a.mp4").read_bytes() == before
    assert not (folder / "b.mp4").exists()


@pytest.mark.parametrize("settings", [COPY, REENCODE], ids=lambda s: s.mode)
def test_the_others_are_made_where_one_fails(
    settings: ClipSettings, known: Known, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_to_encode(monkeypatch, Span(7, 30))
    digests = [0 if index == 7 else digest for index, digest in enumerate(known.digests)]
    made = make_all(known, folder, settings, digests)
    assert isinstance(made.pop(Span(7, 30)), ClipError)
    assert {path.name for path in folder.iterdir()} == {"0.mp4", "30.mp4", "31.mp4"}
    for span in made:
        assert numbers_in(folder / f"{span.start}.mp4") == list(range(span.start, span.end))


def test_what_cannot_be_encoded_is_copied(
    known: Known, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_to_encode(monkeypatch, Span(7, 30))
    made = make_all(known, folder, REENCODE, known.digests)
    clip = made[Span(7, 30)]
    assert isinstance(clip, ClipFile)
    assert (clip.method, clip.fallback_reason) == ("copy", "the encoder was told to fail")
    for span in made:
        assert numbers_in(folder / f"{span.start}.mp4") == list(range(span.start, span.end))
    one = make_one(known, folder / "one.mp4", REENCODE)
    assert (one.method, one.fallback_reason) == ("copy", "the encoder was told to fail")


@pytest.mark.parametrize("settings", [COPY, REENCODE], ids=lambda s: s.mode)
def test_a_clip_that_neither_method_can_make_says_why(
    settings: ClipSettings, known: Known, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_to_encode(monkeypatch, Span(7, 30))
    with pytest.raises(ClipError) as failure:
        make_one(known, folder / "a.mp4", settings, first_picture_digest=0)
    assert "the encoder was told to fail" in str(failure.value)
    assert "first picture is not the source's" in str(failure.value)


def test_what_cannot_be_decoded_costs_its_own_clip(
    known: Known, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_span(*arguments: Any, **options: Any) -> Iterator[Any]:
        for frame in real_read_span(*arguments, **options):
            if frame.index == 12:
                raise InvalidVideoError("too_corrupt", "frame 12 is damaged")
            yield frame

    monkeypatch.setattr(clip_maker, "read_span", read_span)
    made = make_all(known, folder, REENCODE)
    assert str(made.pop(Span(7, 30))) == "frame 12 is damaged"
    assert all(isinstance(clip, ClipFile) for clip in made.values())


@pytest.mark.parametrize("settings", [AUTO, COPY, REENCODE], ids=lambda s: s.mode)
def test_a_source_that_was_replaced_ends_it_all(
    settings: ClipSettings, known: Known, folder: Path, tmp_path: Path
) -> None:
    path = make_video(tmp_path / "other.mp4", [60], size_px=(128, 96))
    replaced = Known(path, known.info, known.timeline, known.pictures, known.digests)
    with pytest.raises(SourceChangedError):
        make_all(replaced, folder, settings, known.digests)
    assert not list(folder.iterdir())


@pytest.mark.parametrize("settings", [AUTO, COPY, REENCODE], ids=lambda s: s.mode)
def test_an_error_of_the_caller_ends_it_all(
    settings: ClipSettings, known: Known, folder: Path
) -> None:
    def on_clip(span: Span, outcome: ClipFile | ClipError) -> None:
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_many(
            known,
            SPANS,
            lambda span: folder / f"{span.start}.mp4",
            settings,
            picture_digests=known.digests,
            workers=1,
            on_clip=on_clip,
        )
    assert len(list(folder.iterdir())) < len(SPANS)


@pytest.mark.parametrize("settings", [AUTO, COPY, REENCODE], ids=lambda s: s.mode)
def test_clips_do_not_pile_up_where_the_caller_is_slow(
    settings: ClipSettings, known: Known, folder: Path
) -> None:
    begun: list[Span] = []
    taken: list[Span] = []

    def target_for(span: Span) -> Path:
        begun.append(span)
        return folder / f"{span.start}.mp4"

    def on_clip(span: Span, outcome: ClipFile | ClipError) -> None:
        if not taken:
            # Enough to make all of them, were nothing held back.
            time.sleep(0.5)
        taken.append(span)
        assert len(begun) <= len(taken) + 2

    write_many(
        known,
        [Span(i, i + 2) for i in range(0, 60, 2)],
        target_for,
        settings,
        picture_digests=known.digests,
        workers=1,
        on_clip=on_clip,
    )
    assert len(taken) == 30


def test_a_missing_folder_is_named(known: Known, folder: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="no-such-folder"):
        make_one(known, folder / "no-such-folder" / "a.mp4", COPY)


CHILD = """
import resource, sys, time
from pathlib import Path
from heaters_pipeline.video.clips.mp4_writer import ClipWriter
from heaters_pipeline.video.clips.write import ClipSettings, write_clips
from heaters_pipeline.video.media.frames import FrameReader
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.media.timing import Span

source, target, mode, trouble = sys.argv[1:]
info = probe(Path(source))
reader = FrameReader(Path(source), info)
for frame in reader:
    pass

def stop(*arguments):
    print("finished but not published", flush=True)
    time.sleep(600)

if trouble == "killed":
    ClipWriter.publish = stop
else:
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
try:
    settings = ClipSettings(mode, preset="ultrafast")
    write_clips(
        Path(source), info, reader.timeline, [Span(7, 30)], lambda _: Path(target), settings,
        picture_digests=None, workers=1, on_clip=print,
    )
except Exception as error:
    print(type(error).__name__, flush=True)
"""


@pytest.mark.parametrize("mode", ["auto", "copy", "reencode"])
def test_a_killed_process_leaves_no_clip(mode: str, known: Known, tmp_path: Path) -> None:
    target = tmp_path / "clip.mp4"
    with start_child(known, target, mode, "killed") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "finished but not published\n"
        child.send_signal(signal.SIGKILL)
    assert not target.exists()
    # What it leaves has no name that anybody would take for a clip.
    assert not list(tmp_path.glob("*.mp4"))


@pytest.mark.parametrize("mode", ["auto", "copy", "reencode"])
def test_a_full_disk_is_no_fault_of_the_video(mode: str, known: Known, tmp_path: Path) -> None:
    with start_child(known, tmp_path / "clip.mp4", mode, "full") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "StoreError\n"
    assert not list(tmp_path.iterdir())


def start_child(known: Known, target: Path, mode: str, trouble: str) -> "subprocess.Popen[str]":
    arguments = [sys.executable, "-c", CHILD, str(known.path), str(target), mode, trouble]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def test_only_clips_of_ours_are_taken_for_clips(known: Known, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    for path in (known.path, tmp_path / "text.mp4", tmp_path / "missing.mp4"):
        with pytest.raises(ClipError):
            inspect_clip(path)


def test_a_damaged_clip_is_found_out(known: Known, tmp_path: Path) -> None:
    whole = tmp_path / "whole.mp4"
    make_one(known, whole, COPY)
    content = whole.read_bytes()
    for share in (0.2, 0.5, 0.9):
        (tmp_path / "cut.mp4").write_bytes(content[: int(len(content) * share)])
        with pytest.raises(ClipError):
            inspect_clip(tmp_path / "cut.mp4")


@pytest.mark.parametrize(
    "note",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"format":"other","format_version":1}',
        '{"format":"heaters_clip","format_version":1,"method":"copy","span":[0,1],"tags":{}}',
        '{"format":"heaters_clip","format_version":3}',
        '{"format":"heaters_clip","format_version":2,"method":"magic","span":[0,1]}',
        '{"format":"heaters_clip","format_version":2,"method":"copy","span":[3,1]}',
        '{"format":"heaters_clip","format_version":2,"method":["copy"]}',
    ],
)
def test_notes_of_others_are_refused(note: str) -> None:
    with pytest.raises(ClipError):
        ClipNote.decode(note)


def test_notes_are_canonical() -> None:
    first = ClipNote("copy", None, Span(1, 2), ("packets",), {"b": "2", "a": "1"})
    second = ClipNote("copy", None, Span(1, 2), ("packets",), {"a": "1", "b": "2"})
    assert first.encode() == second.encode()
    assert ClipNote.decode(first.encode()) == first
