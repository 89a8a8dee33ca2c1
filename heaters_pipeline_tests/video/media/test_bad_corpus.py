"""The corpus of bad, odd and hostile files: each is processed or refused as it should be.

The corpus is not part of the project. ``HEATERS_SHARED`` names the folder that holds
``tools/bad-corpus/make_corpus.py``, which writes the same files each time.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from heaters_pipeline.errors import InvalidVideoError
from heaters_pipeline.video.media.frames import FrameReader
from heaters_pipeline.video.media.probe import probe


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shared = os.environ.get("HEATERS_SHARED")
    if not shared:
        pytest.skip("HEATERS_SHARED is not set")
    maker = Path(shared) / "tools" / "bad-corpus" / "make_corpus.py"
    if not maker.is_file():
        pytest.skip(f"{maker} does not exist")
    pytest.importorskip("imageio_ffmpeg", reason="the corpus is made with imageio-ffmpeg")
    folder = tmp_path_factory.mktemp("corpus") / "files"
    subprocess.run([sys.executable, maker, folder, "--skip-huge"], check=True, capture_output=True)
    return folder


def _judge(path: Path) -> tuple[str, int | None]:
    """What becomes of a file, and how many frames it gave."""
    try:
        return "process", sum(1 for _ in FrameReader(path, probe(path)))
    except InvalidVideoError:
        return "reject", None


def test_every_file_of_the_corpus_is_processed_or_refused_rightly(corpus: Path) -> None:
    entries = json.loads((corpus / "index.json").read_text())["files"]
    assert len(entries) > 100
    wrong = {}
    for entry in entries:
        path = corpus / entry["file"]
        # Only the caller can know whether a link may be followed; the gate never does.
        if path.is_symlink() and entry["expect"] == "process":
            path = path.resolve()
        verdict, frames = _judge(path)
        expected_frames = frames if entry["frames"] is None else entry["frames"]
        if (verdict, frames) != (entry["expect"], expected_frames):
            wrong[entry["file"]] = f"{verdict}, {frames} frames; {entry['odd']}"
    assert not wrong
