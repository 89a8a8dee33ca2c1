"""Serve a bucket of very many videos of which nothing lies anywhere: it is made as it is asked for.

It holds the records of a small processed video under other names, and all objects that they name,
without content. As files, five million objects take a disk longer than any command that lists them.
What is written is kept in a folder. There is no catalog. ``benchmarks.lists`` uses it.
"""

import re
import tempfile
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

from benchmarks.listing_server import PAGE, Bucketed, Facts, running
from benchmarks.many_videos import (
    BUCKET,
    TEMPLATE,
    Template,
    make_template,
    renamed,
    video_name,
)
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.records.video_manifests import PICTURES
from heaters_pipeline_tests.servers import S3Server

STORE = "store/"
_CHANGED = 1_760_000_000.0
_NUMBER = re.compile(r"/video-(\d{6})[./]")


class GeneratedStore(Bucketed):
    """The server of ``many/store``.

    Args:
        template: The video of which all others are copies.
        videos: How many, from ``video-000001`` on.
        folder: An empty one, for what is written.
    """

    def __init__(self, template: Template, videos: int, folder: Path) -> None:
        super().__init__(folder, list_seconds=0.1, object_seconds=0.02)
        self._numbers = range(1, videos + 1)
        version = template.video.stages["source_videos"].summary["version"]
        self._record = template.video.to_bytes().decode().replace(version, "{version}")
        self._source_bytes = template.source_bytes
        record = keys.video_manifest_key(TEMPLATE)
        sizes = {
            f"{keys.SOURCE_PREFIX}{TEMPLATE}.mp4": template.source_bytes,
            record: len(self._content(0)),
        }
        for name, stage in template.video.stages.items():
            sizes |= {item.key: item.size_bytes for item in stage.items}
            # Of these no size is recorded.
            sizes |= {
                stage.summary[each]: 1 for each in PICTURES.get(name, ()) if each in stage.summary
            }
        self._folders: dict[str, dict[str, int]] = {}
        for key, size_bytes in sorted(sizes.items()):
            self._folders.setdefault(key.partition(TEMPLATE)[0], {})[key] = size_bytes

    def find(self, key: str) -> Facts | None:
        """Of what was written, or of what a video has."""
        number = _NUMBER.search(key)
        if (written := super().find(key)) or not number:
            return written
        name = key.removeprefix(f"{BUCKET}/{STORE}")
        folder = name.partition(video_name(int(number.group(1))))[0]
        return dict(self._of_video(folder, int(number.group(1)))).get(name)

    def read(self, key: str) -> bytes:
        """What was written, or the record of a video."""
        number = _NUMBER.search(key)
        return super().read(key) if super().find(key) or not number else self._content_of(number)

    def listed(self, bucket: str, prefix: str, after: str) -> list[tuple[str, Facts]]:
        """What was written among what the videos have."""
        made = self._made(prefix.removeprefix(STORE), after.removeprefix(STORE))
        found = [(f"{bucket}/{STORE}{key}", facts) for key, facts in islice(made, PAGE + 1)]
        return sorted([*found, *super().listed(bucket, prefix, after)])[: PAGE + 1]

    def _made(self, prefix: str, after: str) -> Iterator[tuple[str, Facts]]:
        start = max(prefix, after)
        for folder in self._folders:
            if not (folder.startswith(prefix) or prefix.startswith(folder)):
                continue
            first = bisect_left(self._numbers, start, key=lambda each: folder + video_name(each))
            for number in self._numbers[max(first - 1, 0) :]:
                if folder + video_name(number) > prefix + "\U0010ffff":
                    break
                for key, facts in self._of_video(folder, number):
                    if key > after and key.startswith(prefix):
                        yield key, facts

    def _of_video(self, folder: str, number: int) -> list[tuple[str, Facts]]:
        """What a video has in a folder, in order."""
        name, etag = video_name(number), f"{number:032x}"
        objects = self._folders.get(folder, {}).items()
        return sorted((renamed(key, name), (size, etag, _CHANGED)) for key, size in objects)

    def _content(self, number: int) -> bytes:
        version = f"{number:032x}-{self._source_bytes}"
        return renamed(self._record, video_name(number)).replace("{version}", version).encode()

    def _content_of(self, found: re.Match[str]) -> bytes:
        return self._content(int(found.group(1)))


@contextmanager
def generated(videos: int, clips: int = 20) -> Iterator[S3Server]:
    """Serve a store of so many videos, of so many clips each, without the pictures of the UI."""
    template = make_template(clips)
    template = replace(template, video=replace(template.video, pictures={}))
    with (
        tempfile.TemporaryDirectory() as folder,
        running(GeneratedStore(template, videos, Path(folder))) as server,
    ):
        yield server
