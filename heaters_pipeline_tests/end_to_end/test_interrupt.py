"""Ctrl-C ends a command at once, with nothing half-written, and the next one goes on from there."""

from pathlib import Path

from heaters_pipeline.names import INTERRUPTED
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline.video.clips.write import inspect_clip
from heaters_pipeline_tests.cli.heaters_command import Heaters, heaters_program

# Presses Ctrl-C once, when the first clip is stored.
INTERRUPTS_ITSELF = """
import os, signal
from heaters_pipeline.assets import clip_work
from heaters_pipeline.cli import main

store, pressed = clip_work._store, []

def store_and_interrupt(*arguments):
    store(*arguments)
    if not pressed:
        pressed.append(True)
        os.kill(os.getpid(), signal.SIGINT)

clip_work._store = store_and_interrupt
main()
"""


def test_ctrl_c_leaves_nothing_half_made_and_what_is_made_is_reused(
    home: Path, film: Path, tmp_path: Path, heaters: Heaters
) -> None:
    program = heaters_program(
        "process", film, film, "--json", folder=tmp_path, script=INTERRUPTS_ITSELF
    )
    out, err = program.communicate()
    assert (program.returncode, out) == (1, "")
    assert err.endswith("\nAborted!\n")
    assert "Traceback" not in err, err
    store = DirectoryObjectStore(home / "data")
    clips = list(store.list("clips/"))
    assert clips
    for found in clips:
        path = store.local_path(found.key)
        assert path is not None
        facts = inspect_clip(path)
        assert facts.frames == len(facts.span)
    assert "clips" not in read_video(store, "film").stages
    assert not list((home / "data" / ".tmp").glob("*"))
    assert not list((tmp_path / "cache" / "scratch").glob("*"))
    (status,) = heaters("status", "--json").videos
    assert (status["state"], status["error"]) == ("splicing_failed", INTERRUPTED)
    (video,) = heaters("process", film, "--json").videos
    assert video["state"] == "spliced"
    reused = [clip["clip_filepath"] for clip in video["clips"] if clip["metadata"]["skipped"]]
    assert {found.key for found in clips} <= set(reused)
