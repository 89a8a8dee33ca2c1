"""Ctrl-C ends a command at once, with nothing half-written, and the next one goes on from there."""

import signal
from pathlib import Path

from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory_store import DirectoryObjectStore
from heaters_pipeline.video.clips import inspect_clip
from heaters_pipeline_tests.cli.heaters_command import Heaters, heaters_program
from heaters_pipeline_tests.pipeline import SPANS

# Presses Ctrl-C by itself when the first clip is stored, while the others are being made.
INTERRUPTS_ITSELF = """
import os, signal, time
from heaters_pipeline.assets import clip_work
from heaters_pipeline.cli import main

store = clip_work._store

def store_and_interrupt(*arguments):
    store(*arguments)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.5)

clip_work._store = store_and_interrupt
main()
"""


def test_ctrl_c_leaves_nothing_half_made_and_what_is_made_is_reused(
    home: Path, film: Path, tmp_path: Path, heaters: Heaters
) -> None:
    program = heaters_program("process", film, "--json", folder=tmp_path, script=INTERRUPTS_ITSELF)
    out, err = program.communicate()
    assert program.returncode in (1, 130, -signal.SIGINT), err
    assert out == ""
    assert "Traceback" not in err, err
    store = DirectoryObjectStore(home / "data")
    clips = list(store.list("clips/"))
    assert clips
    for found in clips:
        path = store.local_path(found.key)
        assert path is not None
        assert inspect_clip(path).frames in {end - start for start, end in SPANS}
    assert store.head(keys.manifest_key("clips", "film")) is None
    left = list((home / "data" / ".tmp").glob("*"))
    assert not left
    assert not list((tmp_path / "cache" / "scratch").glob("*"))
    (status,) = heaters("status", "--json").videos
    assert status["state"] == "splicing_failed"
    assert "canceled" in status["error"] or "interrupted" in status["error"].lower()
    (video,) = heaters("process", film, "--json").videos
    assert video["state"] == "spliced"
    reused = [clip for clip in video["clips"] if clip["metadata"]["skipped"]]
    assert len(reused) >= len(clips)
