"""Measure how long ``heaters verify`` takes on a large store, and what it asks for.

    python -m benchmarks.verifying [--clips 100000]

Writes a store of small objects with manifests, 100 clips a video, and runs the whole command on it:
as a folder, and through rclone's S3 server (from the extra ``test``) over the same folder. The peer
is a HEAD for each clip, by as many threads as ``verify`` reads with, measured on some of them.
"""

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

from heaters_pipeline.names import VIDEO_STAGES
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.open_store import open_store
from heaters_pipeline.storage.records.manifests import Manifest, ManifestItem, fingerprint_of
from heaters_pipeline.storage.records.verification import READERS
from heaters_pipeline.storage.records.video_manifests import VideoManifest
from heaters_pipeline_tests.servers import running_rclone

CLIPS_A_VIDEO = 100
CLIP_BYTES = 64
FRAMES = 25


def main() -> None:
    """Print a table."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--clips", type=int, default=100_000)
    arguments.add_argument("--heads", type=int, default=2_000, help="sampled for the peer")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "home").mkdir()
        (folder / "home" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        os.environ["DAGSTER_HOME"] = str(folder / "home")
        (folder / "objects").mkdir()
        with running_rclone(folder / "objects") as server:
            os.environ |= server.environment
            bucket = server.new_bucket()
            root = folder / "objects" / bucket / "store"
            for number in range(chosen.clips // CLIPS_A_VIDEO):
                _write_video(root, f"video-{number:05d}")
            for location in (str(root), f"s3://{bucket}/store"):
                _measure(location, [])
                if location == str(root):
                    # Over S3 it is a GET an object, which measures the server.
                    _measure(location, ["--deep"])
                _measure_heads(location, chosen.clips, chosen.heads)


def _measure(location: str, options: list[str]) -> None:
    command = [sys.executable, "-c", "from heaters_pipeline.cli import main; main()", "verify"]
    started = time.perf_counter()
    done = subprocess.run(
        [*command, "--json", *options],
        check=True,
        stdout=subprocess.PIPE,
        env={**os.environ, "HEATERS_STORE": location},
    )
    seconds = time.perf_counter() - started
    document = json.loads(done.stdout)
    valid = {stage: counts["valid"] for stage, counts in document["stages"].items()}
    # Of the largest child so far.
    memory_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
    print(f"{_kind(location)} {options}: {seconds:.1f} s, {document['requests']}, {valid}", end="")
    print(f", at most {memory_mb:.0f} MB", flush=True)


def _measure_heads(location: str, clips: int, sampled: int) -> None:
    store = open_store(location, base_folder=Path.cwd())
    videos = max(1, sampled // CLIPS_A_VIDEO)
    wanted = [
        _clip_key(f"video-{at // CLIPS_A_VIDEO:05d}", at % CLIPS_A_VIDEO)
        for at in range(videos * CLIPS_A_VIDEO)
    ]
    started = time.perf_counter()
    with ThreadPoolExecutor(READERS) as pool:
        found = list(pool.map(store.head, wanted))
    seconds = time.perf_counter() - started
    if None in found:
        raise SystemExit("a clip is missing")
    print(f"{_kind(location)} HEADs: {seconds:.1f} s for {len(found)}, ", end="")
    print(f"{seconds * clips / len(found):.0f} s for {clips}", flush=True)


def _kind(location: str) -> str:
    return location.partition("://")[0] if "://" in location else "folder"


def _clip_key(video_id: str, position: int) -> str:
    digest = hashlib.sha256(f"{video_id} {position}".encode()).hexdigest()
    return keys.clip_key(video_id, position * FRAMES, (position + 1) * FRAMES, digest)


def _write_video(root: Path, video_id: str) -> None:
    """Put a video's objects and records into the folder as the pipeline would name them."""
    source = _put(root, keys.source_key_for_name(f"{video_id}.mp4"), video_id.encode())
    track_key = keys.frame_scores_key(video_id, "0" * 16, "fast")
    items = {
        "frame_scores": [_item(root, track_key, 0, CLIPS_A_VIDEO)],
        "clips": [_item(root, _clip_key(video_id, at), at, at + 1) for at in range(CLIPS_A_VIDEO)],
    }
    summary = {
        "source_key": keys.source_key_for_name(f"{video_id}.mp4"),
        "size_bytes": len(video_id),
        "sha256": source,
    }
    manifests = {}
    for stage in VIDEO_STAGES:
        inputs = {"stage": stage, "video": video_id}
        manifests[stage] = Manifest(
            stage,
            video_id,
            fingerprint_of(inputs),
            inputs,
            {},
            summary if stage == "source_videos" else {},
            tuple(items.get(stage, ())),
        )
    _put(root, keys.video_manifest_key(video_id), VideoManifest(video_id, manifests).to_bytes())


def _item(root: Path, key: str, start: int, end: int) -> ManifestItem:
    content = hashlib.sha256(key.encode()).digest() * (CLIP_BYTES // 32)
    details = {"sha256": _put(root, key, content), "checked": [], "method": "copy", "exact": True}
    first, last = start * FRAMES, end * FRAMES
    return ManifestItem(
        key, CLIP_BYTES, first, last, Fraction(start), Fraction(end), reused=False, details=details
    )


def _put(root: Path, key: str, content: bytes) -> str:
    path = root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    main()
