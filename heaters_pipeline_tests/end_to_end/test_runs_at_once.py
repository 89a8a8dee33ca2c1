"""Several runs of the same video at once: right results, hardly anything made twice, no error."""

import itertools
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline_tests.end_to_end.killed_runs import ITEM_PREFIXES, Victim
from heaters_pipeline_tests.servers import S3Server

RUNS = 3
MOST_MADE = 1.05


def cases(*, short: bool) -> list[tuple[str, str, str]]:
    """Kind of store, machines and settings; those of the short form cover each of them once."""
    few = [
        ("folder", "one machine", "other settings"),
        ("rclone", "several machines", "same settings"),
    ]
    every = itertools.product(
        ("folder", "rclone"),
        ("one machine", "several machines"),
        ("same settings", "other settings"),
    )
    return few if short else [case for case in every if case not in few]


@pytest.fixture
def store(
    kind: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    home: Path,
) -> ObjectStore:
    if kind == "folder":
        monkeypatch.setenv("HEATERS_STORE", str(tmp_path / "store"))
        return DirectoryObjectStore(tmp_path / "store")
    server: S3Server = request.getfixturevalue("rclone_s3")
    server.use(monkeypatch)
    bucket = server.new_bucket()
    monkeypatch.setenv("HEATERS_STORE", f"s3://{bucket}/videos")
    return S3ObjectStore(bucket, "videos")


@pytest.mark.parametrize(
    ("kind", "machines", "settings"),
    [
        *cases(short=True),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in cases(short=False)),
    ],
)
def test_runs_of_one_video_at_once_make_everything_once(
    store: ObjectStore, film: Path, home: Path, tmp_path: Path, machines: str, settings: str
) -> None:
    runs = []
    for number in range(RUNS):
        folder = tmp_path / (f"{number}" if machines == "several machines" else "0")
        if not folder.exists():
            shutil.copytree(home, folder / "home")
        environment = {
            **os.environ,
            "DAGSTER_HOME": str(folder / "home"),
            "HEATERS_CACHE": str(folder / "cache"),
        }
        quality = str(20 + number) if settings == "other settings" else "20"
        arguments = [str(film), "--clips", "reencode", "--preset", "ultrafast", "--crf", quality]
        runs.append(Victim(store, environment, arguments, tmp_path / f"{number}.log"))
    with ThreadPoolExecutor(RUNS) as pool:
        list(pool.map(Victim.undisturbed, runs))
    assert sum("waiting for another run of it" in run.output() for run in runs) == RUNS - 1
    begun = [key for run in runs for key in run.begun_items()]
    stored = [each.key for prefix in ITEM_PREFIXES for each in store.list(prefix)]
    assert set(begun) == set(stored)
    assert len(begun) <= MOST_MADE * len(stored)
    per_setting = 1 if settings == "same settings" else RUNS
    assert len([key for key in stored if key.startswith("clips/")]) == 4 * per_setting
    for run in runs:
        # While another works on it the video is said to be splicing.
        assert ", 4 scenes, 4 clips; made " in run.output(), run.output()
        # Each setting is whole: a run with it finds everything.
        run.undisturbed()
        assert not run.begun_items()
