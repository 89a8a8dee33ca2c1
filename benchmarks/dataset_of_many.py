"""What exporting a data set of very many clips costs: all of it, and again after one clip changed.

    python -m benchmarks.dataset_of_many FOLDER [--videos 250 1000] [--clips 20]

Stores as ``many_videos`` writes them, with files of zeros for clips, are made in FOLDER, and each
is exported as WebDataset three times: all of it, with nothing changed, and with one clip rejected.
Prints CPU seconds, peak memory of the process and requests to the store and to the data set.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.many_videos import Template, _as_folder, fill, make_template, video_name
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records.video_manifests import read_video, write_video

EXPORT = """
import json, resource, sys, time
from pathlib import Path
from tempfile import TemporaryDirectory
from heaters_pipeline.datasets.exporting import export_dataset
from heaters_pipeline.datasets.place import Place
from heaters_pipeline.datasets.settings import DatasetSettings
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
store, target = (DirectoryObjectStore(Path(each)) for each in sys.argv[1:3])
settings = DatasetSettings(shard_megabytes=int(sys.argv[3]))
begun = time.process_time()
with TemporaryDirectory() as folder:
    done = export_dataset(store, Place(target), settings, Path(folder))
print(json.dumps({
    "clips": done.clips,
    "written": len(done.written),
    "kept": done.kept,
    "seconds": round(time.process_time() - begun, 1),
    "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000,
    "store": sum(store.requests.values()),
    "target": sum(target.requests.values()),
}))
"""


def without_digests(template: Template) -> Template:
    """A template whose clips may have any content of their length."""
    clips = template.video.stages["clips"]
    items = tuple(replace(item, details={**item.details, "sha256": None}) for item in clips.items)
    video = template.video.with_stage(replace(clips, items=items))
    rows = [{**row, "sha256": None} for row in template.clip_rows]
    return replace(template, video=replace(video, pictures={}), clip_rows=rows)


def reject_one(root: Path) -> None:
    """Let a person have rejected the first clip of the first video."""
    store = DirectoryObjectStore(root, settle_seconds=0)
    video = read_video(store, video_name(1))
    clips = video.stages["clips"]
    first, *others = clips.items
    first = replace(first, details={**first.details, "review": "rejected"})
    write_video(store, video.with_stage(replace(clips, items=(first, *others))))


def export(root: Path, folder: Path, megabytes: int) -> dict[str, float]:
    """What an export in a process of its own costs."""
    command = [sys.executable, "-c", EXPORT, str(root), str(folder), str(megabytes)]
    found: dict[str, float] = json.loads(subprocess.check_output(command))
    return found


def main() -> None:
    """Print a line of the table an export."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("folder", type=Path, help="new or empty")
    arguments.add_argument("--videos", type=int, nargs="*", default=[250, 1000])
    arguments.add_argument("--clips", type=int, default=20, help="of each video")
    arguments.add_argument("--shard-size", type=int, default=1, help="in MB")
    chosen = arguments.parse_args()
    template = without_digests(make_template(chosen.clips))
    print(
        "| clips | export | shards written, kept | CPU s | memory, MB | requests: store, target |"
    )
    print("|---|---|---|---|---|---|")
    for videos in chosen.videos:
        root, folder = (chosen.folder / f"{name}-{videos}" for name in ("store", "set"))
        root.mkdir(parents=True)
        fill(root, partial(_as_folder, root), template, videos, ["clips"])
        for label in ("all", "nothing changed", "one clip rejected"):
            if label == "one clip rejected":
                reject_one(root)
            cost = export(root, folder, chosen.shard_size)
            print(
                f"| {cost['clips']} | {label} | {cost['written']}, {cost['kept']} "
                f"| {cost['seconds']} | {cost['megabytes']} | {cost['store']}, {cost['target']} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
