"""The corpus of bad, odd and hostile files: each is processed or refused as it should be."""

from pathlib import Path

import pytest

from heaters_pipeline.errors import InvalidVideoError
from heaters_pipeline.video.media.frames import FrameReader
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline_tests.bad_corpus import index_of, make_corpus


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus") / "files"
    make_corpus(folder, "--skip-huge")
    return folder


def _judge(path: Path) -> tuple[str, int | None]:
    """What becomes of a file, and how many frames it gave."""
    try:
        return "process", sum(1 for _ in FrameReader(path, probe(path)))
    except InvalidVideoError:
        return "reject", None


def test_every_file_of_the_corpus_is_processed_or_refused_rightly(corpus: Path) -> None:
    entries = index_of(corpus)["files"]
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
