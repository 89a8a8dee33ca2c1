"""The corpus of bad, odd and hostile files, which is no part of the project.

``HEATERS_SHARED`` names the folder that holds ``tools/bad-corpus/make_corpus.py``, which writes the
same files each time.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from heaters_pipeline_tests.no_skips import NO_SHARED_MATERIAL


def make_corpus(folder: Path, *options: str) -> None:
    """Write the files, and ``index.json`` that says what is right for each.

    Args:
        folder: Does not exist yet.
        options: Of the program that writes them.
    """
    shared = os.environ.get("HEATERS_SHARED")
    if not shared:
        pytest.skip(NO_SHARED_MATERIAL)
    maker = Path(shared) / "tools" / "bad-corpus" / "make_corpus.py"
    if not maker.is_file():
        pytest.skip(f"{maker} does not exist")
    pytest.importorskip("imageio_ffmpeg", reason="the corpus is made with imageio-ffmpeg")
    subprocess.run([sys.executable, maker, folder, *options], check=True, capture_output=True)


def index_of(folder: Path) -> dict[str, Any]:
    """What is right for each file."""
    return dict(json.loads((folder / "index.json").read_text()))
