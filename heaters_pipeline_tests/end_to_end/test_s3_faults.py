"""Faults between the pipeline and S3: runs complete, or fail with a message and go on later.

What is stored in the end is compared, byte for byte, with a run that met no fault.
"""

import logging
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import botocore.retries.standard
import dagster as dg
import pytest

from heaters_pipeline.assets.policy import RETRY_POLICY
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.s3.client import S3Options
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline.video.clips.write import inspect_clip
from heaters_pipeline_tests.pipeline import SPANS, STAGES, Outcome, Pipeline
from heaters_pipeline_tests.servers import S3Server
from heaters_pipeline_tests.storage.fault_proxy import (
    PASSING,
    Fault,
    FaultProxy,
    always,
    at_random,
    each_first,
    proxying,
)

OPTIONS = S3Options(read_timeout_seconds=0.4, resume_delay_seconds=0.01)
UNITS = 2 + 3 * len(SPANS)
"""The track, the clips, and the sheets and key frames of each."""
MOST_EXTRA_WORK = 0.05
WORKED = re.compile(r"(\w+): (made \S+|\S+ failed: .*)")

LASTING = {
    "clip": ("PutObject", "videos/clips/.*mp4"),
    "sheet": ("PutObject", "videos/sprite_sheets/"),
    "key frame": ("PutObject", "videos/keyframes/"),
    "track": ("PutObject", "videos/frame_scores/"),
    "source": ("PutObject", "videos/source_videos/"),
    "manifest": ("PutObject", f"videos/{keys.MANIFEST_PREFIX}videos/"),
    "read": ("GetObject", "videos/"),
    "listing": ("ListObjectsV2", ""),
    "head": ("HeadObject", ""),
    "deletion": ("DeleteObject", ""),
}

# A cut that finds no content to cut, and a lost reply to what the next try finds carried out.
OVERCOME = {
    **{(kind, Fault.REPLY_CUT): 0 for kind, (sent, _) in LASTING.items() if sent == "PutObject"},
    ("head", Fault.REPLY_CUT): 0,
    ("head", Fault.UPLOAD_CUT): 0,
    ("source", Fault.RESET_AFTER): 1,
}
"""What a run overcomes although it lasts, and how many steps it tries again for that."""


class Link:
    """The pipeline on a bucket behind a proxy, with what is worked on in all attempts."""

    def __init__(self, proxy: FaultProxy, pipeline: Pipeline, film: Path) -> None:
        self.proxy = proxy
        self.pipeline = pipeline
        self._film = film
        self.work: Counter[str] = Counter()

    def process(self) -> Outcome:
        """Run the whole pipeline on the film."""
        return self.pipeline.process(source_videos={"origin": str(self._film)})

    def send_all_in_parts(self) -> None:
        """Upload every file as a multipart upload, which takes three requests more."""
        bucket = self.pipeline.store.url.split("/")[2]
        options = replace(OPTIONS, multipart_threshold_bytes=1)
        self.pipeline = Pipeline(
            lambda: S3ObjectStore(bucket, "videos", options=options), self.pipeline.folder
        )


class _Work(logging.Handler):
    """Counts each unit that was worked on, whether it could be stored or not."""

    def __init__(self, work: Counter[str]) -> None:
        super().__init__(logging.DEBUG)
        self._work = work

    def emit(self, record: logging.LogRecord) -> None:
        """Count one."""
        if match := WORKED.fullmatch(record.getMessage()):
            self._work[match.group(1)] += 1


@pytest.fixture
def link(
    rclone_s3: S3Server, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Link]:
    """An empty bucket behind a proxy; nobody waits between two attempts."""
    monkeypatch.setattr(
        botocore.retries.standard.ExponentialBackoff, "delay_amount", lambda *_: 0.01
    )
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    bucket = rclone_s3.new_bucket()
    logger = logging.getLogger("heaters_pipeline.assets")
    with proxying(rclone_s3.endpoint_url) as proxy:
        S3Server(proxy.endpoint_url, rclone_s3.access_key, rclone_s3.secret_key).use(monkeypatch)
        pipeline = Pipeline(
            lambda: S3ObjectStore(bucket, "videos", options=OPTIONS), tmp_path / "local"
        )
        created = Link(proxy, pipeline, film)
        handler = _Work(created.work)
        logger.addHandler(handler)
        monkeypatch.setattr(logger, "level", logging.DEBUG)
        yield created
        logger.removeHandler(handler)
        created.pipeline.instance.dispose()


@pytest.fixture
def reference(processed_folder: Path) -> dict[str, bytes]:
    """All objects but the records, as a run without faults stores them."""
    return contents(DirectoryObjectStore(processed_folder))


def contents(store: DirectoryObjectStore | S3ObjectStore) -> dict[str, bytes]:
    """All objects but records, and pictures for people."""
    return {
        found.key: store.read_bytes(found.key)
        for found in store.list("")
        if not found.key.startswith((keys.MANIFEST_PREFIX, "reports/", keys.CATALOG_CHANGE_PREFIX))
    }


def assert_complete(link: Link, reference: dict[str, bytes], tmp_path: Path) -> None:
    """The store holds the whole result, nothing else, and no temporary file is left."""
    store = link.pipeline.store
    stored = contents(store)
    assert stored.keys() == reference.keys()
    assert [key for key in stored if stored[key] != reference[key]] == []
    named = set()
    for stage in STAGES[1:]:
        for item in link.pipeline.manifest(stage).items:
            named.add(item.key)
            assert len(store.read_bytes(item.key)) == item.size_bytes
    assert {key for key in stored if not key.startswith("source_videos/")} <= named
    for item in link.pipeline.manifest("clips").items:
        store.fetch(item.key, tmp_path / "clip.mp4")
        facts = inspect_clip(tmp_path / "clip.mp4")
        assert (facts.span.start, facts.span.end) == (item.start_frame, item.end_frame)
    assert_no_temporary_files(link)


def assert_no_temporary_files(link: Link) -> None:
    """Neither scratch folders nor half-made copies are left."""
    folder = link.pipeline.folder
    assert not list((folder / "scratch").glob("*"))
    assert not [path for path in folder.rglob("*") if "partial" in path.name]
    assert not list((folder / "objects" / "unfinished").glob("*"))


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_of_each_request_costs_no_work(
    link: Link, reference: dict[str, bytes], tmp_path: Path, fault: Fault
) -> None:
    link.proxy.script = each_first(fault)
    outcome = link.process()
    assert outcome.success, outcome.error
    hit = {operation for kind, operation in link.proxy.faults if kind is fault}
    assert hit >= {"PutObject", "GetObject", "HeadObject", "ListObjectsV2", "DeleteObject"}
    assert link.proxy.total <= 3 * link.proxy.forwarded.total()
    assert outcome.events["STEP_UP_FOR_RETRY"] == 0
    assert set(outcome.count("failed").values()) == {0}
    assert link.work.total() == UNITS, link.work
    link.proxy.calm()
    assert_complete(link, reference, tmp_path)
    again = link.process()
    assert again.count("made") == dict.fromkeys(STAGES, 0)
    assert link.proxy.stored() == []


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(
            fault,
            marks=() if fault in (Fault.RESET_AFTER, Fault.UPLOAD_CUT) else pytest.mark.slow,
        )
        for fault in PASSING
    ],
)
def test_a_fault_of_each_request_of_uploads_in_parts_costs_no_work(
    link: Link, reference: dict[str, bytes], tmp_path: Path, fault: Fault
) -> None:
    link.send_all_in_parts()
    link.proxy.script = each_first(fault)
    outcome = link.process()
    assert outcome.success, outcome.error
    hit = {operation for kind, operation in link.proxy.faults if kind is fault}
    assert hit >= {"CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"}
    assert link.work.total() == UNITS, link.work
    link.proxy.calm()
    assert_complete(link, reference, tmp_path)


def is_unit(key: str) -> bool:
    """Whether an object is the last of a unit of work."""
    stage = key.partition("/")[0]
    if stage == "sprite_sheets":
        return key.endswith(".json")
    if stage == "storyboards":
        return key.endswith(".vtt")
    if stage == "keyframes":
        return "-thumbnail." not in key
    return stage in ("frame_scores", "clips")


def lasting_cases() -> list[object]:
    """Each fault on each kind of request; the long form has all of them."""
    short = {("clip", Fault.RESET_AFTER)}
    short |= {(kind, Fault.DENIED) for kind in LASTING}
    short |= {(kind, Fault.SLOW_DOWN) for kind in ("clip", "manifest", "listing", "deletion")}
    return [
        pytest.param(
            fault,
            kind,
            id=f"{kind}-{fault}",
            marks=() if (kind, fault) in short else pytest.mark.slow,
        )
        for kind in LASTING
        for fault in Fault
    ]


@pytest.mark.parametrize(("fault", "kind"), lasting_cases())
def test_a_fault_that_lasts_fails_clearly_and_the_next_run_makes_what_is_missing(
    link: Link, reference: dict[str, bytes], tmp_path: Path, fault: Fault, kind: str
) -> None:
    operation, pattern = LASTING[kind]
    link.proxy.script = always(fault, operation, pattern)
    failed = link.process()
    if failed.success:
        # What costs requests only must not fail a run.
        assert kind == "deletion" or (kind, fault) in OVERCOME
        assert failed.events["STEP_UP_FOR_RETRY"] == OVERCOME.get((kind, fault), 0)
    else:
        assert failed.error is not None
        assert "\n" not in failed.error
        assert link.pipeline.store.url in failed.error, failed.error
        assert len(failed.error) < 1500
        if fault is Fault.DENIED:
            assert "give these credentials the permission s3:" in failed.error
        retried = failed.events["STEP_UP_FOR_RETRY"]
        # Its second attempt finds what the first one sent, so that a later step is the one to fail.
        overcome = kind == "head"
        most = RETRY_POLICY.max_retries
        assert retried == (0 if fault is Fault.DENIED else most + overcome), failed.error
    assert_no_temporary_files(link)
    link.work.clear()
    link.proxy.calm()
    if failed.success and kind != "deletion":
        assert_complete(link, reference, tmp_path)
    already = sum(is_unit(key) for key in contents(link.pipeline.store))
    outcome = link.process()
    assert outcome.success, outcome.error
    assert link.work.total() <= UNITS - already, (link.work, already)
    assert_complete(link, reference, tmp_path)


RANDOM_SEEDS = [
    pytest.param(seed, id=f"seed{seed}", marks=() if seed < 5 else pytest.mark.slow)
    for seed in range(100)
]


@pytest.mark.parametrize("seed", RANDOM_SEEDS)
def test_faults_at_random(
    link: Link, reference: dict[str, bytes], tmp_path: Path, seed: int
) -> None:
    if seed % 2:
        link.send_all_in_parts()
    link.proxy.script = at_random(seed)
    outcome = link.process()
    assert link.proxy.faults.total() > 0.05 * link.proxy.total
    assert link.proxy.total <= 2 * link.proxy.forwarded.total()
    link.proxy.calm()
    if not outcome.success:
        assert outcome.error
        assert link.pipeline.store.url in outcome.error
        outcome = link.process()
        assert outcome.success, outcome.error
    assert link.work.total() <= (1 + MOST_EXTRA_WORK) * UNITS, link.work
    assert_complete(link, reference, tmp_path)
